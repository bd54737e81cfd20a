"""Accounts and who is signed in. What changes here is kept when the transaction is committed."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from flask_login import UserMixin
from sqlalchemy import (
    JSON,
    CheckConstraint,
    ForeignKey,
    LargeBinary,
    String,
    delete,
    false,
    or_,
    select,
    update,
)
from sqlalchemy.engine.default import DefaultExecutionContext
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, contains_eager, mapped_column, relationship

from core.ids import new_id
from records import Model, UtcDateTime, code_type, count_changed, db, pagination, utc_now
from records.accounts import teams
from records.accounts.teams import Team
from records.engines import by_code_points
from records.pagination import Page

NAME_LENGTH = 64
BROWSER_LENGTH = 255
FULL_NAME_LENGTH = 120


class AccountStatus(StrEnum):
    """Whether an account may be used."""

    WAITING = "waiting"
    ACTIVE = "active"
    DEACTIVATED = "deactivated"


class Role(StrEnum):
    """What a person may do with patients' images, each more than the one before."""

    NONE = "none"
    VIEWER = "viewer"
    READER = "reader"
    REVIEWER = "reviewer"

    def includes(self, other: Role) -> bool:
        """Return whether this role may do all that the other one may."""
        roles = list(Role)
        return roles.index(self) >= roles.index(other)


class Account(Model, UserMixin):
    """A person who may sign in; `name_key` is the name as compared, `name` as shown.

    `role` is what the person may do with patients' images; `is_administrator` opens none of them.
    `full_name` is printed in reports above the person's signatures; empty, `name` is.
    `password_hash` is empty where the person signs in at the identity provider.
    """

    __tablename__ = "accounts"
    __table_args__ = (
        CheckConstraint("status IN ('waiting', 'active', 'deactivated')", name="status"),
        CheckConstraint("founder IS NULL OR founder = 1", name="founder"),
        CheckConstraint("role IN ('none', 'viewer', 'reader', 'reviewer')", name="role"),
        CheckConstraint("language IN ('en', 'de', 'fr', 'es')", name="language"),
    )

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(String(NAME_LENGTH))
    name_key: Mapped[str] = mapped_column(by_code_points(String(4 * NAME_LENGTH)), unique=True)
    full_name: Mapped[str] = mapped_column(String(FULL_NAME_LENGTH), default="", server_default="")
    password_hash: Mapped[str] = mapped_column(String(255))
    status: Mapped[AccountStatus] = mapped_column(
        code_type(AccountStatus, 16), default=AccountStatus.WAITING
    )
    role: Mapped[Role] = mapped_column(code_type(Role, 16), default=Role.READER)
    is_administrator: Mapped[bool] = mapped_column(default=False)
    team_id: Mapped[str] = mapped_column(
        ForeignKey("teams.id", ondelete="RESTRICT"), default=teams.first_id
    )
    must_change_password: Mapped[bool] = mapped_column(default=False)
    # 1 for the first account, NULL for all others: unique, so that the database decides a race.
    founder: Mapped[int | None] = mapped_column(unique=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)
    # By the code of each class; NULL for the usual ones.
    room_keys: Mapped[dict[str, str] | None] = mapped_column(JSON(none_as_null=True))
    tour_seen: Mapped[bool] = mapped_column(default=False, server_default=false())
    # NULL for that of the browser.
    language: Mapped[str | None] = mapped_column(String(8))

    team: Mapped[Team] = relationship()

    # `UserMixin` always answers True.
    @property
    def is_active(self) -> bool:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Whether the account may be used."""
        return self.status == AccountStatus.ACTIVE

    @property
    def is_external(self) -> bool:
        """Whether the person signs in at the identity provider and has no password here."""
        return not self.password_hash

    def has_role(self, role: Role) -> bool:
        """Return whether the account's role is this one, or one that may do more."""
        return self.role.includes(role)


class SignIn(Model):
    """One signed-in browser; its row gone, the browser is signed out."""

    __tablename__ = "sign_ins"

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    account_id: Mapped[str] = mapped_column(
        ForeignKey("accounts.id", ondelete="CASCADE"), index=True
    )
    started_at: Mapped[datetime] = mapped_column(UtcDateTime)
    seen_at: Mapped[datetime] = mapped_column(UtcDateTime)
    # The password was right, and the code of the second factor is still to come.
    awaits_code: Mapped[bool] = mapped_column(default=False)
    # What a security key is to sign next, used up by the answer.
    challenge: Mapped[bytes | None] = mapped_column(LargeBinary(64))
    address: Mapped[str] = mapped_column(String(45), default="")
    browser: Mapped[str] = mapped_column(String(BROWSER_LENGTH), default="")


def add_account(
    name: str,
    name_key: str,
    password_hash: str,
    status: AccountStatus,
    founders_role: Role = Role.REVIEWER,
) -> Account | None:
    """Add a new account, or return None if the name is taken; begins a new transaction.

    The very first account becomes an active administrator, whatever `status` says; of two that
    are first at the same time the database lets one be, and the other becomes an ordinary one.
    """
    while True:
        account = Account(name=name, name_key=name_key, password_hash=password_hash, status=status)
        if not any_account():
            account.founder, account.is_administrator = 1, True
            account.status, account.role = AccountStatus.ACTIVE, founders_role
        db.session.add(account)
        try:
            db.session.flush()
        except IntegrityError:
            db.session.rollback()
            if find_account(name_key):
                return None
        else:
            return account


def team_of_owner(context: DefaultExecutionContext) -> str | None:
    """Return the present team of a row's `owner_id`: the default of a column `team_id`."""
    owner = Account.id == context.get_current_parameters()["owner_id"]
    return context.connection.scalar(select(Account.team_id).where(owner))


def any_account() -> bool:
    """Return whether anybody has signed up yet."""
    return db.session.scalar(select(Account.id).limit(1)) is not None


def find_account(name_key: str) -> Account | None:
    """Find the account of this name, as compared."""
    return db.session.scalar(select(Account).where(Account.name_key == name_key))


def get_account(account_id: str) -> Account | None:
    """Find the account of this id."""
    return db.session.get(Account, account_id)


def all_accounts() -> list[Account]:
    """Return every account, oldest first."""
    return list(db.session.scalars(select(Account).order_by(Account.created_at, Account.id)))


def waiting_accounts() -> list[Account]:
    """Return every account that waits, oldest first."""
    wanted = select(Account).filter_by(status=AccountStatus.WAITING)
    return list(db.session.scalars(wanted.order_by(Account.created_at, Account.id)))


def page_of(text: str, number: int, size: int) -> Page[Account]:
    """Return one page of the accounts that do not wait, oldest first, with their teams.

    Only those with `text` in their name or that of their team, if any, both as compared.
    """
    wanted = select(Account).join(Account.team).where(Account.status != AccountStatus.WAITING)
    if text:
        named = Account.name_key, Team.name_key
        wanted = wanted.where(or_(*(key.contains(text, autoescape=True) for key in named)))
    wanted = wanted.options(contains_eager(Account.team))
    return pagination.page_of(wanted.order_by(Account.created_at, Account.id), number, size)


def active_of(team_id: str) -> list[Account]:
    """Return the people of a team whose accounts may be used, in alphabetical order."""
    wanted = select(Account).filter_by(team_id=team_id, status=AccountStatus.ACTIVE)
    return list(db.session.scalars(wanted.order_by(Account.name_key)))


def administrators() -> list[Account]:
    """Return the active administrators, oldest first."""
    wanted = select(Account).filter_by(is_administrator=True, status=AccountStatus.ACTIVE)
    return list(db.session.scalars(wanted.order_by(Account.created_at, Account.id)))


def set_password_hash(account: Account, password_hash: str) -> None:
    """Replace the stored hash."""
    account.password_hash = password_hash


def change_status(account_id: str, before: AccountStatus, after: AccountStatus) -> bool:
    """Move an account from one status to another; False if it was not in the first."""
    changed = (
        update(Account)
        .where(Account.id == account_id, Account.status == before)
        .values(status=after)
    )
    return count_changed(changed) == 1


def remove_waiting(account_id: str) -> bool:
    """Remove an account that was never approved; False if there is none such."""
    removed = delete(Account).where(
        Account.id == account_id, Account.status == AccountStatus.WAITING
    )
    return count_changed(removed) == 1


def start_sign_in(
    account_id: str,
    now: datetime,
    address: str = "",
    browser: str = "",
    awaits_code: bool = False,
) -> str:
    """Record a signed-in browser and return its id."""
    sign_in = SignIn(
        id=new_id(),
        account_id=account_id,
        started_at=now,
        seen_at=now,
        address=address,
        browser=browser[:BROWSER_LENGTH],
        awaits_code=awaits_code,
    )
    db.session.add(sign_in)
    db.session.flush()
    return sign_in.id


def get_sign_in(sign_in_id: str) -> SignIn | None:
    """Find the signed-in browser of this id."""
    return db.session.get(SignIn, sign_in_id)


def touch_sign_in(sign_in_id: str, now: datetime) -> None:
    """Note that the browser was seen; nothing happens if it was signed out meanwhile."""
    db.session.execute(update(SignIn).where(SignIn.id == sign_in_id).values(seen_at=now))


def set_challenge(sign_in_id: str, challenge: bytes) -> None:
    """Keep what a security key is to sign in this browser, in place of any before."""
    db.session.execute(update(SignIn).where(SignIn.id == sign_in_id).values(challenge=challenge))


def take_challenge(sign_in_id: str) -> bytes | None:
    """Use up the challenge of a browser; None if there is none, or it is used already."""
    challenge = db.session.scalar(select(SignIn.challenge).where(SignIn.id == sign_in_id))
    taken = update(SignIn).where(SignIn.id == sign_in_id, SignIn.challenge == challenge)
    if challenge is None or count_changed(taken.values(challenge=None)) != 1:
        return None
    return challenge


def end_sign_in(sign_in_id: str) -> bool:
    """Sign one browser out; False if it is already."""
    return count_changed(delete(SignIn).where(SignIn.id == sign_in_id)) == 1


def sign_ins_of(account_id: str) -> list[SignIn]:
    """Return the browsers of an account, the one seen last first."""
    wanted = select(SignIn).where(SignIn.account_id == account_id)
    return list(db.session.scalars(wanted.order_by(SignIn.seen_at.desc(), SignIn.id)))


def end_sign_ins_of(account_id: str, but: str | None = None) -> int:
    """Sign an account out in every browser, or in every other one; how many there were."""
    ended = delete(SignIn).where(SignIn.account_id == account_id)
    if but is not None:
        ended = ended.where(SignIn.id != but)
    return count_changed(ended)


def end_all_sign_ins() -> int:
    """Sign everybody out; how many browsers there were."""
    return count_changed(delete(SignIn))


def end_sign_ins_before(started: datetime, seen: datetime) -> list[str]:
    """Forget browsers that signed in before `started` or were last seen before `seen`.

    Gives the id of the account of each.
    """
    late = or_(SignIn.started_at < started, SignIn.seen_at < seen)
    expired = delete(SignIn).where(SignIn.awaits_code.is_(False), late)
    return list(db.session.scalars(expired.returning(SignIn.account_id)))


def end_waits_for_codes_before(started: datetime) -> None:
    """Forget browsers that gave the password before `started`, and no code since."""
    db.session.execute(
        delete(SignIn).where(SignIn.awaits_code.is_(True), SignIn.started_at < started)
    )
