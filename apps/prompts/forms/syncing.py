"""Inputs about the two sides of a prompt."""

from __future__ import annotations

from django import forms

from apps.accounts.form_style import Styled
from apps.prompts.status import ConflictPolicy, Truth


class TruthForm(Styled, forms.Form):
    """Which side is written, and what happens when both were."""

    truth = forms.ChoiceField(choices=Truth.choices, label="Where versions are written", widget=forms.RadioSelect)
    on_conflict = forms.ChoiceField(
        choices=ConflictPolicy.choices, label="When both sides have a new version", widget=forms.RadioSelect
    )


class ResolveForm(Styled, forms.Form):
    """Which side is kept, and why."""

    keeps = forms.ChoiceField(choices=[(side, side) for side in Truth.values])
    reason = forms.CharField(max_length=1000)
