"""How the verdict on a change looks."""

from __future__ import annotations

from apps.core.ui.status import StatusChoices


class ImpactVerdict(StatusChoices):
    """The words of effects.Verdict."""

    BETTER = "better", "Better", "ok"
    WORSE = "worse", "Worse", "bad"
    CHANGED = "changed", "Changed", "info"
    UNCLEAR = "unclear", "Unclear", "unknown"
    TOO_LITTLE_DATA = "too_little_data", "Too little data", "wait"
