"""The timeline as lanes on one axis: places in an SVG, worked out on the server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from apps.incidents.queries.timeline import Moment
from apps.incidents.stretch import Stretch, ticks

WIDTH: Final = 1000  # units of the picture
LEFT: Final = 160  # where the names of the lanes end
LANE: Final = 34
FOOT: Final = 26


@dataclass(frozen=True, slots=True)
class Dot:
    """One moment: its place, and where its line is."""

    x: float
    y: float
    moment: Moment
    anchor: str


@dataclass(frozen=True, slots=True)
class Axis:
    """Lanes as (name, middle), dots, and ticks as (x, time)."""

    width: int
    height: int
    left: int
    start: datetime
    end: datetime
    lanes: list[tuple[str, float]]
    dots: list[Dot]
    ticks: list[tuple[float, datetime]]

    @property
    def foot(self) -> float:
        """Where the names of the ticks stand."""
        return self.height - 8


def axis_of(moments: Sequence[Moment], stretch: Stretch, lanes: Mapping[str, str]) -> Axis:
    """The lanes that hold something, from the top."""
    used = [key for key in lanes if any(one.lane == key for one in moments)]
    middle = {key: LANE * (number + 0.5) for number, key in enumerate(used)}
    room = WIDTH - LEFT - 20
    dots = [
        Dot(round(LEFT + share * room, 1), middle[one.lane], one, anchor_of(one))
        for one in moments
        if (share := stretch.place(one.at)) is not None
    ]
    return Axis(
        WIDTH,
        LANE * len(used) + FOOT,
        LEFT,
        stretch.start,
        stretch.end,
        [(lanes[key], middle[key]) for key in used],
        dots,
        [(round(LEFT + share * room, 1), at) for share, at in ticks(stretch)],
    )


def anchor_of(one: Moment) -> str:
    """The id of its line in the list."""
    return f"entry-{one.entry.pk}" if one.entry else f"event-{one.event_id}"
