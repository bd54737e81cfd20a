"""What administrators set for the watch of a team; every change is kept and noted."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from records import exclusive_transaction
from records.accounts.accounts import Account
from records.audit.audit import About, Event
from records.cases import cases
from records.laboratory import watch_settings as records
from records.laboratory.watch_settings import WatchSettings
from services.audit.audit import note
from services.statistics.watch import Baseline


@dataclass(frozen=True)
class ControlSlide:
    """The QC slide of a team: of its white cells, how many should be blasts.

    Attributes:
        case_id: The case of its fields; others of the same pseudonym belong to it.
        low: Least share of blasts, in percent.
        high: Largest share of blasts, in percent.
        least_white: White cells that should be found in a day's fields at the least.
        since: The day on which it was named; does not count in comparisons.
    """

    case_id: str
    low: float
    high: float
    least_white: int
    since: date = field(default=date.max, compare=False)


@dataclass(frozen=True)
class Values:
    """All settings of the watch of a team."""

    baseline: Baseline = field(default_factory=Baseline)
    slide: ControlSlide | None = None


def present(team_id: str) -> Values:
    """Return the settings of a team that hold."""
    row = records.newest(team_id)
    if row is None:
        return Values()
    return Values(Baseline(row.baseline_from, row.baseline_until), _slide(row))


def save(author: Account, team_id: str, values: Values) -> bool:
    """Keep the settings of a team; False where nothing is new."""
    with exclusive_transaction():
        if present(team_id) == values:
            return False
        row = _row(author, team_id, values)
        records.add(row)
        # The pseudonym stays out of the trail.
        names = ("baseline_from", "baseline_until", "slide_id", "low", "high", "least_white")
        kept = {name: getattr(row, name) for name in names}
        dated = {name: day and str(day) for name, day in kept.items() if name.startswith("base")}
        note(Event.WATCH, About("team", team_id), **{**kept, **dated})
    return True


def pseudonym_of(slide: ControlSlide) -> str:
    """Return the pseudonym under which fields of a QC slide are kept."""
    return cases.get(slide.case_id).pseudonym


def _slide(row: WatchSettings) -> ControlSlide | None:
    if row.slide_id is None or row.low is None or row.high is None:
        return None
    named_at = records.slide_named_at(row.team_id, row.slide_id) or row.at
    return ControlSlide(row.slide_id, row.low, row.high, row.least_white or 0, named_at.date())


def _row(author: Account, team_id: str, values: Values) -> WatchSettings:
    slide = values.slide
    return WatchSettings(
        author_id=author.id,
        team_id=team_id,
        baseline_from=values.baseline.first,
        baseline_until=values.baseline.last,
        slide_id=slide and slide.case_id,
        low=slide and slide.low,
        high=slide and slide.high,
        least_white=slide and slide.least_white,
    )
