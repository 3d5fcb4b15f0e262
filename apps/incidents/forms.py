"""What people write about incidents."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils import timezone

from apps.accounts.form_style import Styled
from apps.accounts.models import User
from apps.catalog.models import Feature
from apps.evaluations.models import EvaluationSuite
from apps.incidents.models import CauseClass, IncidentKind, RoleKind, Visibility
from apps.incidents.status import ActionState, EntryKind, ReviewState, Severity, SuspectVerdict

WRITTEN = (EntryKind.NOTE, EntryKind.SYMPTOM, EntryKind.FINDING, EntryKind.DECISION, EntryKind.ACTION)
CLOCKS = ("impact_started_at", "detected_at", "acknowledged_at", "mitigated_at", "resolved_at")


class Moment(forms.DateTimeField):
    """A day and a time by the reader's own clock."""

    widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")

    def __init__(self, **given: Any) -> None:
        super().__init__(input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M"], **given)


class DeclareForm(Styled, forms.Form):
    """A new incident: little is asked, the rest can be said later."""

    title = forms.CharField(label="What do people notice?", max_length=200)
    features = forms.ModelMultipleChoiceField(
        Feature.objects.none(), label="Which features?", widget=forms.CheckboxSelectMultiple
    )
    severity = forms.ChoiceField(choices=Severity.choices, initial=Severity.SEV3)
    kind = forms.ChoiceField(label="Kind", choices=IncidentKind.choices, initial=IncidentKind.DEGRADATION)
    impact_started_at = Moment(
        label="Since when?", required=False, help_text="As far as you know; left empty, it is now. It can be corrected."
    )
    visibility = forms.ChoiceField(label="Who sees it", choices=Visibility.choices, initial=Visibility.INTERNAL)
    summary = forms.CharField(label="More", required=False, widget=forms.Textarea(attrs={"rows": 3}))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["features"].queryset = Feature.objects.filter(is_retired=False).order_by("name")  # type: ignore[attr-defined]


class ChangeForm(DeclareForm):
    """What is said of an incident, corrected."""

    cause_class = forms.ChoiceField(label="Where the cause lay", choices=[("", "Not said")], required=False)
    detected_at = Moment(label="Noticed at")
    acknowledged_at = Moment(label="Taken up at", required=False)
    mitigated_at = Moment(label="Mitigated at", required=False)
    resolved_at = Moment(label="Over at", required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["cause_class"].choices = [("", "Not said"), *CauseClass.choices]  # type: ignore[attr-defined]
        self.fields["impact_started_at"].required = True


class EntryForm(Styled, forms.Form):
    """Something for the timeline."""

    text = forms.CharField(label="What happened", max_length=10_000, widget=forms.Textarea(attrs={"rows": 2}))
    kind = forms.ChoiceField(choices=[(kind.value, kind.label) for kind in WRITTEN], initial=EntryKind.NOTE)
    at = Moment(label="When", required=False, help_text="Left empty, it is now.")
    is_pinned = forms.BooleanField(label="A key moment", required=False)


class UpdateForm(Styled, forms.Form):
    """What everybody is told."""

    text = forms.CharField(
        label="What everybody should know", max_length=10_000, widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Plain words: what people notice, what is being done, when you write again.",
    )  # fmt: skip
    brief = forms.CharField(label="In one sentence", max_length=300, required=False)


class RoleForm(Styled, forms.Form):
    """Who takes which role."""

    role = forms.ChoiceField(choices=RoleKind.choices)
    to = forms.ModelChoiceField(User.objects.none(), label="To")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["to"].queryset = User.objects.filter(is_active=True).order_by("full_name", "username")  # type: ignore[attr-defined]


class VerdictForm(forms.Form):
    """What a suspect turned out to be."""

    suspect = forms.CharField(max_length=80)
    verdict = forms.ChoiceField(choices=SuspectVerdict.choices)
    note = forms.CharField(max_length=2000, required=False)


class ReviewForm(forms.Form):
    """The text of a review, and the version that it was begun from."""

    text = forms.CharField(max_length=200_000, strip=False)
    version = forms.IntegerField(min_value=0)


class ReviewStateForm(Styled, forms.Form):
    """How far the review is."""

    state = forms.ChoiceField(choices=ReviewState.choices)
    owner = forms.ModelChoiceField(User.objects.none(), required=False)
    meeting_at = Moment(label="Meeting", required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["owner"].queryset = User.objects.filter(is_active=True).order_by("full_name", "username")  # type: ignore[attr-defined]


class ActionForm(Styled, forms.Form):
    """A promise: what, who, until when."""

    title = forms.CharField(label="What should be done", max_length=200)
    owner = forms.ModelChoiceField(User.objects.none(), required=False)
    due_on = forms.DateField(label="Until", required=False, widget=forms.DateInput(attrs={"type": "date"}))
    url = forms.URLField(label="Ticket", required=False, assume_scheme="https")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["owner"].queryset = User.objects.filter(is_active=True).order_by("full_name", "username")  # type: ignore[attr-defined]


class CaseForm(Styled, forms.Form):
    """A failing example for a suite of our own."""

    suite = forms.ModelChoiceField(EvaluationSuite.objects.none(), label="Suite")
    inputs = forms.JSONField(
        label="What was asked",
        help_text='The variables of the prompt as JSON: {"question": "Where is my refund?"}',
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    expected = forms.CharField(
        label="What the answer must be",
        required=False,
        help_text="Text, or JSON where a scorer wants more than a text.",
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    is_safety = forms.BooleanField(label="Failing it fails the whole gate (safety)", required=False)

    def __init__(self, *args: Any, suites: QuerySet[EvaluationSuite], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["suite"].queryset = suites  # type: ignore[attr-defined]

    def clean_inputs(self) -> dict[str, str]:
        """An object of texts."""
        given = self.cleaned_data["inputs"]
        if not isinstance(given, dict) or not given:
            raise forms.ValidationError('Write an object such as {"question": "…"}.')
        return given

    def clean_expected(self) -> Any:
        """JSON where it is some, else the text itself; None when nothing is expected."""
        text = self.cleaned_data["expected"].strip()
        if not text.startswith(("{", "[")):
            return text or None
        try:
            return json.loads(text)
        except ValueError as error:
            raise forms.ValidationError(f"This begins like JSON and is none: {error}.") from None


class ActionStateForm(forms.Form):
    """How far an action item is."""

    state = forms.ChoiceField(choices=ActionState.choices)
    effect = forms.CharField(max_length=2000, required=False)


class AsOfForm(Styled, forms.Form):
    """Which moment."""

    at = Moment(label="The portal at")


def as_local(at: datetime | None) -> str:
    """A time as a box for local times shows it."""
    return timezone.localtime(at).strftime("%Y-%m-%dT%H:%M") if at else ""
