"""Dagster in the contract suite."""

from __future__ import annotations

from tests.connectors.cases import CANARY, Case
from tests.connectors.dagster_world import DagsterWorld, small_world


def spoiled() -> DagsterWorld:
    world = small_world()
    world.add_run("bad", startTime="yesterday")
    return world


CASE = Case(
    good=small_world,
    empty=DagsterWorld,
    spoiled=spoiled,
    credentials=(
        ({"auth": "bearer"}, {"token": CANARY}),
        ({"auth": "dagster_plus"}, {"token": CANARY}),
    ),
)
