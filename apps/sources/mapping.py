"""From a source's own names to the catalog: which feature, component and environment a record belongs to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Any

from django.utils.text import slugify

from apps.catalog.models import Component, Environment, Feature
from apps.sources.identity import rules
from apps.sources.identity.naming import SeenNames
from apps.sources.identity.rules import Rule, Thing
from apps.sources.models import MappingRule, Source

FEATURE_LABEL = "feature"
COMPONENT_LABEL = "component"
ENVIRONMENT_LABEL = "environment"
LABELS = (FEATURE_LABEL, COMPONENT_LABEL, ENVIRONMENT_LABEL)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a record belongs; None where the catalog does not know."""

    feature_id: int | None = None
    component_id: int | None = None
    environment_id: int | None = None


@dataclass
class Names:
    """The catalog's names, read once and only when they are needed; share them between the sources of one batch."""

    @cached_property
    def components(self) -> dict[str, Component]:
        """Components by slug."""
        return {component.slug: component for component in Component.objects.order_by("pk")}

    @cached_property
    def components_by_id(self) -> dict[int, Component]:
        """Components by key."""
        return {component.pk: component for component in self.components.values()}

    @cached_property
    def exact(self) -> dict[str, Component]:
        """Components by the external names that are no patterns."""
        return {name: c for c in self.components.values() for name in c.external_names if not _is_pattern(name)}

    @cached_property
    def patterns(self) -> list[tuple[str, Component]]:
        """The external names with * and ?."""
        return [(name, c) for c in self.components.values() for name in c.external_names if _is_pattern(name)]

    @cached_property
    def features(self) -> dict[str, int]:
        """Feature ids by slug."""
        return dict(Feature.objects.values_list("slug", "pk"))

    @cached_property
    def environments(self) -> dict[str, int]:
        """Environment ids by slug."""
        return dict(Environment.objects.values_list("slug", "pk"))

    @cached_property
    def rules(self) -> list[Rule]:
        """The mapping rules in the order in which they are tried."""
        return [rule_of(row) for row in MappingRule.objects.filter(is_enabled=True).order_by("position", "pk")]


def rule_of(row: MappingRule) -> Rule:
    """A stored rule as the pure value that is compared with names."""
    return Rule(
        id=row.pk or 0,
        pattern=row.pattern,
        kind=row.kind,
        source_id=row.source_id,
        labels=tuple(sorted(row.labels.items())),
        payload=tuple(sorted(row.payload.items())),
        component_id=row.component_id,
        feature_id=row.feature_id,
        environment_id=row.environment_id,
    )


@dataclass(frozen=True, slots=True)
class _Looks:
    """The rules for one kind of record, and the labels and paths that decide which of them fit."""

    rules: list[Rule]
    labels: tuple[str, ...]
    paths: tuple[str, ...]


@dataclass
class Mapper:
    """Resolves the records of one source. Reads the catalog once; make a new one for every batch.

    Order: mapping rules; then a component whose `external_names` match, a `component` label, a `feature` label. What
    was asked is kept in `seen`, so that people hear of names that nobody knows.
    """

    source: Source
    names: Names = field(default_factory=Names)
    seen: SeenNames = field(init=False)
    _cache: dict[tuple[str, ...], Place] = field(default_factory=dict)
    _noted: set[tuple[str, ...]] = field(default_factory=set)
    _looked_at: dict[str, _Looks] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.seen = SeenNames(self.source.pk)

    def resolve(
        self,
        *,
        kind: str,
        name: str,
        labels: Mapping[str, str] | None = None,
        raw: Mapping[str, Any] | None = None,
        is_noted: bool = True,
    ) -> Place:
        """The place of the record `kind` called `name`; the source's own environment is the last resort.

        `raw` is the source's own item, for rules that look into it. `is_noted`: whether it is a name of its own, or
        only a second thing that goes by the name of another.
        """
        labels = labels or {}
        looks = self._looks(kind)
        asked = [str(labels.get(label, "")) for label in looks.labels]
        asked += [rules.payload_text(raw, path) if raw is not None else "" for path in looks.paths]
        key = (kind, name, *asked)
        if key not in self._cache:
            self._cache[key] = self._resolve(kind, name, labels, raw)
        place = self._cache[key]
        if is_noted and key not in self._noted:
            self._noted.add(key)
            self.seen.add(kind, name, labels, (place.component_id, place.feature_id, place.environment_id))
        return place

    def looks_into_items(self, kind: str) -> bool:
        """Whether a rule for this kind needs the source's own item."""
        return bool(self._looks(kind).paths)

    def _looks(self, kind: str) -> _Looks:
        """The rules for a kind, and what they look at; worked out once a batch."""
        if kind not in self._looked_at:
            own = [r for r in self.names.rules if r.source_id in (None, self.source.pk) and r.kind in ("", kind)]
            paths = sorted({path for rule in own for path, _ in rule.payload})
            self._looked_at[kind] = _Looks(own, (*LABELS, *rules.labels_used(own)), tuple(paths))
        return self._looked_at[kind]

    def _resolve(self, kind: str, name: str, labels: Mapping[str, str], raw: Mapping[str, Any] | None) -> Place:
        is_ruled = bool(self._looks(kind).rules)
        ruled = self._by_rules(Thing(self.source.pk, kind, name, labels, raw)) if is_ruled else Place()
        feature, component, environment = (str(labels.get(label, "")) for label in LABELS)
        if ruled.component_id is None and ruled.feature_id is None:
            found = self._by_external_name(kind, name) or self.names.components.get(component)
        else:
            found = self.names.components_by_id.get(ruled.component_id or 0)
        told = None if ruled.component_id else self.names.features.get(feature)
        feature_id = ruled.feature_id or told or (found.feature_id if found else None)
        environment_id = ruled.environment_id or self.names.environments.get(environment) or self.source.environment_id
        return Place(feature_id, found.pk if found else None, environment_id)

    def _by_rules(self, thing: Thing) -> Place:
        """What the rules say: of each part the first one that fits and says it."""
        component_id = feature_id = environment_id = None
        for rule in self._looks(thing.kind).rules:
            read = rules.fit(rule, thing)
            if read is None:
                continue
            known = {name: slugify(text.replace("_", "-")) for name, text in read.items()}
            component = self.names.components.get(known.get(COMPONENT_LABEL, ""))
            if component_id is None and feature_id is None:
                component_id = rule.component_id or (component.pk if component else None)
                feature_id = rule.feature_id or self.names.features.get(known.get(FEATURE_LABEL, ""))
            environment_id = (
                environment_id or rule.environment_id or self.names.environments.get(known.get(ENVIRONMENT_LABEL, ""))
            )
        return Place(feature_id, component_id, environment_id)

    def _by_external_name(self, kind: str, name: str) -> Component | None:
        full = f"{kind}:{name}"
        if component := self.names.exact.get(full):
            return component
        return next((component for pattern, component in self.names.patterns if fnmatchcase(full, pattern)), None)


def _is_pattern(name: str) -> bool:
    return any(sign in name for sign in "*?[")
