"""Draws a `LineChart` as SVG: text and marks in percent so nothing stretches, lines in one nested viewBox."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from html import escape
from itertools import pairwise
from typing import Final

from apps.core.ui.chart_marks import TOO_CLOSE_ON_PHONES, Badge, badges, letters
from apps.core.ui.charts import Line, LineChart
from apps.core.ui.formats import series_labels
from apps.core.ui.markup import n
from apps.core.ui.sampling import Run
from apps.core.ui.ticks import Tick, time_ticks, value_ticks

_WIDTH: Final = 1000
_ROOM_ABOVE: Final = 26  # for the letters
_ROOM_BELOW: Final = 22  # for the times
_LABEL_WIDTH: Final = 0.3  # of the chart, for the label of a limit
_LABEL_HEIGHT: Final = 17
_CLASSES: Final = {"main": "s1", "second": "s2", "previous": "prev"}


def svg(chart: LineChart) -> str:
    """The picture alone, named by its title and its description."""
    scale = _Scale(chart)
    above = _ROOM_ABOVE if chart.marks or any(band.label for band in chart.bands) else 10
    name = escape(chart.id)
    parts = [
        f'<svg class="chart__svg" width="100%" height="{chart.height + above + _ROOM_BELOW}" role="img"'
        f' aria-labelledby="{name}-t {name}-d"><title id="{name}-t">{escape(chart.title)}</title>'
        f'<desc id="{name}-d">{escape(chart.description)}</desc><svg y="{above}" width="100%" height="{chart.height}">',
        *_bands(chart, scale, above),
        *_grid(scale),
        *_mark_lines(chart),
        *_limits(chart, scale),
        _lines(chart, scale),
        *_dots(chart, scale),
        *_texts(chart, scale),
        *_badges(chart),
        f'<line class="cursor" y1="0" y2="{chart.height}" x1="0" x2="0" visibility="hidden"/>',
        *(_x_label(tick, chart, scale) for tick in time_ticks(chart.start, chart.end, chart.zone)),
        "</svg></svg>",
    ]
    return "".join(parts)


def crosshair_data(chart: LineChart) -> str:
    """What the page's script needs to read values under the cursor, as JSON; the caller escapes it."""
    series = [
        {
            "n": line.name,
            "t": [round(at - chart.start) for stretch in line.runs for at, _ in stretch],
            "v": series_labels([value for stretch in line.runs for _, value in stretch], chart.unit),
        }
        for line in chart.lines
    ]
    return json.dumps({"a": chart.start, "b": chart.end, "s": series}, separators=(",", ":"), ensure_ascii=False)


class _Scale:
    """Where instants and values lie; the value axis covers lines and limits."""

    def __init__(self, chart: LineChart) -> None:
        values = [value for line in chart.lines for stretch in line.runs for _, value in stretch]
        values += [limit.value for limit in chart.limits]
        low, high = (min(values), max(values)) if values else (0.0, 1.0)
        if chart.from_zero:
            low, high = min(low, 0.0), max(high, 0.0)
        self.ticks = value_ticks(low, high, chart.unit, count=4 if chart.height > 130 else 2)
        self.low, self.high = self.ticks[0].at, self.ticks[-1].at
        self.height, self.start, self.span = chart.height, chart.start, max(1.0, chart.end - chart.start)

    def x(self, at: float) -> float:
        """0 at the left edge, 1 at the right one."""
        return min(1.0, max(0.0, (at - self.start) / self.span))

    def percent(self, at: float) -> str:
        return f"{n(self.x(at) * 100)}%"

    def y(self, value: float) -> float:
        """Pixels from the top."""
        return self.height - (value - self.low) / (self.high - self.low) * self.height


def _bands(chart: LineChart, scale: _Scale, above: int) -> Iterator[str]:
    rise = 4 if above == _ROOM_ABOVE else 0
    for band in chart.bands:
        if band.end < chart.start or band.start > chart.end:
            continue
        left, width = scale.x(band.start), scale.x(band.end) - scale.x(band.start)
        yield (
            f'<rect class="band" x="{n(left * 100)}%" width="{n(max(0.003, width) * 100)}%" y="-{rise}"'
            f' height="{chart.height + rise}"/>'
        )


def _grid(scale: _Scale) -> Iterator[str]:
    every = 1 if len(scale.ticks) <= 6 else 2
    for index, tick in enumerate(scale.ticks):
        y = n(scale.y(tick.at))
        yield f'<line class="{"base" if tick.at == 0 else "grid"}" x1="0" x2="100%" y1="{y}" y2="{y}"/>'
        if index % every == 0:
            yield f'<text class="y-label" x="0" dx="-8" y="{y}" dy="4">{escape(tick.label)}</text>'


def _mark_lines(chart: LineChart) -> Iterator[str]:
    for one in letters(chart.marks, chart.start, chart.end):
        x = f"{n(one.x * 100)}%"
        yield f'<line class="mark mark--{one.mark.kind}" x1="{x}" x2="{x}" y1="-6" y2="{chart.height}"/>'


def _limits(chart: LineChart, scale: _Scale) -> Iterator[str]:
    for limit in chart.limits:
        y = n(scale.y(limit.value))
        yield f'<line class="limit" x1="0" x2="100%" y1="{y}" y2="{y}"/>'


def _lines(chart: LineChart, scale: _Scale) -> str:
    """Earlier periods first, so that the story lies on top."""
    ordered = sorted(chart.lines, key=lambda line: line.role == "main")
    shapes = [_area(stretch, scale) for line in ordered if line.role == "main" for stretch in line.runs]
    shapes += [f'<path class="{_CLASSES[line.role]}" d="{_path(line, scale)}"/>' for line in ordered if line.runs]
    return (
        f'<svg viewBox="0 0 {_WIDTH} {chart.height}" preserveAspectRatio="none" width="100%" height="{chart.height}">'
        f"{''.join(shapes)}</svg>"
    )


def _path(line: Line, scale: _Scale) -> str:
    place = _placer(scale)
    return "".join(
        f"M{'L'.join(place(at, value) for at, value in stretch)}{'h0' if len(stretch) == 1 else ''}"
        for stretch in line.runs
    )


def _dots(chart: LineChart, scale: _Scale) -> Iterator[str]:
    """A sample without neighbors is no line, so it gets a dot."""
    for line in chart.lines:
        for stretch in line.runs:
            at, value = stretch[0]
            if len(stretch) == 1 and chart.start <= at <= chart.end:
                css = f"dot dot--{_CLASSES[line.role]}"
                yield f'<circle class="{css}" cx="{scale.percent(at)}" cy="{n(scale.y(value))}" r="3.5"/>'


def _area(stretch: Run, scale: _Scale) -> str:
    if len(stretch) < 2:
        return ""
    place, floor = _placer(scale), n(scale.y(max(scale.low, min(0.0, scale.high))))
    top = "L".join(place(at, value) for at, value in stretch)
    first, last = n(scale.x(stretch[0][0]) * _WIDTH), n(scale.x(stretch[-1][0]) * _WIDTH)
    return f'<path class="area" d="M{top}L{last} {floor}L{first} {floor}Z"/>'


def _placer(scale: _Scale) -> Callable[[float, float], str]:
    """A short way from (instant, value) to "x y" with one decimal."""
    factor, start = _WIDTH / scale.span, scale.start
    rise, low, height = scale.height / (scale.high - scale.low), scale.low, scale.height
    return lambda at, value: f"{(at - start) * factor:.1f} {height - (value - low) * rise:.1f}"


def _texts(chart: LineChart, scale: _Scale) -> Iterator[str]:
    for limit in chart.limits:
        if place := _free_place(scale.y(limit.value), chart, scale):
            x, anchor, dy = place
            dx = 4 if anchor == "start" else -4
            yield (
                f'<text class="limit-label" x="{x}" dx="{dx}" y="{n(scale.y(limit.value))}" dy="{dy}"'
                f' text-anchor="{anchor}">{escape(limit.label)}</text>'
            )
    for band in chart.bands:
        if band.label and chart.start <= band.end and band.start <= chart.end:
            is_late = scale.x(band.start) > 0.8  # no room to its right
            where = f'x="{scale.percent(band.start)}" dx="{-6 if is_late else 6}" y="14"'
            side = ' text-anchor="end"' if is_late else ""
            yield f'<text class="band-label" {where}{side}>{escape(band.label)}</text>'
    newest = max((run[-1] for line in chart.lines if line.role == "main" for run in line.runs), default=None)
    if newest and scale.x(newest[0]) >= 0.99:
        yield f'<circle class="now" cx="{scale.percent(newest[0])}" cy="{n(scale.y(newest[1]))}" r="4.5"/>'


def _free_place(y: float, chart: LineChart, scale: _Scale) -> tuple[str, str, int] | None:
    """Where beside its limit a label lies on no line: (x, anchor, dy). None where it would, and the legend tells it."""
    places = (("0", "start", -5), ("0", "start", 14), ("100%", "end", -5), ("100%", "end", 14))
    for x, anchor, dy in places:
        top, bottom = (y - _LABEL_HEIGHT, y - 1) if dy < 0 else (y + 1, y + _LABEL_HEIGHT)
        left, right = (0.0, _LABEL_WIDTH) if anchor == "start" else (1.0 - _LABEL_WIDTH, 1.0)
        if top >= 0 and bottom <= chart.height and not _is_crossed(chart, scale, left, right, top, bottom):
            return x, anchor, dy
    return None if chart.has_legend else places[0]


def _is_crossed(chart: LineChart, scale: _Scale, left: float, right: float, top: float, bottom: float) -> bool:
    """Whether any line passes through a rectangle; x as a share of the width, y in pixels."""
    for stretch in (run for line in chart.lines for run in line.runs):
        for (start, first), (end, last) in pairwise(stretch if len(stretch) > 1 else [*stretch, *stretch]):
            if scale.x(end) >= left and scale.x(start) <= right:
                high, low = sorted((scale.y(first), scale.y(last)))
                if low >= top and high <= bottom:
                    return True
    return False


def _badges(chart: LineChart) -> Iterator[str]:
    """The letters above the marks, grouped for wide and, where that differs, again for narrow charts."""
    lettered = letters(chart.marks, chart.start, chart.end)
    wide, narrow = badges(lettered), badges(lettered, TOO_CLOSE_ON_PHONES)
    if wide == narrow:
        yield from map(_badge, wide)
    else:
        for css, drawn in (("wide", wide), ("narrow", narrow)):
            yield f'<g class="badges--{css}">{"".join(map(_badge, drawn))}</g>'


def _badge(badge: Badge) -> str:
    half = 8.5 if len(badge.text) == 1 else 5.0 + 3.6 * len(badge.text)
    radius = "8.5" if badge.kind == "prompt" else "3.5"
    return (
        f'<svg x="{n(badge.x * 100)}%" y="-14"><title>{escape(badge.title)}</title>'
        f'<rect class="mark-badge mark-badge--{badge.kind}" x="{n(-half)}" y="-8.5" width="{n(half * 2)}" height="17"'
        f' rx="{radius}"/><text class="mark-letter mark-letter--{badge.kind}" y="3.6">{escape(badge.text)}</text></svg>'
    )


def _x_label(tick: Tick, chart: LineChart, scale: _Scale) -> str:
    minor = " x-label--minor" if tick.is_minor else ""
    return (
        f'<text class="x-label{minor}" x="{scale.percent(tick.at)}" y="{chart.height + 17}">{escape(tick.label)}</text>'
    )
