"""What features cost: this month so far, the forecast against the budget, by parts, and what each change adds."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from math import nan
from typing import Final

from django.db import connection

from apps.metrics.costs import LONGEST, Day, Forecast, forecast
from apps.metrics.effects import Effect, Verdict, effect
from apps.metrics.markers import CHANGES
from apps.metrics.models import Budget, Series
from apps.metrics.queries.marks import Marker, markers_between
from apps.metrics.queries.parts import feature_series, part_of
from apps.metrics.queries.points import Points, points_of
from apps.metrics.splits import Split, others

COST: Final = "cost_rate"
REQUESTS: Final = "requests_rate"
HOURS_A_MONTH: Final = 730.5
JUDGED: Final = 20  # changes whose price is worked out
_AROUND: Final = timedelta(hours=24)
_LOOKED_BACK: Final = timedelta(days=30)
_HOURS = """
SELECT series_id, at, total / count FROM metrics_hour
WHERE series_id = ANY(%s) AND at >= %s AND at < %s
"""


@dataclass(frozen=True, slots=True)
class CostRow:
    """The cost of one feature in the month of `today`; `days` since its first, the last one not over yet."""

    series: Series
    days: list[Day]
    so_far: float
    missing_days: int
    forecast: Forecast | None
    budget: Budget | None

    @property
    def budget_share(self) -> float | None:
        """How much of the budget the month is expected to take."""
        if self.budget is None or self.budget.unit != self.series.unit:
            return None
        return (self.forecast.total if self.forecast else self.so_far) / self.budget.amount

    @property
    def tone(self) -> str:
        """Red once the budget is expected to be used up, amber when it may be."""
        share = self.budget_share
        if share is None:
            return ""
        if share >= 1:
            return "is-bad"
        return "is-warn" if self.forecast and self.forecast.crossing_chance >= 0.1 else "is-ok"


@dataclass(frozen=True, slots=True)
class CostPart:
    """What one part of a feature cost this month."""

    value: str
    series: Series
    so_far: float
    share: float


@dataclass(frozen=True, slots=True)
class PricedChange:
    """What a change adds to a month at the present traffic; `low` and `high` hold it."""

    marker: Marker
    effect: Effect
    added: float
    low: float
    high: float


def cost_rows(*, at: datetime, feature_id: int | None = None) -> list[CostRow]:
    """Every feature whose cost somebody sends, the one most over its budget first."""
    rows = Series.objects.filter(measure=COST, is_primary=True, last_at__isnull=False)
    rows = rows.filter(feature_id=feature_id) if feature_id is not None else rows
    series = list(rows.select_related("feature", "source"))
    budgets = {one.feature_id: one for one in Budget.objects.filter(feature__in=[one.feature_id for one in series])}
    days = daily_costs(series=series, at=at)
    found = [_row(one, days[one.pk], budgets.get(one.feature_id or 0), at) for one in series]
    return sorted(found, key=lambda row: (-(row.budget_share or 0.0), -row.so_far))


def daily_costs(*, series: Collection[Series], at: datetime) -> dict[int, list[Day]]:
    """series -> what each UTC day cost, up to today so far; the pace of a day counts for its gaps, too."""
    today = at.astimezone(UTC).date()
    first = min(today.replace(day=1), today - timedelta(days=LONGEST))
    start, end = _midnight(first), _midnight(today + timedelta(days=1))
    points = points_of(series=series, start=start, end=end, buckets=(end - start).days)
    return {pk: _days(found, at) for pk, found in points.items()}


def cost_parts(*, series: Sequence[Series], split: Split, whole: float, at: datetime) -> list[CostPart]:
    """This month by one label, the dearest first; `whole` is what the feature cost."""
    chosen: dict[str, Series] = {}
    for one in sorted(series, key=lambda row: (others(row.labels, split), row.pk)):
        if one.measure == COST and (value := part_of(one, split)):
            chosen.setdefault(value, one)
    days = daily_costs(series=list(chosen.values()), at=at)
    month = at.astimezone(UTC).date().replace(day=1)
    sums = {value: sum(day.cost for day in days[one.pk] if day.on >= month) for value, one in chosen.items()}
    return sorted(
        (CostPart(value, one, sums[value], sums[value] / whole if whole else 0.0) for value, one in chosen.items()),
        key=lambda part: -part.so_far,
    )


def priced_changes(*, feature_id: int, at: datetime) -> tuple[list[PricedChange], int]:
    """(changes of the last month that surely moved the cost, the dearest first; how many others were looked at).

    Where requests are counted, the cost of one request is judged: more traffic is no price of a change.
    """
    start = at - _LOOKED_BACK
    found = markers_between(feature_id=feature_id, start=start, end=at, families=CHANGES, limit=JUDGED).rows
    hours = _hourly(feature_id, start - timedelta(days=8), at)
    cost, requests = hours.get(COST, {}), hours.get(REQUESTS, {})
    prices = {hour: value / (3600 * asked) for hour, value in cost.items() if (asked := requests.get(hour, 0.0)) > 0}
    priced = [one for marker in found if (one := _priced(marker, prices or cost, requests if prices else {}))]
    sure = [one for one in priced if one.effect.verdict in (Verdict.BETTER, Verdict.WORSE)]
    return sorted(sure, key=lambda one: -one.added), len(found) - len(sure)


def _row(series: Series, days: list[Day], budget: Budget | None, at: datetime) -> CostRow:
    today = at.astimezone(UTC).date()
    month = [day for day in days if day.on >= today.replace(day=1)]
    spent = sum(day.cost for day in month if day.on < today)
    amount = budget.amount if budget and budget.unit == series.unit else None
    told = len([day for day in month if day.on < today])
    return CostRow(
        series,
        month,
        sum(day.cost for day in month),
        today.day - 1 - told,
        forecast(days=days, spent=spent, today=today, budget=amount),
        budget,
    )


def _days(points: Points, at: datetime) -> list[Day]:
    return [Day(row.at.astimezone(UTC).date(), row.mean * _hours_of(row.at, at)) for row in points.rows]


def _hours_of(day: datetime, at: datetime) -> float:
    """How many hours of a day are over."""
    return min(24.0, (at - day).total_seconds() / 3600)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _hourly(feature_id: int, start: datetime, end: datetime) -> dict[str, dict[datetime, float]]:
    """measure -> full hour -> mean, of cost and requests."""
    series = {
        one.pk: one.measure
        for one in feature_series(feature_id=feature_id)
        if one.is_primary and one.measure in (COST, REQUESTS)
    }
    found: dict[str, dict[datetime, float]] = {}
    with connection.cursor() as cursor:
        cursor.execute(_HOURS, [list(series), start, end])
        for series_id, at, mean in cursor.fetchall():
            found.setdefault(series[series_id], {})[at] = mean
    return found


def _priced(marker: Marker, hours: dict[datetime, float], requests: dict[datetime, float]) -> PricedChange | None:
    """The effect of a change on the cost an hour, or on that of a request; None while there is none."""
    turn = marker.at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    before, after = _around(hours, turn - _AROUND), _around(hours, turn + timedelta(hours=1))
    week = timedelta(days=7)
    found = effect(
        before,
        after,
        seasonal_before=_around(hours, turn - _AROUND - week),
        seasonal_after=_around(hours, turn + timedelta(hours=1) - week),
        good_direction="down",
    )
    if found.verdict is Verdict.TOO_LITTLE_DATA:
        return None
    scale = HOURS_A_MONTH
    if requests:
        asked = [value for value in _around(requests, turn + timedelta(hours=1)) if value == value]
        scale *= 3600 * sum(asked) / max(1, len(asked))
    return PricedChange(marker, found, found.difference * scale, found.low * scale, found.high * scale)


def _around(hours: dict[datetime, float], start: datetime) -> list[float]:
    return [hours.get(start + timedelta(hours=n), nan) for n in range(24)]
