"""Whatever address takes an id: it is nobody's but its owner's, also on pages still to come."""

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import Rule

from records import db, tasks
from records.accounts.accounts import Role
from records.analyses import explanations
from records.analyses.analyses import AnalysisKind
from records.analyses.explanations import Explanation
from records.cases import cases
from records.storage.image_store import DiskStore
from services.cases import review
from tests.addresses import rules_of_pages
from tests.cases import entry
from tests.pages.common.test_access import ARGUMENTS
from tests.people import account_named, csrf_token, move, post
from tests.slide_files import write_slide
from tests.slide_uploads import read_area, upload_slide
from tests.uploads import png, send, upload_cell, upload_field

# Addresses that take an id of something else; what guards them is tested beside them.
NOT_OF_ANALYSES = {
    "admin.decide",
    "admin.place",
    "admin.reset_password",
    "admin.end_sessions",
    "admin.reset_second_factor",
    "model.card",
    "model.chart",
    "admin.rename_team",
    "laboratory_classes.edit",
    "laboratory_classes.change",
    "laboratory_classes.retire",
    "laboratory_classes.use_again",
    *(
        f"laboratory_models.{name}"
        for name in ("show", "progress", "use", "stop", "export", "cell")
    ),
    "audit.export",
    "archives.drop",
    # tests/pages/analyses/test_classification_by_workers.py asks for another team's
    "classification.progress",
    "language.scripts",
    "language.switch",
    "known_files.known",
    "quality.save",
    "statistics.export",
    "work.selected",
    "security_keys.confirm",
    "security_keys.remove",
    "tokens.revoke",
    "webhooks.deliveries",
    "webhooks.remove",
    "everybodys_tokens.revoke",
    "static",
    "bootstrap.static",
}
# Of batches and the files in them; `test_batches.py` looks at each of these, too.
OF_BATCHES = {
    f"batches.{name}" for name in ("show", "progress", "counts", "cancel_all", "cancel", "retry")
}
# What an address takes besides the id, so that a request reaches the view.
OTHER_ARGUMENTS = {"index": 0, "number": 0, "cell": 0, "cell_number": 0, "suffix": "csv"}


def rules(app: Flask) -> list[Rule]:
    """Addresses of analyses."""
    found = [rule for rule in rules_of_pages(app) if rule.arguments]
    found = [rule for rule in found if not {"case_id", "slide_id"} & rule.arguments]
    return [rule for rule in found if rule.endpoint not in NOT_OF_ANALYSES | OF_BATCHES]


def batch_requests(app: Flask, field: dict[str, str]) -> list[tuple[str, str]]:
    """Every method and address of the batch of a field."""
    values = {"batch_id": field["batch"].rsplit("/", 1)[-1], "task_id": field["id"]}
    with app.test_request_context():
        urls = app.create_url_adapter(None) or app.url_map.bind("localhost")
        return [
            (method, urls.build(rule.endpoint, {name: values[name] for name in rule.arguments}))
            for rule in rules_of_pages(app)
            if rule.endpoint in OF_BATCHES
            for method in rule.methods - {"HEAD", "OPTIONS"}
        ]


def requests(app: Flask, ids: dict[str, str]) -> list[tuple[str, str, bool]]:
    """Every method and address with every id; and whether the address is of that kind."""
    found = []
    with app.test_request_context():
        urls = app.create_url_adapter(None) or app.url_map.bind("localhost")
        for rule in rules(app):
            for kind, analysis_id in ids.items():
                values = {"analysis_id": analysis_id}
                values |= {name: OTHER_ARGUMENTS[name] for name in rule.arguments - set(values)}
                path = urls.build(rule.endpoint, values)
                matches = rule.endpoint.startswith("history.") or (
                    (kind == AnalysisKind.DETECTION) == path.startswith("/detect/")
                )
                for method in rule.methods - {"HEAD", "OPTIONS"}:
                    found.append((method, path, matches))
    return found


def case_requests(app: Flask, **ids: str) -> list[tuple[str, str]]:
    """Every method and address of a case, or of something in it."""
    values = {**ARGUMENTS, **ids}
    with app.test_request_context():
        urls = app.create_url_adapter(None) or app.url_map.bind("localhost")
        return [
            (method, urls.build(rule.endpoint, {name: values[name] for name in rule.arguments}))
            for rule in rules_of_pages(app)
            if "case_id" in rule.arguments
            for method in rule.methods - {"HEAD", "OPTIONS"}
        ]


def slide_requests(app: Flask, slide: str, task_id: str) -> list[tuple[str, str]]:
    """Every method and address of a slide, or of something in it."""
    values = {**ARGUMENTS, "slide_id": slide.rsplit("/", 1)[-1], "task_id": task_id}
    with app.test_request_context():
        urls = app.create_url_adapter(None) or app.url_map.bind("localhost")
        return [
            (method, urls.build(rule.endpoint, {name: values[name] for name in rule.arguments}))
            for rule in rules_of_pages(app)
            if "slide_id" in rule.arguments
            for method in rule.methods - {"HEAD", "OPTIONS"}
        ]


def explained(app: Flask, analysis_id: str) -> None:
    """Keep an explanation with its picture, as if it had been computed."""
    store = DiskStore(app.config["LEUKOSCOPE"].images_dir)
    with app.app_context():
        explanations.ask_for(analysis_id)
        explanation_id = explanations.find(analysis_id).id
        start = tasks.begin(Explanation, explanation_id)
        assert tasks.finish(Explanation, explanation_id, start, picture_name=store.put(png()))


def become_reviewer(app: Flask, name: str) -> None:
    """Let no role be what keeps somebody out."""
    with app.app_context():
        account_named(name).role = Role.REVIEWER
        db.session.commit()


def draw_cell(app: Flask, case_id: str, field_id: str) -> str:
    """Draw a cell in a field of a case, as ada."""
    drawn = entry(f"{field_id}.d0000000a", "blast", box=(10.0, 10.0, 60.0, 60.0))
    with app.app_context():
        ada = account_named("ada")
        review.record(cases.find_in_team(ada.team_id, case_id), ada.id, [drawn])
    return drawn.cell


@pytest.fixture
def of_ada(app: Flask, signed_in: FlaskClient) -> dict[str, str]:
    field = upload_field(signed_in)
    cell_id = upload_cell(signed_in)
    explained(app, cell_id)
    return {"classification": cell_id, AnalysisKind.DETECTION: field["id"]}


def test_every_address_with_an_id_is_looked_at(app: Flask):
    for rule in rules(app):
        assert "analysis_id" in rule.arguments, rule
        assert rule.arguments - {"analysis_id"} <= set(OTHER_ARGUMENTS), rule
    assert {"classification.result", "field.result", "history.delete"} <= {
        rule.endpoint for rule in rules(app)
    }


def test_somebody_elses_is_not_found(app: Flask, of_ada, other_client: FlaskClient, signed_in):
    form = {"csrf_token": csrf_token(other_client)}
    for method, path, _ in requests(app, of_ada):
        with other_client.open(path, method=method, data=form) as answer:
            assert answer.status_code == 404, (method, path)
    for method, path, matches in requests(app, of_ada):
        if method == "GET":
            with signed_in.get(path) as answer:
                assert answer.status_code == (200 if matches else 404), path


def test_somebody_elses_batch_is_not_found(app, signed_in, other_client: FlaskClient, client):
    found = batch_requests(app, upload_field(signed_in))
    assert len(found) == len(OF_BATCHES)
    form = {"csrf_token": csrf_token(other_client)}
    for method, path in found:
        assert other_client.open(path, method=method, data=form).status_code == 404, path
        visitor = client.open(path, method=method, data={"csrf_token": csrf_token(client)})
        assert visitor.headers["Location"].startswith("/sign-in"), path
    form = {"csrf_token": csrf_token(signed_in)}
    for method, path in found:
        answer = signed_in.open(path, method=method, data=form)
        assert answer.status_code == (200 if method == "GET" else 303), path


def test_somebody_elses_case_is_not_found(app, signed_in, other_client: FlaskClient, client):
    opened = post(signed_in, "/cases/new", pseudonym="Alder-7", specimen="blood")
    case_id = opened.headers["Location"].removeprefix("/cases/")
    field = upload_field(signed_in, case=case_id)["id"]
    cell = draw_cell(app, case_id, field)
    found = case_requests(app, case_id=case_id, analysis_id=field, field=field, cell=cell)
    assert len(found) >= 7
    become_reviewer(app, "ben")
    form = {"csrf_token": csrf_token(other_client)}
    for method, path in found:
        with other_client.open(path, method=method, data=form) as answer:
            assert answer.status_code == 404, (method, path)
    for path in (path for method, path in found if method == "GET"):
        with signed_in.get(path, follow_redirects=True) as answer:
            assert answer.status_code in (200, 204), path
    form = {"csrf_token": csrf_token(client)}
    for method, path in found:
        visitor = client.open(path, method=method, data=form)
        assert visitor.headers["Location"].startswith("/sign-in"), path


def test_somebody_elses_slide_is_not_found(
    app, signed_in, other_client: FlaskClient, client, tmp_path
):
    slide = upload_slide(signed_in, write_slide(tmp_path / "a.tif", 2048))
    area = read_area(signed_in, slide, left=0, top=0)
    found = slide_requests(app, slide, area["id"])
    assert len(found) >= 12
    become_reviewer(app, "ben")
    form = {"csrf_token": csrf_token(other_client)}
    for method, path in found:
        assert other_client.open(path, method=method, data=form).status_code == 404, path
        visitor = client.open(path, method=method, data={"csrf_token": csrf_token(client)})
        assert visitor.headers["Location"].startswith("/sign-in"), path
    for path in (path for method, path in found if method == "GET"):
        assert signed_in.get(path).status_code == 200, path
    assert "a.tif" not in other_client.get("/slides").text


def test_whoever_moved_away_finds_nothing_of_the_former_team(
    app: Flask, signed_in: FlaskClient, colleague: FlaskClient
):
    """One's own uploads, batches and cases stay with the team in which they were made."""
    opened = post(signed_in, "/cases/new", pseudonym="Alder-7", specimen="blood")
    case_id = opened.headers["Location"].removeprefix("/cases/")
    field = upload_field(signed_in, case=case_id)
    cell_id = upload_cell(signed_in)
    explained(app, cell_id)
    drawn = draw_cell(app, case_id, field["id"])
    ids = {"case_id": case_id, "analysis_id": field["id"], "field": field["id"], "cell": drawn}
    of_analyses = requests(app, {"classification": cell_id, AnalysisKind.DETECTION: field["id"]})
    found = [(method, path) for method, path, matches in of_analyses if matches]
    found += [*batch_requests(app, field), *case_requests(app, **ids)]
    become_reviewer(app, "cleo")
    move(app, "ada", "night shift")
    form = {"csrf_token": csrf_token(signed_in)}
    for method, path in found:
        with signed_in.open(path, method=method, data=form) as answer:
            assert answer.status_code == 404, (method, path)
    batch_id = field["batch"].rsplit("/", 1)[-1]
    for path in ("/history", f"/history?batch={batch_id}", "/cases"):
        page = signed_in.get(path).text
        assert not any(one in page for one in ("field.png", "cell.png", "Alder-7")), path
    for path in (path for method, path in found if method == "GET"):
        with colleague.get(path, follow_redirects=True) as answer:
            # What was reviewed in a case is not to be deleted.
            assert answer.status_code in (200, 204) or path == f"/history/{field['id']}/delete", (
                path
            )


def test_what_is_sent_after_a_move_does_not_join_the_batch_of_before(
    app: Flask, signed_in: FlaskClient, colleague: FlaskClient
):
    batch = "b" * 32
    before = upload_field(signed_in, "before.png", batch=batch)
    move(app, "ada", "night shift")
    after = upload_field(signed_in, "after.png", batch=batch)

    for client, own, other in ((signed_in, after, "before"), (colleague, before, "after")):
        page = client.get(f"/batches/{batch}").text
        assert own["file"] in page
        assert f"{other}.png" not in page
        assert "sent together" not in client.get(own["url"]).text


def test_an_unknown_id_is_not_found(app: Flask, signed_in: FlaskClient):
    form = {"csrf_token": csrf_token(signed_in)}
    for method, path, _ in requests(
        app, {"classification": "0" * 32, AnalysisKind.DETECTION: "' OR 1=1"}
    ):
        with signed_in.open(path, method=method, data=form) as answer:
            assert answer.status_code == 404, (method, path)


def test_anonymous_visitors_are_sent_to_the_sign_in(app: Flask, of_ada, client: FlaskClient):
    form = {"csrf_token": csrf_token(client)}
    for method, path, _ in requests(app, of_ada):
        page = client.open(path, method=method, data=form)
        script = client.open(path, method=method, data=form, headers={"Accept": "application/json"})
        assert page.status_code == 302, (method, path)
        assert page.headers["Location"].startswith("/sign-in"), (method, path)
        assert script.status_code == 401, (method, path)
        assert list(script.json) == ["error"], (method, path)


def test_histories_do_not_mix(of_ada, other_client: FlaskClient):
    assert "No analyses yet" in other_client.get("/history").text


def test_knowing_a_batch_opens_nothing(signed_in: FlaskClient, other_client: FlaskClient):
    batch = "b" * 32
    send(signed_in, "/classify", ("adas.png", png()), as_json=True, batch=batch)
    mine = send(other_client, "/classify", ("bens.png", png()), as_json=True, batch=batch).json

    page = other_client.get(f"/history?batch={batch}").text
    assert "bens.png" in page
    assert "adas.png" not in page
    assert "uploaded together" not in other_client.get(mine["url"]).text
