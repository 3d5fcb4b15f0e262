"""The words for a source, for its polls, its webhooks and its circuit breaker, each with its look."""

from __future__ import annotations

from apps.core.ui.status import StatusChoices


class SourceStatus(StatusChoices):
    """What people read about a source; the first four are `freshness.Freshness`."""

    FRESH = "fresh", "Fresh", "ok"
    LATE = "late", "Late", "late"
    STALE = "stale", "Stale", "stale"
    UNKNOWN = "unknown", "Never heard", "unknown"
    FAILING = "failing", "Failing", "bad"
    PAUSED = "paused", "Paused", "skip"


class Outcome(StatusChoices):
    """How one poll ended."""

    RUNNING = "running", "Running", "run"
    SUCCEEDED = "succeeded", "Succeeded", "ok"
    FAILED = "failed", "Failed", "bad"
    SUPERSEDED = "superseded", "Superseded", "skip"


class Circuit(StatusChoices):
    """Whether a source is asked at all: open means that it is left alone for a while."""

    CLOSED = "closed", "Closed", "ok"
    OPEN = "open", "Open", "bad"
    HALF_OPEN = "half_open", "Trying", "retry"


class Ringing(StatusChoices):
    """What became of one webhook."""

    RANG = "rang", "Read at once", "ok"
    IGNORED = "ignored", "Nothing to read", "skip"
    UNHEARD = "unheard", "Source is paused", "skip"
    REFUSED = "refused", "Refused", "bad"
