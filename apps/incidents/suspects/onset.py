"""When it really began: how well a change at each time explains the symptoms, not when somebody noticed.

Of every time on a grid: how much better is a series explained by a change there than by none? A change may be a step,
grow over a while, or pass again. The gains (log likelihoods) of all symptoms add up; a weak belief in what people
said of the start is added, and nothing begins after it was noticed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from apps.incidents.suspects.facts import Numbers, Times
from apps.incidents.suspects.rhythm import HOUR, Quiet

SHAPES = (  # (seconds until it is in full force, seconds until it is over or 0, belief in that shape)
    (0.0, 0.0, 0.5),
    (0.5 * HOUR, 0.0, 0.15),
    (2 * HOUR, 0.0, 0.15),
    (6 * HOUR, 0.0, 0.08),
    (0.0, 0.75 * HOUR, 0.06),
    (0.0, 2 * HOUR, 0.06),
)
BACK = 30 * HOUR  # how long before it was noticed an onset is looked for
SLACK = 300.0  # seconds that a clock may be wrong
TEMPER = 0.6  # noise is never as independent as one hopes
PLENTY = 6.0  # nats of gain that count as a change one can see


@dataclass(frozen=True, slots=True)
class Onset:
    """What is believed of the onset: `weights` over `times` add up to one; `gains` says how much each symptom moved."""

    times: Numbers
    weights: Numbers
    gains: tuple[float, ...]
    best: float
    low: float
    high: float

    @property
    def is_seen(self) -> bool:
        """Whether the symptoms themselves show a change."""
        return max(self.gains, default=0.0) >= PLENTY


def grid(times: Times, *, around: float | None = None) -> Numbers:
    """The times that are tried: every 10 minutes, and every minute around a first estimate."""
    end = times.detected_at + SLACK
    coarse = np.arange(min(times.impact_started_at, times.detected_at) - BACK, end, 600.0)
    if around is None:
        return coarse
    fine = np.arange(around - 1.5 * HOUR, min(around + 1.5 * HOUR, end), 60.0)
    return np.unique(np.concatenate([coarse, fine]))


def estimate(symptoms: Sequence[Quiet | None], *, times: Times, around: float | None = None) -> Onset:
    """Where the symptoms changed; `around` is a first estimate that is looked at more closely."""
    tried = grid(times, around=around)
    total = np.zeros(len(tried))
    noticed = times.detected_at
    profiles = [gain_profile(one, tried, noticed) if one is not None else total * 0 for one in symptoms]
    for profile in profiles:
        total = total + TEMPER * profile
    spacing = np.gradient(tried) if len(tried) > 1 else np.ones(1)
    belief = total + _said(tried, times) + np.log(spacing)
    weights = np.exp(belief - belief.max())
    weights /= weights.sum()
    best = float(tried[np.argmax(belief - np.log(spacing))])
    place = int(np.argmin(np.abs(tried - best)))
    near = slice(max(0, place - 5), place + 6)
    gains = tuple(float(profile[near].max()) for profile in profiles)
    mass = np.cumsum(weights)
    low, high = (float(tried[min(int(np.searchsorted(mass, share)), len(tried) - 1)]) for share in (0.05, 0.95))
    return Onset(tried, weights, gains, best, low, high)


def gain_profile(quiet: Quiet, tried: Numbers, noticed: float) -> Numbers:
    """By time: how many nats better a change there explains the series than none does.

    What had passed again half an hour before anybody noticed is not what they noticed.
    """
    if len(quiet.times) < 4:
        return np.zeros(len(tried))
    weights = quiet.weights / quiet.weights.sum()
    total = float(quiet.weights.sum())
    level = quiet.values - float((weights * quiet.values).sum())
    distance = quiet.times[None, :] - tried[:, None]
    found = []
    for rise, last, belief in SHAPES:
        gain = np.log(belief) + _gain(_shape(distance, rise, last), level, weights, total, quiet.is_signed)
        found.append(np.where(tried + last < noticed - 0.5 * HOUR, -np.inf, gain) if last else gain)
    gains: Numbers = np.logaddexp.reduce(np.stack(found), axis=0)
    return np.maximum(gains, 0.0)


def _shape(distance: Numbers, rise: float, last: float) -> Numbers:
    """The course of a change: nothing before, then up to one."""
    shape = np.clip(distance / rise, 0.0, 1.0) if rise else (distance >= 0).astype(float)
    return shape * (distance < last) if last else shape


def _gain(shape: Numbers, level: Numbers, weights: Numbers, total: float, is_signed: bool) -> Numbers:
    """`level` has a weighted mean of zero, so the mean of the shape falls out of the product."""
    along = shape @ (level * weights)
    spread = (shape * shape) @ weights - (shape @ weights) ** 2
    gain = np.where(spread > 1e-9, along**2 / np.maximum(spread, 1e-9), 0.0) * total / 2
    size: Numbers = np.minimum(gain, total * 8)  # one wild bin is no change
    return np.where(along > 0, size, 0.0) if is_signed else size


def _said(tried: Numbers, times: Times) -> Numbers:
    """What people said of the start, believed a little: they may be hours off."""
    distance = np.abs(tried - times.impact_started_at)
    said: Numbers = -np.minimum(distance / (1.5 * HOUR), 10.0)
    return said


def recovery(symptoms: Sequence[Quiet | None], gains: Sequence[float], *, onset: float, until: float) -> float | None:
    """When the symptoms went back to where they were, None when they did not or nobody can tell."""
    tried = np.arange(onset + 600.0, until - 300.0, 120.0)
    if len(tried) < 3:
        return None
    total, lasting = np.zeros(len(tried)), 0.0
    for one, gain in zip(symptoms, gains, strict=True):
        if one is None or gain < PLENTY:
            continue
        recent = one.times >= onset - 6 * HOUR
        weights, values = one.weights[recent], one.values[recent]
        before = one.times[recent] < onset
        if before.sum() < 3 or (~before).sum() < 6:
            continue
        level = values - np.average(values[before], weights=weights[before])
        inside = (one.times[recent][None, :] >= onset) & (one.times[recent][None, :] < tried[:, None])
        count = (inside * weights).sum(axis=1)
        mean = (inside * weights * level).sum(axis=1) / np.maximum(count, 1e-9)
        total += mean**2 * count / 2
        after = weights[~before]
        lasting += float(np.average(level[~before], weights=after)) ** 2 * float(after.sum()) / 2
    best = int(np.argmax(total))
    return float(tried[best]) if total[best] > lasting + PLENTY and best < len(tried) - 1 else None
