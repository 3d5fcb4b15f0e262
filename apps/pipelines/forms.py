"""The form of an expectation."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils import timezone

from apps.accounts.form_style import Styled
from apps.accounts.models import time_zones
from apps.pipelines import queries
from apps.pipelines.expecting import expectation_of
from apps.pipelines.models import Expectation, Pipeline
from apps.pipelines.status import DayRule, ExpectationKind

_WEEKDAYS = [
    (0, "Monday"),
    (1, "Tuesday"),
    (2, "Wednesday"),
    (3, "Thursday"),
    (4, "Friday"),
    (5, "Saturday"),
    (6, "Sunday"),
]
_NTH = [(1, "first"), (2, "second"), (3, "third"), (4, "fourth"), (5, "fifth"), (-1, "last")]
_LONGEST = [("learned", "As its history teaches"), ("fixed", "The minutes below"), ("any", "As long as it likes")]
MINUTE = 60


class ExpectationForm(Styled, forms.Form):
    """What people say of one pipeline; `wanted` is the row once the form is valid."""

    kind = forms.ChoiceField(label="A run", choices=ExpectationKind.choices)
    cron = forms.CharField(
        label="Cron expression", required=False, max_length=100, help_text="Five fields: 0 2 * * 1-5"
    )
    every_minutes = forms.FloatField(label="Interval in minutes", required=False, min_value=0.2, max_value=527_040)
    at_time = forms.TimeField(label="Time of day", required=False, widget=forms.TimeInput(attrs={"type": "time"}))
    day_rule = forms.ChoiceField(label="On", choices=DayRule.choices, required=False)
    weekdays = forms.TypedMultipleChoiceField(
        label="Weekdays", choices=_WEEKDAYS, coerce=int, required=False, widget=forms.CheckboxSelectMultiple
    )
    nth = forms.TypedChoiceField(
        label="Which one of the month", choices=_NTH, coerce=int, required=False, empty_value=""
    )
    country = forms.CharField(
        label="Holidays of",
        required=False,
        max_length=10,
        help_text="A country like DE, a region like DE-BY, or empty.",
    )
    time_zone = forms.CharField(label="Time zone", max_length=64)
    upstream = forms.ChoiceField(label="The pipeline before it", required=False)
    within_minutes = forms.FloatField(label="Minutes after it", required=False, min_value=0, max_value=100_000)
    grace_minutes = forms.FloatField(label="Grace in minutes", min_value=0, max_value=100_000)
    longest = forms.ChoiceField(label="A run may take", choices=_LONGEST)
    longest_minutes = forms.FloatField(label="Minutes", required=False, min_value=0.1, max_value=527_040)
    is_muted = forms.BooleanField(label="Judge and show, but open no alert", required=False)

    def __init__(self, *args: Any, pipeline: Pipeline, **kwargs: Any) -> None:
        self.pipeline = pipeline
        self.wanted: Expectation | None = None
        own = getattr(pipeline, "expectation", None)
        super().__init__(*args, initial=_initial(own), **kwargs)
        chosen = str(self.data.get("upstream") or (own.upstream_id if own else "") or "")
        others = [choice for choice in queries.pipeline_choices(chosen=chosen) if choice[0] != str(pipeline.pk)]
        self.fields["upstream"].choices = [("", "None"), *others]  # type: ignore[attr-defined]

    @property
    def times(self) -> list[Any]:
        return [self[name] for name in list(self.fields) if name not in ("kind", *_LIMITS)]

    @property
    def limits(self) -> list[Any]:
        return [self[name] for name in _LIMITS]

    def clean_time_zone(self) -> str:
        zone: str = self.cleaned_data["time_zone"]
        if zone not in time_zones():
            raise forms.ValidationError("Write a time zone like Europe/Berlin.")
        return zone

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if not self.errors:
            wanted = _row(self.pipeline, data)
            reading = expectation_of(self.pipeline, wanted)
            if reading.expectation is None and wanted.kind != ExpectationKind.NOTHING:
                raise forms.ValidationError(reading.reason)
            self.wanted = wanted
        return data


_LIMITS = ("grace_minutes", "longest", "longest_minutes", "is_muted")


def _initial(own: Expectation | None) -> dict[str, Any]:
    zone = timezone.get_current_timezone_name()
    if own is None:
        return {"kind": ExpectationKind.SCHEDULE, "time_zone": zone, "grace_minutes": 15, "longest": "learned"}
    return {
        "kind": own.kind,
        "cron": own.cron,
        "every_minutes": _minutes(own.every_seconds),
        "at_time": own.at_time,
        "day_rule": own.day_rule,
        "weekdays": own.weekdays,
        "nth": own.nth,
        "country": own.country,
        "time_zone": own.zone,
        "upstream": own.upstream_id,
        "within_minutes": _minutes(own.within_seconds),
        "grace_minutes": _minutes(own.grace_seconds),
        "longest": "learned" if own.is_longest_learned else "fixed" if own.longest_seconds else "any",
        "longest_minutes": _minutes(own.longest_seconds),
        "is_muted": own.is_muted,
    }


def _row(pipeline: Pipeline, data: dict[str, Any]) -> Expectation:
    longest = data["longest_minutes"] if data["longest"] == "fixed" else None
    return Expectation(
        pipeline=pipeline,
        kind=data["kind"],
        cron=data["cron"],
        every_seconds=_seconds(data["every_minutes"]),
        day_rule=data["day_rule"] or DayRule.DAILY,
        weekdays=data["weekdays"],
        nth=data["nth"] or 1,
        country=data["country"].upper(),
        at_time=data["at_time"],
        zone=data["time_zone"],
        upstream=Pipeline.objects.filter(pk=data["upstream"]).first() if data["upstream"] else None,
        within_seconds=_seconds(data["within_minutes"]),
        grace_seconds=_seconds(data["grace_minutes"]) or 0,
        longest_seconds=_seconds(longest),
        is_longest_learned=data["longest"] == "learned",
        is_muted=data["is_muted"],
    )


def _minutes(seconds: int | None) -> float | None:
    return None if seconds is None else round(seconds / MINUTE, 2)


def _seconds(minutes: float | None) -> int | None:
    return None if minutes is None else round(minutes * MINUTE)
