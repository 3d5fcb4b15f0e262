"""How the contract suite talks to each connector: one module a connector, called like its key, holding `CASE`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from tests.connectors.worlds import World

CANARY = "canary-S3cret-0815"


@dataclass(frozen=True)
class Case:
    """How to make one connector talk to the test's upstream.

    good, empty, spoiled: upstreams with every kind of record, with nothing, and with one item that cannot be read
    (which has everything of the good one too). `credentials` are (config, secrets) for each way to authenticate,
    `secrets` what the connector needs in any case. `means_empty` are bodies that the real system sends for
    "nothing there"; `speaks` is the content type of its answers.
    """

    good: Callable[[], World]
    empty: Callable[[], World]
    spoiled: Callable[[], World]
    config: Mapping[str, Any] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    credentials: tuple[tuple[Mapping[str, Any], Mapping[str, str]], ...] = (
        ({"auth": "basic", "username": "ops"}, {"password": CANARY}),
        ({"auth": "bearer"}, {"token": CANARY}),
    )
    means_empty: frozenset[bytes] = frozenset()
    speaks: str = "application/json"


def case_of(key: str) -> Case:
    """The case of a connector; a new connector brings one."""
    found = import_module(f"tests.connectors.cases.{key}").CASE
    assert isinstance(found, Case)
    return found
