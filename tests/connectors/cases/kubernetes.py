"""Kubernetes in the contract suite."""

from __future__ import annotations

from datetime import timedelta

from tests.connectors.cases import CANARY, Case
from tests.connectors.kubernetes_world import KubernetesWorld, good_world


def spoiled() -> KubernetesWorld:
    world = good_world()
    world.add("jobs", "bad", age=timedelta(days=1), metadata={"creationTimestamp": "yesterday"})
    return world


CASE = Case(
    good=good_world,
    empty=KubernetesWorld,
    spoiled=spoiled,
    secrets={"token": "kube-token"},
    credentials=(({}, {"token": CANARY}),),
)
