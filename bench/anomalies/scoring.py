"""Scores of detectors by windows: early detection is rewarded, false alarms cost, one threshold for all series.

The scheme is that of Lavin and Ahmad, "Evaluating Real-time Anomaly Detection Algorithms" (2015), standard profile:
the best alarm of a window earns up to 1 the earlier it comes, a missed window costs 1, a false alarm up to 0.11. The
sum is put on a scale where 0 is silence and 100 is every window found at its first row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp
from typing import Final

import numpy as np

from bench.anomalies.made import Array, Labelled

FALSE_ALARM: Final = 0.11
_PROBATION: Final = (0.15, 750)  # share of the rows, at most so many, in which alarms do not count
_GRID: Final = 400


def _sigmoid(place: float) -> float:
    return 2 / (1 + exp(5 * place)) - 1


@dataclass(frozen=True, slots=True)
class Found:
    """What one threshold finds: windows hit and there, false alarms, the windowed score, rows from start to alarm."""

    threshold: float
    score: float
    hits: int
    windows: int
    false_alarms: int
    delays: list[int]

    @property
    def recall(self) -> float:
        """Share of windows with an alarm."""
        return self.hits / self.windows if self.windows else 1.0

    @property
    def precision(self) -> float:
        """Windows hit among windows hit and false alarms."""
        told = self.hits + self.false_alarms
        return self.hits / told if told else 1.0


def judge(series: Sequence[Labelled], scores: Sequence[Array], threshold: float) -> Found:
    """All series under one threshold."""
    total, hits, windows, false_alarms, delays = 0.0, 0, 0, 0, []
    for one, score in zip(series, scores, strict=True):
        first = int(min(_PROBATION[0] * len(score), _PROBATION[1]))
        alarms = [row for row in np.flatnonzero(score >= threshold).tolist() if row >= first]
        for begin, end in one.windows:
            inside = [row for row in alarms if begin <= row <= end]
            windows += 1
            total += _sigmoid((inside[0] - end - 1) / (end - begin + 1)) / _sigmoid(-1.0) if inside else -1.0
            if inside:
                hits += 1
                delays.append(inside[0] - begin)
        outside = [row for row in alarms if not any(begin <= row <= end for begin, end in one.windows)]
        false_alarms += len(outside)
        total -= FALSE_ALARM * sum(_cost(row, one.windows) for row in outside)
    scale = 100 * (total + windows) / (2 * windows) if windows else 0.0
    return Found(threshold, scale, hits, windows, false_alarms, delays)


def best(series: Sequence[Labelled], scores: Sequence[Array]) -> Found:
    """The threshold at which these scores do best; every detector gets this favour."""
    kept = np.unique(np.concatenate([np.sort(score)[-100:] for score in scores]))
    if len(kept) > _GRID:
        kept = np.quantile(kept, np.linspace(0, 1, _GRID))
    return max((judge(series, scores, float(value)) for value in kept if value > 0), key=lambda found: found.score)


def _cost(row: int, windows: Sequence[tuple[int, int]]) -> float:
    """1 for an alarm out of nowhere, less just after a window."""
    before = [(begin, end) for begin, end in windows if end < row]
    if not before:
        return 1.0
    begin, end = before[-1]
    return -_sigmoid(min((row - end) / max(end - begin, 1), 3.0))
