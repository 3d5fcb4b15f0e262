"""The context of every part of the overview; one function a fragment."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from django.urls import reverse

from apps.catalog.models import Feature
from apps.core.ui import formats
from apps.events.queries import changes_between
from apps.health.models import HealthSpan
from apps.metrics.measures import measure
from apps.portal import attention, queries, totals
from apps.portal.charts import overview_chart
from apps.portal.ranges import WEEK

Context = dict[str, Any]
FIGURES: Final = ("latency_p95", "answered_ratio", "requests_rate", "cost_rate")
KPIS: Final = ("requests_rate", "answered_ratio", "latency_p95", "thumbs_up_ratio", "cost_rate")
MARKS: Final = 12  # more and nobody reads them; the list of changes has them all
COUNTED: Final = 300  # changes of a range, for the number of those without a mark
TELLING: Final = 0.1  # a change of a tenth against last week is worth a colour


def now(asked: Mapping[str, Any]) -> Context:
    """The sentence, and what needs a person."""
    sentence, worst = queries.lead()
    items, more = attention.attention(at=asked["at"])
    return {
        "lead": sentence,
        "worst": worst,
        "items": items,
        "more": more,
        "has_features": Feature.objects.exists(),
        "add_url": reverse("sources:source-add"),
    }


def shows_demo() -> bool:
    """Whether some of it is invented."""
    return Feature.objects.filter(is_demo=True).exists()


def kpis(asked: Mapping[str, Any]) -> Context:
    """Five key figures over the range beside the same hours of last week."""
    at, start = asked["at"], asked["span"].start(asked["at"])
    found = totals.totals(measures=KPIS, start=start, end=at)
    before = totals.totals(measures=KPIS, start=start - WEEK, end=at - WEEK)
    seconds = asked["span"].span.total_seconds()
    return {"kpis": [_kpi(slug, found.get(slug), before.get(slug), seconds) for slug in KPIS]}


def _kpi(slug: str, found: tuple[float, str] | None, before: tuple[float, str] | None, seconds: float) -> Context:
    entry = measure(slug)
    scale, unit, label = 1.0, found[1] if found else "", entry.label
    if slug == "requests_rate":
        scale, unit, label = seconds, "", "Requests"
    if slug == "cost_rate":
        scale, unit, label = seconds / 3600, "eur", "Cost"
    value = found[0] * scale if found else None
    earlier = before[0] * scale if before else None
    is_worse = value is not None and earlier is not None and entry.is_worse(value, earlier)
    is_telling = bool(earlier) and value is not None and abs(value - (earlier or 0)) > TELLING * abs(earlier or 1)
    return {
        "key": slug,
        "label": label,
        "value": value,
        "unit": unit,
        "delta": formats.delta(value, earlier, unit) if earlier is not None else "",
        "than": "on last week" if earlier is not None else "no value a week ago",
        "arrow": "flat" if not is_telling else "up" if (value or 0) > (earlier or 0) else "down",
        "tone": "is-warn" if is_worse and is_telling else "",
    }


def features(asked: Mapping[str, Any]) -> Context:
    """Every feature in one row."""
    rows = queries.feature_rows(at=asked["at"], span=asked["span"], midnight=asked["midnight"])
    return {"rows": rows, "catalog_url": reverse("catalog:index")}


def chart(asked: Mapping[str, Any]) -> Context:
    """One figure of all features over time, with every change and every stretch of trouble."""
    at, span = asked["at"], asked["span"]
    slug = asked["slug"] if asked["slug"] in FIGURES else FIGURES[0]
    start, figure = span.start(at), measure(slug)
    troubles = HealthSpan.objects.filter(status__in=queries.TROUBLED, started_at__lt=at).exclude(ended_at__lt=start)
    changed = changes_between(start=start, end=at, only_production=True, limit=COUNTED)
    drawn = overview_chart(
        figure=figure,
        unit=figure.unit_for("eur" if slug == "cost_rate" else ""),
        points=totals.total_points(slug=slug, start=start, end=at, buckets=span.buckets),
        before=totals.total_points(slug=slug, start=start - WEEK, end=at - WEEK, buckets=span.buckets),
        changes=changed[-MARKS:],
        left_out=max(0, len(changed) - MARKS),
        troubles=list(troubles.select_related("feature").order_by("started_at")[:40]),
        span=span,
        at=at,
    )
    return {"chart": drawn, "figure": figure, "figures": [measure(one) for one in FIGURES]}


def changes(_asked: Mapping[str, Any]) -> Context:
    """The newest changes."""
    return {"changes": queries.recent_changes()}


def runs(asked: Mapping[str, Any]) -> Context:
    """Runs worth a look."""
    return {"runs": queries.notable_runs(at=asked["at"])}


PARTS: Final[dict[str, Callable[[Mapping[str, Any]], Context]]] = {
    "now": now,
    "kpis": kpis,
    "features": features,
    "chart": chart,
    "changes": changes,
    "runs": runs,
}
