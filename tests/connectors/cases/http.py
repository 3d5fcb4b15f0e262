"""A generic HTTP source in the contract suite."""

from __future__ import annotations

from tests.connectors.cases import Case
from tests.connectors.http_world import EVERY_KIND, HttpWorld, small_world, spoiled_world

CASE = Case(
    good=small_world,
    empty=HttpWorld,
    spoiled=spoiled_world,
    config={"mapping": EVERY_KIND, "since_parameter": "since"},
)
