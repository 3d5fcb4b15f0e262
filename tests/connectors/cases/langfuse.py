"""Langfuse in the contract suite."""

from __future__ import annotations

from tests.connectors.cases import CANARY, Case
from tests.connectors.test_langfuse import CONFIG, SECRETS, LangfuseWorld, small_world


def spoiled() -> LangfuseWorld:
    world = small_world()
    world.metas.append({"name": "bad", "versions": [1], "labels": [], "tags": [], "lastUpdatedAt": "soon"})
    return world


CASE = Case(
    good=small_world,
    empty=LangfuseWorld,
    spoiled=spoiled,
    config=CONFIG,
    secrets=SECRETS,
    credentials=(({}, {"secret_key": CANARY}),),
)
