"""Simple detectors of the literature, in their plainest streaming form: what the portal's must beat."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from math import erfc, log10, sqrt
from typing import Final

import numpy as np

from apps.monitors.anomaly import Detector
from bench.anomalies.made import Array, Labelled


def _tail(distance: float) -> float:
    """0..1 for a distance in standard deviations: -log10 of the Gaussian tail, one in 10^20 being 1."""
    chance = erfc(abs(distance) / sqrt(2))
    return min(1.0, -log10(chance) / 20) if chance > 1e-20 else 1.0


def z_score(series: Labelled, span: int = 500) -> Array:
    """Distance from the mean of the last 500 in standard deviations."""
    past: deque[float] = deque(maxlen=span)
    found = np.zeros(len(series.values))
    for row, value in enumerate(series.values.tolist()):
        if value == value:
            if len(past) > 30:
                found[row] = _tail((value - np.mean(past)) / (np.std(past) + 1e-9))
            past.append(value)
    return found


def ewma(series: Labelled, weight: float = 0.05) -> Array:
    """A control chart: exponentially weighted mean and variance of the errors."""
    mean, variance, found, last = None, 0.0, np.zeros(len(series.values)), 0
    for row, value in enumerate(series.values.tolist()):
        if value != value:
            continue
        if mean is None:
            mean = value
        error = value - mean
        if last > 30:
            found[row] = _tail(error / (sqrt(variance) + 1e-9))
        mean, variance, last = mean + weight * error, (1 - weight) * (variance + weight * error * error), last + 1
    return found


def seasonal_naive(series: Labelled) -> Array:
    """Distance from the same time a day before, in standard deviations of the last 500 such errors."""
    rows = round(86_400 / (series.at[1] - series.at[0]))
    errors: deque[float] = deque(maxlen=500)
    found = np.zeros(len(series.values))
    for row in range(rows, len(series.values)):
        error = float(series.values[row] - series.values[row - rows])
        if error == error:
            if len(errors) > 30:
                found[row] = _tail((error - np.mean(errors)) / (np.std(errors) + 1e-9))
            errors.append(error)
    return found


def relative_entropy(series: Labelled, span: int = 52, bins: int = 5) -> Array:
    """Wang et al. 2011: the histogram of the last window against those seen before; unlike all of them is new."""
    values = np.nan_to_num(series.values, nan=float(np.nanmedian(series.values[:600])))
    low, high = float(values[:600].min()), float(values[:600].max())
    levels = np.clip(((values - low) / (high - low + 1e-9) * bins).astype(int), 0, bins - 1)
    known: list[Array] = []
    found = np.zeros(len(values))
    for row in range(span, len(values)):
        share = (np.bincount(levels[row - span : row], minlength=bins) + 0.1) / (span + 0.1 * bins)
        distance = min((2 * span * float((share * np.log(share / old)).sum()) for old in known), default=0.0)
        found[row] = min(1.0, distance / 200)
        if not known or distance > 9.5:
            known.append(share)
    return found


def portal(series: Labelled) -> Array:
    """Ours."""
    detector = Detector()
    return np.array(
        [detector.step(at, value) for at, value in zip(series.at.tolist(), series.values.tolist(), strict=True)]
    )


DETECTORS: Final[dict[str, Callable[[Labelled], Array]]] = {
    "ours": portal,
    "z-score": z_score,
    "EWMA chart": ewma,
    "seasonal naive": seasonal_naive,
    "relative entropy": relative_entropy,
}
