"""The quality page: whether stain, light, focus and the models are what they were."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from flask import (
    Blueprint,
    Response,
    abort,
    current_app,
    flash,
    redirect,
    render_template,
    request,
    url_for,
)
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response as AnyResponse

from core.tables import Cell, write_csv
from pages.administration.quality_forms import QualityForm, WatchForm
from pages.administration.quality_pictures import format_value, shown_measure, slide_chart
from pages.common.choices import SelectChoice
from pages.common.current_account import current_account
from pages.common.pagination import query
from pages.common.requires import Audience, requires
from records import utc_now
from records.accounts import teams
from records.accounts.teams import Team
from records.audit.audit import Event
from records.worklist import field_measures
from records.worklist.field_measures import Size
from services.audit import audit
from services.language import gettext, lazy_gettext, ngettext
from services.reports.formatting import format_bound
from services.statistics import quality, watch_settings
from services.statistics.quality import Measure, Watch, Watched
from services.statistics.watch import FEWEST, Average
from services.statistics.watch_settings import ControlSlide

blueprint = Blueprint("quality", __name__, url_prefix="/statistics/quality")

USUAL_WEEKS = 12
AREAS = "areas"
SAVED = lazy_gettext("Settings of the quality watch saved.")
NOTHING_NEW = lazy_gettext("Nothing was changed.")


@dataclass(frozen=True)
class Series:
    """A team, and one size of its pictures."""

    team: Team
    size: Size
    fields: int = 0

    @property
    def code(self) -> str:
        """Name it in an address."""
        size = AREAS if self.size is None else f"{self.size[0]}x{self.size[1]}"
        return f"{self.team.id}:{size}"

    @property
    def name(self) -> str:
        """Name it for people."""
        size = gettext("areas of slides")
        if self.size is not None:
            size = f"{self.size[0]} × {self.size[1]}"
        number = ngettext("%(num)s field", "%(num)s fields", self.fields)
        return f"{self.team.name} · {size} ({number})"


@dataclass(frozen=True)
class Value:
    """A value in the table, and whether the average there is outside its limits."""

    text: str
    is_out: bool = False


def get_watch() -> Watch:
    """Return the watch of this installation."""
    return current_app.extensions["leukoscope_watch"]


@blueprint.get("")
@requires(Audience.REVIEWERS_AND_ADMINISTRATORS)
def show() -> str | tuple[str, int]:
    """Show the charts of one series in a period, by default of the last weeks."""
    return _page()


@blueprint.get("/measures.csv")
@requires(Audience.REVIEWERS_AND_ADMINISTRATORS)
def export() -> AnyResponse | str | tuple[str, int]:
    """Send the numbers of the charts as a file."""
    every = _all_series()
    form = _form(every)
    if not every:
        abort(404)
    if not form.validate():
        return _page()
    series = _chosen(form, every)
    audit.keep(Event.STATISTICS, table="quality")
    rows = _rows(_watched(series, form), form)
    response = Response("".join(write_csv(rows)), mimetype="text/csv")
    response.headers["Content-Disposition"] = "attachment; filename=quality.csv"
    return response


@blueprint.post("/<team_id>")
@requires(Audience.ADMINISTRATORS)
def save(team_id: str) -> AnyResponse | str | tuple[str, int]:
    """Keep baseline and QC slide of a team."""
    team = teams.get(team_id) or abort(404)
    form = WatchForm(team.id)
    if not form.validate():
        return _page(form, team)
    saved = watch_settings.save(current_account(), team.id, form.values)
    get_watch().forget(team.id)
    flash(str(SAVED if saved else NOTHING_NEW), "success")
    shown = next((one for one in _all_series() if one.team.id == team.id), None)
    return redirect(url_for("quality.show", series=shown and shown.code), code=303)


def _page(wrong: WatchForm | None = None, team: Team | None = None) -> str | tuple[str, int]:
    """Render the page, perhaps with settings that could not be taken."""
    every = _all_series()
    form = _form(every, team)
    valid = not every or form.validate()
    shown = _shown(_chosen(form, every), form, wrong) if every and valid else {}
    page = render_template(
        "administration/quality.html",
        form=form,
        every=every,
        query=query(),
        fewest=FEWEST,
        **shown,
    )
    return page if valid and not wrong else (page, 422)


def _shown(series: Series, form: QualityForm, wrong: WatchForm | None) -> dict[str, object]:
    found = _watched(series, form)
    settings = watch_settings.present(series.team.id)
    return {
        "series": series,
        "measures": [
            shown_measure(measure, chart, form.shows) for measure, chart in found.charts.items()
        ],
        "rows": _table(found, form),
        "expected": settings.slide and _expected(settings.slide),
        "slide_days": [one for one in reversed(found.slide_days) if form.shows(one.day)],
        "slide_chart": settings.slide and slide_chart(found.slide_days, settings.slide, form.shows),
        "watch_form": wrong or WatchForm(series.team.id, settings),
    }


def _all_series() -> list[Series]:
    """Return what the person may see: an administrator all teams, others their own.

    The person's team comes first, and in a team the size that most fields have.
    """
    account = current_account()
    own = account.team
    others = [team for team in teams.all_teams() if team.id != own.id]
    shown = [own, *(others if account.is_administrator else [])]
    sizes = field_measures.sizes_of([team.id for team in shown])
    return [Series(team, size, fields) for team in shown for size, fields in sizes[team.id].items()]


def _form(every: Sequence[Series], team: Team | None = None) -> QualityForm:
    """Read what is asked for; nothing gives the usual weeks of the first series."""
    first = next((one for one in every if team is None or one.team.id == team.id), None)
    asked = request.args.to_dict()
    if not asked.keys() - {"series"}:
        asked["since"] = (utc_now() - timedelta(weeks=USUAL_WEEKS)).date().isoformat()
    form = QualityForm(MultiDict(asked), series=first and first.code)
    form.series.choices = [SelectChoice(one.code, one.name) for one in every]
    return form


def _chosen(form: QualityForm, every: Sequence[Series]) -> Series:
    return next(one for one in every if one.code == form.series.data)


def _watched(series: Series, form: QualityForm) -> Watched:
    return quality.watched(series.team.id, series.size, form.weekly, utc_now().date())


def _expected(slide: ControlSlide) -> dict[str, str]:
    bounds = {"low": format_bound(slide.low), "high": format_bound(slide.high)}
    return {**bounds, "white": str(slide.least_white)}


def _table(found: Watched, form: QualityForm) -> list[tuple[date, int, list[Value]]]:
    """Return the rows of the table, the newest first."""
    by_day = {
        measure: {one.day: one for one in chart.points} for measure, chart in found.charts.items()
    }
    out = {
        measure: {one.day for one in chart.averages if one.is_out}
        for measure, chart in found.charts.items()
    }
    days = {*found.fields, *by_day[Measure.AGREEMENT]}
    return [
        (
            day,
            found.fields.get(day, 0),
            [
                Value(
                    format_value(measure, by_day[measure][day].value)
                    if day in by_day[measure]
                    else "–",
                    day in out[measure],
                )
                for measure in by_day
            ],
        )
        for day in sorted(days, reverse=True)
        if form.shows(day)
    ]


def _rows(found: Watched, form: QualityForm) -> Iterator[Sequence[Cell]]:
    yield "measure", "day", "value", "number", "average", "low", "high", "outside"
    for measure, chart in found.charts.items():
        averages = {one.day: one for one in chart.averages}
        for point in chart.points:
            if form.shows(point.day):
                yield (
                    measure,
                    point.day,
                    _decimal(point.value),
                    point.number,
                    *_cells(averages.get(point.day)),
                )


def _cells(average: Average | None) -> list[Cell]:
    if average is None:
        return [None, None, None, None]
    numbers = (average.value, average.low, average.high)
    return [*map(_decimal, numbers), int(average.is_out)]


def _decimal(number: float) -> Decimal:
    return Decimal(f"{number:.4f}")
