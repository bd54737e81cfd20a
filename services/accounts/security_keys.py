"""Security keys and passkeys as a second factor (WebAuthn level 2), beside codes of an app."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from records import db, take_write_lock
from records.accounts import accounts
from records.accounts import security_keys as records
from records.accounts.accounts import Account
from records.accounts.security_keys import SecurityKey
from records.audit.audit import Event
from services.audit.audit import about_account, note

if TYPE_CHECKING:
    from webauthn.helpers.structs import PublicKeyCredentialDescriptor, UserVerificationRequirement

NAME = "Leukoscope"
MOST_KEYS = 10
LONGEST_ANSWER = 8_000
"""Characters of what a browser sends of a key; without attestation it is about a thousand."""


@dataclass(frozen=True)
class Site:
    """The server as browsers know it: a key is bound to `host`, an answer to `origin`."""

    host: str
    origin: str


class SecurityKeys:
    """The security keys of one installation; `clock` gives the present time (aware, UTC).

    `webauthn` is imported where it is used: it takes 14 MB, and most people have codes of an app.
    """

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock

    def ask_for_new(self, account: Account, sign_in_id: str, site: Site) -> str:
        """Begin to register a key, in the present transaction.

        Returns:
            What the browser is to ask a key for, as JSON.
        """
        import webauthn
        from webauthn.helpers import structs

        options = webauthn.generate_registration_options(
            rp_id=site.host,
            rp_name=NAME,
            user_id=account.id.encode(),
            user_name=account.name,
            authenticator_selection=structs.AuthenticatorSelectionCriteria(
                resident_key=structs.ResidentKeyRequirement.DISCOURAGED,
                user_verification=_no_pin(),
            ),
            exclude_credentials=_descriptors(account, site),
        )
        accounts.set_challenge(sign_in_id, options.challenge)
        return webauthn.options_to_json(options)

    def register(
        self, account: Account, sign_in_id: str, name: str, answer: str, site: Site
    ) -> bool:
        """Keep the key that answered, in the present transaction; False if it is not accepted."""
        import webauthn

        challenge = accounts.take_challenge(sign_in_id)
        if challenge is None:
            return False
        try:
            verified = webauthn.verify_registration_response(
                credential=answer,
                expected_challenge=challenge,
                expected_rp_id=site.host,
                expected_origin=site.origin,
            )
        except _unreadable():
            return False
        take_write_lock(db.session())
        if records.is_known(verified.credential_id) or records.count(account.id) >= MOST_KEYS:
            return False
        records.add(
            SecurityKey(
                account_id=account.id,
                name=name,
                host=site.host,
                credential_id=verified.credential_id,
                public_key=verified.credential_public_key,
                sign_count=verified.sign_count,
            )
        )
        note(Event.SECURITY_KEY, about_account(account), name=account.name, key=name)
        return True

    def ask(self, account: Account, sign_in_id: str, site: Site) -> str | None:
        """Begin to use a key, in the present transaction.

        Returns:
            What the browser is to ask a key for, as JSON; None if the account has none here.
        """
        allowed = _descriptors(account, site)
        if not allowed:
            return None
        import webauthn

        options = webauthn.generate_authentication_options(
            rp_id=site.host, allow_credentials=allowed, user_verification=_no_pin()
        )
        accounts.set_challenge(sign_in_id, options.challenge)
        return webauthn.options_to_json(options)

    def use(self, account: Account, sign_in_id: str, answer: str, site: Site) -> bool:
        """Return whether a key of the account gave this answer, once, in this transaction."""
        import webauthn
        from webauthn.helpers import parse_authentication_credential_json

        challenge = accounts.take_challenge(sign_in_id)
        if challenge is None:
            return False
        try:
            credential = parse_authentication_credential_json(answer)
            key = _key(account, credential.raw_id, site)
            if key is None:
                return False
            verified = webauthn.verify_authentication_response(
                credential=credential,
                expected_challenge=challenge,
                expected_rp_id=site.host,
                expected_origin=site.origin,
                credential_public_key=key.public_key,
                credential_current_sign_count=key.sign_count,
            )
        except _unreadable():
            return False
        records.note_use(key, verified.new_sign_count, self._clock())
        return True

    def remove(self, account: Account, key_id: str) -> bool:
        """Remove a key, in the present transaction; False if the account has no such."""
        key = records.get(account.id, key_id)
        if key is None:
            return False
        note(Event.SECURITY_KEY_REMOVE, about_account(account), name=account.name, key=key.name)
        return records.remove(account.id, key_id)


def _no_pin() -> UserVerificationRequirement:
    """Ask for a key that is there and touched: the password is the first factor."""
    from webauthn.helpers.structs import UserVerificationRequirement

    return UserVerificationRequirement.DISCOURAGED


def _unreadable() -> tuple[type[Exception], ...]:
    """Return the errors of an answer that cannot be read, or is not the key's."""
    from webauthn.helpers.exceptions import WebAuthnException

    return WebAuthnException, ValueError, TypeError, LookupError, OverflowError, RecursionError


def _descriptors(account: Account, site: Site) -> list[PublicKeyCredentialDescriptor]:
    from webauthn.helpers.structs import PublicKeyCredentialDescriptor

    keys = records.of_account(account.id, site.host)
    return [PublicKeyCredentialDescriptor(id=key.credential_id) for key in keys]


def _key(account: Account, credential_id: bytes, site: Site) -> SecurityKey | None:
    keys = records.of_account(account.id, site.host)
    return next((key for key in keys if key.credential_id == credential_id), None)
