"""How far another series went at the onset, compared with what it did at that time of day on the days before."""

from __future__ import annotations

import numpy as np

from apps.incidents.suspects.facts import Neighbour, Numbers, Series

BEFORE = 3 * 3_600.0  # seconds that are compared
AFTER = 2 * 3_600.0
BIN = 900.0
DAYS_BACK = 3
GRACE = 300.0  # what an effect may take to show
DAY = 86_400.0


def neighbour_of(series: Series, *, onset: float, until: float) -> Neighbour | None:
    """The move in sigmas, positive for worse; None where there are too few numbers to say."""
    values = _level(series)
    steps = [_step(series.times, values, onset - days * DAY, min(until, onset + AFTER) - days * DAY)
             for days in range(DAYS_BACK + 1)]  # fmt: skip
    now, before = steps[0], [step for step in steps[1:] if step is not None]
    if now is None:
        return None
    usual = float(np.median([step[0] for step in before])) if before else 0.0
    noise = now[1] if not before else max(now[1], 0.6 * float(np.std([step[0] for step in before])))
    moved = (now[0] - usual) / noise
    moved = {"down": moved, "up": -moved}.get(series.better, abs(moved) - 1.0)
    return Neighbour(series.feature_id, series.component_id, float(np.clip(moved, -40, 40)))


def _level(series: Series) -> Numbers:
    if series.better == "down" and series.unit != "ratio" and (series.values > 0).all():
        return np.log(series.values)
    return series.values


def _step(times: Numbers, values: Numbers, onset: float, end: float) -> tuple[float, float] | None:
    """(mean after - mean before, its noise)."""
    before = values[(times >= onset - BEFORE) & (times < onset - BIN * 0.3)]
    after = values[(times >= onset + GRACE) & (times < end)]
    if len(before) < 3 or len(after) < 1:
        return None
    spread = max(float(np.std(before, ddof=1)), 1e-3 * abs(float(before.mean())), 1e-9)
    return float(after.mean() - before.mean()), spread * float(np.sqrt(1.5 / len(before) + 1.5 / len(after)))
