"""Reads of freezes, and the calendar that lays them beside what was deployed."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta

from django.db.models import Count, F, Q, QuerySet, Window
from django.db.models.functions import RowNumber, TruncDate
from django.utils import timezone

from apps.deployments.freezing import stretches
from apps.deployments.models import Deployment, Freeze
from apps.deployments.queries.history import deployments

A_DAY = 12  # deployments shown of one day; the rest is a link


@dataclass(frozen=True, slots=True)
class Stretch:
    """A freeze as one day sees it."""

    freeze: Freeze
    start: datetime
    end: datetime


@dataclass(slots=True)
class Day:
    """One day of the calendar, in the reader's zone; `number` counts all its deployments."""

    day: date
    is_today: bool
    stretches: list[Stretch] = field(default_factory=list)
    deployments: list[Deployment] = field(default_factory=list)
    number: int = 0

    @property
    def next_day(self) -> date:
        return self.day + timedelta(days=1)


def freezes() -> QuerySet[Freeze]:
    """Freezes with whom they are for, and how many deployments began inside them."""
    return Freeze.objects.prefetch_related("features", "environments").annotate(broken=Count("broken_by"))


def freezes_since(*, at: datetime) -> list[Freeze]:
    """Freezes that were not over at a time, ready to be judged; the newest first."""
    rows = Freeze.objects.filter(Q(ends_at=None) | Q(ends_at__gt=at)).filter(Q(lifted_at=None) | Q(lifted_at__gt=at))
    return list(rows.prefetch_related("features", "environments"))


def calendar(*, monday: date, today: date) -> list[Day]:
    """Seven days: what was deployed and what is frozen; a constant number of queries."""
    start = datetime.combine(monday, time.min, timezone.get_current_timezone())
    end = datetime.combine(monday + timedelta(days=7), time.min, timezone.get_current_timezone())
    numbers, shown = _deployments(start, end)
    known = freezes_since(at=start)
    return [_day(day, day == today, numbers, shown, known) for day in (monday + timedelta(days=n) for n in range(7))]


def _deployments(start: datetime, end: datetime) -> tuple[dict[date, int], dict[date, list[Deployment]]]:
    zone = timezone.get_current_timezone()
    rows = deployments().filter(started_at__gte=start, started_at__lt=end)
    days = rows.order_by().annotate(day=TruncDate("started_at", tzinfo=zone))
    numbers = dict(days.values_list("day").annotate(number=Count("pk")))
    place = Window(RowNumber(), partition_by=F("day"), order_by=[F("started_at").desc(), F("pk").desc()])
    found: dict[date, list[Deployment]] = defaultdict(list)
    for row in days.annotate(place=place).filter(place__lte=A_DAY).order_by("started_at", "pk"):
        found[row.day].append(row)
    return numbers, found


def _day(
    day: date,
    is_today: bool,
    numbers: dict[date, int],
    shown: dict[date, list[Deployment]],
    known: list[Freeze],
) -> Day:
    zone = timezone.get_current_timezone()
    start, end = (datetime.combine(one, time.min, zone) for one in (day, day + timedelta(days=1)))
    found = [Stretch(freeze, *one) for freeze in known for one in stretches(freeze.window, start, end)]
    return Day(day, is_today, sorted(found, key=lambda one: one.start), shown.get(day, []), numbers.get(day, 0))
