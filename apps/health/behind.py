"""Whether a feature's answers may be old, how old and why: of everything they are made from the oldest counts. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from apps.health import rules, wording
from apps.health.facts import FeatureFacts, Status

_UNKNOWN_LAST: Final = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Behind:
    """Answers may be from `as_of` (None: nobody knows) because of `because`, which began at `since`."""

    because: str
    as_of: datetime | None = None
    since: datetime | None = None


def behind_of(facts: FeatureFacts) -> Behind | None:
    """The oldest of what is late; None while everything the feature stands on is as new as it should be."""
    return min(_late(facts), key=lambda one: (one.as_of or _UNKNOWN_LAST, one.because), default=None)


def _late(facts: FeatureFacts) -> Iterator[Behind]:
    for fact in facts.pipelines:
        reason = rules.judge_pipeline(fact)
        if fact.feeds_data and reason.effect is Status.DEGRADED:
            yield Behind(f"the pipeline “{fact.name}” {rules.trouble_of(fact)}", fact.data_as_of, reason.since)
    for one in facts.datasets:
        if one.state in ("warn", "fail"):
            yield Behind(one.because or wording.not_refreshed(one.name), one.as_of, one.since)
