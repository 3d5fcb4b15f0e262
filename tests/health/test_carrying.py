"""How far old data are carried, against a slow and obvious reference: circles and evaluation suites included."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.catalog.models import Component, Dependency
from apps.health.queries.reach import HOLDING, carried, reach, stands_on
from tests.factories import make_component, make_feature

COMPONENTS = 7
FEATURES = 3
KINDS = ["pipeline", "index", "datastore", "service", "evaluation_suite"]

nodes = st.integers(0, COMPONENTS - 1)
edge_sets = st.sets(st.tuples(nodes, nodes).filter(lambda edge: edge[0] != edge[1]), max_size=14)
owners = st.lists(st.one_of(st.none(), st.integers(0, FEATURES - 1)), min_size=COMPONENTS, max_size=COMPONENTS)
kinds = st.lists(st.sampled_from(KINDS), min_size=COMPONENTS, max_size=COMPONENTS)


def carried_slowly(edges: set[tuple[int, int]], kind: list[str], start: int) -> set[int]:
    """Everything that needs `start`, again and again until nothing comes to it."""
    found = {start} if kind[start] in HOLDING else set()
    while True:
        more = {a for a, b in edges if b in found and kind[a] != "evaluation_suite"} - found
        if not more:
            return found
        found |= more


@pytest.fixture
def world(db):
    return [make_feature() for _ in range(FEATURES)], [make_component() for _ in range(COMPONENTS)]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(edges=edge_sets, owned_by=owners, kind=kinds, start=nodes)
def test_what_is_carried_agrees_with_the_reference_in_both_directions(world, edges, owned_by, kind, start):
    features, components = world
    Dependency.objects.all().delete()
    for component, owner, its in zip(components, owned_by, kind, strict=True):
        component.feature = None if owner is None else features[owner]
        component.kind = its
    Component.objects.bulk_update(components, ["feature", "kind"])
    Dependency.objects.bulk_create(Dependency(consumer=components[a], provider=components[b]) for a, b in edges)

    expected = carried_slowly(edges, kind, start)
    assert set(carried(component_ids=[components[start].pk])) == {components[n].pk for n in expected}

    marked = {owned_by[n] for n in expected if owned_by[n] is not None}
    parts = reach(feature_ids=[feature.pk for feature in features]).get(components[start].pk, [])
    assert {part.feature_id for part in parts if part.is_data} == {features[n].pk for n in marked}

    above = {n for n in range(COMPONENTS) if components[start].pk in stands_on(component_id=components[n].pk)}
    assert above == expected
