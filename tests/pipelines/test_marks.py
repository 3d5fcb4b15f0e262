"""How new the data of a run can be: the table, and the rule against a slow and obvious reference."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.pipelines.marks import data_mark, partition_end


def at(day: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=UTC)


@pytest.mark.parametrize(
    ("key", "end"),
    [
        ("2026-11-23", at(24)),
        ("2026-11-24-05:00", at(24, 6)),
        ("2026-11", datetime(2026, 12, 1, tzinfo=UTC)),
        ("2026-12", datetime(2027, 1, 1, tzinfo=UTC)),
        ("2024-02-29", datetime(2024, 3, 1, tzinfo=UTC)),
        ("2026-11-24T05:30:00Z", at(24, 5, 30)),
        ("2026-11-24T05:30:00+01:00", at(24, 4, 30)),
        ("2026-11-24T05:30", at(24, 5, 30)),
        ("2026-11-23T00:00:00Z/2026-11-24T00:00:00Z", at(24)),
        ("2026-11-20...2026-11-23", at(24)),
        ("eu|2026-11-23", at(24)),
        ("2026-11-23|eu", at(24)),
        ("2026-11-22|2026-11-23", at(23)),
        ("", None),
        ("eu", None),
        ("2026", None),
        ("2026-13", None),
        ("2026-02-30", None),
        ("2026-11-24-25:00", None),
        ("20261124", None),
        ("release-2026-11-23", None),
        ("9999-12-31", None),
    ],
)
def test_a_partition_ends_where_its_key_says(key: str, end: datetime | None) -> None:
    assert partition_end(key) == end


MORNING = at(24, 2)
RAN = {"started_at": MORNING, "finished_at": at(24, 3), "scheduled_for": MORNING}


@pytest.mark.parametrize(
    ("said", "mark"),
    [
        pytest.param(RAN | {"trigger": "schedule"}, MORNING, id="a scheduled run"),
        pytest.param(
            RAN | {"trigger": "schedule", "partition_key": "2026-11-23"}, at(24), id="a scheduled run of yesterday"
        ),
        pytest.param(
            RAN | {"trigger": "schedule", "partition_key": "2026-11-24"}, MORNING, id="a partition that is not over"
        ),
        pytest.param(
            {"trigger": "schedule", "started_at": at(24, 10), "scheduled_for": at(24, 2)}, at(24, 2), id="a late run"
        ),
        pytest.param(
            {"trigger": "schedule", "started_at": at(24, 10), "scheduled_for": at(20, 2)}, at(20, 2), id="a catch-up"
        ),
        pytest.param({"trigger": "manual", "started_at": at(24, 9)}, at(24, 9), id="by hand, of nothing in particular"),
        pytest.param(
            {"trigger": "manual", "started_at": at(24, 9), "partition_key": "2026-11-10"},
            at(11),
            id="an old date by hand",
        ),
        pytest.param(
            {"trigger": "api", "started_at": at(24, 9), "partition_key": "2026-11-10T00:00:00Z/2026-11-11T00:00:00Z"},
            at(11),
            id="an old interval by API",
        ),
        pytest.param(RAN | {"trigger": "backfill", "partition_key": "2026-11-02"}, at(3), id="a backfill of the past"),
        pytest.param(
            RAN | {"trigger": "backfill", "partition_key": "2026-11-23"}, at(24), id="a backfill of the newest"
        ),
        pytest.param(RAN | {"trigger": "backfill"}, None, id="a backfill of nobody knows what"),
        pytest.param(RAN | {"trigger": "backfill", "partition_key": "eu"}, None, id="a backfill of a region"),
        pytest.param(RAN | {"trigger": "schedule", "partition_key": "eu"}, MORNING, id="a region on schedule"),
        pytest.param({"trigger": "manual", "finished_at": at(24, 9)}, at(24, 9), id="only its end is told"),
        pytest.param({"trigger": "manual"}, None, id="nothing is told"),
    ],
)
def test_a_run_brings_data_no_newer_than_what_it_worked_on(said: dict, mark: datetime | None) -> None:
    assert data_mark(**said) == mark


hours = st.one_of(st.none(), st.integers(0, 240))
partitions = st.one_of(st.just(""), st.just("eu"), st.integers(1, 10).map(lambda day: f"2026-11-{day:02}"))


def slow_mark(trigger: str, day: str, started: int | None, planned: int | None) -> int | None:
    """The last hour whose data the run can hold: one by one, as long as nothing speaks against it."""
    partition = (int(day[-2:])) * 24 if day.startswith("2026") else None
    if trigger == "backfill" and partition is None:
        return None
    bounds = [started, partition] if trigger == "backfill" else [started, planned, partition]
    if all(bound is None for bound in bounds):
        return None
    hour = 0
    while hour < 300 and all(bound is None or hour + 1 <= bound for bound in bounds):
        hour += 1
    return hour


@given(
    trigger=st.sampled_from(["schedule", "manual", "api", "event", "backfill", "unknown"]),
    day=partitions,
    started=hours,
    planned=hours,
)
def test_the_rule_agrees_with_a_walk_hour_by_hour(
    trigger: str, day: str, started: int | None, planned: int | None
) -> None:
    begin = at(1)

    def time(hour: int | None) -> datetime | None:
        return None if hour is None else begin + timedelta(hours=hour)

    found = data_mark(trigger=trigger, partition_key=day, started_at=time(started), scheduled_for=time(planned))
    assert found == time(slow_mark(trigger, day, started, planned))


@given(runs=st.lists(st.tuples(partitions, st.integers(0, 240)), max_size=8), backfilled=st.integers(1, 10))
def test_a_backfill_never_makes_data_newer_than_its_partition(runs: list, backfilled: int) -> None:
    def mark(trigger: str, day: str, hour: int) -> datetime | None:
        return data_mark(trigger=trigger, partition_key=day, started_at=at(1) + timedelta(hours=hour))

    before = max((mark("schedule", day, hour) for day, hour in runs), default=None)
    after = mark("backfill", f"2026-11-{backfilled:02}", 240)
    newest = max(filter(None, (before, after)), default=None)
    assert newest <= max(before or at(1), at(1) + timedelta(days=backfilled))
