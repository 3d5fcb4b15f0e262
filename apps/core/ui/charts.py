"""Time charts as plain data, drawn on the server: shown at once, printed, and complete without scripts.

    LineChart(id="wait", title="Wait", description="…", start=…, end=…, unit="s",
              lines=[Line("Today", samples), Line("Last week", earlier, role="previous", shift=7 * DAY)],
              marks=[Mark(at, "prompt", "Prompt v22", url)], bands=[Band(t0, t1, "Incident 142")],
              limits=[Limit(3, "Our promise: 3 s")], zone=zone)

Times are epoch seconds. A gap in the samples is a gap in the line.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from functools import cached_property
from typing import Final, Literal

from apps.core.ui import sampling
from apps.core.ui.sampling import Numbers, Run, Sample

Role = Literal["main", "second", "previous"]
MarkKind = Literal["prompt", "deploy", "config", "incident", "alert"]
GAP_IN_STEPS: Final = 2.5  # one missing sample is a gap, a late one is not


@dataclass(frozen=True)
class Line:
    """One series. `shift` seconds are added to its times, so an earlier period lies over this one.

    `gap`: seconds without a sample after which the line breaks; left out, two and a half of its usual steps.
    """

    name: str
    samples: Sequence[Sample]
    role: Role = "main"
    shift: float = 0.0
    gap: float | None = None

    @cached_property
    def runs(self) -> list[Run]:
        """What is drawn on the server: stretches without holes, shifted, in few points."""
        return self.thinned(480)

    def thinned(self, limit: int) -> list[Run]:
        """Stretches without holes, shifted, in about `limit` points; no spike disappears."""
        thin = sampling.thin(sampling.runs(self.samples, self._gap), limit)
        return [[(at + self.shift, value) for at, value in stretch] for stretch in thin] if self.shift else thin

    def whole(self, limit: int) -> tuple[Numbers, Numbers] | None:
        """(shifted times, values) of a line without holes and of at most `limit` points; None for all others."""
        found = sampling.whole(self.samples, self._gap) if len(self.samples) <= limit else None
        return (found[0] + self.shift, found[1]) if found else None

    @property
    def _gap(self) -> float:
        return GAP_IN_STEPS * sampling.usual_step(self.samples) if self.gap is None else self.gap


@dataclass(frozen=True, slots=True)
class Mark:
    """A change on the time axis; it gets a letter on the chart and a line in the list below.

    `is_back`: it brought back something earlier; its letter carries an arrow.
    """

    at: float
    kind: MarkKind
    label: str
    url: str = ""
    is_back: bool = False


@dataclass(frozen=True, slots=True)
class Band:
    """A span of trouble behind the lines."""

    start: float
    end: float
    label: str = ""


@dataclass(frozen=True, slots=True)
class Limit:
    """A horizontal line: a promise or an alert threshold."""

    value: float
    label: str


@dataclass(frozen=True)
class LineChart:
    """Everything one time chart shows; `description` says in words what a reader would see.

    `sync` names a group of charts that share one cursor. `from_zero` keeps zero on the axis. `marks_url` leads to the
    list of all changes and `marks_left_out` counts those that got no mark; the legend names only the newest
    marks, and none where the page has a list of its own (`names_marks` off).
    """

    id: str
    title: str
    description: str
    lines: Sequence[Line]
    start: float
    end: float
    unit: str = ""
    marks: Sequence[Mark] = ()
    bands: Sequence[Band] = ()
    limits: Sequence[Limit] = ()
    height: int = 200
    sync: str = ""
    zone: tzinfo = field(default=UTC)
    from_zero: bool = True
    has_legend: bool = True
    has_table: bool = True
    marks_url: str = ""
    marks_left_out: int = 0
    names_marks: bool = True

    @property
    def is_empty(self) -> bool:
        """No line has a single value in the window."""
        return not any(stretch for line in self.lines for stretch in line.runs)
