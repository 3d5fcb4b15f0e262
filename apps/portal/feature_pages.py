"""The context of every part of a feature's page; one function a fragment."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.urls import reverse
from django.utils import timezone

from apps.catalog.models import Feature, Promise
from apps.core.ui import formats
from apps.health import queries as health
from apps.metrics import queries as metrics
from apps.metrics.measures import MEASURES, Measure, measure
from apps.portal import queries
from apps.portal.answers import Reading, answers
from apps.portal.ranges import WEEK

Context = dict[str, Any]
DAYS: Final = 90
AROUND: Final = timedelta(minutes=30)  # "this time last week" is a mean, not one sample


@dataclass(frozen=True, slots=True)
class MeasureRow:
    """One measure of the feature: newest value, the same time last week, a day's sparkline."""

    measure: Measure
    value: float
    unit: str
    at: datetime
    interval: float
    before: float | None
    spark: list[float | None]
    url: str

    @property
    def tone(self) -> str:
        """Amber when clearly worse than last week; good news stays quiet."""
        if not self.before or not self.measure.is_worse(self.value, self.before):
            return ""
        return "is-warn" if abs(self.value - self.before) > 0.25 * abs(self.before) else ""


@dataclass(frozen=True, slots=True)
class PromiseRow:
    """One promise: how much of what it allows is used, as a number and in words."""

    label: str
    value_text: str
    note: str
    tone: str
    used: int


def readings(feature: Feature, at: datetime) -> dict[str, Reading]:
    """The newest value of every measure with its promise and the mean around this time last week."""
    promises = {promise.measure: promise for promise in feature.promises.all()}
    latest = metrics.latest(feature_ids=[feature.pk], measures=MEASURES)
    before = metrics.window_means(
        feature_ids=[feature.pk], measures=MEASURES, start=at - WEEK - AROUND, end=at - WEEK + AROUND
    )
    return {
        slug: _reading(found, before.get((feature.pk, slug)), promises.get(slug))
        for (_feature, slug), found in latest.items()
    }


def _reading(found: metrics.Latest, before: float | None, promise: Promise | None) -> Reading:
    return Reading(
        value=found.value,
        unit=found.unit,
        at=found.at,
        interval=found.interval,
        before=before,
        limit=promise.limit if promise else None,
        fails_at=promise.fails_at if promise else None,
        is_at_most=promise is None or promise.comparison == Promise.Comparison.AT_MOST,
    )


def head(feature: Feature) -> Context:
    """Status, sentence, since when."""
    return {"health": getattr(feature, "health", None)}


def answer_cards(feature: Feature) -> Context:
    """The four questions."""
    at, midnight = timezone.now(), timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    hours = (at - midnight).total_seconds() / 3600
    today = metrics.window_means(feature_ids=[feature.pk], measures=["cost_rate"], start=midnight, end=at)
    before = metrics.window_means(
        feature_ids=[feature.pk], measures=["cost_rate"], start=midnight - WEEK, end=at - WEEK
    )
    found, key = readings(feature, at), (feature.pk, "cost_rate")
    return {
        "answers": answers(
            found,
            cost_today=queries.cost_so_far(mean=today.get(key), newest=found.get("cost_rate"), hours=hours),
            cost_before=before[key] * hours if key in before else None,
        )
    }


def measures(feature: Feature) -> Context:
    """Every measure in plain words, in the order of the glossary."""
    at = timezone.now()
    found = readings(feature, at)
    day = at - timedelta(days=1)
    sparks = {
        slug: metrics.sparkline_points(feature_ids=[feature.pk], measure=slug, start=day, end=at, buckets=40)
        for slug in found
    }
    series = reverse("metrics:series-list")
    return {
        "measures": [
            MeasureRow(
                measure=measure(slug),
                value=found[slug].value,
                unit=found[slug].unit,
                at=found[slug].at,
                interval=found[slug].interval,
                before=found[slug].before,
                spark=sparks[slug].get(feature.pk, []),
                url=f"{series}?feature={feature.slug}&measure={slug}",
            )
            for slug in sorted(found, key=list(MEASURES).index)
        ]
    }


def promises(feature: Feature) -> Context:
    """Every promise with what is used of it."""
    latest = metrics.latest(feature_ids=[feature.pk], measures=[p.measure for p in feature.promises.all()])
    rows = [_promise_row(promise, latest.get((feature.pk, promise.measure))) for promise in feature.promises.all()]
    return {"promises": rows}


def _promise_row(promise: Promise, found: metrics.Latest | None) -> PromiseRow:
    entry = measure(promise.measure)
    unit = found.unit if found else entry.unit
    limit = f"{promise.get_comparison_display()} {formats.number_text(promise.limit, unit)}"
    label = promise.label or f"{entry.label}: {limit}"
    if found is None:
        return PromiseRow(label, "not known", "No source tells it.", "is-mute", 0)
    judged = _reading(found, None, promise).judged()
    used = _used(promise, found.value, entry.unit)
    return PromiseRow(
        label,
        formats.number_text(found.value, unit),
        f"{used}% of what is allowed" if judged == "ok" else f"Not kept now: {limit} is promised.",
        {"ok": "is-ok", "warn": "is-warn", "bad": "is-bad"}[judged],
        used,
    )


def _used(promise: Promise, value: float, unit: str) -> int:
    """Percent of what is allowed: of the limit itself, or for "at least 98 %" of the missing 2 %."""
    if promise.comparison == Promise.Comparison.AT_MOST:
        share = value / promise.limit if promise.limit else 1.0
    elif unit == "ratio" and promise.limit < 1:
        share = (1 - value) / (1 - promise.limit)
    else:
        share = promise.limit / value if value else 1.0
    return max(0, min(100, round(share * 100)))


def strip(feature: Feature) -> Context:
    """Ninety days, one bar a day, and the share of healthy time."""
    at = timezone.now()
    start = at - timedelta(days=DAYS)
    cells = health.strip(feature_ids=[feature.pk], start=start, end=at, buckets=DAYS).get(feature.pk, [])
    return {
        "strip90": cells,
        "strip90_label": health.strip_words(cells, span=timedelta(days=DAYS)),
        "uptime": health.uptime_ratio(feature_id=feature.pk, days=DAYS, at=at),
        "first_day": start,
    }


def changes(feature: Feature) -> Context:
    """What changed in it."""
    return {"changes": queries.recent_changes(feature_id=feature.pk)}


def people(feature: Feature) -> Context:
    """Its parts, and the other apps' fragments about it."""
    named = (
        ("Pipelines", "pipelines:feature-runs", "pipelines:run-list"),
        ("Data it answers from", "health:data-of-feature", "health:data-list"),
        ("Providers", "health:providers-of-feature", "health:map"),
        ("Live now", "deployments:feature-live", "deployments:deployment-list"),
        ("What was tested", "health:consistency-short", "health:consistency-list"),
        ("Prompts", "prompts:feature-prompts", "prompts:prompt-list"),
        ("Evaluations", "evaluations:feature-runs", "evaluations:run-list"),
        ("Readiness", "health:readiness-short", "health:readiness-list"),
    )
    return {
        "components": list(feature.components.all()),
        "parts": [
            {
                "title": title,
                "url": reverse(fragment, args=[feature.pk]),
                "all_url": f"{reverse(listing)}?feature={feature.slug}",
            }
            for title, fragment, listing in named
        ],
    }


PARTS: Final[dict[str, Callable[[Feature], Context]]] = {
    "head": head,
    "answers": answer_cards,
    "measures": measures,
    "promises": promises,
    "strip": strip,
    "changes": changes,
    "people": people,
}
