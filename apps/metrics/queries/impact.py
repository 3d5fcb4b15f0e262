"""What a change did: the measures of its feature before and after it, beside the same hours of last week."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import nan
from typing import Final

from apps.catalog.models import Promise
from apps.events.models import Event
from apps.metrics import effects, impacts
from apps.metrics.effects import Verdict
from apps.metrics.impacts import Impact
from apps.metrics.markers import CHANGES
from apps.metrics.models import Series, SeriesKind
from apps.metrics.queries.marks import Marker, markers_between
from apps.metrics.queries.parts import feature_series
from apps.metrics.queries.points import step_averages

WEEK: Final = timedelta(days=7)
WINDOWS: Final = {
    "1h": ("1 h", timedelta(hours=1)),
    "6h": ("6 h", timedelta(hours=6)),
    "24h": ("24 h", timedelta(hours=24)),
    "3d": ("3 days", timedelta(days=3)),
}
USUAL: Final = "6h"
STEPS: Final = 72  # a window; five minutes of six hours

Steps = Mapping[int, float]  # place -> mean


@dataclass(frozen=True, slots=True)
class ImpactCard:
    """The judgement of one change over `window` before it and up to as much after it, worst first."""

    event: Event
    window: str
    start: datetime
    end: datetime
    rows: list[Impact]
    collisions: list[Marker]
    level: float

    @property
    def verdict(self) -> Verdict:
        """Worse as soon as one measure is."""
        return impacts.overall(self.rows)

    @property
    def sentence(self) -> str:
        """What to tell people first."""
        return impacts.sentence(self.rows, collisions=len(self.collisions))

    @property
    def is_over(self) -> bool:
        """Whether the whole window after the change has passed."""
        return self.end >= self.event.at + WINDOWS[self.window][1]


def impact_card(*, event: Event, window: str, at: datetime) -> ImpactCard:
    """What came of `event` up to now (`at`), in five queries whatever its feature measures; `window` of WINDOWS."""
    window = window if window in WINDOWS else USUAL
    length = WINDOWS[window][1]
    start, end = event.at - length, min(at, event.at + length)
    rows, level, collisions = list[Impact](), effects.LEVEL, list[Marker]()
    if event.feature_id is not None:
        rows, level = _judged(event.feature_id, event.at, length, at)
        found = markers_between(feature_id=event.feature_id, start=start, end=end, families=CHANGES)
        collisions = [one for one in found.rows if _collides(one, event)]
    return ImpactCard(event, window, start, end, impacts.worst_first(rows), collisions, level)


def _collides(marker: Marker, event: Event) -> bool:
    """Whether it may have moved the same numbers: not itself, not elsewhere, and no mere announcement of a release."""
    is_same = marker.event_id == event.pk or (marker.at == event.at and marker.title == event.title)
    is_elsewhere = None not in (marker.environment_id, event.environment_id) and (
        marker.environment_id != event.environment_id
    )
    return marker.is_change and marker.what != "release" and not is_same and not is_elsewhere


def _judged(feature_id: int, changed_at: datetime, length: timedelta, at: datetime) -> tuple[list[Impact], float]:
    series = [one for one in feature_series(feature_id=feature_id) if one.is_primary and one.kind == SeriesKind.GAUGE]
    step = length / STEPS
    after = max(0, min(STEPS, int((at - changed_at) / step)))  # whole steps that have passed
    ids, total = [one.pk for one in series], STEPS + after
    now = step_averages(series_ids=ids, start=changed_at - length, step=step, steps=total)
    then = step_averages(series_ids=ids, start=changed_at - length - WEEK, step=step, steps=total)
    promises = {one.measure: one for one in Promise.objects.filter(feature_id=feature_id)}
    told = sum(_is_told(now.get(pk, {}), after) for pk in ids)
    level = impacts.shared_level(told)
    minutes = step.total_seconds() / 60
    return [
        _impact(one, now.get(one.pk, {}), then.get(one.pk, {}), after, level, promises.get(one.measure), minutes)
        for one in series
    ], level


def _impact(
    series: Series, now: Steps, then: Steps, after: int, level: float, promise: Promise | None, minutes: float
) -> Impact:
    first, second = _places(now, 0, STEPS), _places(now, STEPS, after)
    effect = effects.effect(
        first,
        second,
        seasonal_before=_places(then, 0, STEPS),
        seasonal_after=_places(then, STEPS, after),
        good_direction=series.entry.better,
        level=level,
    )
    outside = [_outside(values, promise) for values in (first, second)]
    spent = [None if count is None else count * minutes for count in outside]
    return Impact(series.entry, series.shown_unit, series.pk, effect, *spent)


def _is_told(now: Steps, after: int) -> bool:
    before = sum(place < STEPS for place in now)
    return before >= effects.LEAST and sum(STEPS <= place < STEPS + after for place in now) >= effects.LEAST


def _places(found: Steps, first: int, count: int) -> list[float]:
    return [found.get(place, nan) for place in range(first, first + count)]


def _outside(values: Sequence[float], promise: Promise | None) -> int | None:
    """How many steps broke the promise; a gap breaks none."""
    if promise is None:
        return None
    if promise.comparison == Promise.Comparison.AT_MOST:
        return sum(value > promise.limit for value in values)
    return sum(value < promise.limit for value in values)
