"""Forms of the app."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms

from apps.accounts.form_style import Styled
from apps.catalog.models import Feature, Team


class DigestForm(Styled, forms.Form):
    """What a person wants to be told every Monday."""

    is_wanted = forms.BooleanField(label="Send me the week every Monday morning", required=False)
    teams = forms.ModelMultipleChoiceField(
        Team.objects.all(),
        label="Teams",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        to_field_name="slug",
        help_text="All features of these teams. With nothing chosen it is those of your own teams.",
    )
    features = forms.ModelMultipleChoiceField(
        Feature.objects.filter(is_retired=False).order_by("name"),
        label="And these features",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        to_field_name="slug",
    )


class AnnouncementForm(Styled, forms.Form):
    """What everybody should know about a feature, and until when."""

    text = forms.CharField(
        label="What should people know?",
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Plain words, such as: “Answers may be slow until noon. We know, and we are on it.”",
    )
    ends_at = forms.DateTimeField(
        label="Until",
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        help_text="In your time zone. After that it stands among what is over.",
    )

    def __init__(self, *args: Any, at: datetime | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._at = at

    def clean_ends_at(self) -> datetime:
        """A time to come."""
        found: datetime = self.cleaned_data["ends_at"]
        if self._at and found <= self._at:
            raise forms.ValidationError("This is over already. Choose a time to come.")
        return found
