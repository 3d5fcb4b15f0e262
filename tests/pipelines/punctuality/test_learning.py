"""What history proposes, and what it does not."""

from __future__ import annotations

from datetime import UTC, timedelta
from zoneinfo import ZoneInfo

from apps.pipelines.punctuality.expectation import Goal
from apps.pipelines.punctuality.facts import TROUBLE
from apps.pipelines.punctuality.learning import longest_of, propose, propose_ready
from tests.pipelines.punctuality.sayings import BERLIN, judged, minutes, ran, t

BERLIN_ZONE = ZoneInfo(BERLIN)
FIRST = t("2026-11-02 02:00", BERLIN)  # a Monday


def _in_berlin(runs, **fields):
    return propose(runs, zone=BERLIN_ZONE, zone_name=BERLIN, **fields)


def test_a_nightly_pipeline_is_proposed_as_a_cron_in_the_local_zone():
    proposal = _in_berlin([ran(FIRST + timedelta(days=day, seconds=day * 7 % 90)) for day in range(14)])
    assert proposal.expectation.text == "0 2 * * * (Europe/Berlin)"
    assert proposal.evidence == "14 of the last 14 runs started within 10 min of 02:00, every day."


def test_the_local_time_is_seen_across_a_change_of_the_clock():
    runs = [ran(t(f"2026-10-{day} 02:00", BERLIN)) for day in range(18, 32)]
    assert _in_berlin(runs).expectation.text == "0 2 * * * (Europe/Berlin)"


def test_weekdays_alone_are_proposed_as_weekdays():
    days = [day for day in range(21) if (FIRST + timedelta(days=day)).astimezone(BERLIN_ZONE).weekday() < 5]
    assert _in_berlin([ran(FIRST + timedelta(days=day)) for day in days]).expectation.text == (
        "0 2 * * 1,2,3,4,5 (Europe/Berlin)"
    )


def test_equal_gaps_are_proposed_as_an_interval():
    proposal = _in_berlin([ran(FIRST + minutes(20 * number + number % 2 / 3)) for number in range(30)])
    assert proposal.expectation.text == "every 20 min"
    assert "29 of the last 29 runs started 20 min after the one before" in proposal.evidence


def test_a_short_or_irregular_history_proposes_nothing():
    assert _in_berlin([ran(FIRST + timedelta(days=day)) for day in range(7)]) is None
    assert _in_berlin([ran(FIRST + minutes(number**3)) for number in range(20)]) is None
    assert _in_berlin([ran(FIRST) for _ in range(20)]) is None


def test_backfills_and_runs_by_hand_teach_nothing():
    runs = [ran(FIRST + timedelta(days=day), trigger="manual" if day % 2 else "backfill") for day in range(20)]
    assert _in_berlin(runs) is None


def test_what_is_proposed_would_have_given_no_alarm():
    runs = [ran(FIRST + timedelta(days=day, minutes=day * 3 % 9)) for day in range(14)]
    expectation = _in_berlin(runs).expectation
    for hour in range(24, 24 * 13):
        now = FIRST + timedelta(hours=hour)
        seen = [run for run in runs if run.started_at <= now]
        assert judged(expectation, now, *seen, since=FIRST - minutes(10)).state not in TROUBLE


def test_a_time_to_be_ready_by_comes_a_little_after_nine_of_ten_days():
    runs = [ran(FIRST + timedelta(days=day), 30 + day) for day in range(20)]
    proposal = propose_ready(runs, zone=BERLIN_ZONE, zone_name=BERLIN)
    assert proposal.expectation.goal is Goal.READY
    assert proposal.expectation.text == "ready every day at 03:15 (Europe/Berlin)"
    assert proposal.evidence == "On 20 days it was first ready between 02:30 and 02:49."


def test_the_longest_duration_follows_nine_of_ten_good_runs():
    good = [ran(FIRST + timedelta(days=day), 10) for day in range(19)]
    outlier = ran(FIRST + timedelta(days=19), 500)
    failed = ran(FIRST + timedelta(days=20), 900, "failed")
    assert longest_of([*good, outlier, failed]) == minutes(20)
    assert longest_of([ran(FIRST, 100) for _ in range(10)]) == minutes(150)
    assert longest_of(good[:9]) is None


def test_the_zone_of_a_proposal_may_be_plain_utc():
    runs = [ran(t("2026-11-02 05:30") + timedelta(days=day)) for day in range(10)]
    assert propose(runs, zone=UTC, zone_name="UTC").expectation.text == "30 5 * * * (UTC)"
