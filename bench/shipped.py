"""What a browser fetches on its first visit of a page, compressed: the page, its styles and its scripts."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from pathlib import Path

from django.contrib.staticfiles import finders

from bench.pages import Visitor
from bench.results import Result

SCRIPTS_GOAL = 20.0  # KB
FULL = "plotly/plotly.min.js"
_NAMED = re.compile(r'(src|href|data-charts|data-plotly)="/static/([^"]+)"')


def measure(visitor: Visitor, *, without: str, charts: str, zoomed: str) -> Iterator[Result]:
    """Goal 14: the scripts of a page without charts; all bytes of one with charts, and of one to zoom in.

    without, charts, zoomed: the addresses of the three.
    """
    scripts = sum(
        size for path, size in _assets(visitor.get(without).decode(), has_charts=False) if path.endswith("js")
    )
    yield _kilobytes(
        "scripts of a page without charts, gzip", scripts, f"{SCRIPTS_GOAL:g} KB", SCRIPTS_GOAL * 1000, 1.0
    )
    full = _size(FULL)
    for what, address, goal in (("charts", charts, 0.3), ("a chart to zoom in", zoomed, None)):
        html = visitor.get(address)
        shipped = len(gzip.compress(html)) + sum(size for _, size in _assets(html.decode(), has_charts=True))
        yield _kilobytes(f"first visit of a page with {what}, gzip", shipped, "plotly's full bundle", full, goal)


def _assets(html: str, *, has_charts: bool) -> Iterator[tuple[str, int]]:
    """(path, bytes) of the static files a page names; the script of the charts only comes where there are some."""
    for attribute, path in set(_NAMED.findall(html)):
        if has_charts or attribute != "data-charts":
            yield path, _size(path)


def _size(path: str) -> int:
    return len(gzip.compress(Path(str(finders.find(path))).read_bytes()))


def _kilobytes(what: str, ours: float, against: str, theirs: float, goal: float | None) -> Result:
    return Result(what=what, ours=ours / 1000, against=against, theirs=theirs / 1000, unit="KB", goal=goal)
