from datetime import date, datetime, timedelta

import pytest

from records import utc_now
from records.accounts.accounts import Account
from records.worklist.field_measures import Blasts
from services.statistics import quality, watch_settings
from services.statistics.quality import (
    COMPUTED_EVERY,
    Alert,
    Measure,
    Watch,
    alerts_of,
    check_slide,
    watched,
)
from services.statistics.watch import Baseline
from services.statistics.watch_settings import ControlSlide, Values
from tests.people import account_named, add_account, team_of
from tests.records.analyses.test_analyses import account
from tests.records.cases.test_cases import opened
from tests.watch import PALE, SIZE, STEADY, put_days, put_watched

TODAY = date(2026, 3, 31)
SLIDE = ControlSlide("c" * 32, 20, 30, 100, since=TODAY - timedelta(days=3))


def day(before: int) -> date:
    return TODAY - timedelta(days=before)


def test_a_change_of_stain_is_told_with_its_day(app):
    with app.app_context():
        ada = account("ada")
        put_days(ada, [*STEADY, *PALE], TODAY)
        put_days(ada, STEADY, TODAY, size=(800, 600))
        team = team_of(ada)
        (alert,) = alerts_of(team, TODAY)
        assert alert.measure is Measure.DEPTH
        assert abs((alert.day - day(4)).days) <= 2
        assert alerts_of(team, TODAY + timedelta(days=14)) == (alert,)
        assert alerts_of(team, TODAY + timedelta(days=15)) == ()
        found = watched(team, SIZE, False, TODAY)
        assert len(found.fields) == len(STEADY) + len(PALE)
        assert found.charts[Measure.DEPTH].averages[-1].is_out
        assert not found.charts[Measure.LIGHT].averages[-1].is_out
        assert found.charts[Measure.OUT_OF_DISTRIBUTION].points == ()
        weekly = watched(team, SIZE, True, TODAY)
        assert len(weekly.fields) == 5
        assert weekly.charts[Measure.DEPTH].averages == ()


def test_steady_fields_and_other_teams_give_no_alert(app):
    with app.app_context():
        ada = account("ada")
        put_days(ada, STEADY, TODAY)
        assert alerts_of(team_of(ada), TODAY) == ()
        assert alerts_of("0" * 32, TODAY) == ()


def test_a_baseline_that_begins_anew_ends_the_alert(app):
    add_account(app, "ada")
    with app.app_context():
        ada = account_named("ada")
        put_days(ada.id, [*STEADY, *PALE], TODAY)
        team = team_of(ada.id)
        values = Values(Baseline(first=day(4)))
        assert watch_settings.save(ada, team, values)
        assert not watch_settings.save(ada, team, values)
        assert watch_settings.present(team) == values
        assert alerts_of(team, TODAY) == ()
        watch_settings.save(ada, team, Values())
        assert len(alerts_of(team, TODAY)) == 1


@pytest.mark.parametrize(
    ("blasts", "white", "is_out"),
    [(25, 100, False), (20, 100, False), (19, 100, True), (31, 100, True), (25, 99, True)],
)
def test_the_slide_is_compared_with_what_is_expected(blasts: int, white: int, is_out: bool):
    (one,) = check_slide([Blasts(day(1), blasts, white)], SLIDE, [], TODAY)
    assert one.is_out is is_out
    assert one.share == pytest.approx(blasts / white)


def test_the_slide_is_missing_on_working_days_since_it_was_named():
    working = [day(5), day(3), day(1), TODAY]
    found = check_slide([Blasts(day(3), 25, 100), Blasts(day(2), 0, 0)], SLIDE, working, TODAY)
    assert [(one.day, one.counted is None, one.is_out) for one in found] == [
        (day(3), False, False),
        (day(2), False, True),
        (day(1), True, False),
    ]
    assert found[1].share is None


def slide_of(ada: Account) -> ControlSlide:
    case = opened(ada.id, "QC-1")
    put_watched(ada.id, TODAY, case.id, blast=50)
    return ControlSlide(case.id, 20, 30, 10)


def test_a_slide_outside_comes_first_among_the_alerts(app):
    add_account(app, "ada")
    with app.app_context():
        ada = account_named("ada")
        put_days(ada.id, [*STEADY, *PALE], TODAY)
        slide = slide_of(ada)
        watch_settings.save(ada, team_of(ada.id), Values(slide=slide))
        first, second = alerts_of(team_of(ada.id), TODAY)
        assert first == Alert(None, TODAY)
        assert second.measure is Measure.DEPTH
        assert watch_settings.pseudonym_of(slide) == "QC-1"
        kept = watch_settings.present(team_of(ada.id)).slide
        assert kept == slide
        assert kept.since == utc_now().date()


def test_alerts_are_computed_once_an_hour(monkeypatch):
    computed = []
    answers = {"a": (Alert(Measure.FOCUS, TODAY),)}

    def compute(team_id: str, today: date) -> tuple[Alert, ...]:
        computed.append(team_id)
        if len(computed) == 1:  # Somebody else asks meanwhile.
            assert watch.alerts("a") == ()
        return answers.get(team_id, ())

    monkeypatch.setattr(quality, "alerts_of", compute)
    now = [utc_now()]
    watch = Watch(lambda: now[0])
    assert watch.alerts("a") == watch.alerts("a") == answers["a"]
    assert watch.alerts("b") == ()
    assert computed == ["a", "b"]
    now[0] = later(now[0])
    watch.alerts("a")
    watch.forget("b")
    watch.alerts("b")
    assert computed == ["a", "b", "a", "b"]


def later(moment: datetime) -> datetime:
    return moment + COMPUTED_EVERY
