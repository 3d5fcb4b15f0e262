"""What systems report of a world, before anybody knows what it means; times in seconds since 1970."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from bench.scenarios.world import World


@dataclass(slots=True)
class Act:
    """A change. `told_as`: deployment, label, change; `what` is its kind of cause."""

    id: str
    what: str
    told_as: str
    component: str
    environment: str
    at: float
    title: str
    before: str
    after: str
    actor: str = "ann"
    takes: float = 0.0  # seconds of a rollout that ends at `at`


@dataclass(slots=True)
class Execution:
    """A run of a pipeline."""

    id: int
    pipeline: str
    state: str
    scheduled_for: float
    started_at: float
    finished_at: float


@dataclass(slots=True)
class Stream:
    """A series with all of its samples."""

    key: str
    measure: str
    feature: str
    component: str
    better: str
    family: str
    unit: str
    times: np.ndarray
    values: np.ndarray
    noise: float


@dataclass(slots=True)
class Truth:
    """What really happened; `cause` is the id of an act, the component of a pipeline, or "" for none."""

    kind: str
    cause: str
    component: str
    onset: float
    features: list[str]


@dataclass(slots=True)
class Scenario:
    """A whole world with one incident to explain."""

    seed: int
    world: World
    acts: list[Act] = field(default_factory=list)
    runs: list[Execution] = field(default_factory=list)
    streams: list[Stream] = field(default_factory=list)
    truth: Truth | None = None
    declared: list[str] = field(default_factory=list)
    impact_started_at: float = 0.0
    detected_at: float = 0.0
    mitigated_at: float | None = None
    now: float = 0.0
    traits: dict[str, object] = field(default_factory=dict)
