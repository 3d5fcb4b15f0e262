"""A cron expression: starts, grace, long runs, news and clocks.

Name -> (judgement, the state people would say).
"""

from __future__ import annotations

from apps.pipelines.punctuality.days import DayRule, Days
from apps.pipelines.punctuality.expectation import Clock, CronLine, Expectation
from tests.pipelines.punctuality.sayings import (
    cron,
    judged,
    minutes,
    nightly,
    ran,
    running,
    t,
)

BEFORE = nightly("21", "22", "23")  # three good nights before Tuesday 24 November 2026
TWO = t("2026-11-24 02:00")
FRIDAYS = Days(DayRule.NTH_WEEKDAY, (4,), -1)
THIRD_MONDAY = Days(DayRule.NTH_WEEKDAY, (0,), 3)
GERMAN = Days(DayRule.BUSINESS, country="DE")
BAVARIAN = Days(DayRule.BUSINESS, country="DE-BY")
UPSTREAM = [t("2026-11-24 04:00")]
TWICE = Expectation(Clock((CronLine("0 2 * * *"), CronLine("0 14 * * *"))))


def months(*days: str):
    return nightly(*days, clock="06:00")


CASES = {
    # cron, a start
    "nothing due since the expectation began": (judged(cron(), TWO - minutes(60), since=TWO - minutes(90)), "waiting"),
    "started on the minute": (judged(cron(), TWO + minutes(30), *BEFORE, ran(TWO)), "on_time"),
    "due now and not yet started": (judged(cron(), TWO, *BEFORE), "on_time"),
    "within grace and not yet started": (judged(cron(), TWO + minutes(15), *BEFORE), "on_time"),
    "grace has passed": (judged(cron(), TWO + minutes(15.1), *BEFORE), "late"),
    "started at the last moment of grace": (
        judged(cron(), TWO + minutes(20), *BEFORE, ran(TWO + minutes(15))),
        "on_time",
    ),
    "started late and still running": (judged(cron(), TWO + minutes(50), *BEFORE, running(TWO + minutes(40))), "late"),
    "started late and succeeded": (judged(cron(), TWO + minutes(60), *BEFORE, ran(TWO + minutes(40))), "recovered"),
    "started late and failed": (judged(cron(), TWO + minutes(60), ran(TWO + minutes(40), 5, "failed")), "late"),
    "started late, failed, and a rerun succeeded": (
        judged(
            cron(), TWO + minutes(90), ran(TWO + minutes(40), 5, "failed"), ran(TWO + minutes(60), trigger="manual")
        ),
        "recovered",
    ),
    "started on time and failed": (judged(cron(), TWO + minutes(30), *BEFORE, ran(TWO, 5, "failed")), "on_time"),
    "a day later without a run": (judged(cron(), t("2026-11-25 01:59"), *BEFORE), "late"),
    "the next one came without a run": (judged(cron(), t("2026-11-25 02:00"), *BEFORE), "missed"),
    "a monthly one is missed after a day": (
        judged(cron("0 6 1 * *"), t("2026-11-02 06:16"), *months("2026-10-01")),
        "missed",
    ),
    "a monthly one is late before that": (
        judged(cron("0 6 1 * *"), t("2026-11-02 06:14"), *months("2026-10-01")),
        "late",
    ),
    "still missed when the second one is late": (judged(cron(), t("2026-11-25 02:20"), *BEFORE), "missed"),
    "back on time after a missed one": (judged(cron(), t("2026-11-25 03:00"), *BEFORE, *nightly("25")), "on_time"),
    "a second too early": (judged(cron(), TWO + minutes(60), *BEFORE, ran(TWO - minutes(0.5))), "on_time"),
    "an hour too early is no run for this slot": (
        judged(cron(), TWO + minutes(60), *BEFORE, ran(TWO - minutes(60))),
        "late",
    ),
    "every minute, one tick lost": (
        judged(
            cron("* * * * *", grace=minutes(2)),
            TWO + minutes(10),
            *(ran(TWO + minutes(n), 0.5) for n in range(-9, 11) if n != 4),
        ),
        "on_time",
    ),
    "every minute, silent for longer than grace": (
        judged(
            cron("* * * * *", grace=minutes(2)), TWO + minutes(10), *(ran(TWO + minutes(n), 0.5) for n in range(-9, 5))
        ),
        "missed",
    ),
    "two schedules, the second is due": (judged(TWICE, t("2026-11-24 14:20"), *BEFORE, *nightly("24")), "late"),
    "two schedules, both came": (
        judged(TWICE, t("2026-11-24 14:20"), *nightly("24"), *nightly("24", clock="14:01")),
        "on_time",
    ),
    "queued since the due time": (
        judged(cron(), TWO + minutes(30), *BEFORE, ran(None, None, "queued", plan=TWO)),
        "late",
    ),
    "planned ahead for tomorrow": (
        judged(cron(), TWO + minutes(30), ran(TWO), ran(None, None, "queued", plan=t("2026-11-25 02:00"))),
        "on_time",
    ),
    "skipped on purpose": (judged(cron(), TWO + minutes(30), *BEFORE, ran(None, None, "skipped", plan=TWO)), "on_time"),
    "cancelled by a person before it started": (
        judged(cron(), TWO + minutes(30), *BEFORE, ran(None, None, "cancelled", plan=TWO)),
        "on_time",
    ),
    "crashed before it started": (
        judged(cron(), TWO + minutes(30), *BEFORE, ran(None, None, "crashed", plan=TWO)),
        "on_time",
    ),
    # long runs
    "running no longer than expected": (judged(cron(longest=minutes(60)), TWO + minutes(60), running(TWO)), "on_time"),
    "running too long": (judged(cron(longest=minutes(60)), TWO + minutes(61), running(TWO)), "running_long"),
    "ran long and ended": (judged(cron(longest=minutes(60)), TWO + minutes(90), ran(TWO, 80)), "on_time"),
    "a long backfill is left alone": (
        judged(cron(longest=minutes(60)), TWO + minutes(90), ran(TWO), running(TWO, trigger="backfill")),
        "on_time",
    ),
    "late is worse than long": (
        judged(cron("0 * * * *", longest=minutes(60)), TWO + minutes(80), running(TWO)),
        "late",
    ),
    # news and clocks
    "the source was heard before the deadline only": (
        judged(cron(), TWO + minutes(60), *BEFORE, heard_at=TWO + minutes(10)),
        "on_time",
    ),
    "the source has gone quiet": (
        judged(cron(), TWO + minutes(60), *BEFORE, silence="Prefect does not answer."),
        "unknown",
    ),
    "the source was never heard": (judged(cron(), TWO + minutes(60), heard_at=None), "unknown"),
    "a source whose clock is behind": (judged(cron(), TWO + minutes(18), *BEFORE, skew=minutes(-5)), "on_time"),
    "a source whose clock is behind, later": (judged(cron(), TWO + minutes(21), *BEFORE, skew=minutes(-5)), "late"),
    "a source whose clock is ahead": (judged(cron(), TWO + minutes(11), *BEFORE, skew=minutes(5)), "late"),
    "the expectation is younger than the slot": (judged(cron(), TWO + minutes(60), since=TWO + minutes(1)), "waiting"),
}
