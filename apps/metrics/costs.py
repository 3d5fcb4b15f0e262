"""What a month will cost, when a budget is used up, and what a change adds. Pure.

Daily costs are fitted on a logarithmic scale by least squares: a level, the rhythm of the week, and at most one bend: a
step (a new prompt version, another model) or a growth from some day on. Which of them are there, the Bayesian
information criterion decides, and a day far off the others is pulled in first, so neither noise nor one busy day is a
trend. The interval comes from drawing the coefficients and the days to come 2,000 times with a fixed seed: the same
days always give the same forecast.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import product
from typing import Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
Bend = Literal["none", "growth", "step"]

LEAST_DAYS: Final = 4  # complete ones; fewer show no pace
LONGEST: Final = 42  # days looked at
DRAWS: Final = 2000
SEED: Final = 20_261_124
LEVEL: Final = 0.90
_WEEKS: Final = 3  # of data before the rhythm of the week is looked for
_STEP_SIDE: Final = 3  # days on either side of a step
_LEAST_FOR_GROWTH: Final = 7
_GROWTH_SIDE: Final = 5  # days that must show a growth
_FAR: Final = 3.0  # times the noise; a day further off is pulled in
_EDGES: Final = ((1 - LEVEL) / 2, (1 + LEVEL) / 2)
_STEEPEST: Final = 0.15  # growth a day on the logarithmic scale; more does not last a month


@dataclass(frozen=True, slots=True)
class Day:
    """What one complete UTC day cost."""

    on: date
    cost: float


@dataclass(frozen=True, slots=True)
class Forecast:
    """The month's total between `low` and `high`, cumulated for each day to come, and when the budget is used up.

    `crosses_on` is the likeliest day, None when the budget lasts the month; `crossing_chance` is how likely it is that
    it does not. `growth` a day, 0 when there is none; `step_on` is when the pace changed for good.
    """

    total: float
    low: float
    high: float
    path: tuple[tuple[date, float], ...]
    crosses_on: date | None = None
    crosses_from: date | None = None
    crosses_until: date | None = None
    crossing_chance: float = 0.0
    growth: float = 0.0
    step_on: date | None = None


@dataclass(frozen=True, slots=True)
class _Shape:
    """What a model has beside its level: one bend on a day, and the rhythm of the week."""

    bend: Bend
    bends_on: date
    has_week: bool

    def columns(self, days: Sequence[date]) -> Numbers:
        """One row a day: level, bend, six weekdays beside Monday."""
        columns = [np.ones(len(days))]
        since = np.array([float((day - self.bends_on).days) for day in days])
        if self.bend == "growth":
            columns.append(np.maximum(since, 0.0))
        elif self.bend == "step":
            columns.append((since >= 0.0).astype(np.float64))
        if self.has_week:
            columns += [np.array([float(day.weekday() == weekday) for day in days]) for weekday in range(1, 7)]
        return np.column_stack(columns)


@dataclass(frozen=True, slots=True)
class _Fit:
    """One fitted model: coefficients, their covariance, the spread of days around it, and its criterion."""

    shape: _Shape
    coefficients: Numbers
    covariance: Numbers
    spread: float
    criterion: float

    @property
    def growth(self) -> float:
        """A day, as a share."""
        return float(np.expm1(self.coefficients[1])) if self.shape.bend == "growth" else 0.0


def forecast(*, days: Sequence[Day], spent: float, today: date, budget: float | None = None) -> Forecast | None:
    """The month of `today`: `spent` before today, `days` complete ones up to yesterday; None with too few days."""
    known = [day for day in days if day.cost > 0.0 and day.on < today][-LONGEST:]
    if len(known) < LEAST_DAYS:
        return None
    coming, fit = _rest_of_month(today), _best(known)
    totals = spent + np.cumsum(_drawn(fit, coming), axis=1)
    middle = np.median(totals, axis=0)
    low, high = np.quantile(totals[:, -1], _EDGES)
    crossing = _crossing(totals, coming, budget, spent)
    return Forecast(
        total=float(middle[-1]),
        low=float(low),
        high=float(high),
        path=tuple(zip(coming, map(float, middle), strict=True)),
        crosses_on=crossing.on,
        crosses_from=crossing.earliest,
        crosses_until=crossing.latest,
        crossing_chance=crossing.chance,
        growth=fit.growth,
        step_on=fit.shape.bends_on if fit.shape.bend == "step" else None,
    )


class _Crossing(NamedTuple):
    """When the budget is used up."""

    chance: float
    on: date | None = None
    earliest: date | None = None
    latest: date | None = None


def _crossing(totals: Numbers, coming: Sequence[date], budget: float | None, spent: float) -> _Crossing:
    if budget is None:
        return _Crossing(0.0)
    if spent >= budget:
        return _Crossing(1.0, coming[0], coming[0], coming[0])
    over = totals >= budget
    crossed = over[:, -1]
    chance = float(crossed.mean())
    if chance < 0.5:
        return _Crossing(chance)
    first = np.argmax(over[crossed], axis=1)
    places = np.quantile(first, [_EDGES[0], 0.5, _EDGES[1]], method="nearest").astype(int)
    return _Crossing(chance, coming[places[1]], coming[places[0]], coming[places[2]])


def _best(known: Sequence[Day]) -> _Fit:
    """The model with the smallest criterion among those that the days allow."""
    days = [day.on for day in known]
    costs = np.log([day.cost for day in known])
    noise = _noise(costs)
    return min((_fit(shape, days, costs, noise) for shape in _shapes(days)), key=lambda fit: fit.criterion)


def _shapes(days: Sequence[date]) -> list[_Shape]:
    n = len(days)
    weeks = (False, True) if n >= 7 * _WEEKS else (False,)
    bends: list[tuple[Bend, date]] = [("none", days[0])]
    if n >= _LEAST_FOR_GROWTH:
        bends += [("growth", day) for day in days[: n - _GROWTH_SIDE]]
    if n >= 4 * _STEP_SIDE:
        bends += [("step", day) for day in days[_STEP_SIDE : n - _STEP_SIDE + 1]]
    return [_Shape(bend, day, week) for (bend, day), week in product(bends, weeks)]


def _noise(costs: Numbers) -> float:
    """How far days stray, from differences a week or a day apart, whatever trend lies below."""
    apart = 7 if len(costs) >= 21 else 1
    differences = costs[apart:] - costs[:-apart]
    spread = float(np.median(np.abs(differences - np.median(differences)))) * 1.4826 / np.sqrt(2)
    return max(float(spread), 1e-3)


def _fit(shape: _Shape, days: Sequence[date], costs: Numbers, noise: float) -> _Fit:
    x = shape.columns(days)
    inverse = np.linalg.pinv(x.T @ x)
    solve = inverse @ x.T
    fitted = x @ (solve @ costs)
    pulled = fitted + np.clip(costs - fitted, -_FAR * noise, _FAR * noise)
    coefficients = solve @ pulled
    n, k = x.shape
    squares = max(float(((pulled - x @ coefficients) ** 2).sum()), n * 1e-8)
    spread = squares / max(1, n - k)
    size = k + 2 * (shape.bend != "none")  # where it bends, and how, was chosen as well
    criterion = n * float(np.log(squares / n)) + size * float(np.log(n))
    return _Fit(shape, coefficients, spread * inverse, float(np.sqrt(spread)), criterion)


def _drawn(fit: _Fit, coming: Sequence[date]) -> Numbers:
    """DRAWS possible courses of the days to come, one row each."""
    dice = np.random.default_rng(SEED)
    coefficients = dice.multivariate_normal(fit.coefficients, fit.covariance, size=DRAWS, method="svd")
    if fit.shape.bend == "growth":
        coefficients[:, 1] = np.clip(coefficients[:, 1], -_STEEPEST, _STEEPEST)
    noise = dice.normal(0.0, fit.spread, size=(DRAWS, len(coming)))
    drawn: Numbers = np.exp(coefficients @ fit.shape.columns(coming).T + noise)
    return drawn


def _rest_of_month(today: date) -> list[date]:
    """Today and every day of its month that follows."""
    days = [today]
    while (following := days[-1] + timedelta(days=1)).month == today.month:
        days.append(following)
    return days
