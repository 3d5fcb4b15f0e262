"""The dependency map as a drawing."""

from __future__ import annotations

from typing import Final

from django.urls import reverse
from django.utils.http import urlencode

from apps.catalog.models import Component, Feature
from apps.core.ui.graph import Graph, Node, Part
from apps.health.queries import Map
from apps.health.status import HealthStatus, PartStatus

DRAWN: Final = 160  # boxes; among more nobody finds one, and the table has them all


def map_graph(found: Map, feature: Feature | None) -> Graph | None:
    """The map as boxes and lines, of what a chosen component reaches if all is too much; None if that is as well."""
    parts, chosen = found.known.parts, found.chosen and found.chosen.component
    up = set(parts.ways_up(chosen.pk)) | {chosen.pk} if chosen else set()
    down = set(parts.ways_down(chosen.pk)) if chosen else set()
    hit = {one.feature.pk for one in found.touched}
    shown = {row.component.pk for row in found.rows} | up
    if chosen and len(shown) > DRAWN:
        shown = up | down
    owners = {pk: owner for pk in shown if (owner := parts.owners[pk]) and (not feature or owner in {*hit, feature.pk})}
    features = sorted((found.known.features[pk] for pk in set(owners.values())), key=lambda one: (one.tier, one.name))
    if len(shown) + len(features) > DRAWN:
        return None
    boxes = [_feature_box(one, _part(chosen is None, one.pk in hit)) for one in features]
    for pk, one in found.known.components.items():
        if pk in shown:
            status = found.known.states.get(pk, (PartStatus.UNKNOWN, ""))[0]
            part: Part = "chosen" if chosen and pk == chosen.pk else _part(chosen is None, pk in up, pk in down)
            boxes.append(_component_box(one, status, part, feature))
    lines = [(f"f{owner}", f"c{pk}") for pk, owner in owners.items()]
    lines += [(f"c{a}", f"c{b}") for a, b in parts.needs if a in shown and b in shown]
    label = "Who needs whom: what stands left needs what stands right"
    return Graph(boxes, lines, [f"f{one.pk}" for one in features], label)


def _part(is_calm: bool, is_touched: bool, is_needed: bool = False) -> Part:
    return "" if is_calm else "touched" if is_touched else "needed" if is_needed else "aside"


def _feature_box(one: Feature, part: Part) -> Node:
    health = getattr(one, "health", None)
    status = HealthStatus(health.status) if health else HealthStatus.UNKNOWN
    return Node(f"f{one.pk}", one.name, "Feature", status.look, _url(feature=one.slug), part)


def _component_box(one: Component, status: PartStatus, part: Part, feature: Feature | None) -> Node:
    url = _url(component=one.slug, **({"feature": feature.slug} if feature else {}))
    return Node(f"c{one.pk}", one.name, str(one.get_kind_display()), status.look, url, part)


def _url(**asked: str) -> str:
    return f"{reverse('health:map')}?{urlencode(sorted(asked.items()))}"
