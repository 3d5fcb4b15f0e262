"""Reads for the pages that compose; each fragment's context is built by one function."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, OuterRef, Q, Subquery

from apps.accounts.models import User
from apps.catalog.models import Feature
from apps.core.nav import NavCount
from apps.events.models import Event
from apps.health import queries as health
from apps.health.models import FeatureHealth
from apps.health.status import HealthStatus
from apps.metrics import queries as metrics
from apps.monitors.models import Alert
from apps.monitors.status import AlertState
from apps.pipelines.models import Run
from apps.pipelines.status import FAILED_STATES, RunState
from apps.portal.answers import Reading
from apps.portal.ranges import WEEK, Range
from apps.prompts import queries as prompts
from apps.sources.models import Source

TROUBLED = (HealthStatus.DEGRADED, HealthStatus.DOWN)
ROW_MEASURES = ("answered_ratio", "latency_p95", "thumbs_up_ratio", "cost_rate")
PASSED_READ = 60  # runs, to find the newest of a few pipelines among them
SHOWN_OF_RUN = ("name", "state", "error", "at", "started_at", "finished_at", "pipeline__name")
WORDS = ("No", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine", "Ten", "Eleven", "Twelve")


def nav_counts(*, user: User) -> list[NavCount]:
    """The numbers beside the navigation: what is in trouble now, and what waits for this person."""
    troubled = FeatureHealth.objects.filter(status__in=TROUBLED, feature__is_retired=False).count()
    firing = Alert.objects.filter(state=AlertState.FIRING, resolved_at=None).count()
    silent = Source.objects.filter(is_enabled=True, state__failures__gte=3).count()
    waiting = prompts.waiting_for(user=user).count()
    return [
        NavCount("features", troubled, "in trouble", "bad" if troubled else ""),
        NavCount("alerts", firing, "firing", "bad" if firing else ""),
        NavCount("prompts", waiting, "waiting for you", "accent" if waiting else ""),
        NavCount("sources", silent, "not answering", "bad" if silent else ""),
    ]


@dataclass(frozen=True, slots=True)
class Row:
    """One feature on the overview; what nobody measures is None."""

    feature: Feature
    health: FeatureHealth | None
    strip: list[str]
    strip_label: str
    answered: metrics.Latest | None
    wait: metrics.Latest | None
    thumbs: metrics.Latest | None
    spark: list[float | None]
    cost: float | None
    change: Event | None

    @property
    def status(self) -> HealthStatus:
        """Its health; never heard is unknown."""
        return HealthStatus(self.health.status) if self.health else HealthStatus.UNKNOWN

    @property
    def change_text(self) -> str:
        """The last change in few words."""
        return short_title(self.change) if self.change else ""

    @property
    def spark_tone(self) -> str:
        """Sparklines are grey unless the feature is in trouble."""
        return "is-warn" if self.status in TROUBLED else ""


def short_title(event: Event) -> str:
    """The title without where and that it went live: "search-api 3.22.0"."""
    text = event.title.rpartition(" in ")[0] if event.kind.startswith("deployments:") else event.title
    return text.removesuffix(" went live") or event.title


def lead() -> tuple[str, FeatureHealth | None]:
    """("Seven of eight features are healthy.", the worst feature's health or None)."""
    counted = Feature.objects.filter(is_retired=False).aggregate(
        total=Count("pk"), healthy=Count("pk", filter=Q(health__status=HealthStatus.HEALTHY))
    )
    worst = (
        FeatureHealth.objects.filter(status__in=TROUBLED, feature__is_retired=False)
        .select_related("feature")
        .order_by("status", "since")  # "degraded" sorts before "down"
    )
    return _lead_sentence(counted["total"], counted["healthy"]), list(worst)[-1] if worst else None


def _lead_sentence(total: int, healthy: int) -> str:
    if not total:
        return "Nothing is described yet."
    if healthy == total:
        return f"All {_word(total).lower()} features are healthy." if total > 1 else "The feature is healthy."
    return f"{_word(healthy)} of {_word(total).lower()} features {'is' if healthy == 1 else 'are'} healthy."


def _word(number: int) -> str:
    return WORDS[number] if number < len(WORDS) else f"{number}"


def feature_rows(*, at: datetime, span: Range, midnight: datetime) -> list[Row]:
    """Every feature with what the overview says of it, in a constant number of queries."""
    features = list(Feature.objects.filter(is_retired=False).select_related("health", "team"))
    ids = [feature.pk for feature in features]
    strips = health.strip(feature_ids=ids, start=span.start(at), end=at, buckets=span.strip_buckets)
    latest = metrics.latest(feature_ids=ids, measures=ROW_MEASURES)
    sparks = metrics.sparkline_points(feature_ids=ids, measure="latency_p95", start=span.start(at), end=at, buckets=40)
    costs = metrics.window_means(feature_ids=ids, measures=("cost_rate",), start=midnight, end=at)
    changes = _last_changes(ids)
    hours = (at - midnight).total_seconds() / 3600
    rows = [
        Row(
            feature=feature,
            health=getattr(feature, "health", None),
            strip=strips.get(feature.pk, []),
            strip_label=health.strip_words(strips.get(feature.pk, []), span=span.span),
            answered=latest.get((feature.pk, "answered_ratio")),
            wait=latest.get((feature.pk, "latency_p95")),
            thumbs=latest.get((feature.pk, "thumbs_up_ratio")),
            spark=sparks.get(feature.pk, []),
            cost=cost_so_far(
                mean=costs.get((feature.pk, "cost_rate")), newest=latest.get((feature.pk, "cost_rate")), hours=hours
            ),
            change=changes.get(feature.pk),
        )
        for feature in features
    ]
    return sorted(rows, key=_trouble_first)


def cost_so_far(*, mean: float | None, newest: metrics.Latest | Reading | None, hours: float) -> float | None:
    """What was spent in the `hours` since midnight; before today's first sample the newest rate stands in."""
    if mean is None and newest is not None and hours * 3600 <= 2 * newest.interval:
        mean = newest.value
    return None if mean is None else mean * hours


def _trouble_first(row: Row) -> tuple[int, int, str]:
    order = {HealthStatus.DOWN: 0, HealthStatus.DEGRADED: 1, HealthStatus.STALE: 2}
    return order.get(row.status, 3), row.feature.tier, row.feature.name


def _last_changes(feature_ids: list[int]) -> dict[int, Event]:
    changes = Event.objects.filter(feature=OuterRef("pk"), is_change=True).exclude(kind__startswith="monitors:")
    newest = changes.order_by("-at", "-id").values("pk")[:1]
    ids = Feature.objects.filter(pk__in=feature_ids).values_list(Subquery(newest), flat=True)
    return {row.feature_id: row for row in Event.objects.filter(pk__in=[pk for pk in ids if pk]) if row.feature_id}


def recent_changes(*, feature_id: int | None = None, limit: int = 5) -> list[Event]:
    """The newest changes, of one feature or of all."""
    rows = Event.objects.filter(is_change=True, **({"feature_id": feature_id} if feature_id else {}))
    return list(rows.select_related("feature", "environment").order_by("-at", "-id")[:limit])


def notable_runs(*, at: datetime, limit: int = 5) -> list[Run]:
    """What runs now, then what failed in the last day, then the newest that passed, one a pipeline."""
    rows = Run.objects.filter(gone_at=None).order_by("-at", "-id")
    shown = rows.select_related("pipeline").only(*SHOWN_OF_RUN)
    running = list(shown.filter(state=RunState.RUNNING)[:2])
    failed = list(shown.filter(state__in=FAILED_STATES, at__gte=at - timedelta(days=1))[:2])
    newest = rows.filter(state=RunState.SUCCEEDED, at__gte=at - WEEK).values("pk")[:PASSED_READ]
    latest = (
        Run.objects.filter(pk__in=newest).order_by("pipeline_id", "-at", "-id").distinct("pipeline_id").values("pk")
    )
    return [*running, *failed, *shown.filter(pk__in=latest)[: limit - len(running) - len(failed)]]
