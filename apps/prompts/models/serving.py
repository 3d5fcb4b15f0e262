"""Rows about serving: a label on its way to another version, and who serves what."""

from __future__ import annotations

from django.db import models


class LabelRollout(models.Model):
    """A share of the callers gets `version` in place of `base`, where the label points; a moved label ends it."""

    label = models.OneToOneField("prompts.PromptLabel", on_delete=models.CASCADE, related_name="rollout")
    base = models.ForeignKey("prompts.PromptVersion", on_delete=models.CASCADE, related_name="+")
    version = models.ForeignKey("prompts.PromptVersion", on_delete=models.CASCADE, related_name="+")
    percent = models.PositiveSmallIntegerField()
    changed_at = models.DateTimeField()
    changed_by = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(percent__lte=100), name="rollout_percent")]

    def __str__(self) -> str:
        return f"{self.percent} % of {self.label}"


class PromptUse(models.Model):
    """What one instance of one caller serves of a prompt, as it last told. `version` empty: its own fallback text."""

    prompt = models.ForeignKey("prompts.Prompt", on_delete=models.CASCADE, related_name="uses")
    label = models.CharField(max_length=120, blank=True)  # "" when it asks for a number
    caller = models.CharField(max_length=120)  # "checkout-api"
    instance = models.CharField(max_length=120)  # "checkout-api-7d9f/14"
    version = models.ForeignKey("prompts.PromptVersion", null=True, on_delete=models.CASCADE, related_name="uses")
    serving_since = models.DateTimeField()  # when it was first heard with this version
    first_heard_at = models.DateTimeField()
    last_heard_at = models.DateTimeField()
    served = models.BigIntegerField(default=0)  # calls answered, all versions together
    fallbacks = models.BigIntegerField(default=0)  # of these with the fallback text

    class Meta:
        ordering = ["caller", "instance"]
        constraints = [
            models.UniqueConstraint(fields=["prompt", "label", "caller", "instance"], name="one_use_an_instance")
        ]
        indexes = [models.Index(fields=["prompt", "-last_heard_at"], name="use_of_prompt")]

    def __str__(self) -> str:
        return f"{self.caller} {self.instance}"
