"""What people write about holds and freezes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django import forms

from apps.accounts.form_style import Styled
from apps.accounts.models import validate_time_zone
from apps.catalog.models import Environment, Feature
from apps.deployments.models import Weekday

ONCE, WEEKLY = "once", "weekly"


class WallTime(forms.DateTimeField):
    """A day and a time without a zone; the form says whose clock it is."""

    widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")

    def to_python(self, value: Any) -> datetime | None:
        """The naive time; ValidationError with a sentence."""
        if value in self.empty_values:
            return None
        try:
            return datetime.fromisoformat(str(value)).replace(tzinfo=None)
        except ValueError:
            raise forms.ValidationError("Write a day and a time such as 2026-12-24 16:00.") from None


class ReasonForm(Styled, forms.Form):
    """Why; other people read it."""

    reason = forms.CharField(max_length=1000, widget=forms.Textarea(attrs={"rows": 3}))


class RollbackForm(ReasonForm):
    """Which revision should run again, and why."""

    to = forms.TypedChoiceField(label="Go back to", coerce=int, widget=forms.RadioSelect)
    field_order = ("to", "reason")

    def __init__(self, *args: Any, choices: Sequence[tuple[int, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["to"].choices = choices  # type: ignore[attr-defined]
        self.fields["to"].initial = choices[0][0] if choices else None


class FreezeForm(Styled, forms.Form):
    """When nothing should be deployed, and why."""

    name = forms.CharField(max_length=120)
    reason = forms.CharField(label="Why", max_length=1000, widget=forms.Textarea(attrs={"rows": 3}))
    rhythm = forms.ChoiceField(
        label="How often", choices=((ONCE, "Once"), (WEEKLY, "Every week")), widget=forms.RadioSelect, initial=ONCE
    )
    time_zone = forms.CharField(
        max_length=64, validators=[validate_time_zone], help_text="All times here are by the clock of this zone."
    )
    starts_at = WallTime(label="From")
    ends_at = WallTime(label="Until", required=False, help_text="A weekly one may have no end: it lasts until lifted.")
    first_day = forms.TypedChoiceField(
        label="Each week from", choices=Weekday.choices, coerce=int, initial=Weekday.FRIDAY, required=False
    )
    first_time = forms.TimeField(
        label="at", required=False, widget=forms.TimeInput(attrs={"type": "time"}), help_text="Only for a weekly one."
    )
    last_day = forms.TypedChoiceField(
        label="Each week until", choices=Weekday.choices, coerce=int, initial=Weekday.MONDAY, required=False
    )
    last_time = forms.TimeField(
        label="at", required=False, widget=forms.TimeInput(attrs={"type": "time"}), help_text="Only for a weekly one."
    )
    features = forms.ModelMultipleChoiceField(
        Feature.objects.none(),
        required=False,
        help_text="None chosen means every feature.",
        widget=forms.CheckboxSelectMultiple,
    )
    environments = forms.ModelMultipleChoiceField(
        Environment.objects.none(),
        required=False,
        help_text="None chosen means every environment.",
        widget=forms.CheckboxSelectMultiple,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["features"].queryset = Feature.objects.filter(is_retired=False).order_by("name")  # type: ignore[attr-defined]
        self.fields["environments"].queryset = Environment.objects.all()  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """The fields of a freeze, its times with their zone."""
        values = super().clean() or self.cleaned_data
        if self.errors:
            return values
        zone, is_weekly = ZoneInfo(values["time_zone"] or "UTC"), values.pop("rhythm") == WEEKLY
        for name in ("starts_at", "ends_at"):
            values[name] = values[name].replace(tzinfo=zone).astimezone(UTC) if values[name] else None
        if values["ends_at"] and values["ends_at"] <= values["starts_at"]:
            self.add_error("ends_at", "This is not after the beginning.")
        if not is_weekly and values["ends_at"] is None:
            self.add_error("ends_at", "A freeze that comes once needs an end.")
        for name in ("first_time", "last_time"):
            if is_weekly and values[name] is None:
                self.add_error(name, "A weekly freeze needs this time.")
        return values | {"is_weekly": is_weekly} | (_days(values) if is_weekly else _NO_DAYS)


_NO_DAYS = {"first_day": Weekday.FRIDAY, "first_time": None, "last_day": Weekday.MONDAY, "last_time": None}


def _days(values: dict[str, Any]) -> dict[str, Any]:
    first, last = values["first_day"], values["last_day"]
    return {
        "first_day": Weekday.FRIDAY if first in ("", None) else first,
        "last_day": Weekday.MONDAY if last in ("", None) else last,
    }
