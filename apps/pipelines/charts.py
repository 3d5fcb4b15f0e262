"""Rows out of the database made into the values that the grid draws."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from apps.core.ui.charts import Line, LineChart, Mark
from apps.core.ui.formats import duration
from apps.core.ui.sampling import Sample
from apps.events.models import Event
from apps.pipelines.grid import Grid, Step, build_grid
from apps.pipelines.models import Run, RunDay, TaskRun

WHOLE = "Whole run"  # the row of sources that tell no steps


def grid_of(*, runs: Sequence[Run], task_runs: Sequence[TaskRun], selected: Run, now: datetime, zone: tzinfo) -> Grid:
    """The grid of a pipeline's runs, oldest first, with the bars of the selected one."""
    return build_grid(
        runs=[_of_run(run) for run in runs],
        at=[run.at for run in runs],
        steps=[_of_task(task) for task in task_runs],
        selected=_of_run(selected),
        now=now,
        zone=zone,
    )


def duration_chart(
    *, days: Sequence[RunDay], since: date, at: datetime, changes: Sequence[Event], zone: tzinfo
) -> LineChart:
    """How long runs that passed took: the median and the slowest twentieth of each day, with every change on it."""
    usual = [(_noon(one), one.took_median) for one in days if one.took_median is not None]
    slow = [(_noon(one), one.took_p95) for one in days if one.took_p95 is not None]
    gap = timedelta(days=4).total_seconds()  # a weekly pipeline is a row of dots, a daily one with a weekend a line
    return LineChart(
        id="run-durations",
        title="How long runs take",
        description=_durations_in_words(usual),
        lines=[Line("Median of the day", usual, gap=gap), Line("95 of 100 are faster", slow, role="second", gap=gap)],
        start=datetime.combine(since, time.min, tzinfo=UTC).timestamp(),
        end=at.timestamp(),
        unit="s",
        marks=[Mark(one.at.timestamp(), one.mark_kind, one.title, one.get_absolute_url()) for one in changes],
        zone=zone,
        has_table=True,
    )


def _noon(one: RunDay) -> float:
    return datetime.combine(one.day, time(12), tzinfo=UTC).timestamp()


def _durations_in_words(usual: Sequence[Sample]) -> str:
    values = [value for _, value in usual if value is not None]
    if not values:
        return "No run passed in this time."
    low, high, last = duration(min(values)), duration(max(values)), duration(values[-1])
    return f"The median of a day lies between {low} and {high}; {last} on the last one."


def _of_run(run: Run) -> Step:
    return Step(run.pk, WHOLE, run.state, run.attempts, run.started_at, run.finished_at)


def _of_task(task: TaskRun) -> Step:
    return Step(task.run_id, task.name, task.state, task.attempts, task.started_at, task.finished_at)
