"""What pages show of data: what refreshes them, what they stand on, and exactly what goes stale with them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import QuerySet

from apps.catalog.models import Component, Feature
from apps.health.datasets import Build, Feed
from apps.health.models import DataFreshness
from apps.health.queries.data import OF_PRODUCTION, builds_of, feeds_of, judged_data
from apps.health.queries.pipelines import trouble_of
from apps.health.queries.reach import carried, reach, stands_on
from apps.pipelines.models import Pipeline


@dataclass(frozen=True, slots=True)
class Carried:
    """What goes stale with something: the features, and the components on the way, the nearest first."""

    features: list[Feature] = field(default_factory=list)
    components: list[Component] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Below:
    """A pipeline somewhere below a component whose newest data did not come."""

    pipeline: Pipeline
    trouble: str


def goes_stale_with(*, component_id: int | None) -> Carried:
    """What answers with old data when those of a component are old; nothing for one that holds none."""
    steps = carried(component_ids=[component_id]) if component_id else {}
    found = list(Component.objects.filter(pk__in=steps).select_related("feature__health", "data"))
    features = {one.feature.pk: one.feature for one in found if one.feature and not one.feature.is_retired}
    others = sorted((one for one in found if one.pk != component_id), key=lambda one: (steps[one.pk], one.name))
    return Carried(sorted(features.values(), key=lambda one: (one.tier, one.name)), others)


def counts_for_data(pipeline: Pipeline) -> bool:
    """Whether what it makes reaches people: not if it belongs to an environment before production."""
    return pipeline.environment is None or pipeline.environment.is_production


def feeding(*, component: Component, at: datetime) -> tuple[list[Feed], Build | None]:
    """The pipelines that refresh a component, and the build of its index that is live."""
    feeds = feeds_of(components=[component], at=at).get(component.pk, [])
    return feeds, builds_of(components=[component]).get(component.pk)


def troubled_below(*, component: Component) -> list[Below]:
    """The pipelines a component is made from, however far below, whose newest data did not come; the nearest first."""
    steps = stands_on(component_id=component.pk)
    rows = (
        Pipeline.objects.filter(OF_PRODUCTION, component__in=steps, gone_at__isnull=True)
        .select_related("component", "source", "punctuality", "expectation")
        .order_by("name")
    )
    found = [Below(row, said) for row in rows if (said := trouble_of(row))]
    return sorted(found, key=lambda one: steps[one.pipeline.component_id or 0])


def data_of_feature(*, feature_id: int) -> list[DataFreshness]:
    """What was judged of the data that a feature's answers are made from, the worst first."""
    parts = reach(feature_ids=[feature_id])
    ids = [pk for pk, reaching in parts.items() if any(part.is_data for part in reaching)]
    order = {"fail": 0, "warn": 1, "unknown": 2}
    return sorted(judged_data().filter(pk__in=ids), key=lambda row: (order.get(row.status, 3), row.component.name))


def data_of_features(rows: QuerySet[DataFreshness], slugs: list[str]) -> QuerySet[DataFreshness]:
    """The rows of a list that answers of these features are made from."""
    ids = Feature.objects.filter(slug__in=slugs).values_list("pk", flat=True)
    parts = reach(feature_ids=list(ids))
    return rows.filter(pk__in=[pk for pk, reaching in parts.items() if any(part.is_data for part in reaching)])
