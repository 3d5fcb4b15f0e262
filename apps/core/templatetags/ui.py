"""The tags every template speaks; the one place that marks markup as safe, and only what `core.ui` escaped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta, tzinfo
from html import escape
from typing import Any

import orjson
from django import template
from django.template.context import Context
from django.templatetags.static import static
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.safestring import SafeString, mark_safe

from apps.core import kept
from apps.core.ui import diff_rows, formats, gantt, graph, markup, sparks
from apps.core.ui import histogram as histograms
from apps.core.ui.chart_page import figure, line_chart, surroundings
from apps.core.ui.charts import LineChart
from apps.core.ui.figures import plotly_figure
from apps.core.ui.plotly_page import maplibre_style_id
from apps.core.ui.status import StatusChoices, StatusLook, look
from apps.core.ui.worddiff import DiffLine

register = template.Library()


def _safe(markup_text: str) -> SafeString:
    return mark_safe(markup_text)  # noqa: S308 - every builder in core.ui escapes what it is given


@register.simple_tag
def sprite() -> SafeString:
    """Every icon and glyph once, at the end of the body."""
    return _safe(markup.sprite())


@register.simple_tag
def icon(name: str, cls: str = "") -> SafeString:
    """An icon; it never carries meaning alone."""
    return _safe(markup.icon(name, cls))


@register.simple_tag
def glyph(name: str, cls: str = "", label: str = "") -> SafeString:
    """A status glyph; give it a label where no word stands beside it."""
    return _safe(markup.glyph(name, cls, label))


@register.simple_tag
def status_badge(state: object, text: str = "", cls: str = "", vocabulary: str = "") -> SafeString:
    """The pill of a state; `text` replaces the word, `vocabulary` names the choices class of an ambiguous value."""
    return _safe(markup.pill(look(state, vocabulary), text, cls))


@register.simple_tag
def status_glyph(state: object, cls: str = "", vocabulary: str = "") -> SafeString:
    """The glyph of a state in its tone, with its word for those who do not see it."""
    found = look(state, vocabulary)
    return _safe(markup.glyph(found.glyph, f"{found.tone} tone-solid {cls}".strip(), found.label))


@register.simple_tag
def status_glyphs(looks: Iterable[StatusLook]) -> SafeString:
    """Glyphs in a row, inside of something that says them in words."""
    return _safe(markup.glyphs(looks))


@register.filter
def status_tone(state: object, vocabulary: str = "") -> str:
    """The tone class of a state ("is-warn"), for a row or a card; the argument names the class where it matters."""
    return look(state, vocabulary).tone


@register.simple_tag
def ago(at: datetime | None, empty: str = "never") -> SafeString:
    """How long ago, the exact time in the title; the page's script keeps it true."""
    if not isinstance(at, datetime):  # a missing template variable is ""
        return _safe(f'<span class="faint">{escape(empty)}</span>')
    zone = timezone.get_current_timezone()
    return _time(at, formats.ago(at, datetime.now(zone)), zone, " data-ago")


@register.simple_tag
def when(at: datetime | None, empty: str = formats.NOTHING) -> SafeString:
    """The shortest exact time in the reader's zone."""
    if not isinstance(at, datetime):  # a missing template variable is ""
        return _safe(f'<span class="faint">{escape(empty)}</span>')
    zone = timezone.get_current_timezone()
    return _time(at, formats.when(at, datetime.now(zone)), zone, "")


def _time(at: datetime, text: str, zone: tzinfo, flags: str) -> SafeString:
    """A `<time>`; every text in it is built from numbers and names of months, so there is nothing to escape."""
    return _safe(f'<time datetime="{formats.iso(at)}" title="{formats.absolute(at, zone)}"{flags}>{text}</time>')


@register.simple_tag
def freshness(at: datetime | None, interval: float | timedelta | None = None) -> SafeString:
    """The age of a number, in the stale tone once it is more than two intervals (seconds) old."""
    seconds = interval.total_seconds() if isinstance(interval, timedelta) else interval
    if not isinstance(at, datetime):  # a missing template variable is ""
        return _safe(f'<span class="fresh is-stale">{markup.glyph("unknown")}never heard</span>')
    now = timezone.localtime()
    late = "" if not seconds else f' data-late="{seconds * 2:.0f}"'
    is_late = bool(seconds) and (now - at).total_seconds() > (seconds or 0) * 2
    hint = formats.absolute(at, now.tzinfo or timezone.get_current_timezone())
    if seconds:
        hint += f"; news is expected every {formats.duration(seconds)}"
    return _safe(
        f'<span class="fresh{" is-stale" if is_late else ""}"{late} title="{escape(hint)}">{markup.glyph("stale")}'
        f'<time datetime="{formats.iso(at)}" data-ago>{escape(formats.ago(at, now))}</time></span>'
    )


@register.filter
def short_revision(reference: str) -> str:
    """A commit hash or digest by its first characters, anything else as it is."""
    return formats.short_revision(reference)


@register.simple_tag
@register.filter
def duration(seconds: float | timedelta | None) -> str:
    """A span in its two largest parts."""
    return formats.duration(seconds.total_seconds() if isinstance(seconds, timedelta) else seconds)


@register.simple_tag
def number(value: float | str | None, unit: str = "") -> SafeString:
    """Three figures that matter with the unit set small; nothing, and what a template could not find, is a dash."""
    figures, shown = formats.number(None if isinstance(value, str) else value, unit)
    if figures == formats.NOTHING:
        return _safe('<span class="num faint" title="No data">–</span>')
    small = f"<small>{'' if shown == '%' else '&#8239;'}{escape(shown)}</small>" if shown else ""
    return _safe(f'<span class="num">{escape(figures)}{small}</span>')


@register.simple_tag
def delta(value: float | None, before: float | None, unit: str = "") -> str:
    """How a value compares with the one before, in words: "+6%", "−0.4 pts", "same"."""
    return formats.delta(value, before, unit)


@register.simple_tag
def spark(values: Sequence[float | None], label: str = "", tone: str = "") -> SafeString:
    """A sparkline, grey unless a tone says trouble."""
    return _safe(sparks.spark(values, label, tone))


@register.simple_tag
def strip(cells: Iterable[str], label: str) -> SafeString:
    """A row of "ok", "warn", "bad", "none" bars, oldest first."""
    return _safe(sparks.strip(cells, label))


@register.simple_tag
def histogram(seconds: Sequence[float], label: str) -> SafeString:
    """Durations by size."""
    return _safe(histograms.histogram(seconds, label))


@register.simple_tag
def daily_bars(counts: Sequence[int], bad: Sequence[int], label: str) -> SafeString:
    """How much came each day, and how much of it was bad."""
    return _safe(histograms.daily(counts, bad, label))


@register.simple_tag
def dumbbell(before: float, after: float, gate: float, low: float, high: float) -> SafeString:
    """Old value, new value and gate on one rail."""
    return _safe(sparks.dumbbell(before=before, after=after, gate=gate, low=low, high=high))


@register.simple_tag
def chart(drawing: LineChart) -> SafeString:
    """A time chart with its legend, its change list and its numbers as a table."""
    return _safe(line_chart(drawing))


@register.simple_tag(name="gantt")
def gantt_bar(row: gantt.Row, axis: gantt.Axis) -> SafeString:
    """One row of a Gantt chart on the shared time axis."""
    return _safe(gantt.row(row, axis))


@register.simple_tag
def gantt_axis(axis: gantt.Axis) -> SafeString:
    """The time axis above the rows."""
    return _safe(gantt.axis(axis))


@register.simple_tag(name="graph")
def graph_svg(drawing: graph.Graph) -> SafeString:
    """Who needs whom, as boxes in columns that are links."""
    return _safe(graph.draw(drawing))


@register.simple_tag
def live(*topics: str, every: int = 0) -> SafeString:
    """The hx-trigger of a fragment: when a topic rings, after a lost connection, and on the fallback timer.

    every: seconds after which it asks anyway, for what changes without ringing; 0 for never.
    """
    events = [f"{event} from:body" for event in (*(f"live:{topic}" for topic in topics), "live:all", "live:tick")]
    return _safe(f'hx-trigger="{escape(", ".join([*events, *([f"every {every}s"] if every else [])]))}"')


@register.simple_tag
def list_link(listing: Any, url: str) -> SafeString:
    """The attributes of a link that changes a list: plain without scripts, only the list itself with them."""
    address, target = escape(url), f"#{escape(listing.element_id)}"
    return _safe(
        f'href="{address}" hx-get="{address}" hx-target="{target}" hx-swap="innerHTML show:none" '
        f'hx-sync="{target}:replace" hx-push-url="true"'
    )


@register.simple_tag(takes_context=True)
def with_query(context: Context, **changes: object) -> str:
    """This page's address with some parameters changed; None or "" removes one.

    A part that is drawn without a request has its parameters as `query`.
    """
    query = (context["request"].GET if "request" in context else context["query"]).copy()
    for key, value in changes.items():
        if value in (None, ""):
            query.pop(key, None)
        else:
            query[key] = str(value)
    return f"?{urlencode(sorted(query.lists()), doseq=True)}"


@register.simple_tag
def url_if(name: str, *args: object) -> str:
    """The address of a named page, or nothing where that part of the portal is not installed."""
    try:
        return reverse(name, args=args)
    except NoReverseMatch:
        return ""


@register.simple_tag
def asset(path: str) -> str:
    """The address of a static file; never fails, so the error pages can use it."""
    try:
        return static(path)
    except ValueError:
        return f"/static/{path}"


@register.simple_tag
def plotly_head() -> SafeString:
    """What Plotly needs in <head> so that it injects no style of its own under the strict CSP."""
    return _safe(
        f'<link rel="stylesheet" id="plotly.js-style-global" href="{escape(static("css/plotly-host.css"))}">'
        f'<meta id="{escape(maplibre_style_id())}" name="plotly-maplibre" content="skip">'
        f'<script src="{escape(static("js/plotly-theme.js"))}" defer></script>'
    )


@register.simple_tag
def cell(column: Any, row: Any) -> SafeString:
    """A table cell drawn from what the value is: a time as its age, a state as its badge, nothing as a dash."""
    value = column.read(row)
    if isinstance(value, SafeString):
        return value
    if value is None or value == "":
        return _safe(f'<span class="faint">{formats.NOTHING}</span>')
    if isinstance(value, datetime):
        return ago(value)
    if isinstance(value, timedelta):
        return _safe(escape(formats.duration(value.total_seconds())))
    if isinstance(value, StatusChoices | StatusLook):
        return status_badge(value)
    if isinstance(value, bool):
        return _safe("Yes" if value else "No")
    return _safe(escape(formats.number_text(value) if isinstance(value, int | float) else str(value)))


@register.simple_tag(name="kept")
def kept_markup(template_name: str, **values: Any) -> SafeString:
    """What a template draws of these values alone, drawn once for equal values."""
    return kept.markup_of(template_name, values)


@register.simple_tag
def kept_rows(template_name: str, rows: Iterable[Any]) -> SafeString:
    """The rows of a list, each drawn by the template only when something about it changed."""
    return kept.rows_markup(template_name, rows)


@register.simple_tag
def diff_row(row: DiffLine, prefix: str = "") -> SafeString:
    """One row of a unified difference, where the page puts something between rows."""
    return _safe(diff_rows.unified_row(row, prefix))


@register.simple_tag
def diff_table(rows: Sequence[DiffLine], prefix: str = "", layout: str = "unified") -> SafeString:
    """Every row of a difference for the body of a `.diff` table, "unified" (3 columns) or "split" (4 columns)."""
    draw = diff_rows.split_rows if layout == "split" else diff_rows.unified_rows
    return _safe(draw(rows, prefix))


@register.simple_tag
def diff_stretch(rows: Sequence[Any], prefix: str, layout: str, ask: str = "") -> SafeString:
    """Some rows of a difference, for pages that put something between them; pairs of rows in the split layout.

    `ask` begins the address where one can remark on a line; see `diff_rows.unified_row`.
    """
    draw = diff_rows.pair_rows if layout == "split" else diff_rows.unified_rows
    return _safe(draw(rows, prefix, ask))


@register.simple_tag
def plot(drawing: LineChart, url: str = "") -> SafeString:
    """A chart people can zoom: drawn on the server first, replaced by Plotly once it is looked at.

    The figure comes from `url` (JSON of `plotly_figure`), or stands in the page itself when there is none.
    """
    script = escape(static("plotly/plotly.min.js"))
    source = f' data-figure="{escape(url)}"' if url else ""
    inline = "" if url else f'<script type="application/json">{_json(plotly_figure(drawing))}</script>'
    return _safe(
        f'<div class="plot" data-plotly="{script}"{source}>{figure(drawing)}{inline}</div>{surroundings(drawing)}'
    )


def _json(value: Any) -> str:
    """JSON for a data block: no character that could end it."""
    return orjson.dumps(value).decode().replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
