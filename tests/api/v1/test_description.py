"""The API does what its description says, also for requests that nobody thought of."""

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, Phase, given, settings
from openapi_spec_validator import OpenAPIV31SpecValidator
from schemathesis import Case, GenerationMode, openapi
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from api.v1.common.document import PREFIX
from tests.addresses import rules_of_programs
from tests.programs import token_of

DOCUMENT = f"{PREFIX}/openapi.json"


def test_the_description_is_valid(client: FlaskClient):
    answer = client.get(DOCUMENT)
    assert answer.status_code == 200
    assert answer.json["openapi"].startswith("3.1")
    OpenAPIV31SpecValidator(answer.json).validate()


def test_it_describes_every_address(app: Flask, client: FlaskClient):
    described = {
        (method.upper(), path)
        for path, item in client.get(DOCUMENT).json["paths"].items()
        for method in item
    }
    served = {
        (method, rule.rule.replace("<", "{").replace(">", "}"))
        for rule in rules_of_programs(app)
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }
    assert described == served


def test_operations_have_names_of_their_own(client: FlaskClient):
    items = client.get(DOCUMENT).json["paths"].values()
    names = [operation["operationId"] for item in items for operation in item.values()]
    assert len(names) == len(set(names))


CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
FEW = settings(
    max_examples=4,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.parametrize("mode", GenerationMode)
def test_made_up_requests_are_answered_as_described(app: Flask, case, mode: GenerationMode):
    """With what is there in the addresses, and all else made up, right or wrong."""
    there = {
        "case_id": case["id"],
        "analysis_id": case["field"],
        "batch_id": "0" * 32,
        "cell_id": f"{case['field']}.0",
        "suffix": "json",
    }
    headers = {"Authorization": f"Bearer {token_of(app, 'ada')}"}
    checks = [*CHECKS, negative_data_rejection] if mode is GenerationMode.NEGATIVE else CHECKS
    asked = 0
    for result in openapi.from_wsgi(DOCUMENT, app).get_all_operations():
        operation = result.ok()
        if "dicomweb" in operation.path:
            # It makes no such bodies; `test_dicomweb.py` does.
            continue
        named = {name: there[name] for name in there if f"{{{name}}}" in operation.path}

        @FEW
        @given(made=operation.as_strategy(mode, path_parameters=named))
        def ask(made: Case) -> None:
            nonlocal asked
            asked += 1
            made.call_and_validate(headers=headers, checks=checks)

        if mode is GenerationMode.POSITIVE or can_be_wrong(operation):
            ask()
    assert asked > 20


def can_be_wrong(operation) -> bool:
    """Whether there is anything beside the address that a request can have wrong."""
    return bool(operation.query.items or operation.body.items)
