"""docs/api.md: its client is the one of `watch`, and its examples do what they say."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app import make_server
from cli.watch import STATE
from records import db
from records.analyses.field_tasks import FieldTask
from records.cases.cases import Case
from services.programs.webhooks import signature
from settings import ROOT, Settings
from tests.programs import token_of
from tests.stand_ins import drawn_field
from tests.uploads import png

DOCUMENT = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
CLIENT, EXAMPLE, CHECK = re.findall(r"```python\n(.*?)```", DOCUMENT, flags=re.DOTALL)


@pytest.fixture
def server(app: Flask, settings: Settings, signed_in: FlaskClient) -> Iterator[str]:
    """The address of the application, which answers to real requests."""
    serving = make_server(app, settings.model_copy(update={"port": 0}))
    threading.Thread(target=serving.run, daemon=True).start()
    yield f"http://127.0.0.1:{serving.effective_port}"
    serving.close()


def test_the_client_is_that_of_the_program():
    assert (ROOT / "cli" / "client.py").read_text(encoding="utf-8") == CLIENT


def test_the_example_runs(app, server: str, tmp_path: Path, monkeypatch, capsys):
    (tmp_path / "field.png").write_bytes(png(drawn_field()))
    monkeypatch.chdir(tmp_path)
    names = {"SERVER": server, "TOKEN": token_of(app, "ada")}
    exec(CLIENT, names)
    exec(EXAMPLE, names)

    assert "1.1 blast" in capsys.readouterr().out
    with app.app_context():
        assert db.session.query(Case).one().pseudonym == "Alder-7"


def test_the_folder_of_a_camera_is_sent(app: Flask, server: str, tmp_path: Path):
    token, folder = tmp_path / "token", tmp_path / "images"
    token.write_text(f"{token_of(app, 'ada')}\n")
    folder.mkdir()
    (folder / 'a "field".png').write_bytes(png(drawn_field()))
    (folder / "note.txt").write_text("no image")
    command = ["watch", str(folder), "--server", server, "--token-file", str(token)]
    run = app.test_cli_runner().invoke
    done = run(args=[*command, "--every", "0.01", "--once"])

    assert done.exit_code == 0, done.output
    assert 'a "field".png: sent.' in done.output
    assert "note.txt: refused." in done.output
    assert len((folder / STATE).read_text().splitlines()) == 1
    with app.app_context():
        assert db.session.query(FieldTask).one().file_name == "a field.png"
    token.write_text("leuko_wrong")
    (folder / "next.png").write_bytes(png())
    stopped = run(args=[*command, "--every", "0.01", "--once"])
    assert stopped.exit_code == 1
    assert "Send a token that is valid" in stopped.output


def test_the_check_tells_our_messages_from_others():
    names: dict[str, Any] = {}
    exec(CHECK, names)
    now, body = int(time.time()), b'{"event": "field.read"}'
    header = signature("whsec_1", now, body)

    assert names["is_genuine"]("whsec_1", header, body)
    assert not names["is_genuine"]("whsec_2", header, body)
    assert not names["is_genuine"]("whsec_1", header, body + b" ")
    assert not names["is_genuine"]("whsec_1", signature("whsec_1", now - 600, body), body)
    assert not names["is_genuine"]("whsec_1", header.replace(str(now), str(now - 1)), body)
