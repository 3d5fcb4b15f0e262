"""A `LineChart` as a Plotly figure for pages where people zoom: a plain dict for orjson, never `go.Figure`.

Values travel as base64 float32 (plotly.js typed arrays), evenly spaced times as x0/dx. Plotly knows no time zones, so
times are sent as the reader's wall clock. No color and no markup travels: `meta.tone` and `name` are tokens that
plotly-theme.js turns into the colors of the page.
"""

from __future__ import annotations

import math
from base64 import b64encode
from collections.abc import Sequence
from datetime import datetime, tzinfo
from typing import Any, Final

import numpy as np

from apps.core.ui.chart_marks import letters
from apps.core.ui.charts import Line, LineChart
from apps.core.ui.formats import DAY
from apps.core.ui.sampling import Numbers, Point, Run, columns

_TONES: Final = {"main": "series-1", "second": "series-2", "previous": "series-prev"}
_MARK_TONES: Final = {"prompt": "accent", "incident": "bad-solid", "alert": "bad-solid"}
_SUFFIXES: Final = {"%": "%", "s": " s", "ms": " ms"}
_DOTTED: Final = 40  # points that may each have a dot
_MOST_POINTS: Final = 5000  # a line; enough to zoom into, small enough to draw at once
_PREFIXES: Final = {"usd": "$", "eur": "€", "gbp": "£"}


def plotly_figure(chart: LineChart) -> dict[str, Any]:
    """`{"data": […], "layout": {…}}` of one chart, every text made harmless for Plotly's own small markup."""
    ordered = sorted(chart.lines, key=lambda line: line.role == "main")
    return {"data": [_trace(line, chart) for line in ordered if line.samples], "layout": _layout(chart)}


def plain_text(text: str) -> str:
    """Text that Plotly shows as it is: it would otherwise read links, line breaks and styles out of it."""
    return text.replace("&", "&amp;").replace("<", "&lt;")


def _trace(line: Line, chart: LineChart) -> dict[str, Any]:
    found = line.whole(_MOST_POINTS)
    times, values = found or columns(_filled(line.thinned(_MOST_POINTS)))
    trace: dict[str, Any] = {
        "type": "scatter",  # never scattergl: it needs eval
        "mode": "lines+markers" if len(times) <= _DOTTED else "lines",  # a lone sample is no line
        "name": plain_text(line.name),
        "meta": {"tone": _TONES[line.role]},
        "line": {"width": 1.25, "dash": "dot"} if line.role == "previous" else {"width": 1.75},
        "connectgaps": False,
        **_times(times, chart.zone),
        "y": _floats(values, "f4"),
    }
    has_hole = found is None and bool(np.isnan(values).any())
    if line.role == "main" and chart.from_zero and len(times) and not has_hole:  # Plotly would fill across a hole
        trace["fill"] = "tozeroy"
    return trace


def _times(times: Numbers, zone: tzinfo) -> dict[str, Any]:
    """x0/dx when the samples are evenly spaced and no clock change lies between them, else every time."""
    moments = _walls(times, zone)
    steps = np.rint(np.diff(moments))
    if len(steps) and (steps == steps[0]).all():
        return {"x0": float(moments[0]), "dx": int(steps[0])}
    return {"x": _floats(moments, "f8")}


def _walls(times: Numbers, zone: tzinfo) -> Numbers:
    """`_wall` of many rising times; their zone is asked once a day, for no clock changes twice in one."""
    if not len(times):
        return times
    first, last = float(times[0]), float(times[-1])
    offsets = {_offset(first + days * DAY, zone) for days in range(math.ceil((last - first) / DAY))} | {
        _offset(last, zone)
    }
    if len(offsets) == 1:
        return (times + offsets.pop()) * 1000
    return np.array([_wall(at, zone) for at in times.tolist()])


def _filled(stretches: Sequence[Run]) -> list[Point]:
    """The points with a NaN put into every hole, because Plotly joins neighbors whatever lies between."""
    filled: list[Point] = []
    for stretch in stretches:
        if filled:
            filled.append(((filled[-1][0] + stretch[0][0]) / 2, math.nan))
        filled += stretch
    return filled


def _wall(at: float, zone: tzinfo) -> float:
    """Milliseconds that, read as UTC, show the wall clock of `zone`."""
    return (at + _offset(at, zone)) * 1000


def _offset(at: float, zone: tzinfo) -> float:
    """Seconds by which the clock of `zone` is ahead of UTC."""
    offset = datetime.fromtimestamp(at, zone).utcoffset()
    return offset.total_seconds() if offset else 0.0


def _floats(values: Numbers, kind: str) -> dict[str, str]:
    with np.errstate(over="ignore"):
        packed = values.astype(f"<{kind}", copy=False)
    return {"dtype": kind, "bdata": b64encode(packed.tobytes()).decode()}


def _layout(chart: LineChart) -> dict[str, Any]:
    zone = chart.zone
    shapes = [
        {**_rectangle(_wall(max(band.start, chart.start), zone), _wall(min(band.end, chart.end), zone))}
        for band in chart.bands
        if band.end >= chart.start and band.start <= chart.end
    ]
    shapes += [_level(limit.value) for limit in chart.limits]
    lettered = letters(chart.marks, chart.start, chart.end)
    shapes += [_upright(_wall(one.mark.at, zone), _MARK_TONES.get(one.mark.kind, "mute-solid")) for one in lettered]
    return {
        "xaxis": {"type": "date", "range": [_wall(chart.start, zone), _wall(chart.end, zone)]},
        "yaxis": {
            "ticksuffix": _SUFFIXES.get(chart.unit, ""),
            "tickprefix": _PREFIXES.get(chart.unit, ""),
            "nticks": 6,
            "hoverformat": ".4~g",
            "rangemode": "tozero" if chart.from_zero else "normal",
        },
        "shapes": shapes,
        "annotations": [_letter(one.text, _wall(one.mark.at, zone), one.mark.kind, one.mark.label) for one in lettered],
    }


def _rectangle(start: float, end: float) -> dict[str, Any]:
    places = {"x0": start, "x1": end, "y0": 0, "y1": 1, "xref": "x", "yref": "paper"}
    return {"type": "rect", "name": "bad-solid", "layer": "below", **places}


def _level(value: float) -> dict[str, Any]:
    places = {"x0": 0, "x1": 1, "y0": value, "y1": value, "xref": "paper", "yref": "y"}
    return {"type": "line", "name": "warn-solid", "line": {"dash": "dash", "width": 1.25}, **places}


def _upright(at: float, tone: str) -> dict[str, Any]:
    places = {"x0": at, "x1": at, "y0": 0, "y1": 1, "xref": "x", "yref": "paper"}
    return {"type": "line", "name": tone, "line": {"width": 1.25}, **places}


def _letter(letter: str, at: float, kind: str, label: str) -> dict[str, Any]:
    return {
        "name": _MARK_TONES.get(kind, "text-2"),
        "text": letter,
        "hovertext": plain_text(label),
        "x": at,
        "y": 1,
        "yref": "paper",
        "yanchor": "bottom",
        "showarrow": False,
        "borderpad": 3,
    }
