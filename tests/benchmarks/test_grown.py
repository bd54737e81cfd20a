"""What the benchmark of a grown installation makes of what PostgreSQL writes down."""

from __future__ import annotations

import math

import pytest

from benchmarks.grown import percentiles, plans_of

LOG = """\
2026-11-30 11:00:00.000 UTC [1] LOG:  duration: 900.000 ms  plan:
\tQuery Text: INSERT INTO made before
\tInsert on made  (cost=0.00..1.00 rows=0 width=0) (actual rows=0 loops=1)
2026-11-30 11:00:01.000 UTC [1] LOG:  duration: 101.000 ms  plan:
\tQuery Text: SELECT pg_stat_statements_reset()
\tResult  (cost=0.00..0.01 rows=1 width=4) (actual rows=1 loops=1)
2026-11-30 11:00:02.000 UTC [2] LOG:  duration: 120.500 ms  plan:
\tQuery Text: SELECT count(*)
\tFROM cases
\tAggregate  (cost=0.00..1.00 rows=1 width=8) (actual rows=1 loops=1)
\t  ->  Seq Scan on cases  (cost=0.00..1.00 rows=9 width=0) (actual rows=9 loops=1)
2026-11-30 11:00:03.000 UTC [2] ERROR:  canceling statement
2026-11-30 11:00:04.000 UTC [2] LOG:  duration: 340.250 ms  plan:
\tQuery Text: SELECT count(*)
\tFROM cases
\tAggregate  (cost=0.00..2.00 rows=1 width=8) (actual rows=1 loops=1)
"""


def test_of_each_query_the_slowest_plan_is_shown():
    ((query, (milliseconds, plan)),) = plans_of(LOG).items()
    assert query == "SELECT count(*) FROM cases"
    assert milliseconds == 340.25
    assert "SELECT count(*) FROM cases" in plan
    assert "(cost=0.00..2.00 rows=1" in plan


def test_times_are_told_in_milliseconds():
    assert percentiles([0.1] * 19 + [0.3]) == pytest.approx((100.0, 110.0))
    assert all(map(math.isnan, percentiles([])))
