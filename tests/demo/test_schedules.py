"""The schedule that a flow tells is the one by which its runs come: else the portal would call them late."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from apps.demo.world.pipelines import PIPELINES, ZONE
from apps.pipelines.punctuality.schedules import read_schedule
from apps.pipelines.punctuality.slots import slots_between

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
