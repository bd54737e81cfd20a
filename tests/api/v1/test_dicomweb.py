import pytest
from flask import Flask
from flask.testing import FlaskClient

from records import db
from records.analyses.analyses import Analysis
from records.analyses.field_tasks import FieldTask
from records.audit.audit import Event
from records.tasks import TaskState
from tests.dicom_files import dicom
from tests.people import move
from tests.programs import program_of
from tests.stand_ins import drawn_field
from tests.trail import noted
from tests.waiting import until

STUDIES = "/api/v1/dicomweb/studies"
RELATED = 'multipart/related; type="application/dicom"; boundary=border'


def body_of(*instances: bytes) -> bytes:
    """A request's body with these parts."""
    head = b"--border\r\nContent-Type: application/dicom\r\n\r\n"
    return b"".join(head + one + b"\r\n" for one in instances) + b"--border--\r\n"


def store(client: FlaskClient, *instances: bytes, query: str = "", kind: str = RELATED):
    return client.post(STUDIES + query, data=body_of(*instances), content_type=kind)


def ids_in(answer, sequence: str, element: str) -> list[object]:
    return [item[element]["Value"][0] for item in answer.json[sequence]["Value"]]


def test_an_instance_becomes_a_field(app: Flask, program: FlaskClient, case):
    answer = store(program, dicom(drawn_field()), query=f"?case_id={case['id']}")

    assert (answer.status_code, answer.mimetype) == (200, "application/dicom+json")
    (url,) = ids_in(answer, "00081199", "00081190")
    (instance,) = ids_in(answer, "00081199", "00081155")
    assert ids_in(answer, "00081199", "00081150") == ["1.2.840.10008.5.1.4.1.1.77.1.2"]

    def read() -> dict | None:
        now = program.get(url).json
        return now if now["state"] in {"done", "failed"} else None

    field = until(read)
    assert (field["state"], field["error"]) == ("done", None)
    assert (field["file_name"], field["case_id"]) == (f"{instance}.dcm", case["id"])
    with app.app_context():
        assert len(noted(Event.UPLOAD)) == 1


def test_an_instance_is_kept_once(app: Flask, program: FlaskClient):
    content = dicom(drawn_field())
    first, second = store(program, content), store(program, content)
    assert ids_in(first, "00081199", "00081190") == ids_in(second, "00081199", "00081190")
    with app.app_context():
        assert db.session.query(FieldTask).count() == 1


def test_the_parts_of_a_request_are_noted(app: Flask, program: FlaskClient):
    contents = [dicom(drawn_field()), b"no instance", dicom(drawn_field())]
    body = b"A preamble.\r\n" + body_of(*contents) + b"An epilogue."
    answer = program.post(STUDIES, data=body, content_type=RELATED)
    assert len(ids_in(answer, "00081199", "00081190")) == 2
    assert ids_in(answer, "00081198", "00081197") == [0xC000]
    with app.app_context():
        (entry,) = noted(Event.UPLOAD)
        assert entry.known["files"] == 3


def test_so_many_parts_are_taken(program: FlaskClient):
    answer = store(program, *[b"no instance"] * 100)
    assert len(ids_in(answer, "00081198", "00081197")) == 100


def ended(app: Flask, answer) -> FieldTask:
    """The one task of an answer, once nothing more happens to it."""
    (url,) = ids_in(answer, "00081199", "00081190")

    def task() -> FieldTask | None:
        with app.app_context():
            found = db.session.get(FieldTask, url.rpartition("/")[2])
            return None if found.under_way else found

    return until(task)


def test_an_instance_is_of_one_case_and_of_one_content(app: Flask, program: FlaskClient, case):
    content = dicom(drawn_field())
    answer = store(program, content)
    for _ in range(2):
        for other, query in ((content, f"?case_id={case['id']}"), (content + bytes(2), "")):
            refused = store(program, other, query=query)
            assert refused.status_code == 409
            assert ids_in(refused, "00081198", "00081197") == [0x0111]
        ended(app, answer)


def test_an_instance_of_a_former_team_is_not_said_to_be_stored(app: Flask, program: FlaskClient):
    content = dicom(drawn_field())
    ended(app, store(program, content))
    move(app, "ada", "night shift")
    assert ids_in(store(program, content), "00081198", "00081197") == [0x0111]


def test_an_instance_that_failed_or_was_dropped_is_read_anew(
    app: Flask, program: FlaskClient, reading
):
    content = dicom(drawn_field())
    reading.error = RuntimeError("broken")
    failed = ended(app, store(program, content))
    reading.error = None
    again = ended(app, store(program, content))
    assert (failed.state, again.state) == (TaskState.FAILED, TaskState.DONE)
    assert again.id != failed.id
    with app.app_context():
        assert db.session.get(FieldTask, failed.id).state == TaskState.DROPPED


def test_an_instance_whose_analysis_was_deleted_is_read_anew(app: Flask, program: FlaskClient):
    content = dicom(drawn_field())
    first = ended(app, store(program, content))
    with app.app_context():
        app.extensions["leukoscope_analyst"].delete(db.session.get(Analysis, first.id))
    assert ended(app, store(program, content)).state == TaskState.DONE


def test_failures_are_told_one_by_one(program: FlaskClient):
    some = store(program, dicom(drawn_field()), b"no instance")
    assert some.status_code == 202
    assert len(ids_in(some, "00081199", "00081155")) == 1
    assert ids_in(some, "00081198", "00081197") == [0xC000]
    none = store(program, b"no instance")
    assert none.status_code == 409
    assert "00081199" not in none.json


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        ("multipart/form-data; boundary=border", body_of(b"1"), 415),
        ('multipart/related; type="application/dicom+json"; boundary=border', body_of(b"1"), 415),
        ('multipart/related; type="application/dicom"', body_of(b"1"), 415),
        (RELATED, b"", 400),
        (RELATED, b"--border\r\n\r\ncut off", 400),
        (RELATED, b"--border--", 400),
        (RELATED, body_of(*[b"1"] * 101), 413),
    ],
)
def test_another_body_is_refused(program: FlaskClient, kind: str, body: bytes, status: int):
    answer = program.post(STUDIES, data=body, content_type=kind)
    assert (answer.status_code, answer.mimetype) == (status, "application/problem+json")


def test_a_case_of_another_team_is_not_found(app: Flask, case, other_client: FlaskClient):
    answer = store(program_of(app, "ben"), dicom(drawn_field()), query=f"?case_id={case['id']}")
    assert answer.status_code == 404
