"""Images as files, and how a browser or its script sends them."""

from __future__ import annotations

import io
import itertools
import re
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from PIL import Image
from werkzeug.test import TestResponse

from imaging.images import RgbImage, encode_png
from tests.people import csrf_token, sign_in_as
from tests.reading import Reading
from tests.stand_ins import drawn_cell, drawn_field
from tests.waiting import until

_NUMBERS = itertools.count()
DARK, MIDDLE, PALE = (80, 25, 120), (100, 50, 140), (110, 70, 150)
"""Chromatin that the stand-in classifier calls ALL blast, uncertain and normal."""


def png(rgb: RgbImage | None = None) -> bytes:
    """A PNG file of uint8 RGB pixels; without any, of a cell that is called ALL blast."""
    return encode_png(drawn_cell(chromatin=DARK) if rgb is None else rgb)


def fresh(rgb: RgbImage | None = None) -> bytes:
    """A PNG file as `png` makes it that nobody has uploaded before: one pale pixel is different."""
    number = next(_NUMBERS)
    pixels = (drawn_cell(chromatin=DARK) if rgb is None else rgb).copy()
    pixels[-1, -1] = (200 + number % 50, 200 + number // 50, 228)
    return png(pixels)


def encoded(image: Image.Image, file_format: str, **options: object) -> bytes:
    """An image file of any format."""
    buffer = io.BytesIO()
    image.save(buffer, file_format, **options)
    return buffer.getvalue()


def cell_image() -> Image.Image:
    """The drawn ALL blast as a Pillow image."""
    return Image.fromarray(drawn_cell(chromatin=DARK))


def send(
    client: FlaskClient, path: str, *files: tuple[str, bytes], as_json: bool = False, **form: str
) -> TestResponse:
    """Upload (name, content) pairs as the plain form does, or as the page's script does."""
    data = {**form, "images": [(io.BytesIO(content), name) for name, content in files]}
    headers = {}
    if as_json:
        headers = {"Accept": "application/json", "X-CSRFToken": csrf_token(client)}
    else:
        data["csrf_token"] = csrf_token(client)
    answer = client.post(path, data=data, headers=headers)
    # The test client keeps a large request in a temporary file, and leaves it open.
    answer.request.environ["wsgi.input"].close()
    return answer


def upload_cell(client: FlaskClient, name: str = "cell.png", content: bytes | None = None) -> str:
    """Classify one cell image and give the id of the analysis."""
    answer = send(client, "/classify", (name, content or png()), as_json=True)
    assert answer.status_code == 201, answer.text
    return answer.json["id"]


def follow(client: FlaskClient, task: dict[str, Any]) -> dict[str, Any]:
    """What a script is told of a field that was sent, once it is not under way any more."""

    def ended() -> dict[str, Any] | None:
        answer = client.get(task["progress"], headers={"Accept": "application/json"})
        (now,) = (file for file in answer.json["files"] if file["id"] == task["id"])
        return None if now["state"] in {"waiting", "running"} else now

    return until(ended)


def upload_field(
    client: FlaskClient, name: str = "field.png", content: bytes | None = None, **form: str
) -> dict[str, Any]:
    """Send one field to Detect, and give what is told of it once it is read."""
    file = (name, content or png(drawn_field()))
    answer = send(client, "/detect", file, as_json=True, **form)
    assert answer.status_code == 202, answer.text
    shown = follow(client, answer.json)
    assert shown["state"] == "done", shown
    return shown


def send_images(app: Flask, reading: Reading) -> FlaskClient:
    """Have ada send a cell, a field that is read, and one that waits; return her browser."""
    client = sign_in_as(app, "ada")
    upload_cell(client)
    upload_field(client)
    reading.go_on.clear()
    send(client, "/detect", ("waits.png", png()), as_json=True)
    app.extensions["leukoscope_tasks"].stop()
    return client


def texts(page: str) -> str:
    """What a page says, without its tags and with single spaces."""
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())
