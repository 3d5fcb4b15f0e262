"""Reads of objectives."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import F, QuerySet, Sum
from django.db.models.functions import TruncDay

from apps.monitors.models import Slo, SloHour


def slos() -> QuerySet[Slo]:
    """Every objective with what a list shows beside it, the least budget first and the unmeasured last."""
    rows = Slo.objects.select_related(
        "feature",
        "series__source",
        "series__feature",
        "pipeline__source",
        "good_series__source",
        "total_series__source",
    )
    return rows.order_by(F("budget_left").asc(nulls_last=True), "name")


def slo_days(*, slo: Slo, at: datetime) -> list[tuple[datetime, float, float]]:
    """(day, good, all) of its period, oldest first."""
    rows = SloHour.objects.filter(slo=slo, at__gt=at - timedelta(days=slo.days))
    days = rows.annotate(day=TruncDay("at")).values("day").annotate(good_sum=Sum("good"), all_sum=Sum("total"))
    return [(row["day"], row["good_sum"], row["all_sum"]) for row in days.order_by("day")]
