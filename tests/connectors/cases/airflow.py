"""Airflow in the contract suite."""

from __future__ import annotations

from tests.connectors.airflow_world import AirflowWorld, small_world
from tests.connectors.cases import CANARY, Case


def spoiled() -> AirflowWorld:
    world = small_world()
    world.add_run("bad", start_date="yesterday")
    return world


CASE = Case(
    good=small_world,
    empty=AirflowWorld,
    spoiled=spoiled,
    config={"auth": "bearer"},
    secrets={"token": "ready-made-token"},
    credentials=(({"auth": "bearer"}, {"token": CANARY}),),
)
