"""Days of samples as bytes: whatever goes in comes out, bit by bit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.metrics.packing import pack, unpack

BIG = 2**62
SLOW = settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)  # of a busy machine, not of the code
DECIMALS = st.builds(lambda number, places: number / 10.0**places, st.integers(-(10**12), 10**12), st.integers(0, 7))
SPECIAL = st.sampled_from([float("nan"), float("inf"), float("-inf"), -0.0, 0.0, 5e-324, 2.0**53, -(2.0**31), 1e308])
VALUES = st.one_of(st.floats(), DECIMALS, SPECIAL, st.integers(-(2**40), 2**40).map(float))


def assert_faithful(times: np.ndarray, values: np.ndarray) -> bytes:
    body = pack(times, values)
    found = unpack(body)
    assert np.array_equal(found[0], times)
    assert np.array_equal(found[1].view("<i8"), values.view("<i8"))
    return body


@SLOW
@given(st.dictionaries(st.integers(-BIG, BIG), VALUES, min_size=1, max_size=60))
def test_any_samples_at_any_times_come_out_as_they_went_in(samples) -> None:
    ordered = sorted(samples.items())
    assert_faithful(np.array([at for at, _ in ordered]), np.array([value for _, value in ordered]))


@SLOW
@given(st.lists(DECIMALS, min_size=1, max_size=60), st.integers(1, 10**9), st.integers(-BIG, BIG // 2))
def test_evenly_spaced_decimals_come_out_as_they_went_in(values, step, first) -> None:
    assert_faithful(first + step * np.arange(len(values)), np.array(values))


@SLOW
@given(st.lists(st.sampled_from([float("nan"), -float("nan"), 1.0, -0.0]), min_size=1, max_size=20), st.integers(1, 99))
def test_every_nan_keeps_its_bits(values, payload) -> None:
    bits = np.array(values).view("<i8").copy()
    bits[0] = 0x7FF8_0000_0000_0000 + payload
    assert_faithful(np.arange(len(bits)), bits.view("<f8"))


@pytest.mark.parametrize(
    ("values", "most"),
    [
        (np.round(10 + np.random.default_rng(1).normal(size=1440), 2), 2.0),
        (np.cumsum(np.random.default_rng(2).poisson(30, 1440)).astype(float), 1.2),
        (np.cumsum(np.random.default_rng(2).poisson(3e6, 1440)) + 2.0**40, 3.5),
        (np.ones(1440), 0.1),
        (np.random.default_rng(3).normal(size=1440).cumsum(), 7.0),
    ],
    ids=["decimals", "a counter", "a large counter", "always the same", "full precision"],
)
def test_a_day_takes_few_bytes_a_sample(values, most) -> None:
    body = assert_faithful(60_000_000 * np.arange(1440), values)
    assert len(body) / 1440 <= most
