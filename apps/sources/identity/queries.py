"""Reads about rules and names."""

from __future__ import annotations

from django.db.models import QuerySet

from apps.catalog.models import Component, Feature
from apps.sources.identity.suggesting import Candidate
from apps.sources.models import ExternalName, MappingRule, Remapping


def rules() -> QuerySet[MappingRule]:
    """Every rule in the order in which they are tried, with what a list shows."""
    return MappingRule.objects.select_related("source", "component", "feature", "environment", "created_by")


def names() -> QuerySet[ExternalName]:
    """Every name that a source used, with what a list shows."""
    return ExternalName.objects.select_related("source", "component", "feature", "environment")


def unmatched() -> QuerySet[ExternalName]:
    """The names that belong nowhere and that nobody set aside."""
    return names().filter(unplaced__gt=0, is_ignored=False)


def unmatched_count(*, most: int = 100) -> int:
    """How many names wait, counted up to `most`."""
    rows = ExternalName.objects.order_by().filter(unplaced__gt=0, is_ignored=False)
    return rows.values("pk")[:most].count()


def last_remapping() -> Remapping | None:
    """The newest pass over what is stored, open or done."""
    return Remapping.objects.first()


def candidates() -> list[Candidate]:
    """What a name could be mapped to: every component and every feature that is in use."""
    components = Component.objects.select_related("feature").order_by("pk")
    features = Feature.objects.filter(is_retired=False).order_by("pk")
    return [
        *(_of_component(component) for component in components),
        *(Candidate(f"feature:{feature.pk}", feature.slug, feature.name) for feature in features),
    ]


def _of_component(component: Component) -> Candidate:
    feature = component.feature.name if component.feature else ""
    return Candidate(f"component:{component.pk}", component.slug, component.name, component.kind, feature)


def find_target(key: str) -> Component | Feature | None:
    """The component or feature behind a candidate's key, None for anything else."""
    kind, _, number = key.partition(":")
    if not number.isdecimal() or len(number) > 18:
        return None
    if kind == "component":
        return Component.objects.filter(pk=int(number)).first()
    return Feature.objects.filter(pk=int(number)).first() if kind == "feature" else None
