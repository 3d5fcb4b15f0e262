"""Pauses, backfills, reruns, catching up, overlapping runs, and the other ways of expecting.

Name -> (judgement, the state people would say).
"""

from __future__ import annotations

from datetime import timedelta

from apps.pipelines.punctuality.days import DayRule, Days
from apps.pipelines.punctuality.expectation import Clock, CronLine, Expectation
from tests.pipelines.punctuality.sayings import (
    after,
    cron,
    every,
    judged,
    minutes,
    nightly,
    paused,
    ran,
    ready,
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
    # pauses
    "paused since yesterday": (judged(cron(), TWO + minutes(60), *BEFORE, pauses=paused(TWO - minutes(300))), "paused"),
    "paused over the slot and resumed": (
        judged(cron(), t("2026-11-24 09:00"), *BEFORE, pauses=paused(TWO - minutes(60), TWO + minutes(120))),
        "on_time",
    ),
    "the first slot after the resume is missing": (
        judged(cron(), t("2026-11-25 02:20"), *BEFORE, pauses=paused(TWO - minutes(60), TWO + minutes(120))),
        "late",
    ),
    "paused within grace": (
        judged(cron(), TWO + minutes(60), *BEFORE, pauses=paused(TWO + minutes(5), TWO + minutes(20))),
        "on_time",
    ),
    "late, then paused and resumed": (
        judged(cron(), TWO + minutes(180), *BEFORE, pauses=paused(TWO + minutes(60), TWO + minutes(120))),
        "waiting",
    ),
    "an interval starts anew at a resume": (
        judged(every(60), TWO + minutes(50), ran(TWO - minutes(600)), pauses=paused(TWO - minutes(580), TWO)),
        "waiting",
    ),
    "an interval after a resume is overdue": (
        judged(every(60), TWO + minutes(80), ran(TWO - minutes(600)), pauses=paused(TWO - minutes(580), TWO)),
        "late",
    ),
    "ready by, paused over the night": (
        judged(ready(), t("2026-11-24 13:30"), *BEFORE, pauses=paused(t("2026-11-24 01:00"), t("2026-11-24 10:00"))),
        "on_time",
    ),
    # backfills, reruns, catching up, overlapping
    "a backfill at the due time": (judged(cron(), TWO + minutes(30), *BEFORE, ran(TWO, trigger="backfill")), "late"),
    "a backfill does not make it ready": (
        judged(ready(), t("2026-11-24 13:30"), *BEFORE, ran(t("2026-11-24 12:00"), trigger="backfill")),
        "late",
    ),
    "an API run of an old partition": (
        judged(
            ready(),
            t("2026-11-24 13:30"),
            *BEFORE,
            ran(t("2026-11-24 12:00"), trigger="api", partition_key="2026-10-01"),
        ),
        "late",
    ),
    "an API run of yesterday's partition": (
        judged(
            ready(),
            t("2026-11-24 13:30"),
            *BEFORE,
            ran(t("2026-11-24 12:00"), trigger="api", partition_key="2026-11-23"),
        ),
        "on_time",
    ),
    "a scheduled run of a lagging partition": (
        judged(cron(), TWO + minutes(30), *BEFORE, ran(TWO, partition_key="2026-11-17")),
        "on_time",
    ),
    "a run by hand before the slot": (
        judged(cron(), TWO + minutes(30), *BEFORE, ran(TWO - minutes(0.5), trigger="manual")),
        "late",
    ),
    "a run by hand after the slot": (
        judged(cron(), TWO + minutes(60), *BEFORE, ran(TWO + minutes(30), trigger="manual")),
        "recovered",
    ),
    "a run by hand makes it ready": (
        judged(ready(), t("2026-11-24 13:30"), *BEFORE, ran(t("2026-11-24 12:00"), trigger="manual")),
        "on_time",
    ),
    "a rerun by hand yesterday afternoon does not": (
        judged(ready(), t("2026-11-24 13:30"), *BEFORE, ran(t("2026-11-23 14:00"), trigger="manual")),
        "late",
    ),
    "yesterday's late success is not today's": (
        judged(ready(), t("2026-11-24 13:30"), *nightly("21", "22"), ran(t("2026-11-23 14:00"))),
        "late",
    ),
    "an evening run is ready for the day after": (
        judged(ready(), t("2026-11-24 13:30"), *nightly("22", "23", clock="22:00")),
        "on_time",
    ),
    "catching up serves each slot": (
        judged(
            cron("0 * * * *"),
            t("2026-11-24 05:10"),
            *(ran(t(f"2026-11-24 05:0{h}"), 1, plan=t(f"2026-11-24 0{h}:00")) for h in range(2, 6)),
        ),
        "on_time",
    ),
    "catching up has not reached the newest": (
        judged(
            cron("0 * * * *"),
            t("2026-11-24 05:20"),
            *(ran(t(f"2026-11-24 05:0{h}"), 1, plan=t(f"2026-11-24 0{h}:00")) for h in range(2, 5)),
        ),
        "late",
    ),
    "a long run overlaps the next": (
        judged(
            cron("0 * * * *"), t("2026-11-24 04:20"), running(t("2026-11-24 03:00")), running(t("2026-11-24 04:00"))
        ),
        "on_time",
    ),
    "a long run keeps the next from starting": (
        judged(cron("0 * * * *"), t("2026-11-24 04:20"), running(t("2026-11-24 03:00"))),
        "late",
    ),
    # intervals
    "every 15 min, on time": (
        judged(every(15, grace=minutes(5)), TWO + minutes(14), ran(TWO - minutes(15)), ran(TWO)),
        "on_time",
    ),
    "every 15 min, within grace": (
        judged(every(15, grace=minutes(5)), TWO + minutes(20), ran(TWO - minutes(15)), ran(TWO)),
        "on_time",
    ),
    "every 15 min, late": (judged(every(15, grace=minutes(5)), TWO + minutes(21), ran(TWO)), "late"),
    "every 15 min, missed": (judged(every(15, grace=minutes(5)), TWO + minutes(31), ran(TWO)), "missed"),
    "every 15 min, silent for days": (judged(every(15), TWO + timedelta(days=9), ran(TWO)), "missed"),
    "an interval that never ran": (judged(every(60), TWO, since=TWO - minutes(80)), "late"),
    "a run by hand is no start of an interval": (
        judged(every(60), TWO + minutes(80), ran(TWO), ran(TWO + minutes(30), trigger="manual")),
        "late",
    ),
    "an interval that came late": (
        judged(every(60), TWO + minutes(100), ran(TWO), ran(TWO + minutes(80), 5)),
        "recovered",
    ),
    # ready by
    "ready in time": (judged(ready(), t("2026-11-24 12:30"), *BEFORE, *nightly("24")), "on_time"),
    "still running at the time": (
        judged(ready(), t("2026-11-24 13:20"), *BEFORE, running(t("2026-11-24 12:00"))),
        "late",
    ),
    "failed in the morning": (judged(ready(), t("2026-11-24 13:20"), *BEFORE, ran(TWO, 5, "failed")), "late"),
    "ready an hour late": (judged(ready(), t("2026-11-24 15:20"), *BEFORE, ran(t("2026-11-24 14:00"))), "recovered"),
    "nothing all day": (judged(ready(), t("2026-11-25 13:00"), *BEFORE), "missed"),
    "ready on business days only": (
        judged(ready(days=Days(DayRule.BUSINESS)), t("2026-11-22 18:00"), *nightly("19", "20")),
        "on_time",
    ),
    # after another pipeline
    "upstream has not run": (judged(after(), TWO, upstream=[]), "waiting"),
    "within the time after upstream": (judged(after(), t("2026-11-24 04:20"), upstream=UPSTREAM), "waiting"),
    "too long after upstream": (judged(after(), t("2026-11-24 04:46"), upstream=UPSTREAM), "late"),
    "followed upstream": (
        judged(after(), t("2026-11-24 04:46"), ran(t("2026-11-24 04:10")), upstream=UPSTREAM),
        "on_time",
    ),
    "a run before upstream does not follow it": (
        judged(after(), t("2026-11-24 04:46"), ran(t("2026-11-24 03:50")), upstream=UPSTREAM),
        "late",
    ),
    "one run serves two upstream runs": (
        judged(after(), t("2026-11-24 04:50"), ran(t("2026-11-24 04:10")), upstream=[t("2026-11-24 03:55"), *UPSTREAM]),
        "on_time",
    ),
    "followed by hand": (
        judged(after(), t("2026-11-24 05:10"), ran(t("2026-11-24 04:10"), trigger="manual"), upstream=UPSTREAM),
        "on_time",
    ),
}
