"""Cases have a place in the worklist, and lists need no finding nor signed contents."""

import unicodedata
from collections.abc import Iterator

import sqlalchemy as sa
from alembic import op

from records import UtcDateTime
from records.append_only import triggers

revision, down_revision = "0019", "0018"
branch_labels = depends_on = None

REVIEWED = ("wbc", "blast", "smudge")
ASSIGNEE = "fk_cases_assignee_id_accounts"
PRIORITY = "ck_cases_priority"
FINAL = "ix_signatures_case_id_version_final"

COUNTED = ("signature_id", "cells", "white_cells", "blasts", "compared", "agreed")
ANALYSES = sa.table(
    "analyses",
    *(sa.column(name, sa.String) for name in ("id", "file_name", "kind")),
    sa.column("finding", sa.JSON),
)
SIGNATURES = sa.table("signatures", sa.column("id", sa.Integer), sa.column("contents", sa.JSON))


def upgrade() -> None:
    """Bring columns and tables up, filled from what is kept."""
    _extend_cases()
    _extend_slides()
    _make_assignments()
    _make_summaries()
    _make_signed_counts()


def _extend_cases() -> None:
    for column in (
        sa.Column("accession", sa.String(40), nullable=False, server_default=""),
        sa.Column("priority", sa.String(8), nullable=False, server_default="routine"),
        sa.Column("assignee_id", sa.String(32), nullable=True),
        sa.Column("closed_at", UtcDateTime(), nullable=True),
        sa.Column("close_reason", sa.Text(), nullable=False, server_default=""),
        sa.Column("archived_at", UtcDateTime(), nullable=True),
        sa.Column("folded", sa.Text(), nullable=False, server_default=""),
        sa.Column("form_key", sa.String(32), nullable=True),
    ):
        op.add_column("cases", column)
    with op.batch_alter_table("cases") as altered:
        altered.create_check_constraint(
            op.f(PRIORITY), "priority IN ('routine', 'urgent', 'stat')"
        )
        altered.create_foreign_key(
            op.f(ASSIGNEE), "accounts", ["assignee_id"], ["id"], ondelete="RESTRICT"
        )
        altered.create_unique_constraint(op.f("uq_cases_form_key"), ["form_key"])
    for column in ("assignee_id", "archived_at"):
        op.create_index(f"ix_cases_team_id_{column}", "cases", ["team_id", column])
    op.create_index(FINAL, "signatures", ["case_id", "version", "final"])
    texts = "SELECT id, pseudonym, accession, notes FROM cases"
    folded = [
        {"id": row[0], "folded": "\n".join(map(_fold, row[1:]))} for row in _rows(texts)
    ]
    _run("UPDATE cases SET folded = :folded WHERE id = :id", folded)


def _extend_slides() -> None:
    op.add_column(
        "slides", sa.Column("folded_name", sa.String(480), nullable=False, server_default="")
    )
    names = [
        {"id": row[0], "name": _fold(row[1])} for row in _rows("SELECT id, file_name FROM slides")
    ]
    _run("UPDATE slides SET folded_name = :name WHERE id = :id", names)


def _make_assignments() -> None:
    op.create_table(
        "assignments",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.String(32), nullable=False),
        sa.Column("assignee_id", sa.String(32), nullable=True),
        sa.Column("by_id", sa.String(32), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        _reference("assignments", "case_id", "cases"),
        _reference("assignments", "assignee_id", "accounts"),
        _reference("assignments", "by_id", "accounts"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_assignments")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_assignments_case_id"), "assignments", ["case_id"])
    _let_nobody_change("assignments", "id")


def _make_summaries() -> None:
    op.create_table(
        "analysis_summaries",
        sa.Column("analysis_id", sa.String(32), nullable=False),
        sa.Column("folded_name", sa.String(480), nullable=False),
        sa.Column("cells", sa.Integer(), nullable=False),
        sa.Column("white_cells", sa.Integer(), nullable=False),
        sa.Column("blasts", sa.Integer(), nullable=False),
        sa.Column("candidates", sa.Text(), nullable=False),
        _reference("analysis_summaries", "analysis_id", "analyses", "CASCADE"),
        sa.PrimaryKeyConstraint("analysis_id", name=op.f("pk_analysis_summaries")),
    )
    # A finding may have megabytes: one after the other.
    kept = sa.select(ANALYSES.c.id, ANALYSES.c.file_name, ANALYSES.c.kind, ANALYSES.c.finding)
    for row in op.get_bind().execute(kept):
        _run(
            "INSERT INTO analysis_summaries VALUES "
            "(:id, :name, :cells, :white_cells, :blasts, :candidates)",
            [{"id": row[0], "name": _fold(row[1]), **_count(row[2], row[3])}],
        )


def _make_signed_counts() -> None:
    op.create_table(
        "signed_counts",
        sa.Column("signature_id", sa.Integer(), nullable=False),
        *(
            sa.Column(name, sa.Integer(), nullable=False)
            for name in ("cells", "white_cells", "blasts", "compared", "agreed")
        ),
        _reference("signed_counts", "signature_id", "signatures"),
        sa.PrimaryKeyConstraint("signature_id", name=op.f("pk_signed_counts")),
    )
    _count_signed()
    _let_nobody_change("signed_counts", "signature_id")


def _count_signed() -> None:
    connection = op.get_bind()
    counts = sa.table("signed_counts", *(sa.column(name) for name in COUNTED))
    # One at a time: what was signed has megabytes.
    for signature_id in connection.scalars(sa.select(SIGNATURES.c.id)).all():
        this = SIGNATURES.c.id == signature_id
        signed = connection.scalar(sa.select(SIGNATURES.c.contents).where(this))
        state = signed.get("state", {})
        if state.get("total") is not None:
            row = {"signature_id": signature_id, **_signed(state)}
            connection.execute(sa.insert(counts).values(row))


def _signed(state: dict) -> dict[str, int]:
    """Count what was signed; models and reviewer agree where both, or neither, say blast."""
    compared = [
        (cell["proposed"] == "blast") == (cell.get("label") == "blast")
        for cell in state.get("cells", ())
        if cell.get("seen") and not cell.get("doubtful") and cell.get("proposed") is not None
    ]
    return {
        "cells": state["total"],
        "white_cells": state["by_reviewers"]["white"],
        "blasts": state["by_reviewers"].get("labels", {}).get("blast", 0),
        "compared": len(compared),
        "agreed": sum(compared),
    }


def downgrade() -> None:
    """Take all of it away: who had which case, and why one was closed, is lost."""
    for table in ("signed_counts", "analysis_summaries", "assignments"):
        op.drop_table(table)
    op.drop_column("slides", "folded_name")
    op.drop_index(FINAL, "signatures")
    for column in ("assignee_id", "archived_at"):
        op.drop_index(f"ix_cases_team_id_{column}", "cases")
    with op.batch_alter_table("cases") as altered:
        altered.drop_constraint(op.f("uq_cases_form_key"), type_="unique")
        altered.drop_constraint(op.f(ASSIGNEE), type_="foreignkey")
        altered.drop_constraint(op.f(PRIORITY), type_="check")
        for name in (
            *("accession", "priority", "assignee_id", "closed_at", "close_reason"),
            *("archived_at", "folded", "form_key"),
        ):
            altered.drop_column(name)


def _count(kind: str, finding: dict) -> dict[str, object]:
    """Count the white cells of a finding as this version does."""
    if kind == "classification":
        # An image of a single cell is reviewed, and in no share of a smear.
        counted = finding.get("label") is not None
        numbers = {"cells": int(counted), "white_cells": 0, "blasts": 0}
        return {**numbers, "candidates": "" if counted else ",0,"}
    by_classifier = finding.get("named_by") == "classifier"
    cells = [(one, True) for one in finding.get("detections", ()) if one["label"] in REVIEWED]
    cells += [(one, False) for one in finding.get("doubtful", ()) if one["label"] in REVIEWED]
    cells.sort(key=lambda each: _rank(each[0], by_classifier), reverse=True)
    labels = [one["label"] for one, counted in cells if counted]
    numbers = [str(number) for number, (_, counted) in enumerate(cells) if not counted]
    return {
        "cells": len(labels),
        "white_cells": len(labels) - labels.count("smudge"),
        "blasts": labels.count("blast"),
        "candidates": f",{','.join(numbers)}," if numbers else "",
    }


def _rank(cell: dict, by_classifier: bool) -> tuple[bool, float]:
    is_blast = cell["label"] == "blast"
    probability = cell.get("second" if by_classifier else "blast")
    if probability is None:
        confidence = cell.get("confidence", 0.0)
        probability = confidence if is_blast else -confidence
    return is_blast or cell.get("second_label") == "all_blast", probability


def _fold(text: str) -> str:
    composed = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(unicodedata.normalize("NFKC", composed).split())


def _rows(statement: str) -> Iterator[tuple]:
    yield from op.get_bind().execute(sa.text(statement))


def _run(statement: str, values: list[dict]) -> None:
    if values:
        op.get_bind().execute(sa.text(statement), values)


def _reference(
    table: str, column: str, other: str, ondelete: str = "RESTRICT"
) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_{column}_{other}")
    return sa.ForeignKeyConstraint([column], [f"{other}.id"], name=name, ondelete=ondelete)


def _let_nobody_change(table: str, key: str) -> None:
    for statement in triggers(table, (key,), op.get_bind().dialect.name).values():
        op.execute(statement)
