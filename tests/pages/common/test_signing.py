"""What the server signs: the session, the tokens of forms, and the device cookie."""

from __future__ import annotations

from flask.testing import FlaskClient
from itsdangerous.encoding import base64_decode

from tests.people import csrf_token


def signature_of(signed: str) -> bytes:
    return base64_decode(signed.rpartition(".")[2])


def test_all_that_is_signed_is_signed_with_sha_256(signed_in: FlaskClient):
    signed = {
        "session": signed_in.get_cookie("leukoscope").value,
        "device": signed_in.get_cookie("leukoscope-device").value,
        "form": csrf_token(signed_in),
    }
    assert {name: len(signature_of(value)) for name, value in signed.items()} == {
        "session": 32,
        "device": 32,
        "form": 32,
    }
