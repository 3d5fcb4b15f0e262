"""What the ranking looks at: plain values, times in seconds since 1970."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]


class CauseKind(StrEnum):
    """The kinds of suspect; each has a prior, a usual delay and measures that it usually moves."""

    DEPLOYMENT = "deployment"
    PROMPT = "prompt"
    MODEL = "model"
    INDEX = "index"
    CONFIG = "config"
    PIPELINE = "pipeline"
    PROVIDER = "provider"
    UPSTREAM = "upstream"  # an alert on something that the feature needs
    OTHER = "other"


KIND_WORDS: dict[CauseKind, str] = {
    CauseKind.DEPLOYMENT: "Deployment",
    CauseKind.PROMPT: "Prompt",
    CauseKind.MODEL: "Model",
    CauseKind.INDEX: "Index",
    CauseKind.CONFIG: "Configuration",
    CauseKind.PIPELINE: "Pipeline",
    CauseKind.PROVIDER: "Provider",
    CauseKind.UPSTREAM: "Alert upstream",
    CauseKind.OTHER: "Other change",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """Something that may have been the cause. `begun_at` is before `at` for what took a while to roll out.

    `undone_at`: when it was taken back, resolved or made good. `is_elsewhere`: it happened outside production.
    """

    key: str
    kind: CauseKind
    title: str
    at: float
    begun_at: float
    component_id: int | None = None
    feature_id: int | None = None
    undone_at: float | None = None
    undone_by: str = ""
    is_elsewhere: bool = False
    is_failed: bool = False  # it did not take effect
    actor: str = ""
    url: str = ""
    detail: str = ""
    event_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One symptom. `values` are means of bins with `counts` samples, at `times`; `better` is "up", "down", "neutral".

    `usual` is its value at each hour of the day (UTC) over the week before, NaN where nobody knows.
    """

    key: str
    label: str
    family: str
    better: str
    times: Numbers
    values: Numbers
    counts: Numbers
    usual: Numbers
    feature_id: int | None = None
    component_id: int | None = None
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Neighbour:
    """How another series did around the onset: in its own noise, how far it went into the bad direction (sigmas)."""

    feature_id: int | None
    component_id: int | None
    moved: float


@dataclass(frozen=True, slots=True)
class Graph:
    """Who needs whom: `needed_by` maps a component to those that need it, `feature_of` to its feature."""

    needed_by: Mapping[int, Sequence[int]]
    feature_of: Mapping[int, int | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """What people say of the times; `until` is where the data end."""

    impact_started_at: float
    detected_at: float
    mitigated_at: float | None
    until: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Everything that one ranking needs."""

    times: Times
    features: frozenset[int]
    candidates: Sequence[Candidate]
    graph: Graph
    priors: Mapping[CauseKind, float]
    names: Mapping[int, str] = field(default_factory=dict)  # of features


@dataclass(frozen=True, slots=True)
class Reason:
    """One line of the explanation: what was looked at, in words with numbers, and the factor it brought."""

    name: str
    text: str
    factor: float
    weight: str = ""  # the factor in words


@dataclass(frozen=True, slots=True)
class Suspect:
    """A candidate with its place: `score` is the chance that it is the cause, from 0 to 1."""

    candidate: Candidate
    score: float
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Ranking:
    """The answer: suspects, most likely first, the chance that none of them is it, and when it really began."""

    suspects: tuple[Suspect, ...]
    none_score: float
    is_convincing: bool
    onset_at: float
    onset_low: float
    onset_high: float
    onset_text: str
    sentence: str
