"""The grid of a pipeline: steps by runs, and the bars of the selected run in the same rows. Pure.

1. Rows are the names of the steps, in the order of the selected run, then those that only other runs have.
2. A cell is the worst state of the steps of that name in that run.
3. Bars lie on one time axis that begins with the run; while it is going on, what is still to come is drawn as
   long as it took in the middle of the earlier runs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from statistics import median

from apps.core.ui.formats import duration, when
from apps.core.ui.gantt import Axis, Bar, Row, Tone
from apps.core.ui.status import StatusLook
from apps.pipelines.status import RunState, run_look

MOST_STEPS = 60  # rows; a run with more shows the first ones and says so
_WORST = ("crashed", "failed", "running", "queued", "cancelled", "unknown", "skipped", "succeeded")
_TONES: dict[str, Tone] = {"is-ok": "ok", "is-bad": "bad", "is-warn": "warn", "is-info": "info", "is-mute": "wait"}


@dataclass(frozen=True, slots=True)
class Step:
    """One step of one run, or a whole run, as far as drawing needs it."""

    run_id: int
    name: str
    state: str
    attempts: int = 1
    started_at: datetime | None = None
    finished_at: datetime | None = None

    @property
    def seconds(self) -> float | None:
        """How long it took; None while it has not ended."""
        if self.started_at is None or self.finished_at is None:
            return None
        return max(0.0, (self.finished_at - self.started_at).total_seconds())


@dataclass(frozen=True, slots=True)
class Cell:
    """One step of one run in the grid; no `look` where that run has no such step."""

    column: Column
    look: StatusLook | None


@dataclass(frozen=True, slots=True)
class Column:
    """One run at the head of the grid: a bar as high as it took long."""

    run_id: int
    look: StatusLook
    is_selected: bool
    age: str
    when: str
    label: str
    took: str
    y: str
    height: str
    slot: int = 0  # of a run that was expected and did not come: when it was due, in epoch seconds


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the grid with its bar."""

    name: str
    cells: list[Cell]
    bar: Row


@dataclass(frozen=True, slots=True)
class Grid:
    """Everything the card shows."""

    columns: list[Column]
    lines: list[Line]
    axis: Axis
    longest: str
    left_out: int = 0
    looks: list[StatusLook] = field(default_factory=list)
    usual: Mapping[str, float] = field(default_factory=dict)  # seconds each step takes in the middle

    @property
    def ghost_count(self) -> int:
        """How many runs that did not come are drawn."""
        return sum(bool(column.slot) for column in self.columns)

    @property
    def run_count(self) -> int:
        return len(self.columns) - self.ghost_count


def build_grid(
    *, runs: Sequence[Step], at: Sequence[datetime], steps: Sequence[Step], selected: Step, now: datetime, zone: tzinfo
) -> Grid:
    """The grid of `runs` (oldest first, `at` beside them) with the bars of `selected`."""
    by_run: dict[int, dict[str, list[Step]]] = {}
    for step in steps:
        by_run.setdefault(step.run_id, {}).setdefault(step.name, []).append(step)
    if not steps:
        by_run = {run.run_id: {run.name: [run]} for run in [*runs, selected]}
    names = list(
        dict.fromkeys(
            [*by_run.get(selected.run_id, {}), *(name for run in runs for name in by_run.get(run.run_id, {}))]
        )
    )
    usual = _usual(by_run, [run for run in runs if run.run_id != selected.run_id])
    own = by_run.get(selected.run_id, {})
    axis, bars = bars_of(run=selected, steps=own, names=names, usual=usual, now=now, zone=zone)
    columns = _columns(runs, at, selected, now.astimezone(zone))
    lines = [
        Line(name, [_cell(by_run.get(column.run_id, {}).get(name, ()), column) for column in columns], bars[name])
        for name in names[:MOST_STEPS]
    ]
    looks = {cell.look.label: cell.look for line in lines for cell in line.cells if cell.look}
    return Grid(
        columns=columns,
        lines=lines,
        axis=axis,
        longest=duration(max((_so_far(run, now) for run in runs), default=0.0)),
        left_out=max(0, len(names) - MOST_STEPS),
        looks=list(looks.values()),
        usual=usual,
    )


def bars_of(
    *,
    run: Step,
    steps: Mapping[str, Sequence[Step]],
    names: Sequence[str],
    usual: Mapping[str, float],
    now: datetime,
    zone: tzinfo,
) -> tuple[Axis, dict[str, Row]]:
    """The time axis of one run and the bars of each name; an unfinished run is drawn on to its usual end."""
    starts = [step.started_at for group in steps.values() for step in group if step.started_at]
    begin = min([*starts, *([run.started_at] if run.started_at else [])], default=now)
    is_open = run.state in (RunState.RUNNING, RunState.QUEUED)
    rows, reached = {}, begin.timestamp()
    for name in names:
        rows[name], reached = _row(name, steps.get(name, ()), reached, usual.get(name) if is_open else None, now)
    ends = [bar.end for row in rows.values() for bar in row.bars]
    if run.finished_at and not is_open:
        ends.append(run.finished_at.timestamp())
    end = max([*ends, begin.timestamp() + 1])
    label = f"{begin.astimezone(zone):%H:%M}"
    return Axis(begin.timestamp(), end, label, now.timestamp() if is_open else None), rows


def _row(name: str, group: Sequence[Step], reached: float, usual: float | None, now: datetime) -> tuple[Row, float]:
    """The bars of one name, and when the last step known so far ends."""
    started = [step for step in group if step.started_at]
    if not started:
        if usual is None:
            return Row([], "", f"{name}: {_worst(group).label.lower() if group else 'not part of this run'}"), reached
        start = max(reached, now.timestamp())
        return Row(
            [Bar(start, start + usual, "next")], "", f"{name}: to come, usually {duration(usual)}"
        ), start + usual
    bars = [_bar(step, now) for step in started]
    look, end = _worst(started), max(bar.end for bar in bars)
    took = duration(end - min(bar.start for bar in bars))
    if all(step.finished_at for step in started):
        return Row(bars, took, f"{name}: {look.label.lower()}, {took}"), max(reached, end)
    first = min(bar.start for bar in bars)
    if usual is not None and first + usual > end:
        left = f"{duration(first + usual - end)} left"
        bars.append(Bar(end, first + usual, "next"))
        return Row(bars, left, f"{name}: running for {took}, about {left}"), max(reached, first + usual)
    return Row(bars, took, f"{name}: running for {took}"), max(reached, end)


def _bar(step: Step, now: datetime) -> Bar:
    start = step.started_at or now
    end = step.finished_at or (now if step.state in (RunState.RUNNING, RunState.QUEUED) else start)
    tone = _TONES[run_look(step.state, step.attempts).tone]
    return Bar(start.timestamp(), max(start, end).timestamp(), tone)


def _usual(by_run: Mapping[int, Mapping[str, Sequence[Step]]], runs: Sequence[Step]) -> dict[str, float]:
    """The median seconds of each name in the runs before."""
    took: dict[str, list[float]] = {}
    for run in runs:
        for name, group in by_run.get(run.run_id, {}).items():
            seconds = [step.seconds for step in group if step.seconds is not None and step.state == RunState.SUCCEEDED]
            if seconds:
                took.setdefault(name, []).append(max(seconds))
    return {name: median(values) for name, values in took.items()}


def _worst(group: Sequence[Step]) -> StatusLook:
    step = min(group, key=lambda step: (_WORST.index(step.state), -step.attempts))
    return run_look(step.state, step.attempts)


def _cell(group: Sequence[Step], column: Column) -> Cell:
    return Cell(column, _worst(group) if group else None)


def _columns(runs: Sequence[Step], at: Sequence[datetime], selected: Step, now: datetime) -> list[Column]:
    took = [_so_far(run, now) for run in runs]
    longest = max(took, default=0.0) or 1.0
    is_days = len(at) > 1 and (at[-1] - at[0]).total_seconds() / (len(at) - 1) > 12 * 3600
    columns = []
    for index, (run, moment) in enumerate(zip(runs, at, strict=True)):
        height = max(1.5, 40 * took[index] / longest)
        local = moment.astimezone(now.tzinfo)
        label = f"{local.day}" if is_days else f"{local:%H:%M}" if (len(runs) - 1 - index) % 3 == 0 else ""
        columns.append(
            Column(
                run_id=run.run_id,
                look=run_look(run.state, run.attempts),
                is_selected=run.run_id == selected.run_id,
                age=age_of(index, len(runs)),
                when=when(moment, now),
                label=label,
                took=duration(took[index]),
                y=f"{40 - height:.1f}",
                height=f"{height:.1f}",
            )
        )
    return columns


def _so_far(run: Step, now: datetime) -> float:
    """The seconds a run took, or has taken until now."""
    if run.state == RunState.RUNNING and run.started_at:
        return max(0.0, (now - run.started_at).total_seconds())
    return run.seconds or 0.0


def age_of(index: int, count: int) -> str:
    """Which columns a narrow screen leaves out first."""
    place = count - index  # 1 is the newest
    return "older old" if place > 14 else "older" if place > 7 else ""
