"""Stretches in which something was known to be wrong, told by an app above: monitors never ask one by name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from apps.metrics.models import Series

Stretch = tuple[datetime, datetime]
Telling = Callable[[Series, datetime, datetime], Sequence[Stretch]]
_tellers: list[Telling] = []


def tell_troubles(telling: Telling) -> None:
    """Let `telling` say when what a series measures was in trouble between two times."""
    if telling not in _tellers:
        _tellers.append(telling)


def troubles(series: Series, start: datetime, end: datetime) -> list[Stretch]:
    """All that is known, in no order."""
    return [stretch for telling in _tellers for stretch in telling(series, start, end)]
