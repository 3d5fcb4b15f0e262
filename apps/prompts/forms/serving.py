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


class ReturnForm(Styled, forms.Form):
    """Why a rollout ends."""

    reason = forms.CharField(
        label="Why", max_length=1000, widget=forms.Textarea(attrs={"rows": 3}), help_text="Kept in the ledger.",
    )  # fmt: skip


class ResumeForm(ReturnForm):
    """Why a rollout that an alert stopped goes on."""

    drops_alerting = forms.BooleanField(
        label="Go on without the guards that still alert", required=False,
        help_text="They are taken out of this rollout, and the ledger says so.",
    )  # fmt: skip
