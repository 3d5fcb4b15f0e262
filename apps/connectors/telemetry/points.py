"""The one form of a data point, whatever protocol brought it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from apps.connectors.telemetry.histograms import Histogram
from apps.connectors.values import finite

MOST_POINTS = 20_000  # of one request
MOST_REASONS = 20  # told of one request


class UndecodableError(ValueError):
    """A whole request cannot be read; the text says why, for whoever set up the sender."""


class Shape(StrEnum):
    """What a number counts."""

    GAUGE = "gauge"  # as it is now
    CUMULATIVE = "cumulative"  # everything since `start`
    DELTA = "delta"  # what came between `start` and `at`


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One number or one histogram of one stream at one time.

    `labels` tell series apart; `identity` tells streams apart, by more than what is worth showing (a process id).
    Times are epoch seconds; `start` is 0 when the sender does not say since when it counts.
    """

    name: str
    labels: Mapping[str, str]
    identity: str
    at: float
    value: float = 0.0
    histogram: Histogram | None = None
    shape: Shape = Shape.GAUGE
    start: float = 0.0
    unit: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One cumulative bucket of a classic Prometheus histogram; the others may come in another request."""

    name: str
    labels: Mapping[str, str]  # without le
    identity: str
    at: float
    bound: float
    count: float


@dataclass(slots=True)
class Decoded:
    """What a request held; `refused` is by name of metric why some of its points were left out."""

    points: list[Point] = field(default_factory=list)
    parts: list[Part] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    refused_points: int = 0

    def refuse(self, name: str, reason: str, *, points: int = 1) -> None:
        """Leave points out and keep the first reason for each metric."""
        self.refused_points += points
        if len(self.refused) < MOST_REASONS:
            self.refused.setdefault(name[:512], reason)


def is_storable(value: float) -> bool:
    """Whether a sample may have this value: NaN, infinities and what stands for them may not be stored."""
    return math.isfinite(value) and finite(value) is not None
