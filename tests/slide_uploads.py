"""Slides sent in parts, as the page's script does it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from services.slides.arrival import PART_BYTES
from tests.people import csrf_token
from tests.uploads import follow


def script(client: FlaskClient) -> dict[str, str]:
    """The headers of a page's script."""
    return {"Accept": "application/json", "X-CSRFToken": csrf_token(client)}


def begin(client: FlaskClient, name: str, size: int, **form: str) -> TestResponse:
    """Announce a slide."""
    data = {"name": name, "bytes": str(size), **form}
    return client.post("/slides", data=data, headers=script(client))


def send_part(client: FlaskClient, address: str, at: int, content: bytes) -> TestResponse:
    """Send the part that begins at this byte."""
    return client.post(f"{address}{at}", data=content, headers=script(client))


def send_slide(
    client: FlaskClient, content: bytes, name: str = "smear.tif", **form: str
) -> TestResponse:
    """Send a whole slide; the last answer, which may be a refusal."""
    answer = begin(client, name, len(content), **form)
    if answer.status_code != 201:
        return answer
    addresses = answer.json
    for at in range(0, len(content), PART_BYTES):
        answer = send_part(client, addresses["parts"], at, content[at : at + PART_BYTES])
        if answer.status_code != 200:
            return answer
    return client.post(addresses["finish"], headers=script(client))


def upload_slide(client: FlaskClient, path: Path, name: str = "smear.tif", **form: str) -> str:
    """Send a slide that is taken; its address."""
    answer = send_slide(client, path.read_bytes(), name, **form)
    assert answer.status_code == 200, answer.text
    return answer.json["url"]


def mark(
    client: FlaskClient, slide: str, left: int = 3100, top: int = 100, side: int = 1000, **more: int
) -> TestResponse:
    """Ask for an area to be read."""
    data = {"left": left, "top": top, "width": side, "height": side, **more}
    return client.post(f"{slide}/areas", data=data, headers=script(client))


def read_area(client: FlaskClient, slide: str, **where: int) -> dict[str, Any]:
    """Have an area read, and give what is told of it then."""
    answer = mark(client, slide, **where)
    assert answer.status_code == 202, answer.text
    return follow(client, answer.json)
