"""One world, one evening in November, and the application that shows it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from apps.demo.server import create_app
from apps.demo.world.dice import World
from tests.demo.polling import Town

NOW = 1_795_470_000  # 2026-11-23 21:40 UTC, a Monday


@pytest.fixture(scope="session")
def world() -> World:
    return World(seed=7)


@pytest.fixture(scope="session")
def now() -> int:
    return NOW


@pytest.fixture(scope="session")
def app() -> Any:
    return create_app(seed=7, clock=lambda: NOW)


@pytest.fixture(scope="session")
def _town() -> Iterator[Town]:
    found = Town(NOW)
    yield found
    found.close()


@pytest.fixture
def town(_town: Town) -> Iterator[Town]:
    """The demo as a server, its clock set to that evening again after every test."""
    yield _town
    _town.at = NOW
