"""What tests of the API need: programs of ada and of a colleague, and a case with a field."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from records import db
from tests.cases import open_case, put_field
from tests.people import account_named
from tests.programs import program_of


@pytest.fixture
def program(app: Flask, signed_in: FlaskClient) -> FlaskClient:
    """A program of ada, a reviewer."""
    return program_of(app, "ada")


@pytest.fixture
def other_program(app: Flask, colleague: FlaskClient) -> FlaskClient:
    """A program of cleo, a reader of ada's team."""
    return program_of(app, "cleo")


@pytest.fixture
def case(app: Flask, signed_in: FlaskClient) -> dict[str, str]:
    """A case of ada's with one field: its address, its id, and that of the field."""
    with app.app_context():
        made = open_case(account_named("ada").id, accession="S-1")
        field = put_field(made)
        # A name that the store could have made; there is no such file.
        field.image_name = f"{'0' * 32}.png"
        db.session.commit()
        return {"id": made.id, "url": f"/api/v1/cases/{made.id}", "field": field.id}
