"""ZIPs of images, and how the page's script sends them."""

from __future__ import annotations

import io
import zipfile
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.people import csrf_token


def packed(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A ZIP of these files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as file:
        for name, content in files.items():
            file.writestr(name, content)
    return buffer.getvalue()


def send_archive(client: FlaskClient, content: bytes, key: str = "a" * 32) -> TestResponse:
    """Send a ZIP as the page's script does."""
    answer = client.post(
        "/uploads/archives",
        data={"key": key, "archive": (io.BytesIO(content), "smears.zip")},
        headers={"Accept": "application/json", "X-CSRFToken": csrf_token(client)},
    )
    answer.request.environ["wsgi.input"].close()
    return answer


def send_entry(
    client: FlaskClient, path: str, archive: dict[str, Any], place: int, **form: str
) -> TestResponse:
    """Ask for one image of a ZIP that was sent, as the page's script does."""
    return client.post(
        path,
        data={"archive": archive["id"], "entry": place, **form},
        headers={"Accept": "application/json", "X-CSRFToken": csrf_token(client)},
    )
