"""What one scrape leaves behind for the next: the last values of counters and of histogram buckets."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from apps.connectors.exposition.quantiles import read_bound
from apps.connectors.values import finite, list_or_empty, object_or_empty


@dataclass(slots=True)
class Memory:
    """What the last scrape left behind. `at` is its time in epoch seconds, 0 before the first."""

    at: float = 0.0
    counters: dict[str, float] = field(default_factory=dict)
    buckets: dict[str, dict[float, float]] = field(default_factory=dict)
    stamps: dict[str, float] = field(default_factory=dict)  # of series that carry their own times

    @classmethod
    def load(cls, cursor: Mapping[str, Any]) -> Memory:
        """The memory in a stored cursor; unreadable parts are forgotten."""
        buckets = object_or_empty(cursor.get("buckets"))
        return cls(
            at=finite(cursor.get("at")) or 0.0,
            counters=_numbers(cursor.get("counters")),
            buckets={key: found for key, pairs in buckets.items() if (found := _bounds(pairs))},
            stamps=_numbers(cursor.get("stamps")),
        )

    def dump(self) -> dict[str, Any]:
        """JSON types for the cursor; infinity is written as a text."""
        buckets = {
            key: [["+Inf" if math.isinf(bound) else bound, count] for bound, count in sorted(found.items())]
            for key, found in self.buckets.items()
        }
        return {"at": self.at, "counters": self.counters, "buckets": buckets, "stamps": self.stamps}


def _numbers(value: Any) -> dict[str, float]:
    pairs = ((key, finite(number)) for key, number in object_or_empty(value).items())
    return {key: number for key, number in pairs if number is not None}


def _bounds(pairs: Any) -> dict[float, float]:
    found: dict[float, float] = {}
    for pair in list_or_empty(pairs):
        if isinstance(pair, list) and len(pair) == 2:
            bound, count = read_bound(pair[0]), finite(pair[1])
            if bound is not None and count is not None:
                found[bound] = count
    return found
