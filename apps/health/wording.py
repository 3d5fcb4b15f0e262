"""The product's words: what happened and to whom, in one plain sentence. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from apps.health.facts import PromiseFact
from apps.metrics import measures
from apps.metrics.measures import Family

ANSWERS: Final = frozenset({Family.ACCURACY, Family.SAFETY, Family.ENGAGEMENT})
_TWICE: Final = 1.8  # times as usual, from here on worth saying
# Which trouble is told first when several are equally bad.
_FIRST: Final = ("answered_ratio", "unsafe_ratio", "latency_p95", "latency_p99", "latency_p50", "groundedness")
_BROKEN: Final[dict[str, str]] = {
    "answered_ratio": "only {value} of questions get an answer, {limit} is promised",
    "quality_score": "reviewers rate the answers {value}, at least {limit} is promised",
    "groundedness": "only {value} of what answers say is backed by sources, {limit} is promised",
    "unsafe_ratio": "{value} of answers break a safety rule, at most {limit} is promised",
    "latency_p50": "people usually wait {value}, more than the promised {limit}",
    "latency_p95": "people wait {value}, more than the promised {limit}",
    "latency_p99": "some people wait {value}, more than the promised {limit}",
    "thumbs_up_ratio": "only {value} of ratings are thumbs up, {limit} is promised",
    "cost_rate": "it costs {value} an hour, more than the planned {limit}",
    "retrieval_hit_ratio": "only {value} of searches find something, {limit} is promised",
    "cache_hit_ratio": "only {value} of answers come from the cache, {limit} is promised",
    "fallback_ratio": "{value} of people get the backup answer, at most {limit} is promised",
    "requests_rate": "{value} requests arrive, outside the promised {limit}",
}


@dataclass(frozen=True, slots=True)
class Trouble:
    """One thing that is wrong: how it is told inside a sentence, and what it is about."""

    clause: str
    measure: str = ""

    @property
    def rank(self) -> int:
        """Its place among equally bad ones."""
        if not self.measure:
            return len(_FIRST) + 1
        return _FIRST.index(self.measure) if self.measure in _FIRST else len(_FIRST)


def sentence(text: str) -> str:
    """A clause made a sentence."""
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith(('.', '!', '?')) else '.'}"


def clause(text: str) -> str:
    """A sentence made a clause; a name at its beginning stays as it is."""
    return re.sub(r"^In ", "in ", text).rstrip(".")


def label(fact: PromiseFact) -> str:
    """What the measure is called."""
    return measures.measure(fact.measure).label


def value_text(fact: PromiseFact, value: float | None) -> str:
    """A value of the promise's measure as people say it."""
    return measures.measure(fact.measure).text(value, fact.unit)


def broken(fact: PromiseFact) -> str:
    """ "people wait 4.1 s, more than the promised 3 s"."""
    told = {"value": value_text(fact, fact.value), "limit": value_text(fact, fact.limit)}
    if fact.measure in _BROKEN:
        return _BROKEN[fact.measure].format(**told)
    label = measures.measure(fact.measure).label
    than = "more than" if fact.comparison == "at_most" else "less than"
    return f"“{label}” is {told['value']}, {than} the promised {told['limit']}"


def kept(fact: PromiseFact) -> str:
    """ "“Wait of the slowest 5%” is 2.1 s; the promise is at most 3 s"."""
    bound = "at most" if fact.comparison == "at_most" else "at least"
    label = measures.measure(fact.measure).label
    return f"“{label}” is {value_text(fact, fact.value)}; the promise is {bound} {value_text(fact, fact.limit)}"


def rule(fact: PromiseFact) -> str:
    """The rule in words, so that people can argue with it."""
    above = "above" if fact.comparison == "at_most" else "below"
    told = (
        f"Broken when the average of the last {fact.window_minutes} minutes is {above} {value_text(fact, fact.limit)}"
    )
    if fact.fails_at is not None:
        told += f"; down when it is {above} {value_text(fact, fact.fails_at)}"
    return f"{told}. Kept again when the average and the newest value are back inside."


def not_refreshed(name: str) -> str:
    """ "“Help center index” was not refreshed in time"."""
    return f"“{name}” was not refreshed in time"


def old_data(because: str) -> str:
    """ "answers may be old, because “Help center index” was not refreshed in time"."""
    return f"answers may be old, because {because}"


def compared(fact: PromiseFact) -> str:
    """ "people wait about twice as long as usual", "" when it is not that far from last week's or not a wait."""
    value, usual = fact.value, fact.usual
    if measures.measure(fact.measure).family is not Family.LATENCY or not value or not usual or usual <= 0:
        return ""
    times = value / usual
    if times < _TWICE:
        return ""
    told = "twice" if times < 2.5 else f"{times:.0f} times" if times < 20 else "many times"
    return f"people wait about {told} as long as usual"


def trouble(fact: PromiseFact) -> Trouble:
    """How a broken promise is told."""
    return Trouble(compared(fact) or broken(fact), fact.measure)


def troubled(troubles: Sequence[Trouble], kept_promises: Sequence[PromiseFact]) -> str:
    """The sentence of a feature in trouble: what still works, the first trouble, and how many more there are."""
    first, *others = sorted(troubles, key=lambda one: (one.rank, one.clause))
    opening = _still_good(troubles, kept_promises)
    rest = f", and {len(others)} more {'things are' if len(others) > 1 else 'thing is'} wrong" if others else ""
    return sentence(f"{opening}{first.clause}{rest}")


def fine(kept_promises: Sequence[PromiseFact], *, doubt: str) -> str:
    """The sentence of a healthy feature; without numbers, so that it stays the same while nothing happens.

    `doubt`: what is not known, "" when everything is.
    """
    families = {measures.measure(fact.measure).family for fact in kept_promises}
    if families & ANSWERS and Family.LATENCY in families:
        told = "answers are good and nobody waits longer than promised"
    elif families & ANSWERS:
        told = "answers are as good as promised"
    elif Family.LATENCY in families:
        told = "nobody waits longer than promised"
    elif families:
        told = "every promise is kept"
    else:
        told = "every pipeline passed its last run; no promise says yet how good the answers must be"
    return sentence(f"{told}, as far as is known: {doubt}" if doubt else told)


def _still_good(troubles: Sequence[Trouble], kept_promises: Sequence[PromiseFact]) -> str:
    wrong = {measures.measure(one.measure).family for one in troubles if one.measure}
    right = {measures.measure(fact.measure).family for fact in kept_promises}
    if right & ANSWERS and not wrong & ANSWERS:
        return "answers are good, but "
    if Family.LATENCY in right and Family.LATENCY not in wrong:
        return "answers come fast, but "
    return ""
