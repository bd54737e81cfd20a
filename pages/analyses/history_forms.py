"""The filters of the history."""

from __future__ import annotations

from typing import Any

from wtforms import SelectField

from pages.common.choices import SelectChoice
from pages.common.date_range_form import DateRangeForm
from pages.common.formatting import RESULT_TEXTS
from records.analyses.analyses import RESULTS, AnalysisKind, Filters
from services.language import lazy_gettext

KINDS = [
    SelectChoice("", lazy_gettext("Any kind")),
    SelectChoice(AnalysisKind.CLASSIFICATION, lazy_gettext("Cells")),
    SelectChoice(AnalysisKind.DETECTION, lazy_gettext("Fields")),
]

MINE = "mine"
WHOSE = [SelectChoice("", lazy_gettext("My team")), SelectChoice(MINE, lazy_gettext("Me"))]


def _results() -> list[Any]:
    offered = [SelectChoice("", lazy_gettext("Any result"))]
    for kind in KINDS[1:]:
        for result in RESULTS[kind.value]:
            word = RESULT_TEXTS[result].word
            offered.append(SelectChoice(result, word, optgroup=kind.label))
    return offered


class HistoryForm(DateRangeForm):
    """What to show of the history. Sent by GET, so without token."""

    kind = SelectField(lazy_gettext("Kind"), choices=KINDS, default="")
    whose = SelectField(lazy_gettext("Uploaded by"), choices=WHOSE, default="")
    result = SelectField(lazy_gettext("Result"), choices=_results(), default="")

    def filters(self, own_id: str, batch_id: str | None) -> Filters:
        """Return the filters for the records; `own_id` is the id of who asks."""
        return Filters(
            kind=self.kind.data or None,
            result=self.result.data or None,
            since=self.start,
            before=self.end,
            batch_id=batch_id,
            owner_id=own_id if self.whose.data == MINE else None,
        )
