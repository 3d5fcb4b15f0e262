"""What it takes to move a label."""

from __future__ import annotations

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.urls import reverse

from apps.catalog.models import Team


class ApprovalPolicy(models.Model):
    """The rule for the prompts and labels that match two patterns with * and ?. A label with a rule is protected.

    Of several that match, the one with the longest patterns counts. A request keeps the rule as it was when it was
    sent for review. `gate` lists what the evaluation gate asks: [{"suite": id, …}].
    """

    folder_pattern = models.CharField("prompts", max_length=512, default="*")
    label_pattern = models.CharField("labels", max_length=120, default="production")
    minimum_approvals = models.PositiveSmallIntegerField(
        default=1, validators=[MinValueValidator(1), MaxValueValidator(6)]
    )
    teams = models.ManyToManyField(Team, blank=True, related_name="+")  # one approval of each is needed
    is_owner_needed = models.BooleanField(default=False)  # and one of the team that owns the feature
    respects_freezes = models.BooleanField(default=True)
    vote_days = models.PositiveSmallIntegerField(default=7, validators=[MinValueValidator(1), MaxValueValidator(90)])
    gate = models.JSONField(default=list, blank=True)
    changed_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    changed_at = models.DateTimeField()

    class Meta:
        ordering = ["folder_pattern", "label_pattern"]
        constraints = [
            models.UniqueConstraint(
                fields=["folder_pattern", "label_pattern"],
                name="one_policy_a_pattern",
                violation_error_message="There is a rule for these prompts and labels already; change that one.",
            ),
            models.CheckConstraint(
                condition=models.Q(minimum_approvals__gte=1, minimum_approvals__lte=6), name="policy_needs_one_to_six"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.folder_pattern} @ {self.label_pattern}"

    def get_absolute_url(self) -> str:
        return reverse("prompts:policy-change", args=[self.pk])
