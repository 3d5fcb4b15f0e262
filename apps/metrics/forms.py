"""What people write about numbers."""

from __future__ import annotations

from typing import Any

from django import forms

from apps.accounts.form_style import Styled

CURRENCIES = (("eur", "Euro"), ("usd", "US dollar"), ("gbp", "Pound"))


class BudgetForm(Styled, forms.Form):
    """What a feature may cost in a month; the unit is that of its cost series."""

    amount = forms.FloatField(
        label="At most, in a month",
        min_value=0.01,
        max_value=1e12,
        required=False,
        help_text="Leave it empty to remove the budget.",
    )
    unit = forms.ChoiceField(label="Currency", choices=CURRENCIES)

    def __init__(self, *args: Any, unit: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [(unit, dict(CURRENCIES).get(unit, unit))] if unit else CURRENCIES
        self.fields["unit"].choices = choices  # type: ignore[attr-defined]
