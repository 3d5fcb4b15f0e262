"""A LiteLLM proxy in the contract suite."""

from __future__ import annotations

from tests.connectors.cases import CANARY, Case
from tests.connectors.test_litellm import LitellmWorld, small_world


def spoiled() -> LitellmWorld:
    world = small_world()
    world.lines.append("litellm_spend_metric_total{ 1")
    return world


CASE = Case(
    good=small_world,
    empty=LitellmWorld,
    spoiled=spoiled,
    credentials=(({}, {"api_key": CANARY}),),
    speaks="text/plain",
)
