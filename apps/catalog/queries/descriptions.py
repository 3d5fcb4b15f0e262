"""The catalog as plain values: what the audit log keeps, what a file is compared with, what an export holds."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import Model

from apps.catalog.document.plan import ARROW, Catalog, Description
from apps.catalog.models import Component, Dependency, Environment, Feature, Membership, Promise, Team


def describe(entry: Model) -> Description:
    """What the entry says, in JSON types and in the words of a catalog file, without its slug."""
    if isinstance(entry, Team):
        return _fields(entry, "name", "channel", "on_call", "time_zone", "is_demo")
    if isinstance(entry, Environment):
        return _fields(entry, "name", "rank", "is_production", "is_demo")
    if isinstance(entry, Feature):
        return _describe_feature(entry)
    if isinstance(entry, Component):
        return _describe_component(entry)
    if isinstance(entry, Membership):
        return {"team": entry.team.slug, "user": entry.user.get_username(), "role": str(entry.role)}
    if isinstance(entry, Dependency):
        return {"from": entry.consumer.slug, "to": entry.provider.slug}
    raise TypeError(f"{type(entry).__name__} is not part of the catalog")


def describe_catalog() -> Catalog:
    """The whole catalog in six queries; a dependency is demo when its consumer is."""
    features = Feature.objects.select_related("team").prefetch_related("promises")
    components = Component.objects.select_related("team", "feature")
    dependencies = Dependency.objects.select_related("consumer", "provider").order_by(
        "consumer__slug", "provider__slug"
    )
    return {
        "teams": _by_slug(Team.objects.order_by("slug")),
        "environments": _by_slug(Environment.objects.order_by("rank", "slug")),
        "features": _by_slug(features.order_by("slug")),
        "components": _by_slug(components.order_by("slug")),
        "dependencies": {
            f"{one.consumer.slug}{ARROW}{one.provider.slug}": describe(one) | {"is_demo": one.consumer.is_demo}
            for one in dependencies
        },
    }


def known_slugs() -> dict[str, set[str]]:
    """The slugs that a document may refer to without naming them."""
    tables: dict[str, Any] = {"teams": Team, "features": Feature, "components": Component}
    return {section: set(table.objects.values_list("slug", flat=True)) for section, table in tables.items()}


def as_document() -> dict[str, list[Description]]:
    """The catalog in the format of a catalog file; applying it again changes nothing."""
    catalog = describe_catalog()
    document: dict[str, list[Description]] = {}
    for section, entries in catalog.items():
        document[section] = [
            ({} if section == "dependencies" else {"slug": slug}) | _without(entry, "is_demo", "is_retired")
            for slug, entry in entries.items()
        ]
    return document


def _describe_feature(feature: Feature) -> Description:
    fields = _fields(feature, "name", "summary", "tier", "runbook_url", "channel", "is_retired", "is_demo")
    promises = sorted(feature.promises.all(), key=lambda promise: promise.measure)
    return fields | {"team": feature.team.slug if feature.team else None, "promises": [*map(_promise, promises)]}


def _describe_component(component: Component) -> Description:
    return _fields(component, "name", "kind", "url", "is_critical", "is_demo") | {
        "feature": component.feature.slug if component.feature else None,
        "team": component.team.slug if component.team else None,
        "external_names": list(component.external_names),
        "freshness": component.freshness,
    }


def _promise(promise: Promise) -> Description:
    return {
        "measure": promise.measure,
        str(promise.comparison): promise.limit,
        "fails_at": promise.fails_at,
        "window_minutes": promise.window_minutes,
        "label": promise.label,
    }


def _by_slug(entries: Iterable[Any]) -> dict[str, Description]:
    return {entry.slug: describe(entry) for entry in entries}


def _fields(entry: Model, *names: str) -> Description:
    return {name: str(value) if isinstance(value := getattr(entry, name), str) else value for name in names}


def _without(entry: Description, *names: str) -> Description:
    return {key: value for key, value in entry.items() if key not in names}
