"""Who signed a case and all that they signed, and who opened it again: rows that stay."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    JSON,
    CheckConstraint,
    ColumnElement,
    ForeignKey,
    Index,
    String,
    Text,
    UniqueConstraint,
    func,
    literal_column,
    select,
    text,
)
from sqlalchemy.orm import (
    InstrumentedAttribute,
    Mapped,
    joinedload,
    mapped_column,
    relationship,
)

from records import Model, UtcDateTime, code_type, db, utc_now
from records.accounts.accounts import Account
from records.append_only import make_append_only

FIRST_VERSION = 1


class SignatureRole(StrEnum):
    """As what somebody signs: first, second, or deciding between both.

    A second reviewer who did not read blind agrees with the first; else they decide themselves.
    """

    FIRST = "first"
    SECOND = "second"
    ADJUDICATOR = "adjudicator"


class Signature(Model):
    """One reader's signature under one version of a case.

    `contents` is what was signed, `sha256` of its canonical JSON. `final` is the signature that
    completes the version and locks the case: with two readers that is not the first one.
    """

    __tablename__ = "signatures"
    __table_args__ = (
        CheckConstraint("role IN ('first', 'second', 'adjudicator')", name="role"),
        UniqueConstraint("case_id", "version", "role"),
        # Lists ask of every case whether it is signed, and rows are long.
        Index("ix_signatures_case_id_version_final", "case_id", "version", "final"),
        Index(
            "ix_signatures_first_final_at",
            "at",
            # As either database has the condition of `first_final`.
            sqlite_where=text(f"final = 1 AND version = {FIRST_VERSION}"),
            postgresql_where=text(f"final AND version = {FIRST_VERSION}"),
        ),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.id", ondelete="RESTRICT"))
    version: Mapped[int]
    reader_id: Mapped[str] = mapped_column(ForeignKey("accounts.id", ondelete="RESTRICT"))
    role: Mapped[SignatureRole] = mapped_column(
        code_type(SignatureRole, 12), default=SignatureRole.FIRST
    )
    final: Mapped[bool] = mapped_column(default=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)
    conclusion: Mapped[str] = mapped_column(Text)
    contents: Mapped[dict[str, Any]] = mapped_column(JSON)
    sha256: Mapped[str] = mapped_column(String(64))

    reader: Mapped[Account] = relationship()


@dataclass(frozen=True)
class Mark:
    """A signature without what was signed."""

    version: int
    reader_id: str
    role: SignatureRole
    final: bool
    at: datetime


class SignedAnalysis(Model):
    """An analysis that a signature covers; it must be kept."""

    __tablename__ = "signed_analyses"

    signature_id: Mapped[int] = mapped_column(
        ForeignKey("signatures.id", ondelete="RESTRICT"), primary_key=True
    )
    analysis_id: Mapped[str] = mapped_column(
        ForeignKey("analyses.id", ondelete="RESTRICT"), primary_key=True, index=True
    )


class Amendment(Model):
    """A signed case opened again, to be signed as `version`; earlier versions are kept."""

    __tablename__ = "amendments"
    __table_args__ = (
        UniqueConstraint("case_id", "version"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.id", ondelete="RESTRICT"))
    version: Mapped[int]
    opened_by: Mapped[str] = mapped_column(ForeignKey("accounts.id", ondelete="RESTRICT"))
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)
    reason: Mapped[str] = mapped_column(Text)

    opener: Mapped[Account] = relationship()


make_append_only(Signature, "id")
make_append_only(Amendment, "id")
make_append_only(SignedAnalysis)


def get(signature_id: int) -> Signature:
    """Return the signature of this id, whoever's it is: for work that a row of it leads to."""
    return db.session.get_one(Signature, signature_id)


def version_of(case_id: str) -> int:
    """Return the version of a case, from 1: one more with every amendment."""
    newest = select(func.max(Amendment.version)).filter_by(case_id=case_id)
    return db.session.scalar(newest) or FIRST_VERSION


def present_version(case_id: ColumnElement[str] | InstrumentedAttribute[str]) -> ColumnElement[int]:
    """Return the expression by which a query works out the version of a case."""
    newest = select(func.coalesce(func.max(Amendment.version), FIRST_VERSION))
    return newest.where(Amendment.case_id == case_id).correlate_except(Amendment).scalar_subquery()


def of_case(case_id: str) -> list[Signature]:
    """Return all signatures of a case, oldest first, with their readers."""
    wanted = select(Signature).filter_by(case_id=case_id).options(joinedload(Signature.reader))
    return list(db.session.scalars(wanted.order_by(Signature.id)))


def of_version(case_id: str, version: int) -> list[Signature]:
    """Return the signatures of one version, oldest first."""
    return [signature for signature in of_case(case_id) if signature.version == version]


def marks_of(case_id: str) -> list[Mark]:
    """Return who signed a case, oldest first, without what they signed."""
    columns = Signature.version, Signature.reader_id, Signature.role, Signature.final, Signature.at
    wanted = select(*columns).where(Signature.case_id == case_id).order_by(Signature.id)
    return [Mark(*row) for row in db.session.execute(wanted)]


def newest_final() -> list[Signature]:
    """Return the signature that completed each case's newest signed version."""
    newest = select(func.max(Signature.id)).filter_by(final=True).group_by(Signature.case_id)
    wanted = select(Signature).where(Signature.id.in_(newest)).order_by(Signature.id)
    return list(db.session.scalars(wanted))


def first_final() -> ColumnElement[bool]:
    """Select the signatures that were the first of their case to lock it.

    That of the first version: no other one is begun before a signature has locked it.
    """
    return Signature.final & (Signature.version == literal_column(str(FIRST_VERSION)))


def amendments_of(case_id: str) -> list[Amendment]:
    """Return all amendments of a case, oldest first, with those who opened them."""
    wanted = select(Amendment).filter_by(case_id=case_id).options(joinedload(Amendment.opener))
    return list(db.session.scalars(wanted.order_by(Amendment.id)))


def locked(case_id: str) -> bool:
    """Return whether the present version of a case is signed and locked."""
    wanted = select(Signature.id).filter_by(
        case_id=case_id, version=version_of(case_id), final=True
    )
    return db.session.scalar(wanted.limit(1)) is not None


def was_signed(analysis_id: str) -> bool:
    """Return whether any signature covers an analysis."""
    wanted = select(SignedAnalysis.signature_id).filter_by(analysis_id=analysis_id).limit(1)
    return db.session.scalar(wanted) is not None


def add_signature(signature: Signature, analysis_ids: Iterable[str]) -> None:
    """Add a signature that covers these analyses, not yet committed.

    Raises:
        IntegrityError: somebody signed in this role before.
    """
    db.session.add(signature)
    db.session.flush()
    db.session.add_all(
        SignedAnalysis(signature_id=signature.id, analysis_id=analysis_id)
        for analysis_id in analysis_ids
    )
    db.session.flush()


def add_amendment(amendment: Amendment) -> None:
    """Add an amendment, not yet committed.

    Raises:
        IntegrityError: somebody opened this version before.
    """
    db.session.add(amendment)
    db.session.flush()
