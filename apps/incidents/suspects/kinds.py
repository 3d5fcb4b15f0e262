"""What is known of each kind beforehand: how often it is the cause, how soon it shows, and where."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from apps.incidents.suspects.facts import CauseKind, Numbers

K = CauseKind
MINUTE = 60.0
HOUR = 3_600.0
# Beta(causes, others) of one candidate of the kind, before anybody gave a verdict
BELIEFS: dict[CauseKind, tuple[float, float]] = {
    K.DEPLOYMENT: (4.0, 16.0),
    K.PROMPT: (4.0, 14.0),
    K.MODEL: (4.0, 14.0),
    K.INDEX: (4.0, 14.0),
    K.CONFIG: (3.5, 15.0),
    K.PIPELINE: (5.0, 11.0),  # a failure is news by itself, a deployment is not
    K.PROVIDER: (6.0, 10.0),
    K.UPSTREAM: (1.0, 24.0),
    K.OTHER: (1.0, 18.0),
}
# How much of the effects show within minutes, within an hour, and later
DELAYS: dict[CauseKind, tuple[float, float, float]] = {
    K.DEPLOYMENT: (0.72, 0.2, 0.08),
    K.PROMPT: (0.6, 0.28, 0.12),
    K.MODEL: (0.64, 0.25, 0.11),
    K.INDEX: (0.5, 0.34, 0.16),
    K.CONFIG: (0.6, 0.28, 0.12),
    K.PIPELINE: (0.38, 0.4, 0.22),
    K.PROVIDER: (0.82, 0.14, 0.04),
    K.UPSTREAM: (0.82, 0.14, 0.04),
    K.OTHER: (0.6, 0.28, 0.12),
}
SOON, LATER, LATEST = 8 * MINUTE, 75 * MINUTE, 30 * HOUR
# How much more, or less, a kind moves a family of measures than kinds do on the whole
AFFINITY: dict[CauseKind, dict[str, float]] = {
    K.DEPLOYMENT: {"latency": 1.4, "accuracy": 1.0, "fallback": 1.1, "retrieval": 0.8, "safety": 0.6, "cache": 1.1},
    K.PROMPT: {"accuracy": 1.3, "safety": 1.7, "engagement": 1.5, "cost": 1.2, "latency": 0.7, "retrieval": 0.4},
    K.MODEL: {"accuracy": 1.2, "safety": 1.2, "cost": 1.5, "latency": 1.2, "retrieval": 0.4, "cache": 0.6},
    K.INDEX: {"retrieval": 2.0, "accuracy": 1.2, "cost": 0.6, "safety": 0.6, "latency": 0.9},
    K.CONFIG: {"cache": 1.6, "cost": 1.1, "latency": 1.1},
    K.PIPELINE: {"retrieval": 1.6, "accuracy": 1.2, "latency": 0.5, "cost": 0.5, "engagement": 1.1, "safety": 0.6},
    K.PROVIDER: {"latency": 1.4, "fallback": 1.7, "accuracy": 1.2, "retrieval": 0.5, "cost": 0.8, "safety": 0.6},
    K.UPSTREAM: {},
    K.OTHER: {},
}


def prior(kind: CauseKind, verdicts: Mapping[CauseKind, tuple[float, float]] | None = None) -> float:
    """The chance that one candidate of a kind is a cause, after `verdicts` (causes, cleared) of the kind."""
    causes, others = BELIEFS[kind]
    more = (verdicts or {}).get(kind, (0.0, 0.0))
    return (causes + more[0]) / (causes + others + sum(more))


def priors(verdicts: Mapping[CauseKind, tuple[float, float]] | None = None) -> dict[CauseKind, float]:
    """The same of every kind."""
    return {kind: prior(kind, verdicts) for kind in CauseKind}


def delay_density(kind: CauseKind, delay: Numbers) -> Numbers:
    """The chance, a second, that an effect shows so many seconds after its cause; a little before: clocks differ."""
    soon, later, latest = DELAYS[kind]
    after = np.maximum(delay, 0.0)
    density = soon / (SOON * 1.2533) * np.exp(-((after / SOON) ** 2) / 2) + later / LATER * np.exp(-after / LATER)
    density = density + latest * np.where(after < LATEST, 1 / ((after + HOUR) * np.log((LATEST + HOUR) / HOUR)), 0.0)
    early: Numbers = density * np.exp(np.minimum(delay, 0.0) / (1.5 * MINUTE))
    return early


def affinity(kind: CauseKind, shares: Mapping[str, float]) -> float:
    """How well a kind fits the families that moved; `shares` add up to one."""
    known = AFFINITY[kind]
    return float(np.exp(1.5 * sum(share * np.log(known.get(family, 1.0)) for family, share in shares.items())))
