"""What a rule says about a moment, and what every rule can do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any


class Level(IntEnum):
    """How bad; higher is worse."""

    OK = 0
    WARN = 1
    ALERT = 2


@dataclass(frozen=True, slots=True)
class Reading:
    """`value` is what the rule compares (in its own unit) and `why` a sentence that people read in the alert."""

    level: Level
    value: float | None
    why: str


class Rule(ABC):
    """A judge of one stream that remembers as little as it needs. Times are seconds since 1970."""

    @abstractmethod
    def step(self, at: float, value: float) -> Reading | None:
        """The judgement with one more sample, in the order of time; None while too little is known."""

    @abstractmethod
    def memory(self) -> dict[str, Any]:
        """What to hand to the next one of its kind, as JSON."""

    def tick(self, now: float) -> Reading | None:
        """The judgement of time alone; None where only samples count."""
        del now
        return None


class ParameterError(ValueError):
    """Why a rule cannot be made of its parameters, in a sentence for people."""


@dataclass(frozen=True, slots=True)
class Levels:
    """A warning level and an alert level in one direction; what is over stays over until `margin` back."""

    alert: float
    warn: float | None = None
    is_above: bool = True
    margin: float = 0.0

    @classmethod
    def of(cls, parameters: Mapping[str, Any]) -> Levels:
        """From a monitor's parameters; ParameterError says what is missing or contradicts itself."""
        alert, warn = parameters.get("alert"), parameters.get("warn")
        is_above = parameters.get("direction", "above") != "below"
        if alert is None:
            raise ParameterError("It has no alert level.")
        if warn is not None and (warn > alert if is_above else warn < alert):
            raise ParameterError("Its warning level lies beyond its alert level.")
        return cls(float(alert), warn, is_above, abs(float(parameters.get("margin") or 0.0)))

    def judge(self, value: float, before: Level) -> Level:
        """The level of a value; `before` is what it was, for the way back."""
        for level, limit in ((Level.ALERT, self.alert), (Level.WARN, self.warn)):
            if limit is not None and self._is_over(value, limit, self.margin if before >= level else 0.0):
                return level
        return Level.OK

    def limit_of(self, level: Level) -> float:
        """The number that was crossed."""
        return self.alert if level == Level.ALERT or self.warn is None else self.warn

    def _is_over(self, value: float, limit: float, ease: float) -> bool:
        return value > limit - ease if self.is_above else value < limit + ease
