"""Argo CD in the contract suite."""

from __future__ import annotations

from tests.connectors.argocd_world import ArgoWorld, entry, good_world
from tests.connectors.cases import CANARY, Case


def spoiled() -> ArgoWorld:
    world = good_world()
    world.apps[0]["status"]["history"].append({**entry(9, "zzz", world.clock), "deployedAt": "yesterday"})
    world.apps.append({"metadata": {"name": "nobody"}, "spec": {"project": "shop"}})
    return world


CASE = Case(
    good=good_world,
    empty=ArgoWorld,
    spoiled=spoiled,
    secrets={"token": "argo-token"},
    credentials=(({}, {"token": CANARY}),),
)
