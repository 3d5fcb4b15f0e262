"""How many questions a vendor still answers before it asks for quiet, as its rate-limit headers say.

Read are `X-RateLimit-*` and `RateLimit-*`, with the reset as a time in epoch seconds or as seconds from now.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

LONGEST = 3600.0  # seconds
_EPOCH = 1e9  # a larger number is a time, a smaller one a span


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """`remaining` questions of `limit` (0: not told) until `resets_in` seconds from the answer, at most an hour."""

    remaining: int
    limit: int
    resets_in: float

    def is_below(self, reserve: int) -> bool:
        """Whether less is left than others should find; of a small limit, half is enough for them."""
        return self.remaining < (min(reserve, self.limit // 2) if self.limit else reserve)


def read_budget(headers: Mapping[str, str], *, server_time: datetime | None = None) -> Budget | None:
    """The budget in an answer's headers (lowercase), or None when the vendor does not tell."""
    remaining, reset = _number(headers, "remaining"), _number(headers, "reset")
    if remaining is None or reset is None:
        return None
    now = server_time or datetime.now(UTC)
    seconds = reset - now.timestamp() if reset > _EPOCH else reset
    limit = _number(headers, "limit") or 0
    return Budget(remaining=int(remaining), limit=int(limit), resets_in=min(max(seconds, 1.0), LONGEST))


def _number(headers: Mapping[str, str], name: str) -> float | None:
    text = headers.get(f"x-ratelimit-{name}") or headers.get(f"ratelimit-{name}") or ""
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
