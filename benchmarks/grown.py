"""Pages of an installation that has grown: `python -m benchmarks.grown [--share 0.05]`.

PostgreSQL and a web server of its own, with 200 laboratories, 100,000 analyses, a million white
cells and ten million audit rows, or a share of these. Prints how long each page takes, how large
each table is, the slowest queries, and the plans of those that took longer than 100 ms.
"""

from __future__ import annotations

import argparse
import os
import re
import resource
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import psycopg
from flask import Flask

from benchmarks import grown_rows, grown_trail
from benchmarks.cluster_processes import (
    SLOW,
    Installation,
    installed,
    leave_nothing_behind,
    passed_on,
)
from benchmarks.grown_rows import ADMINISTRATOR, DAYS, Size
from benchmarks.load_clients import Figures, Person
from records import db, utc_now
from records.accounts.api_tokens import Scope
from records.analyses.analyses import Analysis
from records.audit import external_log
from records.cases.cases import Case
from records.cases.signatures import Signature
from services.audit.check import verify
from tests.people import account_named
from tests.programs import token_of

ROUNDS = 20
AIM = 300
"""Milliseconds within which 95% of the answers of each page are to come."""

SHOWN = 10
"""Tables and queries that are printed, the largest and slowest first."""

SIZES = """
    SELECT relname, n_live_tup, pg_table_size(relid), pg_indexes_size(relid)
    FROM pg_stat_user_tables ORDER BY pg_total_relation_size(relid) DESC LIMIT %s
"""
SLOWEST = """
    SELECT mean_exec_time, calls, rows, query FROM pg_stat_statements
    WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
    ORDER BY mean_exec_time DESC LIMIT %s
"""


TRAIL = "audit_entries"
ASKED = "pg_stat_statements_reset"
"""Marks in the log of PostgreSQL where the requests for pages begin."""

PLAN = re.compile(
    r"LOG:  duration: ([\d.]+) ms  plan:\n"
    r"\tQuery Text: (.*?)\n"
    r"(\t[^\n]*\(cost=[^\n]*\n(?:\t[^\n]*\n)*)",
    re.DOTALL,
)
LONGEST = 400
"""Characters of a query that are printed."""


@dataclass(frozen=True)
class Page:
    """A page by a short name, its address, and whether a program asks for it."""

    name: str
    path: str
    by_program: bool = False


def main() -> None:
    """Make the rows, ask for the pages, and print what was found."""
    options = _options()
    leave_nothing_behind()
    size = Size().of(options.share)
    print(f"\nAn installation grown over {DAYS} days, {_load()}", flush=True)
    with installed(passed_on()) as installation:
        app = installation.app()
        fill(app, installation, size)
        with app.app_context():
            pages = pages_of(app)
        if options.verify:
            show_verification(app)
        show_sizes(installation, size)
        figures = ask(installation, pages, options.rounds, token_of(app, ADMINISTRATOR, *Scope))
        show_pages(pages, figures)
        show_queries(installation)
        with app.app_context():
            db.session.remove()
            db.engine.dispose()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--share", type=float, default=1.0, help="of all rows (default 1)")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="how often each page is asked")
    parser.add_argument("--verify", action="store_true", help="walk the whole audit trail, too")
    return parser.parse_args()


def fill(app: Flask, installation: Installation, size: Size) -> None:
    """Make the rows, and print how long it took."""
    begun = time.monotonic()
    grown_rows.fill(app, installation.url, size)
    rows = time.monotonic()
    newest = grown_trail.replace_trail(installation.url, size.entries, DAYS)
    with app.app_context():
        # What it names of the trail that was there would be missed in the new one.
        external_log.path().unlink()
        external_log.write([newest])
    trail = time.monotonic()
    print(
        f"  {size.teams} teams, {size.cases:,} cases, {size.analyses:,} analyses, "
        f"{size.white_cells:,} white cells: made in {rows - begun:.0f} s\n"
        f"  {size.entries:,} audit rows: made in {trail - rows:.0f} s",
        flush=True,
    )


def pages_of(app: Flask) -> list[Page]:
    """Return the pages that people of the largest team open, and its administrator."""
    signed, unsigned = _cases()
    field = db.session.scalars(
        db.select(Analysis).filter_by(case_id=unsigned.id).order_by(Analysis.id).limit(1)
    ).one()
    day = (utc_now() - timedelta(days=DAYS // 2)).date()
    longago = f"since={day}&until={day + timedelta(days=7)}"
    room = f"/cases/{unsigned.id}/room"
    return [
        Page("history", "/history"),
        Page("history, a later page", "/history?page=50"),
        Page("history, of blasts", "/history?kind=detection&result=blasts"),
        Page("history, a week of last year", f"/history?{longago}"),
        Page("worklist", "/cases"),
        Page("worklist, to review", "/cases?view=to-review"),
        Page("worklist, mine", "/cases?view=mine"),
        Page("worklist, search by pseudonym", f"/cases?text={unsigned.pseudonym}"),
        Page("worklist, search by accession", f"/cases?text={signed.accession}"),
        Page("worklist, no match", "/cases?text=no-such-text"),
        Page("case", f"/cases/{unsigned.id}"),
        Page("case, signed", f"/cases/{signed.id}"),
        Page("new case", "/cases/new"),
        Page("reading room", room),
        Page("reading room, cells", f"{room}/cells.json"),
        Page("reading room, a sheet", f"{room}/sheets/{field.id}/0"),
        Page("sign-off", f"/cases/{unsigned.id}/sign-off"),
        Page("sign-off, signed", f"/cases/{signed.id}/sign-off"),
        Page("report, PDF", f"/cases/{signed.id}/report.pdf"),
        Page("report, FHIR", f"/cases/{signed.id}/report.fhir.json"),
        Page("upload", "/detect"),
        Page("batch", f"/batches/{field.batch_id}"),
        Page("field", f"/detect/{field.id}"),
        Page("slides", "/slides"),
        Page("quality", "/statistics/quality"),
        Page("statistics", "/admin/statistics"),
        Page("statistics, two years", "/admin/statistics?since=2000-01-01"),
        Page("people", "/admin/people"),
        Page("laboratory models", "/models/laboratory"),
        Page("audit", "/admin/audit"),
        Page("audit, a later page", "/admin/audit?page=100"),
        Page("audit, an event", "/admin/audit?event=view"),
        Page("audit, a rare event", "/admin/audit?event=case-amend"),
        Page("audit, a person", "/admin/audit?person=person+0-0"),
        Page("audit, a case", f"/admin/audit?object={unsigned.id}"),
        Page("audit, a week of last year", f"/admin/audit?{longago}"),
        Page("audit, a person that week", f"/admin/audit?person=person+0-0&{longago}"),
        Page("API, cases", "/api/v1/cases", by_program=True),
        Page("API, analyses", "/api/v1/analyses", by_program=True),
        Page("API, cells", f"/api/v1/cases/{unsigned.id}/cells", by_program=True),
        Page("API, findings", f"/api/v1/analyses/{field.id}/findings", by_program=True),
    ]


def _cases() -> tuple[Case, Case]:
    """Return the newest signed case of the largest team, and the newest that is not signed."""
    team_id = account_named(ADMINISTRATOR).team_id
    newest = db.select(Case).where(Case.team_id == team_id, Case.accession != "")
    newest = newest.order_by(Case.created_at.desc(), Case.id).limit(1)
    signed = Case.id.in_(db.select(Signature.case_id))
    return (
        db.session.scalars(newest.where(signed)).one(),
        db.session.scalars(newest.where(~signed)).one(),
    )


def ask(installation: Installation, pages: Iterable[Page], rounds: int, token: str) -> Figures:
    """Ask a web server for all pages in turn, so many times; the first round does not count."""
    figures = Figures()
    person = Person(installation.web(), ADMINISTRATOR, 0, figures)
    person.sign_in()
    with psycopg.connect(installation.url) as connection:
        connection.execute("SELECT pg_stat_statements_reset()")
    for number in range(rounds + 1):
        for page in pages:
            headers = {"Authorization": f"Bearer {token}"} if page.by_program else {}
            person.ask(page.name if number else None, "GET", page.path, headers=headers)
    person.close()
    return figures


def show_pages(pages: Iterable[Page], figures: Figures) -> None:
    """Print the times of each page, and which are not within the aim."""
    print(f"\n  {'page':<32}{'50%':>8}{'95%':>8} ms   ({_load()})")
    slow = []
    for page in pages:
        median, late = percentiles(figures.seconds.get(page.name, []))
        errors = {status for name, status in figures.errors if name == page.name}
        print(f"  {page.name:<32}{median:>8.0f}{late:>8.0f}      {' '.join(sorted(errors))}")
        slow += [page.name] if not late <= AIM else []
    print(f"  over {AIM} ms: {', '.join(slow) or 'none'}", flush=True)


def show_sizes(installation: Installation, size: Size) -> None:
    """Print the largest tables: rows, bytes of the table and of its indexes."""
    with psycopg.connect(installation.url) as connection:
        (whole,) = connection.execute("SELECT pg_database_size(current_database())").fetchone() or (
            0,
        )
        tables = connection.execute(SIZES, [SHOWN]).fetchall()
    print(f"\n  database {megabytes(whole)}")
    print(f"  {'table':<24}{'rows':>12}{'size':>14}{'of indexes':>14}")
    for name, rows, table, indexes in tables:
        print(f"  {name:<24}{rows:>12,}{megabytes(table):>14}{megabytes(indexes):>14}")
    entries = sum(table + indexes for name, _, table, indexes in tables if name == TRAIL)
    others = whole - entries
    print(
        f"  per audit row {entries / size.entries:.0f} bytes; "
        f"per field, all else {others / size.analyses / 1000:.1f} kB",
        flush=True,
    )


def show_verification(app: Flask) -> None:
    """Walk the audit trail as `flask --app app audit verify` does, and print what that takes."""
    begun = time.process_time()
    with app.app_context():
        found = verify().findings
    seconds = time.process_time() - begun
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"  audit verify: {seconds:.0f} s of its process, {most:.0f} MiB at most")
    print(f"    {'; '.join(found) or 'whole'}", flush=True)


def show_queries(installation: Installation) -> None:
    """Print the slowest queries, and the plans that the server wrote down."""
    with psycopg.connect(installation.url) as connection:
        slowest = connection.execute(SLOWEST, [SHOWN]).fetchall()
    print("\n  slowest queries: ms on average, calls, rows in all")
    for mean, calls, rows, query in slowest:
        print(f"  {mean:>8.1f}{calls:>6}{rows:>8}  {' '.join(query.split())[:LONGEST]}")
    plans = plans_of(installation.server.log.read_text(encoding="utf-8", errors="replace"))
    print(f"\n  queries over {SLOW} of the web server: {len(plans)} kinds")
    for seconds, plan in plans.values():
        print(f"  {seconds:.0f} ms\n{plan}")


def plans_of(log: str) -> dict[str, tuple[float, str]]:
    """Find the slowest run of each query in the log of PostgreSQL, by its text."""
    found: dict[str, tuple[float, str]] = {}
    for milliseconds, query, plan in PLAN.findall(log.rpartition(ASKED)[2]):
        key = " ".join(query.split())
        if float(milliseconds) > found.get(key, (0.0, ""))[0]:
            found[key] = float(milliseconds), f"    {key[:LONGEST]}\n{plan.rstrip()}"
    return found


def percentiles(seconds: list[float]) -> tuple[float, float]:
    """Return the median and the 95th percentile in milliseconds; nan of nothing."""
    if not seconds:
        return float("nan"), float("nan")
    median, late = 1000 * np.percentile(seconds, (50, 95))
    return float(median), float(late)


def megabytes(size: int) -> str:
    """Write a number of bytes."""
    return f"{size / 1e6:,.0f} MB"


def _load() -> str:
    return f"load {os.getloadavg()[0]:.1f}"


if __name__ == "__main__":
    main()
