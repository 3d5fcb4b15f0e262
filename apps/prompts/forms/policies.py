"""The form of a rule."""

from __future__ import annotations

from typing import Any

from django import forms

from apps.accounts.form_style import Styled
from apps.evaluations.gating import GateRequirement
from apps.evaluations.models import EvaluationSuite
from apps.prompts.models import ApprovalPolicy


class PolicyForm(Styled, forms.ModelForm):  # type: ignore[type-arg]
    """What it takes to move a label; the gate asks the same of every suite that is chosen."""

    suites = forms.ModelMultipleChoiceField(
        EvaluationSuite.objects.all(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="Each of them must show the new version no worse than the live one.",
    )
    margin = forms.FloatField(min_value=0, initial=0.1, help_text="How much of the mean may be lost, in its own unit.")
    lowest_mean = forms.FloatField(required=False, help_text="The mean may never be lower than this.")
    least_cases = forms.IntegerField(min_value=2, initial=30)
    expires_after_hours = forms.IntegerField(label="Results count for (hours)", min_value=1, initial=168)

    class Meta:
        model = ApprovalPolicy
        fields = (
            "folder_pattern",
            "label_pattern",
            "minimum_approvals",
            "vote_days",
            "teams",
            "is_owner_needed",
            "respects_freezes",
        )
        labels = {
            "is_owner_needed": "The team that owns the feature must approve",
            "respects_freezes": "Not during a freeze",
            "vote_days": "An approval counts for (days)",
            "minimum_approvals": "Approvals needed",
            "teams": "One approval of each of these teams",
        }
        help_texts = {
            "folder_pattern": "* stands for anything: support/* is everything in the folder support.",
            "label_pattern": "Such as production, or * for every label.",
        }
        widgets = {"teams": forms.CheckboxSelectMultiple}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        gate = self.instance.gate or []
        if gate:
            self.initial["suites"] = [one["suite_id"] for one in gate]
            self.initial.update({name: gate[0].get(name) for name in _SHARED})

    @property
    def gate(self) -> list[dict[str, Any]]:
        """What the model stores."""
        shared = {name: self.cleaned_data[name] for name in _SHARED}
        suites = self.cleaned_data["suites"]
        return [GateRequirement(suite_id=suite.pk, **shared).as_json() for suite in suites]


_SHARED = ("margin", "lowest_mean", "least_cases", "expires_after_hours")
