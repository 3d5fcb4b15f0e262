"""MLflow in the contract suite."""

from __future__ import annotations

from tests.connectors.cases import Case
from tests.connectors.test_mlflow import small_world
from tests.connectors.worlds import MlflowWorld


def spoiled() -> MlflowWorld:
    world = small_world()
    world.add_run("bad", info={"start_time": "soon"})
    return world


CASE = Case(good=small_world, empty=MlflowWorld, spoiled=spoiled, means_empty=frozenset({b"{}"}))
