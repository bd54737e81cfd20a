"""What people do with accounts: sign up, sign in, change the password, approve each other."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from records import transaction, utc_now
from records.accounts import accounts as records
from records.accounts import second_factors
from records.accounts.accounts import Account, AccountStatus, Role, SignIn
from records.audit.audit import About, Event
from records.storage.secret_key import secret_key
from services.accounts import people
from services.accounts.confirmations import Confirmed
from services.accounts.passwords import Passwords, check_password, one_time_password
from services.accounts.second_factors import Code, SecondFactors
from services.accounts.security_keys import SecurityKeys, Site
from services.audit import audit
from services.audit.audit import about_account, as_account, note, note_by
from services.language import gettext
from settings import Settings

SHORTEST_NAME, LONGEST_NAME = 3, records.NAME_LENGTH
# Characters as typed: one letter may be composed of several. No name is longer.
LONGEST_TYPED_NAME = 4 * LONGEST_NAME
_NAME = re.compile(r"\w[\w.@+\- ]*\w")
# How stale "last seen" may be: spares the database a write for every image of a page.
_SEEN_STEP = timedelta(minutes=1)
_CODE_WITHIN = timedelta(minutes=10)


class ExternalAccountError(Exception):
    """The account belongs to the identity provider and can have no password here."""


class UserNameError(ValueError):
    """A user name is not accepted; the text is a sentence for the person who chose it."""


class Decision(Enum):
    """What an administrator decides about an account: its status before, and after (or gone)."""

    approve = (AccountStatus.WAITING, AccountStatus.ACTIVE)
    refuse = (AccountStatus.WAITING, None)
    deactivate = (AccountStatus.ACTIVE, AccountStatus.DEACTIVATED)
    reactivate = (AccountStatus.DEACTIVATED, AccountStatus.ACTIVE)

    @property
    def event(self) -> Event:
        """As what it is noted."""
        return Event(self.name)


@dataclass(frozen=True)
class SignedIn:
    """The password was right and the account is active; `sign_in_id` goes into the session."""

    account: Account
    sign_in_id: str


@dataclass(frozen=True)
class CodeNeeded:
    """The password was right; the code of the second factor completes `sign_in_id`."""

    sign_in_id: str


class Wrong(Enum):
    """What was wrong where password and code are asked once more."""

    PASSWORD = "password"  # noqa: S105  the name of a field
    CODE = "code"


@dataclass(frozen=True)
class Renewed:
    """A new sign-in for this browser, every other one signed out; new recovery codes, if any."""

    sign_in_id: str
    recovery_codes: tuple[str, ...] = ()


@dataclass(frozen=True)
class NotYet:
    """The password was right, but the account waits for approval or is deactivated."""

    status: AccountStatus


@dataclass(frozen=True)
class Elsewhere:
    """The password was right, but people sign in at the identity provider here."""


def clean_name(name: str) -> str:
    """Return the user name as kept and shown; raises `UserNameError`."""
    # Normalizing takes quadratic time on crafted text.
    shown = "" if len(name) > LONGEST_TYPED_NAME else _composed(name)
    if not SHORTEST_NAME <= len(shown) <= LONGEST_NAME:
        raise UserNameError(
            gettext(
                "Use %(shortest_name)s to %(longest_name)s characters.",
                shortest_name=SHORTEST_NAME,
                longest_name=LONGEST_NAME,
            )
        )
    if not _NAME.fullmatch(shown):
        raise UserNameError(
            gettext(
                "Use only letters, digits, spaces and . @ + - _, with a letter or digit at both "
                "ends."
            )
        )
    return shown


def name_key(name: str) -> str:
    """Return the user name as compared.

    Case, width and composition of letters make no difference.
    """
    return _composed(_composed(name[:LONGEST_TYPED_NAME]).casefold())


def _composed(name: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", name).split())


class Accounts:
    """The accounts of one installation; `clock` returns the time (aware, UTC)."""

    def __init__(self, settings: Settings, clock: Callable[[], datetime] = utc_now) -> None:
        self.clock = clock
        self.passwords = Passwords(settings.password_memory_kib, settings.password_passes)
        self._new_status = (
            AccountStatus.ACTIVE if settings.signup == "open" else AccountStatus.WAITING
        )
        self._idle = timedelta(minutes=settings.idle_minutes)
        self._longest = timedelta(hours=settings.session_hours)
        self._second_factor = settings.second_factor_policy
        self._local = settings.oidc_local
        self.second_factors = SecondFactors(
            secret_key(settings.instance_dir), self.passwords, lambda: self.clock()
        )
        self.security_keys = SecurityKeys(lambda: self.clock())

    def sign_up(self, name: str, password: str, reads_cases: bool = True) -> Account | None:
        """Make an account, or return None if the name is taken.

        `reads_cases` is asked of the first account only: whether it is a reviewer's, too. Raises
        `UserNameError` or `PasswordError`. A taken name costs as much time as a free one.
        """
        shown = clean_name(name)
        check_password(password, shown)
        password_hash = self.passwords.hash(password)
        with transaction():
            added = records.add_account(
                shown,
                name_key(shown),
                password_hash,
                self._new_status,
                Role.REVIEWER if reads_cases else Role.NONE,
            )
            _note_sign_up(added, name_key(shown))
        return added

    @property
    def may_sign_up(self) -> bool:
        """Whether one may ask for an account: else only the provider's people get any."""
        return self._local == "on" or (
            self._local == "administrators" and not records.any_account()
        )

    def sign_in(
        self, name: str, password: str
    ) -> SignedIn | CodeNeeded | NotYet | Elsewhere | None:
        """Check the password; None for unknown name and wrong password alike."""
        account = records.find_account(name_key(name))
        right = self.passwords.verify(account.password_hash if account else None, password)
        with transaction():
            if account is None or not right:
                # What was typed for an unknown name may be a password: it is not kept.
                note(Event.SIGN_IN_FAILED, account and about_account(account))
                return None
            if not account.is_active:
                note(Event.SIGN_IN_REFUSED, about_account(account), status=account.status)
                return NotYet(account.status)
            if not self._may_use_password(account):
                note(Event.PROVIDER_REFUSED, about_account(account), reason="password")
                return Elsewhere()
            if self.passwords.is_outdated(account.password_hash):
                records.set_password_hash(account, self.passwords.hash(password))
            if second_factors.get(account.id):
                return self._ask_for_code(account)
            return self._start(account)

    def _may_use_password(self, account: Account) -> bool:
        return self._local == "on" or (self._local == "administrators" and account.is_administrator)

    def sign_in_elsewhere(self, account: Account, issuer: str) -> SignedIn:
        """Sign in somebody whom the identity provider has identified."""
        with transaction():
            return self._start(account, issuer=issuer)

    def _ask_for_code(self, account: Account) -> CodeNeeded:
        now, actor = self.clock(), audit.present()
        records.end_waits_for_codes_before(now - _CODE_WITHIN)
        note(Event.CODE_ASKED, about_account(account))
        return CodeNeeded(
            records.start_sign_in(account.id, now, actor.address, actor.browser, awaits_code=True)
        )

    def awaiting_code(self, sign_in_id: str | None) -> Account | None:
        """Find the account of a browser that gave the password and owes the code."""
        sign_in = records.get_sign_in(sign_in_id) if sign_in_id else None
        if sign_in is None or not sign_in.awaits_code:
            return None
        if not self._is_alive(sign_in, self.clock()):
            return None
        account = records.get_account(sign_in.account_id)
        return account if account and account.is_active else None

    def sign_in_with_code(self, sign_in_id: str, code: str) -> SignedIn | None:
        """Complete a sign-in; None if the code is wrong, or the password too long ago."""
        return self._complete(sign_in_id, lambda account: self.second_factors.use(account, code))

    def ask_for_key(self, sign_in_id: str, site: Site) -> str | None:
        """Return what a browser that owes a code may ask a security key for; None if no key."""
        account = self.awaiting_code(sign_in_id)
        if account is None:
            return None
        with transaction():
            return self.security_keys.ask(account, sign_in_id, site)

    def sign_in_with_key(self, sign_in_id: str, answer: str, site: Site) -> SignedIn | None:
        """Complete a sign-in with what a security key answered; None if it is not accepted."""

        def use(account: Account) -> Code | None:
            used = self.security_keys.use(account, sign_in_id, answer, site)
            return Code.KEY if used else None

        return self._complete(sign_in_id, use)

    def _complete(self, sign_in_id: str, use: Callable[[Account], Code | None]) -> SignedIn | None:
        account = self.awaiting_code(sign_in_id)
        if account is None:
            return None
        with transaction():
            kind = use(account)
            if kind is None:
                note(Event.CODE_FAILED, about_account(account))
                return None
            if not records.end_sign_in(sign_in_id):
                return None
            return self._start(account, second_factor=kind.value)

    def _start(self, account: Account, **details: object) -> SignedIn:
        now, actor = self.clock(), audit.present()
        for account_id in records.end_sign_ins_before(now - self._longest, now - self._idle):
            _note_expired(account_id)
        sign_in_id = records.start_sign_in(account.id, now, actor.address, actor.browser)
        note_by(as_account(account), Event.SIGN_IN, about_account(account), **details)
        return SignedIn(account, sign_in_id)

    def resume(
        self, sign_in_id: str | None, account_id: str, present: bool = True
    ) -> Account | None:
        """Find the account of a browser; None once it timed out or was signed out.

        A request that the browser makes by itself (not `present`) does not put off the time-out.
        """
        sign_in = records.get_sign_in(sign_in_id) if sign_in_id else None
        if sign_in is None or sign_in.awaits_code or sign_in.account_id != account_id:
            return None
        now = self.clock()
        if not self._is_alive(sign_in, now):
            self._expire(sign_in.id, account_id)
            return None
        if present and now - sign_in.seen_at > _SEEN_STEP:
            with transaction():
                records.touch_sign_in(sign_in.id, now)
        account = records.get_account(account_id)
        return account if account and account.is_active else None

    def _is_alive(self, sign_in: SignIn, now: datetime) -> bool:
        if sign_in.awaits_code:
            return now - sign_in.started_at <= _CODE_WITHIN
        return now - sign_in.seen_at <= self._idle and now - sign_in.started_at <= self._longest

    def sessions_of(self, account: Account) -> list[SignIn]:
        """Return the browsers in which the account is signed in, last seen first."""
        now = self.clock()
        return [one for one in records.sign_ins_of(account.id) if self._is_alive(one, now)]

    def end_session(self, account: Account, sign_in_id: str) -> bool:
        """Sign one of the account's browsers out; False if it has no such."""
        sign_in = records.get_sign_in(sign_in_id)
        if sign_in is None or sign_in.account_id != account.id:
            return False
        with transaction():
            ended = records.end_sign_in(sign_in_id)
            if ended:
                note(Event.SESSION_END, about_account(account), name=account.name, sessions=1)
            return ended

    def end_sessions(self, account: Account, but: str | None = None) -> int:
        """Sign the account out everywhere, or in every other browser; how many there were."""
        with transaction():
            ended = records.end_sign_ins_of(account.id, but)
            note(Event.SESSION_END, about_account(account), name=account.name, sessions=ended)
            return ended

    def end_all_sessions(self) -> int:
        """Sign everybody out; how many browsers there were."""
        with transaction():
            ended = records.end_all_sign_ins()
            note(Event.SESSION_END, sessions=ended)
            return ended

    def _expire(self, sign_in_id: str, account_id: str) -> None:
        with transaction():
            if records.end_sign_in(sign_in_id):
                _note_expired(account_id)

    def sign_out(self, sign_in_id: str) -> None:
        """Sign one browser out; its cookie is worth nothing from now on."""
        with transaction():
            if records.end_sign_in(sign_in_id):
                note(Event.SIGN_OUT)

    def has_password(self, account: Account, password: str) -> bool:
        """Return whether it is the account's password, asked once more before a grave act."""
        return self.passwords.verify(account.password_hash, password)

    def proves(self, account: Account, proof: str | Confirmed) -> bool:
        """Return whether it is the account's password, or a confirmation by the provider."""
        if isinstance(proof, Confirmed):
            return account.is_external and proof.account_id == account.id
        return self.has_password(account, proof)

    def confirms_password(self, account: Account, password: str) -> bool:
        """Return whether it is the account's password; a wrong one is noted."""
        if self.has_password(account, password):
            return True
        audit.keep(Event.CODE_FAILED, about_account(account), wrong=Wrong.PASSWORD.value)
        return False

    def change_password(self, account: Account, present: str, new: str) -> str | None:
        """Change the password and sign out every browser; the id of a new sign-in for this one.

        None if the present password is wrong; raises `PasswordError` for an unfit new one.
        """
        if not self.has_password(account, present):
            audit.keep(Event.PASSWORD_CHANGE_FAILED, about_account(account))
            return None
        check_password(new, account.name)
        with transaction():
            self._set_password(account, new, Event.PASSWORD_CHANGE)
            return self._start(account).sign_in_id

    def must_enrol(self, account: Account) -> bool:
        """Return whether the account needs a second factor before it may do anything.

        Whoever signs in at the identity provider has the provider's.
        """
        if account.is_external:
            return False
        powerful = account.is_administrator or account.has_role(Role.REVIEWER)
        asked = {"everybody": True, "required": powerful, "optional": False}[self._second_factor]
        return asked and second_factors.get(account.id) is None

    def enrol(self, account: Account, sealed: str, password: str, code: str) -> Renewed | Wrong:
        """Give an account its second factor, and sign every other browser out."""
        return self._confirmed(
            account, password, lambda: self.second_factors.enrol(account, sealed, code)
        )

    def renew_recovery_codes(self, account: Account, password: str, code: str) -> Renewed | Wrong:
        """Replace the recovery codes, and sign every other browser out."""
        return self._confirmed(
            account, password, lambda: self.second_factors.new_recovery_codes(account, code)
        )

    def remove_second_factor(self, account: Account, password: str, code: str) -> Renewed | Wrong:
        """Remove one's own second factor, and sign every other browser out."""
        return self._confirmed(
            account, password, lambda: self.second_factors.give_up(account, code)
        )

    def begin_security_key(
        self, account: Account, password: str, code: str, site: Site
    ) -> tuple[Renewed, str] | Wrong:
        """Begin to add a security key, and sign every other browser out.

        Returns:
            The new sign-in, and what its browser is to ask a key for, as JSON.
        """
        renewed = self._confirmed(
            account, password, lambda: self._without_codes(account, code, lambda: True)
        )
        if isinstance(renewed, Wrong):
            return renewed
        with transaction():
            asked = self.security_keys.ask_for_new(account, renewed.sign_in_id, site)
        return renewed, asked

    def add_security_key(
        self, account: Account, sign_in_id: str, name: str, answer: str, site: Site
    ) -> bool:
        """Add the key that answered; False if it is not accepted, or was not asked for."""
        with transaction():
            return self.security_keys.register(account, sign_in_id, name, answer, site)

    def remove_security_key(
        self, account: Account, key_id: str, password: str, code: str
    ) -> Renewed | Wrong:
        """Remove a security key, and sign every other browser out."""

        def remove() -> bool:
            return self.security_keys.remove(account, key_id)

        return self._confirmed(
            account, password, lambda: self._without_codes(account, code, remove)
        )

    def _without_codes(
        self, account: Account, code: str, act: Callable[[], bool]
    ) -> list[str] | None:
        """Act if the code is right; there are no recovery codes to show."""
        if self.second_factors.use(account, code) is None:
            return None
        act()
        return []

    def _confirmed(
        self, account: Account, password: str, act: Callable[[], list[str] | None]
    ) -> Renewed | Wrong:
        """Act if the password is right; `act` gives recovery codes, or None for a wrong code."""
        if not self.confirms_password(account, password):
            return Wrong.PASSWORD
        with transaction():
            codes = act()
            if codes is not None:
                records.end_sign_ins_of(account.id)
                return Renewed(self._start(account).sign_in_id, tuple(codes))
        audit.keep(Event.CODE_FAILED, about_account(account), wrong=Wrong.CODE.value)
        return Wrong.CODE

    def reset_second_factor(self, account: Account) -> bool:
        """Remove somebody's second factor and sign them out; False if there is none."""
        with transaction():
            removed = self.second_factors.reset(account)
            if removed:
                records.end_sign_ins_of(account.id)
            return removed

    def reset_password(self, account: Account, new: str) -> None:
        """Set a new password and sign out every browser.

        Raises `PasswordError`, or `ExternalAccountError`.
        """
        check_password(new, account.name)
        with transaction():
            self._set_password(account, new, Event.PASSWORD_RESET)

    def give_one_time_password(self, account: Account) -> str:
        """Set a password that must be changed at the next sign-in; signs out every browser.

        Raises `ExternalAccountError`.
        """
        password = one_time_password()
        with transaction():
            self._set_password(account, password, Event.PASSWORD_RESET)
            account.must_change_password = True
        return password

    def _set_password(self, account: Account, new: str, event: Event) -> None:
        if account.is_external:
            raise ExternalAccountError
        records.set_password_hash(account, self.passwords.hash(new))
        account.must_change_password = False
        ended = records.end_sign_ins_of(account.id)
        note(event, about_account(account), name=account.name, signed_out=ended)

    def decide(self, account_id: str, decision: Decision) -> bool:
        """Carry out an administrator's decision; False if the account is not in that state.

        Raises `LastAdministratorError`.
        """
        before, after = decision.value
        with transaction():
            account = records.get_account(account_id)
            if decision is Decision.deactivate:
                people.keep_an_administrator(account)
            if account is None or not _move(account_id, before, after):
                return False
            ended = records.end_sign_ins_of(account_id) if after == AccountStatus.DEACTIVATED else 0
            note(decision.event, about_account(account), name=account.name, signed_out=ended)
            return True


def _move(account_id: str, before: AccountStatus, after: AccountStatus | None) -> bool:
    if after is None:
        return records.remove_waiting(account_id)
    return records.change_status(account_id, before, after)


def _note_sign_up(added: Account | None, name_key: str) -> None:
    """Note a request, also for a taken name: it must cost as much as a free one."""
    if added:
        note_by(as_account(added), Event.SIGN_UP, about_account(added), status=added.status)
    else:
        account = records.find_account(name_key)
        note(Event.SIGN_UP_TAKEN, account and about_account(account))


def _note_expired(account_id: str) -> None:
    note_by(audit.SERVER, Event.SESSION_EXPIRED, About("account", account_id))
