"""Whether one version does worse than another on the same cases: paired tests over the differences case by case. Pure.

Two questions, two tests:

1. *Is it shown to be no worse than the margin allows?* A one-sided t test of the weighted mean difference against
   `-margin`. Its variance is never taken smaller than the one that `-margin` itself implies if what is lost is lost
   wholly (`margin·scale - margin²`): thirty cases without a single loss do not prove that fewer than 5% are lost,
   though their own variance is zero. For 0/1 scores this is the score test of paired proportions in that corner.
2. *Is there any difference at all?* McNemar's exact test where scores are 0 or 1 and weigh the same: only the cases
   that differ say something, and under no difference each of them is a fair coin. Else a sign-flip permutation test,
   which assumes nothing about how scores spread (Wilcoxon's ranks would speak of the median, a gate asks for the mean).
   It is exact up to EXACT cases that differ, sampled up to SAMPLED, and beyond that its own normal limit.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from apps.core.tails import coins_at_most, normal_below, student_below, student_point

Floats = NDArray[np.float64]

EXACT: Final = 16  # 2^16 sign patterns are counted, one by one
SAMPLED: Final = 2_000
FLIPS: Final = 9_999
SEED: Final = 20_260  # the same scores always give the same p-value

MCNEMAR: Final = "McNemar's exact test"
PERMUTATION: Final = "permutation test"


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What the paired differences (candidate - baseline) say. `low` and `high` bound the mean at level 1 - 2·alpha.

    `p_worse`: how likely such a difference is if the candidate loses the whole margin; below alpha it is no worse.
    `p_different`: how likely one at least as large is, either way, if there is none.
    """

    cases: int
    mean: float
    low: float
    high: float
    p_worse: float
    p_different: float
    method: str


def compare(differences: Floats, weights: Floats, *, margin: float, alpha: float, scale: float = 1.0) -> Comparison:
    """Both tests over at least two cases; `scale` is the largest loss that one case can suffer."""
    mean, spread, size = _moments(differences, weights)
    freedom = max(size - 1.0, 1e-9)
    reach = student_point(freedom, 1.0 - alpha)
    p_different, method = difference(differences, weights)
    return Comparison(
        cases=len(differences),
        mean=mean,
        low=-_worst_loss(-mean, spread, size, reach, scale),
        high=_worst_loss(mean, spread, size, reach, scale),
        p_worse=p_worse(differences, weights, margin=margin, scale=scale),
        p_different=p_different,
        method=method,
    )


def p_worse(differences: Floats, weights: Floats, *, margin: float, scale: float = 1.0) -> float:
    """Test 1 alone: how likely such differences are if the candidate loses the whole margin."""
    mean, spread, size = _moments(differences, weights)
    return student_below(max(size - 1.0, 1e-9), -_distance(mean, spread, size, margin, scale))


def _moments(differences: Floats, weights: Floats) -> tuple[float, float, float]:
    """The weighted mean, the variance of one case around it, and how many equal cases weigh as much."""
    share = weights / weights.sum()
    size = 1.0 / float(share @ share)  # how many equal cases weigh as much
    mean = float(share @ differences)
    spread = float(share @ (differences - mean) ** 2) * size / max(size - 1.0, 1e-9)
    return mean, spread, size


def largest_loss(candidate: Floats, baseline: Floats) -> float:
    """How much one case can lose: all of it where scores are right or wrong, else as much as any case was seen to move.

    Graded scores that move by a tenth need not be feared to fall to nothing; those that are 0 or 1 can do nothing else.
    """
    values = np.concatenate((candidate, baseline))
    if bool(np.isin(values, (0.0, 1.0)).all()):
        return 1.0
    return float(np.abs(candidate - baseline).max())


def difference(differences: Floats, weights: Floats) -> tuple[float, str]:
    """The two-sided p-value of "there is no difference", and which test gave it."""
    is_binary = bool(np.isin(differences, (-1.0, 0.0, 1.0)).all())
    if is_binary and bool((weights == weights[0]).all()):
        return mcnemar(int((differences > 0).sum()), int((differences < 0).sum())), MCNEMAR
    return sign_flip(differences * weights), PERMUTATION


def mcnemar(gained: int, lost: int) -> float:
    """The two-sided exact p-value of so many cases gained and lost, each a fair coin."""
    if gained == lost:
        return 1.0
    return min(1.0, 2.0 * coins_at_most(min(gained, lost), gained + lost))


def sign_flip(effects: Floats) -> float:
    """The two-sided p-value of the sum of `effects` if each of them might as well have the other sign."""
    effects = effects[effects != 0.0]
    count, observed = len(effects), abs(float(effects.sum()))
    if count == 0:
        return 1.0
    if count > SAMPLED:
        return 2.0 * normal_below(-observed / math.sqrt(float(effects @ effects)))
    least = observed - 1e-9 * float(np.abs(effects).sum())  # sums in another order differ in the last bits
    if count <= EXACT:
        return float((np.abs(_every_sum(effects)) >= least).mean())
    signs = np.random.default_rng(SEED).integers(0, 2, size=(FLIPS, count), dtype=np.int8) * 2 - 1
    hits = int((np.abs(signs @ effects) >= least).sum())
    return (hits + 1) / (FLIPS + 1)


def _every_sum(effects: Floats) -> Floats:
    sums = np.zeros(1)
    for effect in effects:
        sums = np.concatenate((sums + effect, sums - effect))
    return sums


def _distance(mean: float, spread: float, size: float, margin: float, scale: float) -> float:
    """How many standard errors the mean lies from the nearest loss of at least the margin.

    With the own variance that loss is the margin itself; with the variance that a loss implies it may lie beyond,
    where (mean + x) / sqrt(x·scale - x²) is smallest.
    """
    worst = max(margin, mean * scale / (scale + 2.0 * mean)) if mean > 0.0 else margin
    implied = (worst * scale - worst * worst) / size
    return min(_ratio(mean + margin, spread / size), _ratio(mean + worst, implied))


def _ratio(distance: float, variance: float) -> float:
    """In standard errors; without any variance the sign of the distance decides."""
    if variance <= 0.0:
        return math.inf if distance > 0.0 else -math.inf
    return distance / math.sqrt(variance)


def _worst_loss(mean: float, spread: float, size: float, reach: float, scale: float) -> float:
    """How large the true mean may be at this level, above an observed one: test 1 turned round.

    Of both solutions the larger: the t bound, and the root of (x - mean)² = reach²·(x·scale - x²) / size.
    """
    plain = mean + reach * math.sqrt(spread / size)
    tight = reach * reach / size
    a, b, c = 1.0 + tight, -2.0 * mean - tight * scale, mean * mean
    under = b * b - 4.0 * a * c
    return max(plain, (-b + math.sqrt(under)) / (2.0 * a)) if under >= 0.0 else plain
