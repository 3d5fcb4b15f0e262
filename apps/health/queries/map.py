"""The map of who needs whom, and what fails with what; six questions for the whole catalog."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from apps.catalog.models import Component, ComponentKind, Dependency, Feature
from apps.health.mapping import Parts
from apps.health.queries.data import OF_PRODUCTION
from apps.health.queries.pipelines import trouble_of
from apps.health.status import DataStatus, PartStatus
from apps.metrics.models import Series
from apps.monitors.models import Alert
from apps.monitors.status import AlertState
from apps.pipelines.models import Pipeline

_OF_DATA: Final = {
    DataStatus.FAIL: PartStatus.FAILING,
    DataStatus.WARN: PartStatus.BEHIND,
    DataStatus.FRESH: PartStatus.FINE,
}
_WORST: Final = (PartStatus.FAILING, PartStatus.BEHIND, PartStatus.FINE)


@dataclass(frozen=True, slots=True)
class Catalog:
    """What people described, by id, with how each component does."""

    features: dict[int, Feature]
    components: dict[int, Component]
    parts: Parts
    states: dict[int, tuple[PartStatus, str]]


@dataclass(frozen=True, slots=True)
class Touched:
    """A feature that a failing component touches, and the parts between them, the feature's own first."""

    feature: Feature
    through: list[Component]


@dataclass(frozen=True, slots=True)
class Row:
    """One component: how it does, why, what it needs, and the features it touches if it fails."""

    component: Component
    status: PartStatus
    because: str
    needs: list[Component]
    touches: list[Feature]


@dataclass(frozen=True, slots=True)
class Map:
    """Everything the page shows."""

    known: Catalog
    rows: list[Row]
    failing: list[Row]
    chosen: Row | None
    touched: list[Touched]
    tested: list[Feature]  # only the tests of these need the chosen one


def described() -> Catalog:
    """The whole catalog without retired features."""
    features = {one.pk: one for one in Feature.objects.filter(is_retired=False).select_related("health")}
    components = {one.pk: one for one in Component.objects.select_related("data").order_by("kind", "name", "pk")}
    parts = Parts(
        owners={pk: one.feature_id if one.feature_id in features else None for pk, one in components.items()},
        needs=list(Dependency.objects.order_by("pk").values_list("consumer_id", "provider_id")),
        tests=frozenset(pk for pk, one in components.items() if one.kind == ComponentKind.EVALUATION_SUITE),
    )
    return Catalog(features, components, parts, _states(components))


def _states(components: dict[int, Component]) -> dict[int, tuple[PartStatus, str]]:
    """component -> the worst that is told of it, and why."""
    told: dict[int, list[tuple[PartStatus, str]]] = defaultdict(list)
    firing = Alert.objects.filter(state=AlertState.FIRING, resolved_at=None, component__isnull=False)
    for component_id, name in firing.order_by("opened_at").values_list("component_id", "name"):
        told[component_id or 0].append((PartStatus.FAILING, f"the alert “{name}” fires"))
    rows = Pipeline.objects.filter(OF_PRODUCTION, component__isnull=False, gone_at=None)
    for row in rows.select_related("component", "punctuality", "expectation").order_by("name"):
        said = trouble_of(row)
        bad = PartStatus.FAILING if said == "failed" else PartStatus.BEHIND
        if said or row.last_succeeded_at:
            text = f"the pipeline “{row.name}” {said}" if said else f"“{row.name}” passed"
            told[row.component_id or 0].append((bad if said else PartStatus.FINE, text))
    heard = Series.objects.filter(component__kind=ComponentKind.PROVIDER, source__is_enabled=True)
    heard = heard.filter(source__state__failures=0, source__state__last_success_at__isnull=False)
    for component_id, name in heard.order_by().values_list("component_id", "source__name").distinct():
        told[component_id or 0].append((PartStatus.FINE, f"“{name}” reports no trouble"))
    for pk, one in components.items():
        data = getattr(one, "data", None) if one.freshness else None
        if data and data.status in _OF_DATA:
            told[pk].append((_OF_DATA[DataStatus(data.status)], data.sentence))
    return {pk: min(said, key=lambda one: _WORST.index(one[0])) for pk, said in told.items()}


def dependency_map(*, feature: Feature | None = None, component: Component | None = None) -> Map:
    """The map of one feature or of all, with what a chosen component touches if it fails."""
    known = described()
    shown = known.parts.of_feature(feature.pk) if feature else set(known.components)
    rows = [_row(known, one) for pk, one in known.components.items() if pk in shown]
    failing = sorted((row for row in rows if row.status is PartStatus.FAILING), key=lambda row: -len(row.touches))
    chosen = _row(known, known.components[component.pk]) if component else None
    return Map(
        known=known,
        rows=rows,
        failing=failing,
        chosen=chosen,
        touched=_touched(known, component.pk) if component else [],
        tested=_by_tier(known, known.parts.tested_with(component.pk)) if component else [],
    )


def _row(known: Catalog, one: Component) -> Row:
    status, because = known.states.get(one.pk, (PartStatus.UNKNOWN, ""))
    needs = [known.components[pk] for pk in known.parts.needs_of(one.pk)]
    return Row(one, status, because, needs, _by_tier(known, known.parts.touched(one.pk)))


def _by_tier(known: Catalog, feature_ids: Iterable[int]) -> list[Feature]:
    return sorted((known.features[pk] for pk in feature_ids), key=lambda one: (one.tier, one.name))


def _touched(known: Catalog, component_id: int) -> list[Touched]:
    ways = known.parts.touched(component_id)
    found = [Touched(known.features[pk], [known.components[one] for one in way[:0:-1]]) for pk, way in ways.items()]
    return sorted(found, key=lambda one: (one.feature.tier, one.feature.name))
