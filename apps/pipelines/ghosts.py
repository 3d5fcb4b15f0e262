"""Ghosts in the grid: runs that were expected and did not come, in their place among those that did. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from typing import Final

from apps.core.ui.formats import when
from apps.core.ui.status import StatusLook, look
from apps.pipelines.grid import Cell, Column, Grid, Line, Step, age_of, bars_of

MOST: Final = 8  # the newest; a job that has been dead for weeks must not push its last runs out


@dataclass(frozen=True, slots=True)
class Ghost:
    """One expected run that did not come: late or missed."""

    due_at: datetime
    state: str

    @property
    def slot(self) -> int:
        """How an address names it."""
        return int(self.due_at.timestamp())

    @property
    def look(self) -> StatusLook:
        return look(self.state, "PunctualityState")


def with_ghosts(
    grid: Grid, *, at: Sequence[datetime], ghosts: Sequence[Ghost], chosen: Ghost | None, now: datetime, zone: tzinfo
) -> Grid:
    """The grid with a column for each ghost (`at` beside the grid's columns); the chosen one has the time axis."""
    wanted = sorted(ghosts, key=lambda ghost: ghost.due_at)[-MOST:]
    if not wanted:
        return grid
    bars = {line.name: line.bar for line in grid.lines}
    axis = grid.axis
    if chosen:
        run, names = Step(0, "", "queued"), [line.name for line in grid.lines]
        axis, bars = bars_of(run=run, steps={}, names=names, usual=grid.usual, now=chosen.due_at, zone=zone)
        axis = replace(axis, now=None)
    places = [sum(moment <= ghost.due_at for moment in at) for ghost in wanted]
    columns = [replace(column, is_selected=column.is_selected and chosen is None) for column in grid.columns]
    made = [_column(ghost, ghost == chosen, now.astimezone(zone)) for ghost in wanted]
    lines = [
        Line(
            line.name,
            [Cell(column, cell.look) for column, cell in zip(columns, line.cells, strict=True)],
            bars[line.name],
        )
        for line in grid.lines
    ]
    for place, ghost_column in reversed(list(zip(places, made, strict=True))):
        columns.insert(place, ghost_column)
    columns = [replace(column, age=age_of(index, len(columns))) for index, column in enumerate(columns)]
    lines = [Line(line.name, _cells(columns, line), bars[line.name]) for line in grid.lines]
    looks = list(dict.fromkeys([*grid.looks, *(ghost.look for ghost in wanted)]))
    return replace(grid, columns=columns, lines=lines, axis=axis, looks=looks)


def _cells(columns: Sequence[Column], line: Line) -> list[Cell]:
    """The line's cells under their columns; a ghost has nothing to show."""
    looks = iter([cell.look for cell in line.cells])
    return [Cell(column, None if column.slot else next(looks)) for column in columns]


def _column(ghost: Ghost, is_selected: bool, now: datetime) -> Column:
    return Column(
        run_id=0,
        look=ghost.look,
        is_selected=is_selected,
        age="",
        when=when(ghost.due_at, now),
        label="",
        took="never came",
        y="4.0",
        height="35.0",
        slot=ghost.slot,
    )
