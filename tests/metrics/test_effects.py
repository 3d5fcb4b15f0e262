"""What a change did: the interval is right for noise that remembers, and agrees with independent computations."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import signal, stats
from statsmodels.regression.linear_model import OLS
from statsmodels.stats.weightstats import CompareMeans, DescrStatsW

from apps.metrics.effects import Effect, Verdict, effect, long_run_variance, stickiness, usual_lag

TRIALS = 1000
SURE = (Verdict.BETTER, Verdict.WORSE)
Values = NDArray[np.float64]


def noise(seed: np.random.Generator, n: int, phi: float, *, skewed: bool = False) -> Values:
    """An autoregression of unit variance; `skewed` bends it to the long tail that waiting times have."""
    pushed = signal.lfilter([1.0], [1.0, -phi], seed.normal(size=n + 200))[200:] * np.sqrt(1.0 - phi**2)
    return (np.exp(pushed) - np.exp(0.5)) / 2.16 if skewed else pushed


def verdicts(n: int, phi: float, *, growth: float = 0.0, seasonal: bool = False, skewed: bool = False) -> list[Effect]:
    """One judgement a trial: a latency of 2 s with a spread of 0.2 s and, with `seasonal`, a rhythm over the day."""
    seed = np.random.default_rng(20261124)
    day = 0.6 * np.sin(np.linspace(0.0, np.pi, 2 * n)) if seasonal else np.zeros(2 * n)
    found = []
    for _ in range(TRIALS):
        now = 2.0 + day + 0.2 * noise(seed, 2 * n, phi, skewed=skewed)
        now[n:] *= 1.0 + growth
        then = 2.0 + day + 0.2 * noise(seed, 2 * n, phi, skewed=skewed)
        pair = {"seasonal_before": then[:n], "seasonal_after": then[n:]} if seasonal else {}
        found.append(effect(now[:n], now[n:], good_direction="down", **pair))
    return found


@pytest.mark.parametrize("phi", [0.0, 0.3, 0.6, 0.8])
@pytest.mark.parametrize(("n", "seasonal"), [(24, False), (60, False), (60, True), (240, True)])
def test_noise_alone_is_called_an_effect_at_most_once_in_twenty(n: int, phi: float, seasonal: bool) -> None:
    wrong = sum(one.verdict in SURE for one in verdicts(n, phi, seasonal=seasonal))
    assert wrong <= 0.05 * TRIALS


@pytest.mark.parametrize("phi", [0.0, 0.8])
def test_noise_with_a_long_tail_is_called_an_effect_at_most_once_in_twenty(phi: float) -> None:
    assert sum(one.verdict in SURE for one in verdicts(120, phi, skewed=True)) <= 0.05 * TRIALS


@pytest.mark.parametrize(("phi", "least"), [(0.0, 0.99), (0.6, 0.99), (0.8, 0.9)])
def test_a_latency_that_grew_by_a_fifth_is_worse(phi: float, least: float) -> None:
    found = [one.verdict for one in verdicts(120, phi, growth=0.2, seasonal=True)]
    assert found.count(Verdict.WORSE) >= least * TRIALS
    assert Verdict.BETTER not in found


def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    held = sum(one.low <= 0.4 <= one.high for one in verdicts(120, 0.6, growth=0.2))
    assert held >= 0.93 * TRIALS


def test_the_daily_rhythm_is_no_effect_when_last_week_is_known() -> None:
    rhythm = list(np.sin(np.linspace(0.0, 3.0, 120)) + np.random.default_rng(1).normal(0.0, 0.05, 120))
    then = list(np.sin(np.linspace(0.0, 3.0, 120)) + np.random.default_rng(2).normal(0.0, 0.05, 120))
    found = effect(
        rhythm[:40], rhythm[40:80], seasonal_before=then[:40], seasonal_after=then[40:80], good_direction="down"
    )
    assert found.verdict is Verdict.UNCLEAR
    assert found.after_mean > found.before_mean + 0.3
    assert abs(found.difference) < 0.1


@pytest.mark.parametrize("lag", [0, 1, 5, 11])
def test_the_variance_of_a_mean_is_that_of_statsmodels(lag: int) -> None:
    values = noise(np.random.default_rng(3), 90, 0.6) + 5.0
    theirs = OLS(values, np.ones_like(values)).fit(
        cov_type="HAC", cov_kwds={"maxlags": lag, "kernel": "bartlett", "use_correction": False}
    )
    assert np.sqrt(long_run_variance(values, lag) / len(values)) == pytest.approx(theirs.bse[0], rel=1e-9)


def test_the_interval_of_sticky_values_is_built_from_the_variance_of_statsmodels() -> None:
    """Where the kernel's estimate is the larger one, half the interval is the t-quantile times their standard error."""
    slow = np.sin(np.arange(200) / 30.0)
    stretches = [slow[:100] + 3.0, slow[100:] + 4.0]
    errors = [
        OLS(values, np.ones(100))
        .fit(cov_type="HAC", cov_kwds={"maxlags": usual_lag(100), "kernel": "bartlett", "use_correction": False})
        .bse[0]
        * np.sqrt(100 / 99)
        for values in stretches
    ]
    sticky = stickiness(stretches)
    independent = 100 * (1 - sticky) / (1 + sticky)
    errors = [
        max(error, np.sqrt(values.var(ddof=1) / max(independent, 1)))
        for error, values in zip(errors, stretches, strict=True)
    ]
    found = effect(*stretches, good_direction="up")
    freedom = max(sum(e**2 for e in errors) ** 2 / sum(e**4 / max(independent - 1, 0.5) for e in errors), 1.0)
    reach = stats.t.ppf(0.975, freedom) * np.hypot(*errors)
    assert found.high - found.difference == pytest.approx(reach, rel=1e-9)


def test_for_independent_values_the_interval_is_about_that_of_welch() -> None:
    seed = np.random.default_rng(12)
    before, after = seed.normal(2.0, 0.2, 400), seed.normal(2.4, 0.5, 400)
    low, high = CompareMeans(DescrStatsW(after), DescrStatsW(before)).tconfint_diff(usevar="unequal")
    found = effect(before, after, good_direction="down")
    assert found.difference == pytest.approx(after.mean() - before.mean())
    assert (high - low) * 0.95 < found.high - found.low < (high - low) * 1.25


def test_the_coefficient_is_that_of_a_regression_on_the_value_before() -> None:
    values = noise(np.random.default_rng(4), 5000, 0.7)
    theirs = OLS(values[1:], np.column_stack([np.ones(4999), values[:-1]])).fit().params[1]
    assert stickiness([values]) == pytest.approx(theirs, abs=0.01)


def test_the_direction_that_is_good_names_the_verdict() -> None:
    seed = np.random.default_rng(5)
    before, after = seed.normal(1.0, 0.1, 50), seed.normal(2.0, 0.1, 50)
    found = {good: effect(before, after, good_direction=good).verdict for good in ("up", "down", "neutral")}
    assert found == {"up": Verdict.BETTER, "down": Verdict.WORSE, "neutral": Verdict.CHANGED}


def test_few_values_give_no_verdict_and_no_interval() -> None:
    found = effect([1.0] * 7, [9.0] * 50, good_direction="down")
    assert found.verdict is Verdict.TOO_LITTLE_DATA
    assert np.isnan(found.low)
    assert np.isnan(found.high)
    assert found.difference == pytest.approx(8.0)


def test_stretches_without_any_value_give_no_verdict() -> None:
    assert effect([], [], good_direction="up").verdict is Verdict.TOO_LITTLE_DATA


def test_gaps_are_left_out_of_every_mean() -> None:
    before = [1.0, float("nan"), 1.2] * 20
    found = effect(before, [1.1] * 60, good_direction="down")
    assert found.before_mean == pytest.approx(1.1)
    assert found.verdict is Verdict.UNCLEAR


def test_a_last_week_with_too_many_gaps_is_left_aside() -> None:
    nothing = [float("nan")] * 60
    seed = np.random.default_rng(6)
    before, after = seed.normal(1.0, 0.1, 60), seed.normal(2.0, 0.1, 60)
    with_it = effect(before, after, seasonal_before=nothing, seasonal_after=nothing, good_direction="down")
    assert with_it == effect(before, after, good_direction="down")


def test_a_constant_that_stays_is_unclear_and_one_that_jumps_is_not() -> None:
    assert effect([3.0] * 30, [3.0] * 30, good_direction="up").verdict is Verdict.UNCLEAR
    assert effect([0.0] * 30, [0.0] * 30, good_direction="up").verdict is Verdict.UNCLEAR
    assert effect([3.0] * 30, [4.0] * 30, good_direction="up").verdict is Verdict.BETTER


def test_the_confidence_is_the_level_whose_interval_touches_zero() -> None:
    seed = np.random.default_rng(7)
    before, after = seed.normal(1.0, 0.3, 60), seed.normal(1.1, 0.3, 60)
    found = effect(before, after, good_direction="down")
    touching = effect(before, after, good_direction="down", level=found.confidence)
    assert touching.low == pytest.approx(0.0, abs=1e-9)


def test_the_relative_effect_is_over_what_was_to_be_expected() -> None:
    found = effect([1.0] * 20, [3.0] * 20, seasonal_before=[1.0] * 20, seasonal_after=[2.0] * 20, good_direction="down")
    assert (found.difference, found.relative) == (1.0, 0.5)
