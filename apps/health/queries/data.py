"""How new the data of components are: what feeds them, what was judged, and what goes stale with a pipeline."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import F, Min, Q, QuerySet

from apps.catalog.models import Component, ComponentKind, Dependency
from apps.deployments.models import Deployment, RevisionKind, Running
from apps.deployments.status import DeploymentState
from apps.health.datasets import Build, Feed, Limits
from apps.health.facts import DataFact
from apps.health.models import DataFreshness
from apps.health.queries.pipelines import trouble_of
from apps.health.queries.reach import Part
from apps.pipelines.knowing import silence_of
from apps.pipelines.models import Pipeline
from apps.pipelines.punctuality.expectation import Clock, CronLine

AT_ONCE: Final = 500  # components in one round of the sweep
OF_PRODUCTION = Q(environment__isnull=True) | Q(environment__is_production=True)


def limits_of(component: Component) -> Limits:
    """What the catalog allows, as the pure rules want it."""
    said: dict[str, Any] = component.freshness or {}
    due = said.get("due_by", "")
    return Limits(
        warn=_hours(said.get("warn_after_hours")),
        fail=_hours(said.get("fail_after_hours")),
        due=Clock((CronLine(due, said.get("time_zone", "UTC")),)) if due else None,
    )


def due_components(*, fed_by: Collection[int], at: datetime) -> list[Component]:
    """Components to judge: fed by one of these, never judged, changed since, or whose time has come."""
    limited = Component.objects.filter(freshness__isnull=False)
    is_due = Q(data__isnull=True) | Q(data__judge_at__lte=at) | Q(updated_at__gt=F("data__judged_at"))
    found = {one.pk: one for one in limited.filter(is_due).select_related("data").order_by("pk")[:AT_ONCE]}
    if fed_by:
        fed = limited.filter(Q(pk__in=fed_by) | Q(needs__provider__in=fed_by)).select_related("data").distinct()
        found |= {one.pk: one for one in fed}
    return [found[pk] for pk in sorted(found)]


def feeds_of(*, components: Collection[Component], at: datetime) -> dict[int, list[Feed]]:
    """component -> the pipelines that refresh it: its own, and those of pipelines it needs directly; two queries."""
    fed = fed_by(components)
    rows = (
        Pipeline.objects.filter(OF_PRODUCTION, component__in=fed, gone_at__isnull=True)
        .select_related("source__state", "component", "punctuality", "expectation")
        .order_by("pk")
    )
    found: dict[int, list[Feed]] = defaultdict(list)
    for row in rows:
        feed = Feed(
            id=row.pk,
            name=row.name,
            as_of=row.data_as_of,
            trouble=trouble_of(row),
            silence=silence_of(row.source, at),
        )
        for component_id in fed[row.component_id or 0]:
            found[component_id].append(feed)
    return found


def fed_by(components: Collection[Component]) -> dict[int, list[int]]:
    """component of a pipeline -> the components it feeds."""
    fed: dict[int, list[int]] = defaultdict(list)
    for component in components:
        fed[component.pk].append(component.pk)
    needing = [one.pk for one in components if one.kind != ComponentKind.PIPELINE]
    needs = Dependency.objects.filter(consumer__in=needing, provider__kind=ComponentKind.PIPELINE)
    for consumer_id, provider_id in needs.values_list("consumer_id", "provider_id"):
        fed[provider_id].append(consumer_id)
    return fed


def builds_of(*, components: Collection[Component]) -> dict[int, Build]:
    """component -> the build of its index that is live in production, the one that went live last."""
    ids = [one.pk for one in components if one.kind == ComponentKind.INDEX]
    if not ids:
        return {}
    of_production = Q(deployment__environment__isnull=True) | Q(deployment__environment__is_production=True)
    rows = Running.objects.filter(of_production, deployment__component__in=ids, kind=RevisionKind.INDEX)
    rows = rows.select_related("deployment").order_by("since", "pk")
    live = {row.deployment.component_id: row for row in rows}
    made = _made_at({row.deployment.revision_id for row in live.values()})
    return {
        pk: Build(
            as_of=min(made.get(row.deployment.revision_id, row.since), row.since),
            live_since=row.since,
            is_rollback=row.deployment.is_rollback,
        )
        for pk, row in live.items()
        if pk is not None
    }


def _made_at(revision_ids: Collection[int]) -> dict[int, datetime]:
    """revision -> when it was first put anywhere: returning to an old build makes no new data."""
    told = Deployment.objects.filter(revision__in=revision_ids, state=DeploymentState.SUCCEEDED).order_by()
    return dict(told.values_list("revision_id").annotate(first=Min("started_at")))


def facts(*, feature_ids: Collection[int], parts: Mapping[int, list[Part]]) -> dict[int, list[DataFact]]:
    """feature -> what was judged of the data that its answers are made from."""
    reached = [pk for pk, reaching in parts.items() if any(part.is_data for part in reaching)]
    wanted, found = set(feature_ids), defaultdict(list)
    rows = DataFreshness.objects.filter(pk__in=reached, component__freshness__isnull=False).select_related("component")
    for row in rows.order_by("pk"):
        fact = DataFact(
            id=row.pk,
            slug=row.component.slug,
            name=row.component.name,
            state=row.status,  # type: ignore[arg-type]  # the values are the same, see status.DataStatus
            text=row.sentence,
            at=row.judged_at,
            as_of=row.as_of,
            since=row.since,
            cause_id=row.cause_id,
            because=row.because,
        )
        for part in parts[row.pk]:
            if part.is_data and part.feature_id in wanted:
                found[part.feature_id].append(fact)
    return found


def judged_data() -> QuerySet[DataFreshness]:
    """The judgements that stand, for the list."""
    rows = DataFreshness.objects.filter(component__freshness__isnull=False)
    return rows.select_related("component__feature", "component__team")


def _hours(value: float | None) -> timedelta | None:
    return None if value is None else timedelta(hours=value)
