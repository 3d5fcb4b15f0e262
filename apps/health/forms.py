"""Forms of the app."""

from __future__ import annotations

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
