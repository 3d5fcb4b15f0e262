"""Error budgets: how fast they burn, in several windows at once.

Thresholds and windows are those of the table in chapter 5, "Alerting on SLOs", of Google's Site Reliability Workbook.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from apps.monitors.rules.reading import Level, ParameterError, Reading, Rule

HOUR: Final = 3600.0
DAY: Final = 24 * HOUR
_BUCKET: Final = 300.0  # seconds


@dataclass(frozen=True, slots=True)
class Pair:
    """Alert when the budget burns `factor` times too fast in the long window and in the short one as well."""

    factor: float
    long: float
    short: float
    level: Level

    @property
    def words(self) -> str:
        """Such as: 1 h and 5 min."""
        return f"{_span(self.long)} and {_span(self.short)}"


WORKBOOK: Final = (
    Pair(14.4, HOUR, HOUR / 12, Level.ALERT),
    Pair(6.0, 6 * HOUR, HOUR / 2, Level.ALERT),
    Pair(1.0, 3 * DAY, 6 * HOUR, Level.WARN),
)


def burn_rate(*, bad: float, total: float, objective: float) -> float:
    """Share of bad ÷ share allowed: 1 uses the budget up exactly at the end of its period. 0 where nothing happened."""
    return (bad / total) / (1.0 - objective) if total else 0.0


def budget_left(*, bad: float, total: float, objective: float) -> float:
    """Share of the error budget that is left, 1 untouched, below 0 overdrawn."""
    return 1.0 - burn_rate(bad=bad, total=total, objective=objective)


class Burn(Rule):
    """Counts good and bad samples in stretches of five minutes and judges the pairs of windows."""

    def __init__(self, parameters: Mapping[str, Any], memory: Mapping[str, Any]) -> None:
        objective = parameters.get("objective")
        if objective is None or not 0.0 < float(objective) < 100.0:
            raise ParameterError("Its objective must lie between 0 and 100 percent.")
        if parameters.get("limit") is None:
            raise ParameterError("It has no limit that tells good from bad.")
        self.objective = float(objective) / 100.0
        self.limit = float(parameters["limit"])
        self.is_bad_above = parameters.get("direction", "above") != "below"
        self.least = int(parameters.get("samples") or 1)
        self.stretches = deque[list[float]](list(one) for one in memory.get("stretches", ()))  # [begin, bad, total]

    def step(self, at: float, value: float) -> Reading | None:
        """Judge with one more sample."""
        begin = at // _BUCKET * _BUCKET
        if not self.stretches or self.stretches[-1][0] < begin:
            self.stretches.append([begin, 0.0, 0.0])
            while self.stretches[0][0] < begin - WORKBOOK[-1].long:
                self.stretches.popleft()
        self.stretches[-1][1] += value > self.limit if self.is_bad_above else value < self.limit
        self.stretches[-1][2] += 1
        return self._judge(begin)

    def memory(self) -> dict[str, Any]:
        """The stretches of the last three days."""
        return {"stretches": [list(one) for one in self.stretches]}

    def _judge(self, newest: float) -> Reading | None:
        worst, reading = 0.0, None
        for pair in WORKBOOK:
            long, count = self._rate(newest, pair.long)
            short, _ = self._rate(newest, pair.short)
            burning = min(long, short)
            worst = max(worst, burning)
            if count >= self.least and burning > pair.factor and reading is None:
                why = f"the error budget burns {burning:.1f} times too fast over {pair.words} (limit {pair.factor:g})"
                reading = Reading(pair.level, burning, why)
        return reading or Reading(Level.OK, worst, "")

    def _rate(self, newest: float, seconds: float) -> tuple[float, float]:
        bad = total = 0.0
        for begin, wrong, count in reversed(self.stretches):
            if begin <= newest - seconds:
                break
            bad, total = bad + wrong, total + count
        return burn_rate(bad=bad, total=total, objective=self.objective), total


def _span(seconds: float) -> str:
    if seconds >= DAY:
        return f"{seconds / DAY:g} d"
    return f"{seconds / HOUR:g} h" if seconds >= HOUR else f"{seconds / 60:g} min"
