"""A series without its daily rhythm, in units of its own noise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from apps.incidents.suspects.facts import Numbers, Series

DAY = 86_400.0
HOUR = 3_600.0
FEWEST = 8  # bins before anything can be said


@dataclass(frozen=True, slots=True)
class Quiet:
    """What is left of a series: `values` around zero with a noise of about one, positive is worse when `is_signed`."""

    times: Numbers
    values: Numbers
    weights: Numbers
    is_signed: bool


def quieten(series: Series, *, calm_until: float) -> Quiet | None:
    """The series without rhythm and in sigmas of its time before `calm_until`; None when there is too little of it."""
    if len(series.times) < FEWEST:
        return None
    values, usual = _scaled(series)
    rest = values - _profile(series.times, usual)
    calm = series.times < calm_until
    if calm.sum() < FEWEST:
        calm = np.ones(len(values), dtype=bool)
    if not np.isfinite(rest).all() or np.std(rest[calm]) > np.std(values[calm]):
        rest = values
    rest = rest - np.median(rest[calm])
    weights = np.clip(series.counts / np.median(series.counts), 0.05, 20.0)
    noise = _noise(rest[calm] * np.sqrt(weights[calm]))
    sign = {"down": 1.0, "up": -1.0}.get(series.better, 1.0)
    damping = (1 - _echo(rest[calm])) / (1 + _echo(rest[calm]))
    scaled = np.clip(sign * rest / noise, -40, 40)
    return Quiet(series.times, scaled, weights * damping, series.better != "neutral")


def _scaled(series: Series) -> tuple[Numbers, Numbers]:
    """Waits and costs grow by factors, so their logarithms are looked at."""
    if series.better == "down" and series.unit != "ratio" and (series.values > 0).all():
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.log(series.values), np.log(np.where(series.usual > 0, series.usual, np.nan))
    return series.values, series.usual


def _profile(times: Numbers, usual: Numbers) -> Numbers:
    """What is usual at each time, between the middles of the hours of a day."""
    known = np.isfinite(usual)
    if known.sum() < len(usual) * 0.75:
        return np.zeros(len(times))
    middles = (np.arange(len(usual)) + 0.5) * DAY / len(usual)
    level: Numbers = np.interp(times % DAY, middles[known], usual[known], period=DAY)
    return level


def _noise(values: Numbers) -> float:
    """A robust standard deviation, never zero."""
    middle = float(np.median(np.abs(values - np.median(values)))) * 1.4826
    return max(middle, float(np.std(values)) * 0.3, 1e-9 + 1e-3 * float(np.max(np.abs(values)) or 1.0))


def _echo(values: Numbers) -> float:
    """How much one bin says of the next: the first autocorrelation, from 0 to 0.9."""
    if len(values) < FEWEST * 2:
        return 0.0
    centered = np.clip(values - values.mean(), -4 * values.std(), 4 * values.std())
    spread = float((centered**2).sum())
    return float(np.clip((centered[1:] * centered[:-1]).sum() / spread, 0.0, 0.9)) if spread > 0 else 0.0
