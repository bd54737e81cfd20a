"""A security key in software: ES256, no attestation, a counter; as a browser answers with it."""

from __future__ import annotations

import hashlib
import json
import secrets
from base64 import urlsafe_b64encode
from html import unescape
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

ORIGIN = "http://localhost"
PRESENT, ATTESTED = 0x01, 0x40
Options = dict[str, Any]


def options_on(page: str) -> Options:
    """Read what the page asks a key for."""
    return json.loads(unescape(page.split('data-options="')[1].split('"')[0]))


class Authenticator:
    """One key; `count` is its counter of signatures."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.credential_id = secrets.token_bytes(32)
        self.count = 0

    def create(self, options: Options, origin: str = ORIGIN) -> str:
        """Answer to the options of a registration."""
        public = self._key.public_key().public_numbers()
        cose = {1: 2, 3: -7, -1: 1, -2: public.x.to_bytes(32), -3: public.y.to_bytes(32)}
        length = len(self.credential_id).to_bytes(2)
        attested = bytes(16) + length + self.credential_id + cbor2.dumps(cose)
        data = self._data(options["rp"]["id"], PRESENT | ATTESTED) + attested
        statement = {"fmt": "none", "attStmt": {}, "authData": data}
        return self._answer(
            clientDataJSON=_client_data("webauthn.create", options, origin),
            attestationObject=cbor2.dumps(statement),
        )

    def get(self, options: Options, origin: str = ORIGIN, host: str | None = None) -> str:
        """Answer to the options of a sign-in."""
        self.count += 1
        data = self._data(host or options["rpId"], PRESENT)
        client = _client_data("webauthn.get", options, origin)
        signed = data + hashlib.sha256(client).digest()
        return self._answer(
            clientDataJSON=client,
            authenticatorData=data,
            signature=self._key.sign(signed, ec.ECDSA(SHA256())),
        )

    def _data(self, host: str, flags: int) -> bytes:
        return hashlib.sha256(host.encode()).digest() + bytes([flags]) + self.count.to_bytes(4)

    def _answer(self, **response: bytes) -> str:
        name = _encoded(self.credential_id)
        return json.dumps(
            {
                "id": name,
                "rawId": name,
                "type": "public-key",
                "response": {part: _encoded(value) for part, value in response.items()},
                "clientExtensionResults": {},
            }
        )


def _client_data(kind: str, options: Options, origin: str) -> bytes:
    shown = {"type": kind, "challenge": options["challenge"], "origin": origin}
    return json.dumps(shown | {"crossOrigin": False}).encode()


def _encoded(value: bytes) -> str:
    return urlsafe_b64encode(value).rstrip(b"=").decode()
