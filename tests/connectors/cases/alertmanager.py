"""Alertmanager in the contract suite."""

from __future__ import annotations

from tests.connectors.cases import Case
from tests.connectors.test_alertmanager import AlertmanagerWorld, small_world


def spoiled() -> AlertmanagerWorld:
    world = small_world()
    world.add_alert("bad", startsAt="now")
    world.add_silence("bad", endsAt=None)
    return world


CASE = Case(good=small_world, empty=AlertmanagerWorld, spoiled=spoiled)
