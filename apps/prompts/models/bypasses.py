"""A protected label that somebody moved in the other system, past the approval."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from apps.prompts.models.prompts import Prompt, PromptVersion
from apps.prompts.status import BypassState


class LabelBypass(models.Model):
    """From the poll that found it until it is put back, adopted, or covered by an approved change.

    `expected` is where the label should point, `found` where it was moved to; empty means that it was not there.
    """

    prompt = models.ForeignKey(Prompt, on_delete=models.CASCADE, related_name="bypasses")
    label = models.CharField(max_length=120)
    expected = models.ForeignKey(PromptVersion, null=True, on_delete=models.CASCADE, related_name="+")
    found = models.ForeignKey(PromptVersion, null=True, on_delete=models.CASCADE, related_name="+")
    found_at = models.DateTimeField()
    moved_by = models.CharField(max_length=200, blank=True)  # as the source tells, often nothing
    state = models.CharField(max_length=8, choices=BypassState.choices, default=BypassState.OPEN)
    ended_at = models.DateTimeField(null=True)
    ended_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    reason = models.TextField(blank=True)  # of who adopted it

    class Meta:
        ordering = ["-found_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["prompt", "label"],
                condition=models.Q(state=BypassState.OPEN),
                name="one_open_bypass_a_label",
            ),
            models.CheckConstraint(
                condition=~models.Q(state=BypassState.ADOPTED)
                | models.Q(ended_by__isnull=False) & ~models.Q(reason=""),
                name="adopted_bypass_has_a_reason",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.label} moved outside approval"

    @property
    def sentence(self) -> str:
        """What happened: "production was moved from v2 to v5 outside approval by ada."."""
        by = f" by {self.moved_by}" if self.moved_by else ""
        if self.found is None:
            return f"{self.label} was removed from {_number(self.expected)} outside approval{by}."
        if self.expected is None:
            return f"{self.label} was set to {_number(self.found)} outside approval{by}."
        return f"{self.label} was moved from {_number(self.expected)} to {_number(self.found)} outside approval{by}."


def _number(version: PromptVersion | None) -> str:
    return f"v{version.number}" if version else "nothing"
