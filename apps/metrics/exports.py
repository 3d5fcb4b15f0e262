"""What a chart draws, as CSV and JSON."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from datetime import UTC
from typing import Any, Final

import orjson

from apps.metrics.models import Series
from apps.metrics.queries import Points
from apps.metrics.ranges import Span

_MARK: Final = b"\xef\xbb\xbf"  # spreadsheets look for it


def as_csv(series: Series, points: Points) -> bytes:
    """One line a stretch; times in UTC."""
    text = io.StringIO()
    write = csv.writer(text).writerow
    unit = series.shown_unit or "value"
    write(["from (UTC)", f"mean ({unit})", f"lowest ({unit})", f"highest ({unit})", "samples"])
    for row in points.rows:
        write([row.at.astimezone(UTC).isoformat(), row.mean, row.low, row.high, row.count])
    return _MARK + text.getvalue().encode()


def many_as_csv(drawn: Iterable[tuple[Series, Points]]) -> bytes:
    """One line a measure and stretch; times in UTC."""
    text = io.StringIO()
    write = csv.writer(text).writerow
    write(["measure", "unit", "from (UTC)", "mean", "lowest", "highest", "samples"])
    for series, points in drawn:
        for row in points.rows:
            at = row.at.astimezone(UTC).isoformat()
            write([series.measure, series.shown_unit, at, row.mean, row.low, row.high, row.count])
    return _MARK + text.getvalue().encode()


def as_json(series: Series, points: Points, span: Span) -> bytes:
    """The same with what it is about."""
    found: dict[str, Any] = {
        "series": series.name,
        "measure": series.measure,
        "unit": series.shown_unit,
        "feature": series.feature.slug if series.feature else None,
        "source": series.source.slug,
        "from": span.start.astimezone(UTC),
        "to": span.end.astimezone(UTC),
        "step_seconds": points.step,
        "points": [
            {"at": row.at.astimezone(UTC), "mean": row.mean, "low": row.low, "high": row.high, "samples": row.count}
            for row in points.rows
        ],
    }
    return orjson.dumps(found)
