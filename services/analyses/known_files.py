"""Files that a team has uploaded before, found by their hashes."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from records.analyses import analyses, field_tasks
from records.analyses.analyses import AnalysisKind


@dataclass(frozen=True)
class KnownFile:
    """A file as it was uploaded before; `analysis_id` is None as long as it waits to be read."""

    kind: AnalysisKind
    file_name: str
    owner_id: str
    owner_name: str
    batch_id: str
    at: datetime
    analysis_id: str | None


def is_kept(owner_id: str, upload_id: str) -> bool:
    """Return whether an upload that comes once more is kept already."""
    kept = analyses.find(owner_id, upload_id) or field_tasks.find_own(owner_id, upload_id)
    return kept is not None


def known_files(team_id: str, kind: AnalysisKind, hashes: Collection[str]) -> dict[str, KnownFile]:
    """Find the team's latest upload of each file for one kind of analysis, by its SHA-256."""
    known: dict[str, KnownFile] = {}
    if kind == AnalysisKind.DETECTION:
        for task in field_tasks.under_way_of_files(team_id, hashes):
            known[str(task.sha256)] = KnownFile(
                kind,
                task.file_name,
                task.owner_id,
                task.owner.name,
                task.batch_id,
                task.created_at,
                None,
            )
    for kept in analyses.of_files(team_id, kind, hashes):
        known[kept.sha256] = KnownFile(
            kind,
            kept.file_name,
            kept.owner_id,
            kept.owner.name,
            kept.batch_id,
            kept.created_at,
            kept.id,
        )
    return known
