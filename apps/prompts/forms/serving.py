"""Inputs about serving."""

from __future__ import annotations

from django import forms

from apps.accounts.form_style import Styled


class AdoptForm(Styled, forms.Form):
    """Why a move that nobody approved may stay."""

    reason = forms.CharField(
        label="Why it may stay", max_length=1000, widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Kept in the ledger and in the report on duties.",
    )  # fmt: skip


class RolloutForm(Styled, forms.Form):
    """Which other version how many callers get."""

    number = forms.IntegerField(label="Version", min_value=0, help_text="The other version, by its number.")
    percent = forms.IntegerField(
        label="Percent of the callers", min_value=0, max_value=100,
        help_text="Of those that name a key. Who has it keeps it when this grows; 0 ends the rollout.",
    )  # fmt: skip
