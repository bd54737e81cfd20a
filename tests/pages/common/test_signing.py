"""What the server signs: the session, the tokens of forms, and the device cookie."""

from __future__ import annotations

from flask.testing import FlaskClient
from itsdangerous.encoding import base64_decode


def signature_of(signed: str) -> bytes:
    return base64_decode(signed.rpartition(".")[2])


def test_all_that_is_signed_is_signed_with_sha_256(signed_in: FlaskClient):
    page = signed_in.get("/account/password").text
    signed = {
        "session": signed_in.get_cookie("leukoscope").value,
        "device": signed_in.get_cookie("leukoscope-device").value,
        "form": page.split('name="csrf-token" content="')[1].split('"')[0],
    }
    assert {name: len(signature_of(value)) for name, value in signed.items()} == {
        "session": 32,
        "device": 32,
        "form": 32,
    }
