"""A chart with everything around it: legend, list of changes, the numbers as a table."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from html import escape
from typing import Final

from apps.core.ui.chart_marks import letters
from apps.core.ui.chart_svg import crosshair_data, svg
from apps.core.ui.charts import Line, LineChart
from apps.core.ui.formats import DAY, HOUR, MINUTE, NOTHING, absolute, number_text, when

_ROWS: Final = 24
_NAMED: Final = 5  # changes in the legend; more and nobody reads them
_NAMED_ON_PHONES: Final = 4
_ROW_STEPS: Final = (MINUTE, 5 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR, 3 * HOUR, 6 * HOUR, DAY, 7 * DAY, 28 * DAY)
_KEYS: Final = {"main": "s1", "second": "s2", "previous": "prev"}


def line_chart(chart: LineChart) -> str:
    """The figure as markup: picture, readout, legend, changes, table."""
    return figure(chart) + surroundings(chart)


def figure(chart: LineChart) -> str:
    """The picture with its readout under the cursor."""
    name = escape(chart.id)
    if chart.is_empty:
        nothing = '<p class="chart__none">No data in this window.</p>'
        return f'<figure class="chart chart--empty" id="{name}">{svg(chart)}{nothing}</figure>'
    rest = "" if not chart.sync else "Touch or point at a chart to read all of them at the same moment."
    data = escape(crosshair_data(chart))
    return (
        f'<figure class="chart" id="{name}" data-sync="{escape(chart.sync or chart.id)}" data-points="{data}">'
        f'{svg(chart)}<output class="chart__readout" data-rest="{escape(rest)}">{escape(rest)}</output></figure>'
    )


def surroundings(chart: LineChart) -> str:
    """Legend, list of changes and the numbers as a table."""
    return _legend(chart) + ("" if chart.is_empty else _table(chart))


def _legend(chart: LineChart) -> str:
    items = [*_keys(chart), *(_changes(chart) if chart.names_marks else ())] if chart.has_legend else []
    return f'<ul class="legend legend--below" aria-label="Legend">{"".join(items)}</ul>' if items else ""


def _keys(chart: LineChart) -> Iterator[str]:
    entries = [(_KEYS[line.role], line.name) for line in _story_first(chart)]
    for key, name in [*entries, *(("limit", limit.label) for limit in chart.limits)]:
        yield (
            f'<li><svg class="key key--{key}" viewBox="0 0 18 8" aria-hidden="true">'
            f'<line x1="0" x2="18" y1="4" y2="4"/></svg>{escape(name)}</li>'
        )


def _changes(chart: LineChart) -> Iterator[str]:
    """The newest changes by name, the rest as a number; on narrow screens the stylesheet hides some of them."""
    now = datetime.fromtimestamp(chart.end, chart.zone)
    lettered = letters(chart.marks, chart.start, chart.end)
    named = lettered[-_NAMED:]
    for place, one in enumerate(named, start=_NAMED_ON_PHONES - len(named)):
        at = datetime.fromtimestamp(one.mark.at, chart.zone)
        label = f"{escape(when(at, now))} {escape(one.mark.label)}"
        linked = f'<a href="{escape(one.mark.url)}">{label}</a>' if one.mark.url else f"<span>{label}</span>"
        badge = f'<span class="badge badge--s badge--{one.mark.kind}">{one.text}</span>'
        yield f'<li{_desk(place < 0)} title="{escape(absolute(at, chart.zone))}">{badge}{linked}</li>'
    yield from _others(chart, len(lettered) - len(named), len(named) - _NAMED_ON_PHONES)


def _others(chart: LineChart, unnamed: int, hidden_on_phones: int) -> Iterator[str]:
    """ "and 6 more", a number for wide and one for narrow screens."""
    wide = unnamed + chart.marks_left_out
    narrow = wide + max(0, hidden_on_phones)
    for number, css in ((wide, ' class="legend__wide"'), (narrow, ' class="legend__narrow"')):
        if number:
            text = f"and {number} more"
            linked = f'<a href="{escape(chart.marks_url)}">{text}</a>' if chart.marks_url else f"<span>{text}</span>"
            yield f"<li{css}>{linked}</li>"


def _desk(is_wide_only: bool) -> str:
    return ' class="legend__wide"' if is_wide_only else ""


def _story_first(chart: LineChart) -> list[Line]:
    """The lines as people read them: now, then what it is compared with."""
    return sorted(chart.lines, key=lambda line: line.role == "previous")


def _table(chart: LineChart) -> str:
    """Averages over round spans, at most about two dozen rows."""
    if not chart.has_table:
        return ""
    step = next((step for step in _ROW_STEPS if (chart.end - chart.start) / step <= _ROWS), _ROW_STEPS[-1])
    lines = _story_first(chart)
    heads = "".join(f'<th scope="col" class="r">{escape(line.name)}</th>' for line in lines)
    averages = [_averages(line, chart, step) for line in lines]
    now = datetime.fromtimestamp(chart.end, chart.zone)
    rows = "".join(
        f'<tr><th scope="row">{escape(when(datetime.fromtimestamp(chart.start + index * step, chart.zone), now))}</th>'
        + "".join(f'<td class="r">{escape(number_text(of_line.get(index), chart.unit))}</td>' for of_line in averages)
        + "</tr>"
        for index in range(int((chart.end - chart.start) // step) + 1)
        if any(index in of_line for of_line in averages)
    )
    return (
        '<details class="more"><summary>Show the numbers as a table</summary><div class="table-wrap">'
        f'<table class="table"><caption class="sr">{escape(chart.title)}, averages; {NOTHING} means no data</caption>'
        f'<thead><tr><th scope="col">From</th>{heads}</tr></thead><tbody>{rows}</tbody></table></div></details>'
    )


def _averages(line: Line, chart: LineChart, step: int) -> dict[int, float]:
    sums: dict[int, list[float]] = {}
    for at, value in line.samples:
        index = int((at + line.shift - chart.start) // step)
        if value is not None and chart.start <= at + line.shift <= chart.end:
            sums.setdefault(index, []).append(value)
    return {index: sum(values) / len(values) for index, values in sums.items()}
