"""What a change did to a measure: the difference of two stretches of time, and how sure one can be of it. Pure.

Neighbouring samples resemble each other, so a thousand of them tell less than a thousand independent ones: a plain
t-test calls noise an effect. Here the variance of a mean is the larger of two estimates, and the degrees of freedom are
those of the samples that are truly independent:

* Newey and West (1987), Bartlett kernel, with the lag 1.3 √n of Lazarus, Lewis, Stock and Watson (2018);
* an autoregression of first order, its coefficient pooled over the stretches and corrected for its downward bias
  (Kendall 1954), which holds where the window is short beside the memory of the series.

With the same hours of last week it is a difference in differences: the daily rhythm falls out, and what moved anyway.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import ceil, sqrt
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from apps.core.tails import student_below, student_point

Good = Literal["up", "down", "neutral"]
Values = NDArray[np.float64]

LEVEL: Final = 0.95
LEAST: Final = 8  # values a stretch: with fewer one sees an anecdote
_STICKIEST: Final = 0.98  # beyond, a series is a random walk and no window is long enough
_NOISE: Final = 1e-9  # of the level: what floating point does to a constant


class Verdict(StrEnum):
    """What to tell people."""

    BETTER = "better"
    WORSE = "worse"
    CHANGED = "changed"
    UNCLEAR = "unclear"
    TOO_LITTLE_DATA = "too_little_data"


@dataclass(frozen=True, slots=True)
class Effect:
    """What came of a change, in the unit of the values.

    `difference` is the after-mean less what was to be expected: the before-mean, moved by what last week did in the
    same hours. It lies between `low` and `high` with the level asked for; NaN where there is too little data.
    `relative` is the difference over what was expected, None around zero. `confidence` is the level at which the
    interval would just touch zero: 0.99 is one chance in a hundred to see so much where nothing happened. `count` is
    that of independent values.
    """

    before_mean: float
    after_mean: float
    difference: float
    low: float
    high: float
    relative: float | None
    confidence: float
    verdict: Verdict
    count: float = 0.0


@dataclass(frozen=True, slots=True)
class _Mean:
    """A mean, the variance of that mean, and how many independent values it rests on."""

    value: float
    variance: float
    count: float


def effect(
    before: Sequence[float],
    after: Sequence[float],
    *,
    seasonal_before: Sequence[float] | None = None,
    seasonal_after: Sequence[float] | None = None,
    good_direction: Good,
    level: float = LEVEL,
) -> Effect:
    """How `after` differs from `before`, evenly spaced values with NaN where nothing was measured.

    The seasonal pair holds the same hours a period earlier; a stretch as long as its partner is paired value by value.
    A neutral measure that surely moved has "changed".
    """
    first, second = (_array(values) for values in (before, after))
    then = [_array(values) for values in (seasonal_before, seasonal_after) if values is not None]
    then = then if len(then) == 2 and all(_enough(one) for one in then) else []
    if not (_enough(first) and _enough(second)):
        return _nothing(first, second)
    pieces = _compared(first, second, then) or _compared(first, second, [])
    return _judged(first, second, pieces, good_direction, level)


def long_run_variance(values: Values, lag: int) -> float:
    """n times the variance of the mean, after Newey and West: autocovariances under a Bartlett kernel of `lag` lags."""
    rest, n = values - values.mean(), len(values)
    found = float(rest @ rest) / n
    for step in range(1, min(lag, n - 1) + 1):
        found += 2.0 * (1.0 - step / (lag + 1.0)) * float(rest[step:] @ rest[:-step]) / n
    return max(found, 0.0)


def usual_lag(n: int) -> int:
    """The lag for `n` values, 1.3 √n."""
    return ceil(1.3 * sqrt(n))


def stickiness(stretches: Sequence[Values]) -> float:
    """How much of a deviation is still there one value later, 0 to 0.98, over all stretches together."""
    rests = [values - values.mean() for values in stretches]
    below = sum(float(rest @ rest) for rest in rests)
    above = sum(float(rest[1:] @ rest[:-1]) for rest in rests)
    if below <= 0.0:
        return 0.0
    n = min(len(rest) for rest in rests)
    pairs = sum(len(rest) for rest in rests)
    seen = above / below * pairs / (pairs - len(rests))
    corrected = (n * seen + 1.0) / (n - 3.0)  # Kendall's bias, of the shortest stretch
    doubt = sqrt(max(1.0 - corrected**2, 0.0) / pairs)  # its standard error; half of it stays on the safe side
    return min(max(corrected + 0.5 * doubt, 0.0), _STICKIEST)


def _array(values: Sequence[float]) -> Values:
    return np.asarray(values, dtype=np.float64)


def _known(values: Values) -> Values:
    return values[np.isfinite(values)]


def _enough(values: Values) -> bool:
    return int(np.isfinite(values).sum()) >= LEAST


def _compared(first: Values, second: Values, then: Sequence[Values]) -> list[tuple[float, Values]]:
    """(sign, values) whose signed means add up to the effect; empty when pairing leaves too little."""
    pieces = [(1.0, second), (-1.0, first)]
    if then and len(then[0]) == len(first) and len(then[1]) == len(second):
        pieces = [(1.0, second - then[1]), (-1.0, first - then[0])]
    elif then:
        pieces += [(-1.0, then[1]), (1.0, then[0])]
    return [(sign, _known(values)) for sign, values in pieces] if all(_enough(one) for _, one in pieces) else []


def _judged(first: Values, second: Values, pieces: Sequence[tuple[float, Values]], good: Good, level: float) -> Effect:
    means = [(sign, _mean(values, stickiness([one for _, one in pieces]))) for sign, values in pieces]
    before, after = float(_known(first).mean()), float(_known(second).mean())
    difference = sum(sign * mean.value for sign, mean in means)
    variance = sum(mean.variance for _, mean in means)
    freedom = _freedom([mean for _, mean in means])
    error = max(sqrt(variance), _NOISE * max(abs(before), abs(after)))
    reach = student_point(freedom, 0.5 + level / 2.0) * error
    confidence = 1.0 - 2.0 * student_below(freedom, -abs(difference) / error) if error else 0.0
    low, high = difference - reach, difference + reach
    expected = after - difference
    return Effect(
        before_mean=before,
        after_mean=after,
        difference=difference,
        low=low,
        high=high,
        relative=difference / abs(expected) if abs(expected) > _NOISE * abs(difference) else None,
        confidence=confidence,
        verdict=_verdict(low, high, good),
        count=min(mean.count for _, mean in means),
    )


def _mean(values: Values, sticky: float) -> _Mean:
    n = len(values)
    spread = float(values.var(ddof=1))
    independent = max(n * (1.0 - sticky) / (1.0 + sticky), 1.0)
    variance = max(long_run_variance(values, usual_lag(n)) / (n - 1), spread / independent)
    return _Mean(float(values.mean()), variance, independent)


def _freedom(means: Sequence[_Mean]) -> float:
    """Degrees of freedom of a sum of means, after Welch and Satterthwaite; at least one."""
    total = sum(mean.variance for mean in means)
    below = sum(mean.variance**2 / max(mean.count - 1.0, 0.5) for mean in means)
    return max(total**2 / below, 1.0) if below > 0.0 else 1.0


def _verdict(low: float, high: float, good: Good) -> Verdict:
    if low <= 0.0 <= high:
        return Verdict.UNCLEAR
    if good == "neutral":
        return Verdict.CHANGED
    return Verdict.BETTER if (low > 0.0) == (good == "up") else Verdict.WORSE


def _nothing(first: Values, second: Values) -> Effect:
    nan = float("nan")
    before, after = (float(known.mean()) if len(known := _known(values)) else nan for values in (first, second))
    return Effect(before, after, after - before, nan, nan, None, 0.0, Verdict.TOO_LITTLE_DATA)
