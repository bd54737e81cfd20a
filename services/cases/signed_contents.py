"""The contents of a signature: written, hashed, and verified when they are read back."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any, Literal

import rfc8785
from pydantic import Field

from core import canonical_json
from records.cases.signatures import Signature, SignatureRole
from services.cases.checks import SignedCheck
from services.cases.snapshot import Agreement, CaseSnapshot
from services.laboratory.letterhead import Laboratory
from services.language import lazy_gettext
from services.signed_model import SignedModel

SCHEMA = "leukoscope.signature.4"
"""Form of what is signed now, with the laboratory. The first signatures have no `schema`."""

WITHOUT_LABORATORY = "leukoscope.signature.3"
WITHOUT_CHECKS = "leukoscope.signature.2"
"""Forms of before."""

ALTERED = lazy_gettext(
    "This version is not what was signed: its SHA-256 differs. Tell your system administrator, "
    "and verify the audit trail."
)


class AlteredError(Exception):
    """A kept signature does not fit its contents."""

    def __init__(self) -> None:
        super().__init__(ALTERED)


class SignedContents(SignedModel):
    """All that a signature covers: who signed, as what, when, the conclusion, the whole case.

    `checks` came after `WITHOUT_CHECKS`; those with a warning have the reason that was given. The
    `full_name` and what the `laboratory` had set came with `SCHEMA`, and stand only where known.
    """

    schema_name: (
        Literal["leukoscope.signature.4", "leukoscope.signature.3", "leukoscope.signature.2"] | None
    ) = Field(default=None, alias="schema", exclude_if=lambda name: name is None)
    reader: str
    full_name: str = Field(default="", exclude_if=lambda name: not name)
    role: SignatureRole
    at: str
    conclusion: str
    checks: tuple[SignedCheck, ...] | None = Field(
        default=None, exclude_if=lambda checks: checks is None
    )
    laboratory: Laboratory | None = Field(
        default=None, exclude_if=lambda laboratory: laboratory is None
    )
    agreement: Agreement | None
    snapshot: CaseSnapshot = Field(alias="state")


def digest(contents: Mapping[str, Any]) -> str:
    """Return the SHA-256, in hexadecimal, of the canonical JSON (RFC 8785)."""
    return hashlib.sha256(rfc8785.dumps(dict(contents))).hexdigest()


_DIGESTS: dict[object, Callable[[Mapping[str, Any]], str]] = {
    None: canonical_json.digest,
    WITHOUT_CHECKS: digest,
    WITHOUT_LABORATORY: digest,
    SCHEMA: digest,
}
"""How a signature is hashed, by its schema."""


def verify(signature: Signature) -> SignedContents:
    """Read what was signed; raises `AlteredError` where it is not what its hash says."""
    hashed = _DIGESTS.get(signature.contents.get("schema"))
    if hashed is None or hashed(signature.contents) != signature.sha256:
        raise AlteredError
    return read_contents(signature)


def read_contents(signature: Signature) -> SignedContents:
    """Read what was signed, whether or not its hash fits."""
    return SignedContents.model_validate(signature.contents)
