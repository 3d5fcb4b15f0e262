"""When a delivery is tried again, when it is given up, and when a receiver is left alone: pure, times in seconds."""

from __future__ import annotations

from datetime import datetime, timedelta

FIRST_PAUSE, LONGEST_PAUSE = 10.0, 3600.0
SHORTEST_PAUSE = 1.0
GIVE_UP_AFTER = timedelta(hours=24)  # since the first try
PATIENT_FAILURES = 3  # in a row; from here on the receiver rests, and one delivery at a time tries whether it is back
LONGEST_REST = 600.0
DISABLE_FAILURES = 10  # in a row, and
DISABLE_AFTER = timedelta(hours=24)  # nothing else for so long


def pause_after(*, attempts: int, jitter: float, longest: float = LONGEST_PAUSE) -> float:
    """Seconds until the next try, full jitter: `jitter` in 0 … 1 of a ceiling that doubles from 10 s to an hour."""
    ceiling = min(longest, FIRST_PAUSE * 2.0 ** min(max(attempts - 1, 0), 20))
    return max(SHORTEST_PAUSE, ceiling * jitter)


def rest_after(*, failures: int, jitter: float) -> float:
    """Seconds in which a receiver that failed `failures` times in a row hears nothing at all; 0 for the first ones."""
    if failures < PATIENT_FAILURES:
        return 0.0
    return pause_after(attempts=failures - PATIENT_FAILURES + 1, jitter=jitter, longest=LONGEST_REST)


def is_given_up(*, first_tried_at: datetime, next_try_at: datetime) -> bool:
    """Whether the next try would come more than a day after the first."""
    return next_try_at > first_tried_at + GIVE_UP_AFTER


def is_hopeless(*, failures: int, failing_since: datetime, at: datetime) -> bool:
    """Whether the receiver failed so often and for so long that it is switched off."""
    return failures >= DISABLE_FAILURES and at >= failing_since + DISABLE_AFTER
