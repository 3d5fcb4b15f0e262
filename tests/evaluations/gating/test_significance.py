"""The tests of the gate against values that other programs compute, and against what must hold by itself."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar as reference_mcnemar

from apps.evaluations.gating.significance import EXACT, SAMPLED, compare, mcnemar, sign_flip


@pytest.mark.parametrize(("gained", "lost"), [(0, 0), (1, 0), (3, 9), (9, 3), (0, 6), (12, 12), (40, 61)])
def test_mcnemar_is_the_exact_one(gained, lost):
    reference = reference_mcnemar([[50, lost], [gained, 20]], exact=True).pvalue if gained + lost else 1.0
    assert mcnemar(gained, lost) == pytest.approx(reference, abs=1e-12)


def test_mcnemar_by_hand():
    assert mcnemar(0, 6) == pytest.approx(2 / 2**6)


@pytest.mark.parametrize("seed", range(4))
def test_few_differences_are_permuted_exactly(seed):
    effects = np.random.default_rng(seed).normal(0.2, 0.4, size=10)
    signs = np.array(list(itertools.product((1, -1), repeat=10)))
    by_hand = float((np.abs(signs @ effects) >= abs(effects.sum()) - 1e-12).mean())
    assert sign_flip(effects) == pytest.approx(by_hand, abs=1e-12)


def test_ties_do_not_count_as_more_extreme_by_rounding():
    assert sign_flip(np.array([0.1, 0.2, 0.3])) == pytest.approx(0.25)


def test_many_differences_agree_with_a_permutation_test_of_another_program():
    effects = np.random.default_rng(7).normal(0.05, 0.3, size=120)
    reference = stats.permutation_test(
        (effects,), np.mean, permutation_type="samples", n_resamples=20_000, rng=np.random.default_rng(1)
    )
    assert sign_flip(effects) == pytest.approx(reference.pvalue, abs=0.015)


def test_the_same_scores_always_give_the_same_value():
    effects = np.random.default_rng(3).normal(0.02, 0.3, size=500)
    assert sign_flip(effects) == sign_flip(effects)


def test_beyond_the_sampled_size_the_limit_takes_over_smoothly():
    effects = np.random.default_rng(5).normal(0.012, 0.3, size=SAMPLED + 1)
    assert sign_flip(effects) == pytest.approx(sign_flip(effects[:-1]), abs=0.02)


def test_no_worse_is_the_plain_t_test_where_scores_spread_enough():
    differences = np.random.default_rng(11).normal(-0.02, 0.5, size=80)
    found = compare(differences, np.ones(80), margin=0.1, alpha=0.05)
    reference = stats.ttest_1samp(differences, popmean=-0.1, alternative="greater")
    assert found.p_worse == pytest.approx(reference.pvalue, abs=1e-9)
    low, high = stats.t.interval(0.90, 79, loc=differences.mean(), scale=stats.sem(differences))
    assert (found.low, found.high) == (pytest.approx(low), pytest.approx(high))


def test_weights_count_a_case_as_often_as_they_say():
    differences = np.array([0.5, -0.1, 0.0, 0.2])
    found = compare(differences, np.array([3.0, 1.0, 1.0, 1.0]), margin=0.1, alpha=0.05)
    assert found.mean == pytest.approx(np.repeat(differences, [3, 1, 1, 1]).mean())


@pytest.mark.parametrize(("cases", "is_shown"), [(20, False), (24, False), (30, True), (100, True)])
def test_no_loss_in_a_few_cases_proves_little(cases, is_shown):
    """Of n cases none is lost; with a margin of 10% the score test of a proportion wants about 27 of them."""
    found = compare(np.zeros(cases), np.ones(cases), margin=0.10, alpha=0.05)
    assert (found.p_worse < 0.05) is is_shown
    z = math.sqrt(cases * 0.1 / 0.9)
    assert found.p_worse == pytest.approx(float(stats.t.sf(z, cases - 1)))


def test_without_any_margin_only_better_is_good_enough():
    assert compare(np.zeros(50), np.ones(50), margin=0.0, alpha=0.05).p_worse == 1.0
    assert compare(np.full(50, 0.1), np.ones(50), margin=0.0, alpha=0.05).p_worse == 0.0


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.floats(-1, 1, allow_nan=False).map(lambda x: round(x, 3)), min_size=2, max_size=EXACT),
    st.sampled_from([0.02, 0.1, 0.3]),
    st.sampled_from([0.01, 0.05, 0.2]),
)
def test_the_interval_and_the_test_say_the_same(values, margin, alpha):
    found = compare(np.array(values), np.ones(len(values)), margin=margin, alpha=alpha)
    assert found.low <= found.mean + 1e-12
    assert found.mean <= found.high + 1e-12
    if abs(found.p_worse - alpha) > 1e-6 and abs(found.low + margin) > 1e-6:
        assert (found.low > -margin) is (found.p_worse < alpha)
