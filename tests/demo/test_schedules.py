"""The schedule that a flow tells is the one by which its runs come: else the portal would call them late."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from apps.connectors.records import PipelineRecord
from apps.demo.world.pipelines import PIPELINES, ZONE
from apps.demo.world.systems import pipelines_of
from apps.pipelines.punctuality.schedules import read_schedule
from apps.pipelines.punctuality.slots import slots_between
from tests.demo.polling import Town

ORCHESTRATORS = ["prefect", "airflow", "dagster", "kubernetes"]
DAYS = [datetime(2026, 11, 23, tzinfo=UTC), datetime(2026, 7, 6, tzinfo=UTC)]  # winter and summer, both Mondays


@pytest.mark.parametrize("start", DAYS, ids=["winter", "summer"])
@pytest.mark.parametrize("pipeline", PIPELINES, ids=lambda pipeline: pipeline.slug)
def test_a_flow_runs_when_its_schedule_says(pipeline, start):
    expectation = read_schedule(f"{pipeline.schedule.cron} ({ZONE})").expectation
    end = start + timedelta(days=7)
    said = [slot.due_at.timestamp() for slot in slots_between(expectation.timing, start, end)]
    first = int(start.timestamp()) // 86_400
    planned = [second for day in range(first - 1, first + 8) for second in pipeline.schedule.slots(day)]
    assert [second for second in planned if start.timestamp() <= second < end.timestamp()] == said


@pytest.mark.parametrize("start", DAYS, ids=["winter", "summer"])
@pytest.mark.parametrize("pipeline", PIPELINES, ids=lambda pipeline: pipeline.slug)
def test_a_day_names_only_what_is_due_on_it(pipeline, start):
    day = start.toordinal() - datetime(1970, 1, 1, tzinfo=UTC).toordinal()
    slots = pipeline.schedule.slots(day)
    assert slots == sorted(slots)
    assert {second // 86_400 for second in slots} <= {day}


def test_every_flow_has_an_orchestrator_that_tells_its_schedule():
    assert {pipeline.system for pipeline in PIPELINES} == set(ORCHESTRATORS)


@pytest.mark.parametrize("system", ORCHESTRATORS)
def test_every_orchestrator_tells_schedules_as_the_portal_reads_them(town: Town, system):
    told = town.poll(f"Fernway {system.capitalize()}", backfill_days=1).of(PipelineRecord).values()
    schedules = {record.name.replace("_", "-"): record.schedule for record in told}
    for pipeline in pipelines_of(system):
        assert schedules[pipeline.slug] == f"{pipeline.schedule.cron} ({ZONE})"
