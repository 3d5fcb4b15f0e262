"""Prefect in the contract suite."""

from __future__ import annotations

from tests.connectors.cases import CANARY, Case
from tests.connectors.test_prefect import small_world
from tests.connectors.worlds import PrefectWorld


def spoiled() -> PrefectWorld:
    world = small_world()
    world.add_run("bad", "f-etl", start_time="yesterday")
    return world


CASE = Case(
    good=small_world,
    empty=PrefectWorld,
    spoiled=spoiled,
    credentials=(
        ({"auth": "basic"}, {"auth_string": f"ops:{CANARY}"}),
        ({"auth": "bearer"}, {"api_key": CANARY}),
    ),
    means_empty=frozenset({b"[]"}),
)
