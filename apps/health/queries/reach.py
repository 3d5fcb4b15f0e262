"""Which components a feature is made of and depends on through them, and how far old data are carried.

Data are carried from what holds them to whatever needs that, step by step, but never through an evaluation suite: an
evaluation that is missing makes no answer old.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final

from django.db import connection

from apps.catalog.models import ComponentKind

HOLDING: Final = [  # kinds of component that hold or move data that answers are made from
    ComponentKind.PIPELINE.value,
    ComponentKind.INDEX.value,
    ComponentKind.DATASTORE.value,
    ComponentKind.CACHE.value,
]
_FARTHEST: Final = 8  # steps; a circle of dependencies ends there
_REACH = """
WITH RECURSIVE reached (feature_id, component_id, distance, is_serving) AS (
    SELECT feature_id, id, 0, kind <> %(suite)s FROM catalog_component WHERE feature_id = ANY(%(features)s)
    UNION
    SELECT reached.feature_id, needed.provider_id, reached.distance + 1,
           reached.is_serving AND provider.kind <> %(suite)s
    FROM reached JOIN catalog_dependency needed ON needed.consumer_id = reached.component_id
    JOIN catalog_component provider ON provider.id = needed.provider_id
    WHERE reached.distance < %(farthest)s
)
SELECT reached.feature_id, reached.component_id, component.name, min(reached.distance),
       bool_or(reached.is_serving), bool_or(reached.is_serving AND component.kind = ANY(%(holding)s))
FROM reached JOIN catalog_component component ON component.id = reached.component_id
GROUP BY 1, 2, 3
ORDER BY 1, 4, 2
"""
_CARRIED = """
WITH RECURSIVE carried (component_id, distance) AS (
    SELECT id, 0 FROM catalog_component WHERE id = ANY(%(components)s) AND kind = ANY(%(holding)s)
    UNION
    SELECT needing.consumer_id, carried.distance + 1
    FROM carried JOIN catalog_dependency needing ON needing.provider_id = carried.component_id
    JOIN catalog_component consumer ON consumer.id = needing.consumer_id AND consumer.kind <> %(suite)s
    WHERE carried.distance < %(farthest)s
)
SELECT component_id, min(distance) FROM carried GROUP BY 1 ORDER BY 2, 1
"""
_STANDS_ON = """
WITH RECURSIVE needed (component_id, distance) AS (
    SELECT id, 0 FROM catalog_component WHERE id = %(component)s AND kind <> %(suite)s
    UNION
    SELECT below.provider_id, needed.distance + 1
    FROM needed JOIN catalog_dependency below ON below.consumer_id = needed.component_id
    JOIN catalog_component provider ON provider.id = below.provider_id AND provider.kind <> %(suite)s
    WHERE needed.distance < %(farthest)s
)
SELECT needed.component_id, min(needed.distance)
FROM needed JOIN catalog_component component ON component.id = needed.component_id
WHERE component.kind = ANY(%(holding)s) GROUP BY 1 ORDER BY 2, 1
"""


@dataclass(frozen=True, slots=True)
class Part:
    """A component as one feature sees it; `distance` 0 is its own.

    `is_serving`: answers need it, not only their evaluation. `is_data`: they are made from what it holds.
    """

    feature_id: int
    component_id: int
    name: str
    distance: int
    is_serving: bool = True
    is_data: bool = False


def reach(*, feature_ids: Collection[int]) -> dict[int, list[Part]]:
    """component -> the features that are touched when it breaks."""
    found: dict[int, list[Part]] = {}
    for row in _rows(_REACH, features=list(feature_ids)):
        part = Part(*row)
        found.setdefault(part.component_id, []).append(part)
    return found


def carried(*, component_ids: Collection[int]) -> dict[int, int]:
    """Everything whose data are old when those of the components are, themselves included -> how many steps away."""
    return dict(_rows(_CARRIED, components=list(component_ids)))


def stands_on(*, component_id: int) -> dict[int, int]:
    """Everything that holds data from which a component is made, itself included -> how many steps away."""
    return dict(_rows(_STANDS_ON, component=component_id))


def _rows(query: str, **params: Any) -> list[Any]:
    fixed: dict[str, Any] = {"farthest": _FARTHEST, "holding": HOLDING, "suite": ComponentKind.EVALUATION_SUITE.value}
    with connection.cursor() as cursor:
        cursor.execute(query, fixed | params)
        return list(cursor.fetchall())
