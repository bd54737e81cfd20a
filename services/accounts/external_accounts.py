"""Accounts of people who sign in at the identity provider: made, and kept in step with groups."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING

from records import exclusive_transaction
from records.accounts import accounts as records
from records.accounts import external_identities
from records.accounts import teams as team_records
from records.accounts.accounts import FULL_NAME_LENGTH, Account, AccountStatus, Role
from records.audit.audit import Event
from services.accounts import people, teams
from services.accounts.accounts import Accounts, SignedIn, UserNameError, clean_name, name_key
from services.accounts.identities import Identity
from services.accounts.people import LastAdministratorError
from services.audit import audit
from services.audit.audit import about_account, note
from settings import ADMINISTRATOR, Settings, SettingsError, pairs_of

if TYPE_CHECKING:
    # Its libraries take 11 MB, and few installations have one.
    from services.accounts.identity_provider import IdentityProvider

log = logging.getLogger(__name__)

ACTOR = "identity provider"
"""Who changes roles and teams at a sign-in, in the audit trail."""


class Refusal(Enum):
    """Why somebody whom the provider knows does not get in."""

    NO_GROUP = "no group"
    DEACTIVATED = "deactivated"


@dataclass(frozen=True)
class _Rights:
    """What groups give; `is_administrator` is None where no group decides about it."""

    role: Role
    is_administrator: bool | None
    team: str | None


class ExternalAccounts:
    """The accounts of one installation that belong to identities of its provider.

    Raises `SettingsError` where a team cannot have the name that the settings give it.
    """

    def __init__(self, accounts: Accounts, provider: IdentityProvider, settings: Settings) -> None:
        self._accounts = accounts
        self.provider = provider
        self._roles = pairs_of(settings.oidc_roles)
        self._teams = pairs_of(settings.oidc_teams)
        for _, team in self._teams:
            _check_team(team)

    def sign_in(self, identity: Identity) -> SignedIn | Refusal:
        """Sign a person in; makes the account at the first time, then follows the groups."""
        account = external_identities.account_of(self.provider.issuer, identity.subject)
        rights = self._rights(identity.groups)
        if account is not None and not account.is_active:
            return _refuse(account, Refusal.DEACTIVATED)
        if rights is None:
            return _refuse(account, Refusal.NO_GROUP)
        account = account or self._add(identity, rights)
        with audit.acting(replace(audit.present(), account_id=None, name=ACTOR)):
            _follow(account, rights)
        return self._accounts.sign_in_elsewhere(account, self.provider.issuer)

    def is_of(self, account: Account, identity: Identity) -> bool:
        """Return whether it is the identity of this account."""
        found = external_identities.account_of(self.provider.issuer, identity.subject)
        return found is not None and found.id == account.id

    def _rights(self, groups: tuple[str, ...]) -> _Rights | None:
        """Return what these groups give; None where they give nothing."""
        given = [role for group, role in self._roles if group in groups]
        if not given:
            return None
        roles = [role for role in Role if role in given]
        decided = ADMINISTRATOR in {role for _, role in self._roles}
        named = (team for group, team in self._teams if group in groups)
        return _Rights(
            role=roles[-1] if roles else Role.NONE,
            is_administrator=ADMINISTRATOR in given if decided else None,
            team=next(named, None),
        )

    def _add(self, identity: Identity, rights: _Rights) -> Account:
        """Make the account of an identity; another request may do so at the same time."""
        issuer = self.provider.issuer
        with exclusive_transaction():
            known = external_identities.account_of(issuer, identity.subject)
            if known:
                return known
            name = _free_name(identity)
            account = Account(
                name=name,
                name_key=name_key(name),
                full_name=_one_line(identity.full_name),
                password_hash="",
                status=AccountStatus.ACTIVE,
                role=rights.role,
                is_administrator=bool(rights.is_administrator),
            )
            external_identities.add(account, issuer, identity.subject)
            note(
                Event.PROVIDER_ACCOUNT,
                about_account(account),
                name=name,
                issuer=issuer,
                subject=identity.subject,
                role=account.role,
                administrator=account.is_administrator,
            )
        return account


def _follow(account: Account, rights: _Rights) -> None:
    """Give an account what the groups give now."""
    people.set_role(account, rights.role)
    if rights.is_administrator is not None:
        try:
            people.set_administrator(account, rights.is_administrator)
        except LastAdministratorError:
            log.warning("The last administrator stays one, whatever the groups say.")
    if rights.team:
        team = team_records.named(name_key(rights.team)) or teams.create(rights.team)
        # Made meanwhile by another sign-in.
        team = team or team_records.named(name_key(rights.team))
        if team:
            teams.move(account, team)


def _refuse(account: Account | None, why: Refusal) -> Refusal:
    """Note a refusal; whoever is in no group any more is signed out everywhere."""
    with exclusive_transaction():
        ended = records.end_sign_ins_of(account.id) if account else 0
        note(
            Event.PROVIDER_REFUSED,
            account and about_account(account),
            reason=why.value,
            signed_out=ended,
        )
    return why


def _free_name(identity: Identity) -> str:
    """Return a name for a new account that no other has: one never leads to another's account."""
    name = next(filter(None, map(_cleaned, identity.names)), "user")
    wanted, number = name, 1
    while records.find_account(name_key(wanted)):
        number += 1
        wanted = f"{name[: records.NAME_LENGTH - 8].rstrip()} {number}"
    return wanted


def _cleaned(name: str) -> str | None:
    try:
        return clean_name(name)
    except UserNameError:
        return None


def _one_line(name: str) -> str:
    printable = "".join(one if one.isprintable() else " " for one in name)
    return " ".join(printable.split())[:FULL_NAME_LENGTH]


def _check_team(name: str) -> None:
    if _cleaned(name) is None:
        raise SettingsError(
            f"LEUKOSCOPE_OIDC_TEAMS names the team “{name}”. Use 3 to 64 letters, digits, spaces "
            "and . @ + - _."
        )
