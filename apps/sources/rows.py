"""What the list of sources shows beside each of them: counted with a limit and by index, so a page costs the same."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import (
    Case,
    DurationField,
    Exists,
    ExpressionWrapper,
    F,
    FloatField,
    Func,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
)
from django.db.models.functions import Cast, Extract
from django.db.models.lookups import GreaterThan

from apps.sources.freshness import FRESH_UNTIL, LATE_UNTIL
from apps.sources.models import DeadLetter, ExternalName, Poll, Source
from apps.sources.status import Circuit, Outcome

SPARK_POLLS = 24
MOST_COUNTED = 100  # beyond it a cell says "100+"
MOST_NAMES = 1_000
TROUBLES = (
    ("catching_up", "Catching up"),
    ("missing_rights", "Missing rights"),
    ("unreadable", "Unreadable records"),
    ("unmatched", "Unmatched names"),
    ("no_feature", "No feature reads it"),
)


class _Count(Subquery):
    """How many rows a limited subquery has."""

    template = "(SELECT count(*) FROM (%(subquery)s) AS counted)"
    output_field = IntegerField()


class _Cardinality(Func):
    function = "CARDINALITY"
    output_field = IntegerField()


def source_rows(*, at: datetime) -> QuerySet[Source]:
    """Every source with its state, its last polls, its counts and its rank: 0 needs a person most."""
    finished = Poll.objects.filter(source=OuterRef("pk")).exclude(outcome=Outcome.RUNNING)
    newest = finished.order_by("-started_at", "-id")
    brought = newest.annotate(brought=Case(When(outcome=Outcome.SUCCEEDED, then=F("fetched"))))
    return Source.objects.select_related("state", "team").annotate(
        last_fetched=Subquery(newest.values("fetched")[:1]),
        last_rejected=Subquery(newest.values("rejected")[:1]),
        brought=ArraySubquery(brought.values("brought")[:SPARK_POLLS]),
        letters=_Count(_letters().values("pk")[: MOST_COUNTED + 1]),
        unmatched=_Count(_unmatched().values("pk")[: MOST_COUNTED + 1]),
        names=_Count(_names().values("pk")[: MOST_NAMES + 1]),
        features=_Count(_names().filter(feature__isnull=False).values("feature").distinct()[:MOST_COUNTED]),
        missing=_Cardinality(F("state__missing_scopes")),
        rank=_rank(at),
    )


def in_trouble(rows: QuerySet[Source], troubles: list[str]) -> QuerySet[Source]:
    """Those that have every one of `troubles`, keys of TROUBLES."""
    wanted: dict[str, Any] = {
        "catching_up": Q(state__has_backlog=True),
        "missing_rights": ~Q(state__missing_scopes=[]),
        "unreadable": Exists(_letters()),
        "unmatched": Exists(_unmatched()),
        "no_feature": ~Exists(_names().filter(feature__isnull=False)),
    }
    for trouble in troubles:
        rows = rows.filter(wanted[trouble])
    return rows


def of_feature(rows: QuerySet[Source], slug: str) -> QuerySet[Source]:
    """Those that spoke of something of this feature."""
    return rows.filter(Exists(_names().filter(feature__slug=slug)))


def _rank(at: datetime) -> Case:
    """The order of trouble. Paused by people comes last; the words are those of `condition.judge_source`."""
    age = ExpressionWrapper(Value(at) - F("state__last_success_at"), output_field=DurationField())
    intervals = Cast(Extract(age, "epoch"), FloatField()) / Cast(F("interval_seconds"), FloatField())
    ranks: tuple[tuple[Any, int], ...] = (
        (Q(is_enabled=False), 9),
        (Q(state__failures__gt=0, state__circuit=Circuit.OPEN), 0),
        (Q(state__failures__gt=0, state__failing_since__lt=at - timedelta(hours=1)), 1),
        (Q(state__failures__gt=0), 2),
        (Q(state__last_success_at=None), 4),
        (GreaterThan(intervals, Value(LATE_UNTIL)), 3),
        (GreaterThan(intervals, Value(FRESH_UNTIL)), 5),
        (~Q(state__missing_scopes=[]), 6),
        (Q(state__has_backlog=True), 7),
    )
    whens = [When(condition, then=Value(rank)) for condition, rank in ranks]
    return Case(*whens, default=Value(8), output_field=IntegerField())


def _letters() -> QuerySet[DeadLetter]:
    return DeadLetter.objects.order_by().filter(source=OuterRef("pk"))


def _names() -> QuerySet[ExternalName]:
    return ExternalName.objects.order_by().filter(source=OuterRef("pk"))


def _unmatched() -> QuerySet[ExternalName]:
    return _names().filter(unplaced__gt=0, is_ignored=False)
