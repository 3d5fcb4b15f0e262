"""What a month will cost, and the day a budget is used up."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest

from apps.metrics.costs import Day, forecast

TODAY = date(2026, 11, 11)
WEEK = (1.0, 1.05, 1.02, 1.0, 0.95, 0.6, 0.55)


def history(curve, *, days: int = 42, noise: float = 0.05, seed: int = 1, today: date = TODAY) -> list[Day]:
    """`curve(n)` n days before today, with noise and the rhythm of a week."""
    dice = np.random.default_rng(seed)
    found = []
    for n in range(days, 0, -1):
        on = today - timedelta(days=n)
        found.append(Day(on, curve(n) * WEEK[on.weekday()] * float(np.exp(dice.normal(0.0, noise)))))
    return found


def future(curve, *, until: int = 20, today: date = TODAY) -> list[tuple[date, float]]:
    days = [today + timedelta(days=n) for n in range(until)]
    return [(on, curve(-n) * WEEK[on.weekday()]) for n, on in enumerate(days)]


def spent_before(days: list[Day], today: date = TODAY) -> float:
    return sum(day.cost for day in days if day.on.month == today.month)


@pytest.mark.parametrize("seed", range(20))
def test_planted_growth_of_tokens_gives_the_day_on_which_the_budget_is_used_up(seed: int) -> None:
    def grown(n: int) -> float:
        return 100.0 * 1.04 ** max(0, 14 - n)  # four percent a day for two weeks, and on

    days = history(grown, seed=seed)
    spent, budget = spent_before(days), 3000.0
    total, crossing = spent, None
    for on, cost in future(grown):
        total += cost
        if crossing is None and total >= budget:
            crossing = on
    found = forecast(days=days, spent=spent, today=TODAY, budget=budget)
    assert crossing is not None
    assert abs((found.crosses_on - crossing).days) <= 1
    assert found.crosses_from <= crossing <= found.crosses_until


@pytest.mark.parametrize("seed", range(20))
def test_a_step_of_a_new_prompt_version_is_carried_on(seed: int) -> None:
    def stepped(n: int) -> float:
        return 100.0 if n > 8 else 160.0

    days = history(stepped, seed=seed)
    spent = spent_before(days)
    found = forecast(days=days, spent=spent, today=TODAY)
    truth = spent + sum(cost for _, cost in future(stepped))
    assert found.total == pytest.approx(truth, rel=0.06)
    assert abs((TODAY - found.step_on).days - 8) <= 2


def test_the_interval_holds_the_month_as_often_as_it_says() -> None:
    held = 0
    for seed in range(100):
        dice = np.random.default_rng(1000 + seed)
        days = history(lambda _: 100.0, seed=seed, noise=0.1)
        spent = spent_before(days)
        truth = spent + sum(cost * float(np.exp(dice.normal(0.0, 0.1))) for _, cost in future(lambda _: 100.0))
        found = forecast(days=days, spent=spent, today=TODAY)
        held += found.low <= truth <= found.high
    assert 80 <= held <= 99


def test_a_steady_pace_shows_no_growth_and_keeps_its_budget() -> None:
    days = history(lambda _: 100.0)
    found = forecast(days=days, spent=spent_before(days), today=TODAY, budget=9000.0)
    assert (found.growth, found.crosses_on) == (0.0, None)
    assert found.crossing_chance == 0.0


def test_one_busy_day_is_no_trend() -> None:
    days = history(lambda n: 500.0 if n == 5 else 100.0)
    found = forecast(days=days, spent=spent_before(days), today=TODAY)
    truth = spent_before(days) + sum(cost for _, cost in future(lambda _: 100.0))
    assert found.total == pytest.approx(truth, rel=0.15)


def test_a_budget_that_is_used_up_already_is_crossed_today() -> None:
    found = forecast(days=history(lambda _: 100.0), spent=500.0, today=TODAY, budget=400.0)
    assert (found.crosses_on, found.crossing_chance) == (TODAY, 1.0)


def test_the_path_ends_with_the_month() -> None:
    found = forecast(days=history(lambda _: 100.0), spent=0.0, today=TODAY)
    assert [on for on, _ in found.path] == [TODAY + timedelta(days=n) for n in range(20)]
    assert found.path[-1][1] == found.total
    last = forecast(days=history(lambda _: 100.0), spent=0.0, today=date(2026, 11, 30))
    assert len(last.path) == 1


def test_too_few_days_give_no_forecast() -> None:
    assert forecast(days=history(lambda _: 100.0, days=3), spent=300.0, today=TODAY) is None


@pytest.mark.parametrize("days", [4, 6, 8, 13, 21])
def test_a_short_history_gives_a_forecast_with_an_interval(days: int) -> None:
    found = forecast(days=history(lambda _: 100.0, days=days), spent=100.0, today=TODAY)
    assert 0.0 < found.low < found.total < found.high


def test_the_same_days_always_give_the_same_forecast() -> None:
    days = history(lambda _: 100.0)
    assert forecast(days=days, spent=1.0, today=TODAY) == forecast(days=days, spent=1.0, today=TODAY)
