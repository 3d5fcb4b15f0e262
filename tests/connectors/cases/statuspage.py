"""A status page in the contract suite."""

from __future__ import annotations

from tests.connectors.cases import Case
from tests.connectors.test_statuspage import StatuspageWorld, small_world


def spoiled() -> StatuspageWorld:
    world = small_world()
    world.add_component("Odd", status="on_fire")
    world.add_incident("bad", started_at="a while ago", created_at=None)
    world.add_maintenance("bad", scheduled_for=None)
    return world


CASE = Case(good=small_world, empty=StatuspageWorld, spoiled=spoiled)
