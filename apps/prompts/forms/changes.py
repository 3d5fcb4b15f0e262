"""Forms of a change request."""

from __future__ import annotations

from typing import Any

from django import forms

from apps.accounts.form_style import Styled
from apps.accounts.models import User
from apps.prompts import queries
from apps.prompts.models import Comment, Prompt
from apps.prompts.services.change_requests import Pin
from apps.prompts.status import ReviewVerdict


def _versions(prompt: Prompt) -> list[tuple[int, str]]:
    rows = queries.versions(prompt_id=prompt.pk)
    return [(row.number, f"v{row.number} {row.commit_message[:80]}".strip()) for row in rows if not row.gone_at]


class EditForm(Styled, forms.Form):
    """Another version, or other words, for a request; every approval falls."""

    version = forms.TypedChoiceField(label="Version", coerce=int)
    title = forms.CharField(max_length=200, help_text="What changes for people, in one line.")
    reason = forms.CharField(label="Why", widget=forms.Textarea(attrs={"rows": 4}))

    def __init__(self, *args: Any, prompt: Prompt, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["version"].choices = _versions(prompt)  # type: ignore[attr-defined]


class ProposeForm(EditForm):
    """A new request."""

    label = forms.CharField(max_length=120, help_text="The label that should move, such as production.")
    reviewers = forms.ModelMultipleChoiceField(
        User.objects.none(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="People of the owning team stand first. Anybody who may approve can review.",
    )
    field_order = ("label", "version", "title", "reason", "reviewers")

    def __init__(self, *args: Any, prompt: Prompt, user: User, **kwargs: Any) -> None:
        super().__init__(*args, prompt=prompt, **kwargs)
        people = [person.pk for person in queries.suggested_reviewers(prompt=prompt, without=user)]
        self.fields["reviewers"].queryset = User.objects.filter(pk__in=people)  # type: ignore[attr-defined]


class NoteForm(forms.Form):
    """The words beside a button."""

    note = forms.CharField(max_length=5000, required=False)
    seen_hash = forms.CharField(max_length=64, required=False)


class TimeForm(Styled, forms.Form):
    """When to apply; by the clock of the reader's zone. Empty takes the plan back."""

    apply_at = forms.DateTimeField(
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        error_messages={"invalid": "Write a day and a time such as 2026-12-24 16:00."},
    )


class RemarkForm(forms.Form):
    """A remark, an answer, or a remark on some lines."""

    body = forms.CharField(max_length=6000)
    part = forms.ChoiceField(choices=Comment.Part.choices, required=False)
    first_line = forms.IntegerField(min_value=1, required=False)
    last_line = forms.IntegerField(min_value=1, required=False)
    parent = forms.IntegerField(required=False)

    @property
    def pin(self) -> Pin | None:
        """The lines it speaks of, None for the whole change."""
        values = self.cleaned_data
        first = values["first_line"]
        if not values["part"] or first is None:
            return None
        return Pin(values["part"], first, values["last_line"] or first)


class ReviewForm(forms.Form):
    """What somebody says of a broken glass."""

    verdict = forms.ChoiceField(choices=ReviewVerdict.choices)
    note = forms.CharField(max_length=5000, required=False)
