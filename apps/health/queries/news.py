"""What changed in a feature since a person last looked, told in groups that a product manager knows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import connection
from django.db.models import Q
from django.urls import reverse

from apps.catalog.models import Feature
from apps.core.ui import formats
from apps.events.models import Event
from apps.health import looking
from apps.health.models import FeatureHealth, FeatureLook, HealthSpan
from apps.health.status import HealthStatus
from apps.incidents.models import Incident
from apps.incidents.status import IncidentState
from apps.metrics import queries as metrics
from apps.metrics.measures import measure

FIGURES: Final = ("answered_ratio", "latency_p95", "quality_score", "thumbs_up_ratio", "unsafe_ratio", "cost_rate")
HOUR: Final = timedelta(hours=1)  # what a figure is the mean of
HEARD_LATE: Final = timedelta(hours=1)  # what happened before the look but was told after it is news too
LONGEST: Final = timedelta(days=30)  # nobody reads further back, and no mark costs more
MOST: Final = 40  # rows of the ledger that are looked at
SHOWN: Final = 4  # lines of one group
MARKED: Final = 9
TOLD_ASIDE: Final = ("deployments:deployment:failed", "deployments:deployment:rolled-back")
_HEALTH: Final = "health:feature:%"
_MARKS: Final = """
SELECT look.feature_id, found.number FROM health_featurelook look
CROSS JOIN LATERAL (
    SELECT count(*) AS number FROM (
        SELECT 1 FROM events_event event
        LEFT JOIN catalog_environment place ON place.id = event.environment_id
        WHERE event.feature_id = look.feature_id
          AND event.at > greatest(look.looked_at, %(oldest)s) - %(late)s AND event.recorded_at > look.looked_at
          AND (event.is_change OR event.kind LIKE %(health)s OR event.kind = ANY(%(aside)s))
          AND coalesce(place.is_production, true)
        LIMIT %(most)s
    ) AS newer
) AS found
WHERE look.user_id = %(user)s AND found.number > 0
"""


@dataclass(frozen=True, slots=True)
class Told:
    """One line."""

    glyph: str
    tone: str
    text: str
    url: str
    at: datetime | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """Lines of one kind; `more` of them are left out."""

    title: str
    lines: list[Told]
    more: int = 0


@dataclass(frozen=True, slots=True)
class News:
    """What changed after `since`, None where the person never looked before; `lead` compares then and now."""

    since: datetime | None
    lead: str = ""
    groups: tuple[Group, ...] = ()


def since_of(*, user_id: int, feature_id: int, at: datetime) -> datetime | None:
    """From when on news are news to a person; None at the first visit."""
    look = FeatureLook.objects.filter(user_id=user_id, feature_id=feature_id).first()
    return looking.since_of(looked_at=look.looked_at, since=look.since, at=at) if look else None


def news_marks(*, user_id: int, at: datetime) -> dict[int, int]:
    """feature -> how much is new since a person last looked, at most `MARKED`; without those where nothing is."""
    asked: dict[str, Any] = {"user": user_id, "oldest": at - LONGEST, "late": HEARD_LATE, "most": MARKED}
    with connection.cursor() as cursor:
        cursor.execute(_MARKS, {**asked, "health": _HEALTH, "aside": list(TOLD_ASIDE)})
        return dict(cursor.fetchall())


def news_of(*, feature: Feature, since: datetime | None, at: datetime) -> News:
    """What changed in a feature, in seven questions however much it was."""
    if since is None:
        return News(None)
    told = _events(feature, since, at)
    groups = [
        _group("Health", told, lambda event: event.kind.startswith("health:")),
        Group("Incidents", _incidents(feature, since)),
        _group("Deployments", told, lambda event: event.kind.startswith("deployments:")),
        _group("Prompts", told, lambda event: event.kind.startswith("prompts:")),
        _group("Other changes", told, lambda event: not event.kind.startswith(("health:", "deployments:", "prompts:"))),
        Group("Better or worse than before you looked", _figures(feature, since, at)),
    ]
    return News(since, _lead(feature, since), tuple(group for group in groups if group.lines))


def _events(feature: Feature, since: datetime, at: datetime) -> list[Event]:
    matters = Q(is_change=True) | Q(kind__startswith="health:feature:") | Q(kind__in=TOLD_ASIDE)
    reached = Q(environment=None) | Q(environment__is_production=True)
    start = max(since, at - LONGEST) - HEARD_LATE
    rows = Event.objects.filter(matters, reached, feature=feature, at__gt=start, recorded_at__gt=since)
    return list(rows.order_by("-at", "-id")[:MOST])


def _group(title: str, told: Iterable[Event], belongs: Callable[[Event], bool]) -> Group:
    found = [event for event in told if belongs(event)]
    lines = [
        Told(one.glyph, one.tone_class, one.title, one.get_absolute_url(), one.at, one.note) for one in found[:SHOWN]
    ]
    return Group(title, lines, max(0, len(found) - SHOWN))


def _incidents(feature: Feature, since: datetime) -> list[Told]:
    moved = Q(declared_at__gt=since) | Q(mitigated_at__gt=since) | Q(resolved_at__gt=since)
    rows = Incident.objects.filter(moved, features=feature).exclude(state=IncidentState.DISMISSED).distinct()
    return [
        Told(
            look.glyph,
            look.tone,
            row.title,
            row.get_absolute_url(),
            row.resolved_at or row.declared_at,
            str(look.label),
        )
        for row in rows.order_by("-impact_started_at", "-pk")[:SHOWN]
        for look in [IncidentState(row.state).look]
    ]


def _figures(feature: Feature, since: datetime, at: datetime) -> list[Told]:
    now, then = (
        metrics.window_means(feature_ids=[feature.pk], measures=FIGURES, start=end - HOUR, end=end)
        for end in (at, since)
    )
    units = {slug: found.unit for (_, slug), found in _latest(feature).items()}
    return [
        _figure(feature, slug, now[key], then[key], units.get(slug, ""))
        for slug in FIGURES
        if (key := (feature.pk, slug)) in now and key in then and looking.is_telling(measure(slug), now[key], then[key])
    ]


def _latest(feature: Feature) -> Mapping[tuple[int, str], metrics.Latest]:
    return metrics.latest(feature_ids=[feature.pk], measures=FIGURES)


def _figure(feature: Feature, slug: str, value: float, before: float, unit: str) -> Told:
    entry = measure(slug)
    is_worse = entry.is_worse(value, before)
    shown = entry.unit_for(unit)
    text = f"{entry.label}: {formats.number_text(value, shown)}, {'worse' if is_worse else 'better'}"
    note = f"{formats.number_text(before, shown)} in the hour before you looked, now the last hour"
    url = f"{reverse('metrics:series-list')}?feature={feature.slug}&measure={slug}"
    return Told("warn" if is_worse else "ok", "is-warn" if is_worse else "is-ok", text, url, note=note)


def _lead(feature: Feature, since: datetime) -> str:
    """How it was then and is now; "" where one of them is not known."""
    now = FeatureHealth.objects.filter(pk=feature.pk).first()
    spans = HealthSpan.objects.filter(Q(ended_at=None) | Q(ended_at__gt=since), feature=feature, started_at__lte=since)
    then = spans.first()
    if now is None or then is None:
        return ""
    if now.status == then.status:
        return f"It {_said(now, 'is', 'has')}, as it {'did' if now.status == HealthStatus.UNKNOWN else 'was'} then."
    return f"It {_said(then, 'was', 'had')} then and {_said(now, 'is', 'has')} now."


def _said(row: FeatureHealth | HealthSpan, be: str, have: str) -> str:
    return f"{have} no data" if row.status == HealthStatus.UNKNOWN else f"{be} {row.get_status_display().lower()}"
