"""The alerts of the monitoring system: a promise that has been broken for two minutes fires."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from apps.demo.world.company import FEATURES, Feature, Promise
from apps.demo.world.dice import MINUTE, World
from apps.demo.world.metrics import values

EVERY = 30  # seconds between two evaluations of a rule
HOLDS_FOR = 2 * MINUTE  # before a broken promise fires
LOOKS_BACK = (60, 1440, 4320)  # evaluations, tried in turn until the beginning is found

# Alert name and sentence; quality and thumbs have no rule, so a slow burn stays unseen by them.
RULES = {
    "latency_p95": ("AnswersSlow", "the slowest 5% wait {value:.1f} s, {limit:g} s at most were promised"),
    "answered_ratio": ("AnswersMissing", "only {value:.1%} of requests get an answer, {limit:.0%} was promised"),
    "unsafe_ratio": ("AnswersBreakRules", "{value:.1%} of answers break a rule, {limit:.0%} at most was promised"),
    "retrieval_hit_ratio": ("SearchFindsTooLittle", "only {value:.1%} of searches find something"),
    "groundedness": ("AnswersNotGrounded", "only {value:.1%} of answers rest on their sources"),
}


@dataclass(frozen=True, slots=True)
class Rule:
    """One alerting rule: the promise of one feature about one measure."""

    name: str
    feature: Feature
    promise: Promise

    @property
    def severity(self) -> str:
        """Whether somebody is woken."""
        return "page" if self.feature.tier == 1 and self.promise.fails_at is not None else "ticket"

    def is_broken(self, value: float | None) -> bool:
        """Whether a value is worse than promised; no value breaks nothing."""
        if value is None:
            return False
        return value > self.promise.limit if self.promise.comparison == "at_most" else value < self.promise.limit

    def summary(self, value: float) -> str:
        """One sentence for people."""
        return f"{self.feature.name}: {RULES[self.promise.measure][1].format(value=value, limit=self.promise.limit)}"


@dataclass(frozen=True, slots=True)
class Alert:
    """A rule that is broken now, since when, and whether it has been so for long enough to fire."""

    rule: Rule
    value: float
    active_at: int
    state: Literal["pending", "firing"]


def rules() -> list[Rule]:
    """Every alerting rule of the company."""
    return [
        Rule(RULES[promise.measure][0], feature, promise)
        for feature in FEATURES
        for promise in feature.promises
        if promise.measure in RULES
    ]


def alerts_at(world: World, at: int) -> list[Alert]:
    """The alerts that the last evaluation before a time found pending or firing."""
    now = at - at % EVERY
    return [alert for rule in rules() if (alert := _alert(world, rule, now))]


def _alert(world: World, rule: Rule, now: int) -> Alert | None:
    track: list[float | None] = [None]
    count = 0
    for window in (1, *LOOKS_BACK):
        track = values(
            world, rule.feature.slug, rule.promise.measure, range(now - (window - 1) * EVERY, now + 1, EVERY)
        )
        count = _broken_in_a_row(rule, track)
        if count < window:
            break
    value = track[-1]
    if not count or value is None:
        return None
    active_at = now - (count - 1) * EVERY
    return Alert(rule, value, active_at, "firing" if now - active_at >= HOLDS_FOR else "pending")


def _broken_in_a_row(rule: Rule, track: list[float | None]) -> int:
    """How many of the last values are broken without a good one between them."""
    count = 0
    for value in reversed(track):
        if not rule.is_broken(value):
            break
        count += 1
    return count
