"""Phoenix in the contract suite."""

from __future__ import annotations

from tests.connectors.cases import Case
from tests.connectors.test_phoenix import PhoenixWorld, small_world


def spoiled() -> PhoenixWorld:
    world = small_world()
    world.add_prompt("bad", "text")["versions"][0]["number"] = "first"
    return world


CASE = Case(good=small_world, empty=PhoenixWorld, spoiled=spoiled, config={"backfill_days": 1})
