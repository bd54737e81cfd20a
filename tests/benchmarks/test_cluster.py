"""The benchmark of several workers finds what is there, on a few fields."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks import cluster
from benchmarks.cluster_processes import Installation, installed
from records import db
from records.audit.audit import Entry
from tests.people import add_account

pytestmark = pytest.mark.postgres_only("several processes need PostgreSQL")


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    """An installation whose workers take a moment over each field."""
    with installed({"BENCHMARK_READING_SECONDS": "0.5"}) as installation:
        yield installation


@pytest.mark.slow
def test_two_workers_read_all_and_one_that_is_killed_loses_nothing(installation: Installation):
    app = installation.app()
    owners = [add_account(app, f"owner {number}") for number in range(4)]
    with app.app_context():
        run = cluster.read_by(installation, app, owners, workers=2, fields=8)
        assert 0 < run.fields <= 8
        assert set(run.pages.seconds) == set(cluster.PAGES)
        assert not run.pages.errors

        found = cluster.recovery(installation, app, owners, fields=8)
        assert (found.lost, found.doubled) == (0, 0)
        assert found.begun_anew >= 1

        rows = db.select(db.func.count()).select_from(Entry)
        before = db.session.scalar(rows)
        db.session.rollback()
        rate = cluster.writes_a_second(app, writers=2, seconds=0.5)
        assert db.session.scalar(rows) - before >= 0.5 * rate
        db.session.remove()
        db.engine.dispose()
    assert installation.errors() == 0
