"""Which events a subscription wants: one pure rule for the outbox and for replays."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

OWN = "notifications:"  # events about deliveries: sent only to whoever names them, or one failure would breed the next
PATTERN = re.compile(r"(?:[a-z]+|\*)(?::(?:[a-z_]+|\*))?(?::(?:[a-z-]+|\*))?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What of an event the rule looks at."""

    kind: str
    feature_id: int | None = None
    environment_id: int | None = None
    is_change: bool = False
    is_demo: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The filters of a subscription; an empty list lets everything pass."""

    kinds: Sequence[str] = ()
    feature_ids: Sequence[int] = ()
    environment_ids: Sequence[int] = ()
    only_changes: bool = False
    includes_demo: bool = False


def matches(wanted: Wanted, facts: Facts) -> bool:
    """Whether the event passes every filter; one without a feature fails a list of features."""
    return (
        (facts.is_change or not wanted.only_changes)
        and (wanted.includes_demo or not facts.is_demo)
        and (not wanted.feature_ids or facts.feature_id in wanted.feature_ids)
        and (not wanted.environment_ids or facts.environment_id in wanted.environment_ids)
        and _is_wanted_kind(wanted.kinds, facts.kind)
    )


def is_pattern(text: str) -> bool:
    """Whether `text` is a kind or a pattern of kinds: `deployments:*`, `*:run:failed`, `monitors:alert:opened`."""
    return PATTERN.fullmatch(text) is not None


def _is_wanted_kind(patterns: Sequence[str], kind: str) -> bool:
    if kind.startswith(OWN):
        patterns = [pattern for pattern in patterns if pattern.startswith(OWN)]
        return any(_compiled(pattern).fullmatch(kind) for pattern in patterns)
    return not patterns or any(_compiled(pattern).fullmatch(kind) for pattern in patterns)


@lru_cache(maxsize=512)
def _compiled(pattern: str) -> re.Pattern[str]:
    """A star inside stands for one word, a star at the end for everything that follows."""
    *words, last = pattern.split(":")
    tail = ".*" if last == "*" else re.escape(last)
    return re.compile(":".join([*("[^:]*" if word == "*" else re.escape(word) for word in words), tail]))
