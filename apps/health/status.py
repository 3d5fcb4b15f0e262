"""The health vocabulary: what `rollup.Status` says, with its words and looks."""

from __future__ import annotations

from apps.core.ui.status import StatusChoices


class HealthStatus(StatusChoices):
    HEALTHY = "healthy", "Healthy", "ok"
    DEGRADED = "degraded", "Degraded", "warn"
    DOWN = "down", "Down", "bad"
    STALE = "stale", "Stale", "stale"
    UNKNOWN = "unknown", "No data", "unknown"
    PAUSED = "paused", "Paused", "skip"


class DataStatus(StatusChoices):
    """What `datasets.DataState` says."""

    FRESH = "fresh", "Fresh", "ok"
    WARN = "warn", "Aging", "warn"
    FAIL = "fail", "Too old", "bad"
    UNKNOWN = "unknown", "Never heard", "unknown"


class SetStatus(StatusChoices):
    """What `consistency.Verdict` says."""

    CONSISTENT = "consistent", "Consistent", "ok"
    BEHIND = "behind", "Behind", "warn"
    MIXED = "mixed", "Mixed", "bad"
    UNKNOWN = "unknown", "Not comparable", "unknown"


class PartStatus(StatusChoices):
    """How a component does, as far as alerts, pipelines and the age of its data tell."""

    FAILING = "failing", "Failing", "bad"
    BEHIND = "behind", "Behind", "warn"
    FINE = "fine", "Fine", "ok"
    UNKNOWN = "unknown", "Not told", "unknown"


class CheckState(StatusChoices):
    """How one check of the readiness scorecard came out."""

    MET = "met", "Met", "ok"
    MISSING = "missing", "Missing", "warn"
    NOT_APPLICABLE = "not_applicable", "Does not apply", "skip"
