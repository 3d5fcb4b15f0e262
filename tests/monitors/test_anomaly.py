"""The anomaly detector: what it must find, what it must leave alone, and that it never looks ahead."""

from __future__ import annotations

import math
import random
from collections.abc import Callable

import pytest

from apps.monitors.anomaly import ALARM, Detector
from apps.monitors.anomaly.season import DAY, Season
from apps.monitors.anomaly.tails import Tails

STEP = 600.0
START = 1_700_000_000.0
FAULT = 1500


def _daily(rows: int, seed: int = 7, noise: float = 3.0) -> list[float]:
    dice = random.Random(seed)
    return [100 + 30 * math.sin(2 * math.pi * row * STEP / DAY) + dice.gauss(0, noise) for row in range(rows)]


def _scores(values: list[float | None], step: float = STEP) -> list[float]:
    detector = Detector()
    return [detector.step(START + row * step, value) for row, value in enumerate(values)]


def _alarms(scores: list[float], first: int = 300) -> list[int]:
    return [row for row, score in enumerate(scores) if score >= ALARM and row >= first]


def _spike(values: list[float]) -> None:
    values[FAULT] += 150


def _fall(values: list[float]) -> None:
    values[FAULT] -= 150


def _level(values: list[float]) -> None:
    values[FAULT:] = [value + 90 for value in values[FAULT:]]


def _wild(values: list[float]) -> None:
    dice = random.Random(1)
    values[FAULT : FAULT + 60] = [value + dice.gauss(0, 60) for value in values[FAULT : FAULT + 60]]


def _frozen(values: list[float]) -> None:
    values[FAULT : FAULT + 60] = [values[FAULT]] * 60


def _flat_day(values: list[float]) -> None:
    values[FAULT : FAULT + 144] = [70.0 + (row % 7) for row in range(144)]


def _calm(values: list[float]) -> None:
    dice = random.Random(2)
    values[FAULT : FAULT + 144] = [100 + dice.gauss(0, 0.5) for _ in range(144)]


@pytest.mark.parametrize("plant", [_calm, _spike, _fall, _level, _wild, _frozen, _flat_day])
def test_a_planted_fault_is_told_within_half_a_day(plant: Callable[[list[float]], None]) -> None:
    values = _daily(2000)
    plant(values)
    found = _alarms(_scores(values))
    assert any(FAULT <= row <= FAULT + 72 for row in found)


def test_values_that_stay_away_are_told_once() -> None:
    values: list[float | None] = list(_daily(2000))
    values[FAULT : FAULT + 50] = [None] * 25 + [float("nan")] * 25
    scores = _scores(values)
    assert len([row for row in _alarms(scores) if FAULT <= row < FAULT + 50]) == 1


def test_a_hole_in_time_is_told_by_the_first_sample_after_it() -> None:
    detector, at = Detector(), START
    for value in _daily(500):
        at += STEP
        detector.step(at, value)
    assert detector.step(at + 60 * STEP, 100.0) >= ALARM
    assert detector.leading == "gap"


def test_a_quiet_series_is_left_alone_nearly_always() -> None:
    alarms = [len(_alarms(_scores(list(_daily(2000, seed=seed))))) for seed in range(5)]
    assert sum(alarms) <= 10  # two a series of 1,700 rows


def test_a_lasting_new_level_becomes_usual() -> None:
    values = _daily(3500)
    _level(values)
    assert not [row for row in _alarms(_scores(values)) if FAULT + 700 < row < FAULT + 1900]


def test_scores_stay_low_while_little_is_known() -> None:
    dice = random.Random(3)
    assert max(_scores([dice.expovariate(1.0) for _ in range(60)])) == 0.0


def test_a_constant_series_has_no_anomaly() -> None:
    assert _alarms(_scores([5.0] * 1000)) == []


def test_no_score_changes_when_the_future_does() -> None:
    values = _daily(900)
    other = values[:600] + [10_000.0] * 300
    assert _scores(values)[:600] == _scores(other)[:600]


def test_scale_and_unit_make_no_difference() -> None:
    values = _daily(900)
    values[700] += 150
    small = _scores([value / 1024 for value in values])
    assert small == pytest.approx(_scores(values), abs=1e-3)


@pytest.mark.parametrize("value", [1e308, -1e308, 1e-320, 0.0, float("inf")])
def test_extreme_values_keep_the_score_a_probability(value: float) -> None:
    detector = Detector()
    for row, usual in enumerate(_daily(200)):
        detector.step(START + row * STEP, usual)
    assert 0.0 <= detector.step(START + 200 * STEP, value) <= 1.0
    assert 0.0 <= detector.step(START + 201 * STEP, 100.0) <= 1.0


def test_times_that_repeat_or_run_backwards_do_no_harm() -> None:
    detector, dice = Detector(), random.Random(5)
    scores = [detector.step(START + dice.choice([0, 60, -60]) + row // 2, dice.random()) for row in range(400)]
    assert all(0.0 <= score <= 1.0 for score in scores)


def test_memory_does_not_grow_with_the_stream() -> None:
    detector = Detector(longest=200)
    for row in range(1500):
        detector.step(START + row * STEP, float(row % 17))
    assert all(len(tails.history.line) <= 200 for tails in detector.position.tails)
    assert all(len(slot) <= 4 for rhythm in detector.rhythms for slot in rhythm.season.slots.values())


def test_a_tail_probability_is_near_the_truth_for_normal_numbers() -> None:
    dice, tails = random.Random(11), Tails(4000)
    for _ in range(4000):
        tails.add(dice.gauss(0, 1))
    for distance, chance in ((1.0, 0.1587), (2.0, 0.02275), (3.5, 0.000233)):
        assert tails.above(distance) == pytest.approx(-math.log10(chance), abs=0.35)
        assert tails.below(-distance) == pytest.approx(-math.log10(chance), abs=0.35)


def test_a_season_expects_what_came_at_this_time_on_former_days() -> None:
    season = Season(DAY, step=3600, most=288, depth=4)
    for hour in range(72):
        season.add(hour * 3600.0, float(hour % 24))
    assert season.expected(72 * 3600.0 + 5 * 3600) == 5.0
    assert not Season(DAY, step=DAY, most=288, depth=4).is_useful
