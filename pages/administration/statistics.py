"""The administrator's page of statistics: how much is read, how fast, and in what agreement."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from decimal import Decimal

from flask import Blueprint, Response, render_template, request
from werkzeug.datastructures import MultiDict

from core.tables import Cell, write_csv
from pages.administration.charts import Chart, bar_chart
from pages.common.date_range_form import DateRangeForm
from pages.common.pagination import query
from pages.common.requires import Audience, requires
from records import utc_now
from records.audit.audit import Event
from services.audit import audit
from services.language import format_day_month, gettext
from services.statistics import laboratory
from services.statistics.laboratory import Statistics, Work

blueprint = Blueprint("statistics", __name__, url_prefix="/admin/statistics")

USUAL_WEEKS = 12
COLUMNS = (*("signed", "cells", "blast_cases", "median_hours", "p90_hours", "agreement"),)


@blueprint.get("")
@requires(Audience.ADMINISTRATORS)
def index() -> str | tuple[str, int]:
    """Show the statistics of a period, by default of the last weeks."""
    form = _form()
    if not form.validate():
        return render_template("administration/statistics.html", form=form, found=None), 422
    found = laboratory.statistics(form.start, form.end)
    return render_template(
        "administration/statistics.html",
        form=form,
        found=found,
        query=query(),
        week_charts=_week_charts(found),
        reader_charts=_reader_charts(found),
    )


@blueprint.get("/<any(weeks, readers):table>.csv")
@requires(Audience.ADMINISTRATORS)
def export(table: str) -> Response | tuple[str, int]:
    """Send one of the tables as a file."""
    form = _form()
    if not form.validate():
        return render_template("administration/statistics.html", form=form, found=None), 422
    audit.keep(Event.STATISTICS, table=table)
    found = laboratory.statistics(form.start, form.end)
    rows = _week_rows(found) if table == "weeks" else _reader_rows(found)
    response = Response("".join(write_csv(rows)), mimetype="text/csv")
    response.headers["Content-Disposition"] = f"attachment; filename={table}.csv"
    return response


def _form() -> DateRangeForm:
    """Read the period; nothing asked for gives the usual one."""
    usual = (utc_now() - timedelta(weeks=USUAL_WEEKS)).date()
    return DateRangeForm(request.args or MultiDict({"since": usual.isoformat()}))


def _week_charts(found: Statistics) -> list[Chart]:
    labels = [format_day_month(week.monday) for week in found.weeks]
    work = [week.work for week in found.weeks]
    opened = [week.opened for week in found.weeks]
    cases = {gettext("opened"): opened, gettext("signed"): [one.signed for one in work]}
    return [
        bar_chart(gettext("Cases a week"), labels, cases),
        *_charts(labels, work, gettext("by week")),
    ]


def _reader_charts(found: Statistics) -> list[Chart]:
    labels, work = list(found.readers), list(found.readers.values())
    signed = bar_chart(
        gettext("Cases signed, by reader"),
        labels,
        {gettext("signed"): [one.signed for one in work]},
    )
    return [signed, *_charts(labels, work, gettext("by reader"))]


def _charts(labels: Sequence[str], work: Sequence[Work], by: str) -> list[Chart]:
    days = {
        gettext("median"): [_days(one.median_hours) for one in work],
        gettext("90% within"): [_days(one.slow_hours) for one in work],
    }
    blasts = {gettext("with blasts"): [one.blast_cases for one in work]}
    agreed = [None if one.agreement is None else 100 * one.agreement for one in work]
    return [
        bar_chart(gettext("Turnaround in days, %(by)s", by=by), labels, days),
        bar_chart(gettext("Signed cases with blasts, %(by)s", by=by), labels, blasts),
        bar_chart(
            gettext("Agreement with the models, %(by)s", by=by),
            labels,
            {gettext("agreed"): agreed},
            100,
            "%",
        ),
    ]


def _days(hours: float | None) -> float | None:
    return None if hours is None else hours / 24


def _week_rows(found: Statistics) -> Iterator[Sequence[Cell]]:
    yield "week_from", "opened", *COLUMNS
    for week in found.weeks:
        yield week.monday, week.opened, *_cells(week.work)


def _reader_rows(found: Statistics) -> Iterator[Sequence[Cell]]:
    yield "reader", *COLUMNS
    for name, work in found.readers.items():
        yield name, *_cells(work)


def _cells(work: Work) -> list[Cell]:
    hours = (_rounded(one, 1) for one in (work.median_hours, work.slow_hours))
    return [work.signed, work.cells, work.blast_cases, *hours, _rounded(work.agreement, 4)]


def _rounded(number: float | None, places: int) -> Decimal | None:
    return None if number is None else Decimal(f"{number:.{places}f}")
