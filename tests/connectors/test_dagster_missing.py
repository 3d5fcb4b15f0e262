"""Dagster deletes runs for good: what the connector notices of it, and what it never believes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from apps.connectors.http import Limits
from apps.connectors.providers.dagster.cursor import SWEEP_EVERY
from apps.connectors.records import Kind, RunState
from tests.connectors.dagster_world import ETL, REPORT, DagsterWorld, fetch, listed, operations, runs, small_world
from tests.connectors.upstream import Answer, Request, Upstream


def test_a_deleted_open_run_is_missing_from_the_listings_of_two_polls(upstream: Upstream) -> None:
    world = small_world()
    cursor = fetch(upstream, world).cursor
    world.delete("waiting")
    found = []
    for _ in range(3):
        batch = fetch(upstream, world, cursor)
        cursor = batch.cursor
        found.append(listed(batch, Kind.RUN))
    assert found == [{ETL: {"done", "going"}}, {ETL: {"done", "going"}}, {}]


def test_open_runs_that_came_unseen_to_their_end_are_looked_up(upstream: Upstream) -> None:
    world = small_world()
    first = fetch(upstream, world)
    world.clock += timedelta(minutes=30)
    slow_clock = world.clock.timestamp() - 3000  # of a worker whose clock is far behind
    world.run("going").update(status="FAILURE", endTime=slow_clock, updateTime=slow_clock)
    second = fetch(upstream, world, first.cursor)
    assert runs(second)["going"].state is RunState.FAILED
    assert second.cursor["open_runs"] == {"waiting": ETL}
    assert listed(second, Kind.RUN) == {}


def test_a_deleted_run_is_missing_from_the_sweep_of_its_job(upstream: Upstream) -> None:
    world = small_world()
    cursor: Any = {}
    swept = []
    for poll in range(1, 2 * SWEEP_EVERY + 1):
        batch = fetch(upstream, world, cursor)
        cursor = batch.cursor
        if listed(batch, Kind.RUN):
            swept.append(listed(batch, Kind.RUN))
        if poll == SWEEP_EVERY:
            world.delete("done")
    assert swept == [
        {ETL: {"done", "going", "waiting"}, REPORT: {"failed"}},
        {ETL: {"going", "waiting"}, REPORT: {"failed"}},
    ]


def test_a_sweep_goes_on_in_the_next_poll_when_there_is_no_room(upstream: Upstream) -> None:
    world = small_world()
    world.add_location("more", *(f"job_{number}" for number in range(20)))
    cursor = {**fetch(upstream, world).cursor, "polls": SWEEP_EVERY - 1}
    limits = Limits(total_seconds=5, fetch_seconds=20, max_requests=18)
    scopes: list[str] = []
    turns = 0
    while turns == 0 or cursor["sweep_after"] is not None:
        batch = fetch(upstream, world, cursor, limits=limits)
        cursor, turns = batch.cursor, turns + 1
        scopes += listed(batch, Kind.RUN)
    assert turns > 1
    assert len(scopes) == len(set(scopes)) == 22


def test_a_job_is_listed_once_though_a_sweep_meets_a_deleted_run(upstream: Upstream) -> None:
    world = small_world()
    cursor = {**fetch(upstream, world).cursor, "polls": SWEEP_EVERY - 1}
    world.delete("waiting")
    scopes = [listing.scope for listing in fetch(upstream, world, cursor).listings if listing.kind is Kind.RUN]
    assert sorted(scopes) == [ETL, REPORT], "missing twice in one poll would mean gone at once"


def test_two_jobs_of_one_name_lose_no_run_to_each_other(upstream: Upstream) -> None:
    world = DagsterWorld()
    for location in ("main", "other"):
        world.add_location(location, "etl")
        origin = {"repositoryName": "__repository__", "repositoryLocationName": location}
        world.add_run(f"in-{location}", repositoryOrigin=origin)
    found = listed(fetch(upstream, world, {"polls": SWEEP_EVERY - 1}), Kind.RUN)
    assert found == {key: {"in-main", "in-other"} for key in (ETL, "__repository__@other/etl")}


def test_a_sweep_that_lost_its_place_is_not_believed(upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apps.connectors.providers.dagster.missing.ID_PAGE", 2)
    world = DagsterWorld()
    world.add_location("main", "etl")
    for number in range(6):
        world.add_run(f"r{number}")

    def deleting(request: Request) -> Answer:
        answer = world(request)
        if "query RunIds" in request.json["query"] and not request.json["variables"]["cursor"]:
            world.runs = [run for run in world.runs if run["runId"] != "r4"]  # where the next page would begin
        return answer

    deleting.clock = world.clock  # type: ignore[attr-defined]
    batch = fetch(upstream, deleting, {"polls": SWEEP_EVERY - 1})
    assert "RunIds" in operations(upstream)
    assert listed(batch, Kind.RUN) == {}
