"""Every rule by table: when it says nothing, when it warns, when it alerts, when it is over."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import orjson
import pytest
from scipy.stats import ks_2samp, wasserstein_distance

from apps.monitors.judging import episodes
from apps.monitors.rules import KINDS, Level, ParameterError, make_rule
from apps.monitors.rules.burn import WORKBOOK, budget_left, burn_rate
from apps.monitors.rules.drift import ks, psi, wasserstein

MINUTE, HOUR, DAY = 60.0, 3600.0, 86_400.0
START = 1_750_000_000.0


def _levels(kind: str, parameters: dict[str, Any], samples: list[tuple[float, float]]) -> list[Level | None]:
    rule = make_rule(kind, parameters)
    return [reading.level if (reading := rule.step(at, value)) else None for at, value in samples]


def _each(step: float, values: list[float]) -> list[tuple[float, float]]:
    return [(START + row * step, value) for row, value in enumerate(values)]


def test_a_level_is_judged_on_the_mean_of_its_window() -> None:
    parameters = {"alert": 10, "warn": 8, "minutes": 2}
    found = _levels("threshold", parameters, _each(MINUTE, [1, 17, 17, 9, 0]))
    assert found == [Level.OK, Level.WARN, Level.ALERT, Level.ALERT, Level.OK]


def test_a_level_stays_broken_until_the_way_back_is_done() -> None:
    parameters = {"alert": 10, "minutes": 1, "margin": 3}
    assert _levels("threshold", parameters, _each(MINUTE, [11, 8, 8, 7, 8, 11])) == [2, 2, 2, 0, 0, 2]


def test_a_floor_alerts_below_it() -> None:
    parameters = {"alert": 0.9, "warn": 0.95, "direction": "below", "minutes": 1}
    assert _levels("threshold", parameters, _each(MINUTE, [0.99, 0.94, 0.8])) == [0, 1, 2]


def test_too_few_samples_are_not_judged() -> None:
    parameters = {"alert": 10, "minutes": 10, "samples": 3}
    assert _levels("threshold", parameters, _each(MINUTE, [99, 99, 99])) == [None, None, 2]


def test_a_rise_is_measured_against_the_window_before() -> None:
    found = _levels("change", {"alert": 50, "minutes": 2}, _each(MINUTE, [10, 10, 10, 10, 20, 20, 20, 20]))
    assert found == [None, None, 0, 0, 0, 2, 0, 0]


def test_a_fall_is_written_without_a_sign() -> None:
    parameters = {"alert": 30, "minutes": 1, "direction": "below"}
    assert _levels("change", parameters, _each(MINUTE, [10, 10, 5, 5])) == [None, 0, 2, 0]


def test_silence_grows_with_the_clock_and_ends_with_a_sample() -> None:
    rule = make_rule("no_data", {"alert": 30, "warn": 10})
    assert rule.tick(START) is None
    rule.step(START, 1.0)
    assert [rule.tick(START + minutes * MINUTE).level for minutes in (5, 11, 31)] == [0, 1, 2]
    assert rule.step(START + 40 * MINUTE, 1.0).level == Level.OK


def test_the_burn_table_is_the_workbooks() -> None:
    table = [(pair.factor, pair.long / HOUR, pair.short / MINUTE) for pair in WORKBOOK]
    assert table == [(14.4, 1, 5), (6, 6, 30), (1, 72, 360)]


@pytest.mark.parametrize(("hours", "factor", "spent"), [(1, 14.4, 0.02), (6, 6.0, 0.05), (72, 1.0, 0.10)])
def test_each_pair_fires_when_the_workbooks_share_of_a_months_budget_is_spent(
    hours: float, factor: float, spent: float
) -> None:
    assert factor * hours / (30 * 24) == pytest.approx(spent)


def test_burn_rates_are_shares_of_what_is_allowed() -> None:
    assert burn_rate(bad=1, total=100, objective=0.99) == pytest.approx(1.0)
    assert burn_rate(bad=0, total=0, objective=0.99) == 0.0
    assert budget_left(bad=2, total=1000, objective=0.999) == pytest.approx(-1.0)


@pytest.mark.parametrize(
    ("bad_share", "minutes", "level"),
    [
        (0.0, 300, Level.OK),
        (0.005, 300, Level.OK),
        (1.0, 11, Level.ALERT),  # the whole of ten minutes: 14.4 times over the hour is passed after nine
        (0.07, 360, Level.ALERT),  # seven times too fast for six hours
        (0.02, 4320, Level.WARN),  # twice too fast for three days: a ticket
    ],
)
def test_budgets_burn_in_two_windows_at_once(bad_share: float, minutes: int, level: Level) -> None:
    dice = random.Random(4)
    good = [0.0] * (4320 - minutes)
    bad = [1.0 if dice.random() < bad_share else 0.0 for _ in range(minutes)]
    parameters = {"limit": 0.5, "objective": 99.0}
    assert _levels("burn", parameters, _each(MINUTE, good + bad))[-1] == level


def test_a_burst_that_is_over_does_not_alert_for_the_rest_of_the_hour() -> None:
    found = _levels("burn", {"limit": 0.5, "objective": 99.0}, _each(MINUTE, [0.0] * 300 + [1.0] * 10 + [0.0] * 10))
    assert Level.ALERT in found[300:310]
    assert found[-1] == Level.WARN


def test_psi_of_known_shares_is_what_the_formula_says() -> None:
    baseline = [float(one) for one in range(1000)]
    recent = [value for value in baseline if value < 500] * 2
    doubled, emptied, before = 200.5 / 1005, 0.5 / 1005, 0.1  # five deciles each, half a value added to every bin
    expected = 5 * sum((p - before) * np.log(p / before) for p in (doubled, emptied))
    assert psi(baseline, recent) == pytest.approx(expected, rel=0.001)
    assert psi(baseline, baseline) == pytest.approx(0.0, abs=1e-9)


def test_ks_and_wasserstein_are_scipys() -> None:
    dice = np.random.default_rng(2)
    baseline, recent = dice.normal(0, 2, 400), dice.normal(1, 2, 300)
    assert ks(list(baseline), list(recent)) == pytest.approx(ks_2samp(baseline, recent).statistic)
    assert wasserstein(list(baseline), list(recent)) == pytest.approx(
        wasserstein_distance(baseline, recent) / baseline.std()
    )


@pytest.mark.parametrize(("method", "alert"), [("psi", 0.25), ("ks", 0.3), ("wasserstein", 0.7)])
def test_drift_is_found_against_the_first_days(method: str, alert: float) -> None:
    dice = random.Random(6)
    values = [dice.gauss(10, 2) for _ in range(96 * 8)] + [dice.gauss(13, 2) for _ in range(96)]
    parameters = {"method": method, "alert": alert, "days": 4, "hours": 24, "samples": 90}
    found = _levels("drift", parameters, _each(900, values))
    assert found[: 96 * 4 + 89] == [None] * (96 * 4 + 89)
    assert Level.ALERT not in found[: 96 * 8]
    assert [level for level in found if level is not None][-1] == Level.ALERT  # judged once an hour


def test_a_long_baseline_is_thinned_evenly() -> None:
    rule = make_rule("drift", {"alert": 0.25, "days": 7})
    for row in range(9000):
        rule.step(START + row * MINUTE, float(row))
    baseline = rule.memory()["baseline"]
    assert len(baseline) <= 2000
    assert np.mean(baseline) == pytest.approx(4500, rel=0.1)


def test_weeks_that_slide_are_quiet_decay() -> None:
    monday = 1_749_427_200.0  # 9 June 2025
    values = [(monday + day * DAY, 0.95 - 0.01 * (day // 7)) for day in range(43)]
    rule = make_rule("decay", {"weeks": 4, "alert": 3})
    found = [rule.step(at, value) for at, value in values]
    assert found[34] is None
    assert found[35].level == Level.ALERT
    assert "4 weeks in a row" in found[35].why


def test_one_better_week_breaks_the_slide() -> None:
    monday = 1_749_427_200.0
    means = [0.95, 0.94, 0.93, 0.935, 0.92, 0.91]
    samples = [(monday + day * DAY, means[day // 7]) for day in range(42)] + [(monday + 42 * DAY, 0.9)]
    rule = make_rule("decay", {"weeks": 4, "alert": 3})
    assert [rule.step(at, value) for at, value in samples][-1].level == Level.OK


def test_what_is_unusual_holds_for_its_minutes() -> None:
    dice = random.Random(8)
    rule = make_rule("anomaly", {"alert": 0.5, "minutes": 30})
    for row in range(800):
        rule.step(START + row * 600, 100 + dice.gauss(0, 3))
    assert rule.step(START + 800 * 600, 400.0).level == Level.ALERT
    assert rule.step(START + 802 * 600, 100.0).level == Level.ALERT
    assert rule.step(START + 806 * 600, 101.0).level == Level.OK


@pytest.mark.parametrize("kind", list(KINDS))
def test_a_rule_goes_on_from_its_memory_as_if_it_had_never_stopped(kind: str) -> None:
    dice = random.Random(9)
    needed = {"alert": 60.0, "limit": 60.0, "minutes": 30}
    parameters = {one.name: one.default for one in KINDS[kind].parameters if one.default is not None} | {
        one.name: needed[one.name] for one in KINDS[kind].parameters if one.name in needed and one.default is None
    }
    samples = _each(HOUR, [50 + dice.gauss(0, 10) for _ in range(900)])
    whole = make_rule(kind, parameters)
    expected = [whole.step(*one) for one in samples][-300:]
    first = make_rule(kind, parameters)
    for one in samples[:600]:
        first.step(*one)
    second = make_rule(kind, parameters, orjson.loads(orjson.dumps(first.memory())))
    found = [second.step(*one) for one in samples[600:]]
    assert [one and one.level for one in found] == [one and one.level for one in expected]
    values = [(one.value, other.value) for one, other in zip(found, expected, strict=True) if one and other]
    assert all(one == pytest.approx(other, rel=1e-3, abs=1e-3) for one, other in values)


@pytest.mark.parametrize(
    ("kind", "parameters", "words"),
    [
        ("threshold", {}, "no alert level"),
        ("threshold", {"alert": 5, "warn": 9}, "beyond its alert level"),
        ("threshold", {"alert": 5, "warn": 1, "direction": "below"}, "beyond its alert level"),
        ("burn", {"limit": 1, "objective": 100}, "between 0 and 100"),
        ("burn", {"objective": 99}, "no limit"),
        ("drift", {"alert": 1, "method": "guess"}, "none of the choices"),
        ("decay", {"weeks": 1}, "out of range"),
        ("threshold", {"alert": 1, "minutes": 1e9}, "out of range"),
        ("threshold", {"alert": True}, "cannot be read"),
        ("threshold", {"alert": float("nan")}, "cannot be read"),
        ("threshold", {"alert": []}, "cannot be read"),
        ("wishes", {}, "Nobody knows the kind"),
    ],
)
def test_a_misconfigured_rule_says_why(kind: str, parameters: dict[str, Any], words: str) -> None:
    with pytest.raises(ParameterError, match=words):
        make_rule(kind, parameters)


def test_a_replay_gives_every_episode_with_its_end() -> None:
    rule = make_rule("threshold", {"alert": 10, "minutes": 1})
    samples = _each(MINUTE, [1, 11, 12, 1, 1, 15])
    found = episodes(rule, samples, START + 600)
    assert [(one.start - START, one.end and one.end - START) for one in found] == [(60, 180), (300, None)]


def test_a_replay_hears_silence_between_and_after_samples() -> None:
    rule = make_rule("no_data", {"alert": 30})
    found = episodes(rule, [(START, 1.0), (START + 2 * HOUR, 1.0)], START + 2 * HOUR + 40 * MINUTE)
    assert [(one.start - START, one.end and one.end - START) for one in found] == [(1860, 7200), (9060, None)]
