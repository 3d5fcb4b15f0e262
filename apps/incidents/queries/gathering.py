"""What the ranking needs, out of the database, in a fixed number of bounded queries."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.db.models import Case as SqlCase
from django.db.models import Q, Value, When
from django.urls import reverse

from apps.catalog.models import Component, Dependency, Feature
from apps.events.models import Event
from apps.incidents.suspects.facts import Graph
from apps.incidents.suspects.rows import AlertRow, ChangeRow, RunRow
from apps.monitors.models import Alert
from apps.pipelines.models import Run

BACK: Final = timedelta(days=2)  # how long before the impact a cause is looked for
RHYTHM: Final = timedelta(days=8)  # how much of a pipeline's past tells its rhythm
MOST_CHANGES: Final = 2_000
MOST_RUNS: Final = 4_000
MOST_ALERTS: Final = 200
_RECORDED: Final = ("deployments:deployment:", "prompts:label:", "source:change:")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The catalog around the affected features: everything they need, and how it hangs together."""

    graph: Graph
    kinds: dict[int, str]  # of components
    slugs: dict[int, str]
    needed: frozenset[int]  # components that the affected features need, their own included
    names: dict[int, str]  # of features

    def own(self, feature_ids: Collection[int]) -> set[int]:
        """The components that belong to the features."""
        return {pk for pk, feature in self.graph.feature_of.items() if feature in feature_ids}


def surroundings(*, feature_ids: Collection[int], component_ids: Collection[int] = ()) -> Surroundings:
    """The graph in three queries."""
    parts = list(Component.objects.values_list("pk", "slug", "kind", "feature_id"))
    needed_by: dict[int, list[int]] = {}
    needs: dict[int, list[int]] = {}
    for consumer, provider in Dependency.objects.values_list("consumer_id", "provider_id"):
        needed_by.setdefault(provider, []).append(consumer)
        needs.setdefault(consumer, []).append(provider)
    waiting = [pk for pk, _, _, feature in parts if feature in feature_ids or pk in component_ids]
    needed = set(waiting)
    while waiting:
        for provider in needs.get(waiting.pop(), ()):
            if provider not in needed:
                needed.add(provider)
                waiting.append(provider)
    return Surroundings(
        graph=Graph(needed_by, {pk: feature for pk, _, _, feature in parts}),
        kinds={pk: kind for pk, _, kind, _ in parts},
        slugs={pk: slug for pk, slug, _, _ in parts},
        needed=frozenset(needed),
        names=dict(Feature.objects.values_list("pk", "name")),
    )


def change_rows(
    *, around: Surroundings, feature_ids: Collection[int], start: datetime, end: datetime
) -> list[ChangeRow]:
    """What was changed of what the features need, and of what nobody has placed; the newest first within the bound."""
    placed = Q(component__in=around.needed) | Q(feature__in=feature_ids)
    nowhere = Q(component=None, feature=None)
    kinds = Q()
    for prefix in _RECORDED:
        kinds |= Q(kind__startswith=prefix)
    rows = Event.objects.filter(is_change=True, at__gte=start, at__lte=end).filter(placed | nowhere).filter(kinds)
    urgent = SqlCase(When(nowhere, then=Value(1)), default=Value(0))
    found = rows.order_by(urgent, "-at", "-id").select_related("environment").defer("request_id")[:MOST_CHANGES]
    return [_change(event, around) for event in found]


def _change(event: Event, around: Surroundings) -> ChangeRow:
    environment, data = event.environment, event.data
    label = str(data.get("label", ""))
    return ChangeRow(
        key=_key(event),
        event_id=event.pk,
        kind=event.kind,
        thing=_thing(event),
        at=event.at.timestamp(),
        title=event.title,
        what=str(data.get("what", "")),
        before=str(data.get("before") or data.get("previous") or _version(data.get("from"))),
        after=str(data.get("after") or data.get("revision") or _version(data.get("to"))),
        component_id=event.component_id,
        component_kind=around.kinds.get(event.component_id or 0, ""),
        feature_id=event.feature_id,
        is_elsewhere=not environment.is_production if environment else label in _NOT_LIVE,
        actor=event.actor,
        url=event.get_absolute_url(),
        detail=event.note,
    )


_NOT_LIVE: Final = frozenset({"staging", "development", "dev", "test", "testing", "candidate", "experiment", "latest"})


def _version(number: Any) -> str:
    return f"v{number}" if number is not None else ""


def _key(event: Event) -> str:
    """All the news of one deployment are one candidate."""
    return f"deployment-{event.subject_id}" if event.subject_kind == "deployment" else f"event-{event.pk}"


def _thing(event: Event) -> str:
    """What was changed, as far as the event says: the place of a deployment, the label, the component and the word."""
    data = event.data
    if event.kind.startswith("deployments:"):
        return f"deployment:{event.source_id}:{data.get('component')}:{event.environment_id}"
    if event.kind.startswith("prompts:"):
        return f"label:{data.get('prompt_id')}:{data.get('label')}"
    what, part = str(data.get("what", "")), event.component_id or data.get("component") or ""
    title = event.title
    if data.get("after") and title.lower().endswith(str(data["after"]).lower()):
        title = title[: -len(str(data["after"]))]
    same = part or (title if what in _TITLED else f"{event.feature_id}:{data.get('before')}:{data.get('after')}")
    return f"change:{what}:{same}:{event.environment_id}"


_TITLED: Final = frozenset({"incident", "maintenance"})


def run_rows(*, around: Surroundings, feature_ids: Collection[int], start: datetime, end: datetime) -> list[RunRow]:
    """The runs of pipelines that the features need, with enough of their past to know their rhythm."""
    placed = Q(pipeline__component__in=around.needed) | Q(pipeline__feature__in=feature_ids)
    rows = Run.objects.filter(placed, at__gte=start - RHYTHM, at__lte=end, state__in=["succeeded", "failed", "crashed"])
    found = rows.order_by("-at", "-id").values(
        "id", "pipeline_id", "pipeline__name", "state", "started_at", "finished_at", "scheduled_for", "error",
        "pipeline__component_id", "pipeline__feature_id", "pipeline__environment__is_production",
    )[:MOST_RUNS]  # fmt: skip
    return [_run(row) for row in found]


def _run(row: Any) -> RunRow:
    return RunRow(
        id=row["id"],
        pipeline_id=row["pipeline_id"],
        pipeline=row["pipeline__name"],
        state=row["state"],
        started_at=_seconds(row["started_at"]),
        finished_at=_seconds(row["finished_at"]),
        scheduled_for=_seconds(row["scheduled_for"]),
        component_id=row["pipeline__component_id"],
        feature_id=row["pipeline__feature_id"],
        is_elsewhere=row["pipeline__environment__is_production"] is False,
        error=row["error"],
        url=reverse("pipelines:run-detail", args=[row["id"]]),
    )


def alert_rows(*, around: Surroundings, own: Collection[int], start: datetime, end: datetime) -> list[AlertRow]:
    """Alerts on what the features need but do not own; those on the features themselves are symptoms."""
    upstream = [pk for pk in around.needed if pk not in own]
    rows = Alert.objects.filter(component__in=upstream, opened_at__gte=start, opened_at__lte=end, is_own=False)
    found = rows.exclude(state="pending").select_related("environment").order_by("-opened_at", "-pk")[:MOST_ALERTS]
    return [
        AlertRow(
            id=row.pk,
            title=f"{row.name}: {row.summary.strip().splitlines()[0][:150]}" if row.summary.strip() else row.name,
            opened_at=row.opened_at.timestamp(),
            resolved_at=_seconds(row.resolved_at),
            component_id=row.component_id,
            component_kind=around.kinds.get(row.component_id or 0, ""),
            feature_id=row.feature_id,
            is_elsewhere=not row.environment.is_production if row.environment else False,
            url=row.get_absolute_url(),
        )
        for row in found
    ]


def first_alert(
    *, own: Collection[int], feature_ids: Collection[int], start: datetime, end: datetime
) -> datetime | None:
    """When the first alert on the features themselves opened: the symptoms had begun by then."""
    placed = Q(component__in=own) | Q(feature__in=feature_ids)
    rows = Alert.objects.filter(placed, opened_at__gte=start, opened_at__lte=end).exclude(state="pending")
    return rows.order_by("opened_at").values_list("opened_at", flat=True).first()


def _seconds(at: datetime | None) -> float | None:
    return at.timestamp() if at else None


def moment(seconds: float) -> datetime:
    """The time of so many seconds since 1970."""
    return datetime.fromtimestamp(seconds, UTC)
