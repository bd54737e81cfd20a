"""What the quality page measures, in words, and what is said when that has changed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from services.language import format_day_month, lazy_gettext
from services.statistics.quality import Alert, Measure

MOST_ALERTS = 2


@dataclass(frozen=True)
class MeasureText:
    """A measure for people: its name, what it is, and what is said when it has changed."""

    name: str
    meaning: str
    changed: str


MEASURE_TEXTS = {
    Measure.DEPTH: MeasureText(
        lazy_gettext("Stain depth"),
        lazy_gettext(
            "How much green light the densest twentieth of a field absorbs (optical density). A "
            "pale stain has less."
        ),
        lazy_gettext("Staining has changed since %(day)s."),
    ),
    Measure.BALANCE: MeasureText(
        lazy_gettext("Stain balance"),
        lazy_gettext(
            "Red light absorbed for each part of green. A bluer stain, with more azure than eosin, "
            "has more."
        ),
        lazy_gettext("Staining has changed since %(day)s."),
    ),
    Measure.CAST: MeasureText(
        lazy_gettext("Colour cast"),
        lazy_gettext(
            "How far the empty slide is from grey. White balance, filter and lamp change it."
        ),
        lazy_gettext("The colour of the light has changed since %(day)s."),
    ),
    Measure.LIGHT: MeasureText(
        lazy_gettext("Brightness"),
        lazy_gettext("Grey level of the empty slide, from 0 to 255."),
        lazy_gettext("Brightness has changed since %(day)s."),
    ),
    Measure.FOCUS: MeasureText(
        lazy_gettext("Focus"),
        lazy_gettext("How steep the edges of the red cells are. Out of focus it falls."),
        lazy_gettext("Focus has changed since %(day)s."),
    ),
    Measure.OUT_OF_DISTRIBUTION: MeasureText(
        lazy_gettext("Out-of-distribution cells"),
        lazy_gettext("White cells unlike those that the classifier was validated on."),
        lazy_gettext("The share of out-of-distribution cells has changed since %(day)s."),
    ),
    Measure.UNCERTAIN: MeasureText(
        lazy_gettext("Uncertain cells"),
        lazy_gettext("White cells that the classifier calls neither blast nor normal."),
        lazy_gettext("The share of uncertain cells has changed since %(day)s."),
    ),
    Measure.AGREEMENT: MeasureText(
        lazy_gettext("Agreement with reviewers"),
        lazy_gettext(
            "Reviewed cells on which models and reviewers both say blast, or both do not. Of all "
            "cases of the team, by the day of signing."
        ),
        lazy_gettext("Agreement of the models with reviewers has changed since %(day)s."),
    ),
}
SLIDE_OUT = lazy_gettext("The QC slide was outside its limits on %(day)s.")


def alert_sentences(alerts: Iterable[Alert]) -> list[str]:
    """Say what has changed, in the order of the alerts; no more than `MOST_ALERTS` sentences."""
    said = [_sentence(alert) for alert in alerts]
    return list(dict.fromkeys(said))[:MOST_ALERTS]


def _sentence(alert: Alert) -> str:
    text = SLIDE_OUT if alert.measure is None else MEASURE_TEXTS[alert.measure].changed
    return text % {"day": format_day_month(alert.day)}
