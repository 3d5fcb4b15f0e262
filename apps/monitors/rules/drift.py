"""Does the distribution of recent values still look like that of a baseline?"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from apps.monitors.rules.reading import Level, Levels, ParameterError, Reading, Rule

_BINS: Final = 10
_ADDED: Final = 0.5  # values in every bin, so that an empty one of a small window says no more than it knows
_MOST: Final = 2000  # values of a baseline or of a window
_DAY: Final = 86_400.0
METHODS: Final = {"psi": "PSI", "ks": "Kolmogorov–Smirnov", "wasserstein": "Wasserstein"}


def psi(baseline: Sequence[float], recent: Sequence[float]) -> float:
    """Population stability index Σ(p−q)·ln(p/q) over the deciles of the baseline; 0.1 is some, 0.25 much."""
    edges = np.unique(np.quantile(baseline, np.linspace(0, 1, _BINS + 1)[1:-1]))
    shares = []
    for values in (recent, baseline):
        counts = np.bincount(np.searchsorted(edges, values, side="right"), minlength=len(edges) + 1)
        shares.append((counts + _ADDED) / (len(values) + _ADDED * len(counts)))
    return float(((shares[0] - shares[1]) * np.log(shares[0] / shares[1])).sum())


def ks(baseline: Sequence[float], recent: Sequence[float]) -> float:
    """The largest distance of the two distribution functions, 0 to 1 (scipy's two-sample statistic)."""
    from scipy.stats import ks_2samp  # a second of loading that only drift monitors need

    return float(ks_2samp(baseline, recent).statistic)


def wasserstein(baseline: Sequence[float], recent: Sequence[float]) -> float:
    """Earth mover's distance in standard deviations of the baseline (scipy)."""
    from scipy.stats import wasserstein_distance

    spread = float(np.std(baseline)) or abs(float(np.mean(baseline))) or 1.0
    return float(wasserstein_distance(baseline, recent)) / spread


_MEASURES: Final = {"psi": psi, "ks": ks, "wasserstein": wasserstein}


class Drift(Rule):
    """The first days are the baseline; from then on the last hours are compared with it, once an hour."""

    def __init__(self, parameters: Mapping[str, Any], memory: Mapping[str, Any]) -> None:
        self.method = str(parameters.get("method") or "psi")
        if self.method not in _MEASURES:
            raise ParameterError("Its method must be PSI, KS or Wasserstein.")
        self.levels = Levels.of({**parameters, "direction": "above"})
        self.baseline_for = _DAY * float(parameters.get("days") or 7)
        self.window = 3600.0 * float(parameters.get("hours") or 24)
        self.least = int(parameters.get("samples") or 30)
        self.baseline: list[float] = list(memory.get("baseline", ()))
        self.started = memory.get("started")
        self.seen = int(memory.get("seen", 0))
        self.recent = deque(((at, value) for at, value in memory.get("recent", ())), maxlen=_MOST)
        self.judged_at = float(memory.get("judged_at", 0.0))
        self.level = Level(memory.get("level", 0))

    def step(self, at: float, value: float) -> Reading | None:
        """Judge once an hour after the baseline is complete."""
        self.started = at if self.started is None else self.started
        if at < self.started + self.baseline_for:
            self._learn(value)
            return None
        self.recent.append((at, value))
        while self.recent[0][0] <= at - self.window:
            self.recent.popleft()
        if at - self.judged_at < 3600.0 or min(len(self.recent), len(self.baseline)) < self.least:
            return None
        self.judged_at = at
        found = _MEASURES[self.method](self.baseline, [value for _, value in self.recent])
        self.level = self.levels.judge(found, self.level)
        why = f"{METHODS[self.method]} says {found:.2f}: recent values differ from the baseline" if self.level else ""
        return Reading(self.level, found, why)

    def _learn(self, value: float) -> None:
        """A baseline of at most so many values: every second one goes when it is full, later ones come as rarely."""
        stride = 1 << max(0, (self.seen // _MOST).bit_length())
        if len(self.baseline) >= _MOST:
            self.baseline = self.baseline[::2]
        if self.seen % stride == 0:
            self.baseline.append(value)
        self.seen += 1

    def memory(self) -> dict[str, Any]:
        """Baseline, window, and when it was judged."""
        return {
            "baseline": self.baseline,
            "recent": list(self.recent),
            "started": self.started,
            "seen": self.seen,
            "judged_at": self.judged_at,
            "level": int(self.level),
        }
