"""What people write about monitors, mutes, objectives and alerts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from django import forms
from django.db.models import Q
from django.utils import timezone

from apps.accounts.form_style import Styled
from apps.metrics.models import Series
from apps.monitors import queries, recurring
from apps.monitors.models import Monitor, Slo
from apps.monitors.rules import Kind, Parameter, ParameterError, make_rule
from apps.pipelines.models import Pipeline
from apps.prompts.models.guarding import LONGEST_SOAK
from apps.prompts.status import OnAlert

SEVERITIES = (("critical", "Critical"), ("warning", "Warning"), ("info", "Info"))
_LONGEST_MUTE = timedelta(days=90)
_LONGEST_REPEAT = timedelta(days=366)
REPEATS = (("", "once"), ("daily", "every day"), ("weekly", "every week"), ("cron", "by cron expression"))


if TYPE_CHECKING:
    SeriesChoice = forms.ModelChoiceField[Series]
else:  # at run time the class takes no arguments
    SeriesChoice = forms.ModelChoiceField


class SeriesField(SeriesChoice):
    """The series that speak for features, and the one that was chosen elsewhere."""

    def label_from_instance(self, obj: Any) -> str:
        """Feature and measure where somebody said what it means."""
        if obj.feature and obj.measure:
            return f"{obj.feature.name}: {obj.entry.label}"
        return str(obj.name)[:120]


class Instant(forms.DateTimeField):
    """A day and a time by the reader's clock."""

    widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")


class MonitorForm(Styled, forms.Form):
    """One kind of monitor: what it watches, and the parameters of its kind."""

    name = forms.CharField(max_length=120, help_text="The alert carries this name.")
    series = SeriesField(Series.objects.none(), label="What it watches")
    severity = forms.ChoiceField(choices=SEVERITIES, initial="warning")
    renotify_minutes = forms.IntegerField(
        label="Tell again after minutes",
        min_value=0,
        max_value=10_080,
        initial=0,
        help_text="While it fires and nobody has acknowledged it. 0: told once.",
    )

    def __init__(self, *args: Any, kind: Kind, chosen: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.kind = kind
        rows = queries.series_to_watch()
        wanted = int(chosen) if chosen.isdecimal() and len(chosen) < 19 else 0
        self.fields["series"].queryset = rows.filter(Q(is_primary=True) | Q(pk=wanted))  # type: ignore[attr-defined]
        for one in kind.parameters:
            field = self.fields[f"p_{one.name}"] = _field(one)
            field.widget.attrs["class"] = "input"
        self.order_fields(["name", "series", *(f"p_{one.name}" for one in kind.parameters), "severity"])

    @staticmethod
    def initial_of(monitor: Monitor) -> dict[str, Any]:
        """The form as a saved monitor fills it."""
        given = {name: getattr(monitor, name) for name in ("name", "severity", "renotify_minutes")}
        parameters = {f"p_{name}": value for name, value in monitor.parameters.items()}
        return given | {"series": monitor.series_id} | parameters

    def clean(self) -> dict[str, Any]:
        """The fields of a monitor; parameters that make no rule are refused with its own sentence."""
        values = super().clean() or self.cleaned_data
        names = [one.name for one in self.kind.parameters]
        found = {name: values.pop(f"p_{name}", None) for name in names}
        values["parameters"] = {name: value for name, value in found.items() if value not in (None, "")}
        if not self.errors:
            try:
                make_rule(self.kind.key, values["parameters"])
            except ParameterError as error:
                raise forms.ValidationError(str(error)) from error
        return values | {"kind": self.kind.key}


class MuteForm(Styled, forms.Form):
    """From when until when nobody is to be woken, and why."""

    starts_at = Instant(label="From")
    ends_at = Instant(label="Until", help_text="A mute always ends. What is still broken then fires again.")
    repeats = forms.ChoiceField(label="Again", choices=REPEATS, required=False)
    cron = forms.CharField(
        label="Cron expression",
        max_length=100,
        required=False,
        help_text="Only for “by cron expression”: minute hour day month weekday. Each window is as long as the first.",
    )
    last_day = forms.DateField(
        label="Last day",
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text="Until when it comes again; a year at most.",
    )
    is_for_feature = forms.BooleanField(label="All monitors of its feature", required=False)
    reason = forms.CharField(label="Why", max_length=1000, widget=forms.Textarea(attrs={"rows": 3}))

    def clean(self) -> dict[str, Any]:
        """The times, which must make sense; of a mute that comes again also its schedule."""
        values = _ordered(self, super().clean() or self.cleaned_data)
        repeats, cron, last_day = (values.pop(name, None) for name in ("repeats", "cron", "last_day"))
        return values if self.errors or not repeats else self._again(values, repeats, cron or "", last_day)

    def _again(self, values: dict[str, Any], repeats: str, cron: str, last_day: date | None) -> dict[str, Any]:
        start, end, zone = values["starts_at"], values["ends_at"], timezone.get_current_timezone()
        made = {"daily": recurring.daily, "weekly": recurring.weekly}.get(repeats)
        schedule = made(timezone.localtime(start)) if made else " ".join(cron.split())
        if reason := recurring.problem(cron=schedule, length=end - start):
            self.add_error("ends_at" if made else "cron", reason)
        first = timezone.localtime(start).date()
        if last_day is None or not first <= last_day <= first + _LONGEST_REPEAT:
            self.add_error("last_day", "Say until which day it comes again, a year at most.")
            return values
        last = datetime.combine(last_day + timedelta(days=1), time(), zone)
        minutes = max(1, int((end - start).total_seconds() // 60))
        return values | {"ends_at": max(last, end), "schedule": schedule, "minutes": minutes, "zone": str(zone)}


class CorrectionForm(Styled, forms.Form):
    """A stretch that an objective leaves out, and why."""

    starts_at = Instant(label="From")
    ends_at = Instant(label="Until")
    reason = forms.CharField(label="Why", max_length=1000, widget=forms.Textarea(attrs={"rows": 3}))

    def clean(self) -> dict[str, Any]:
        """The times, which must make sense."""
        values = super().clean() or self.cleaned_data
        return _ordered(self, values)


class NoteForm(Styled, forms.Form):
    """A word for the others."""

    note = forms.CharField(label="Note", max_length=1000, required=False, widget=forms.Textarea(attrs={"rows": 2}))


class SloForm(Styled, forms.Form):
    """A share of good samples of a series, of good events, or of minutes in which a pipeline is in time."""

    name = forms.CharField(max_length=120)
    series = SeriesField(Series.objects.none(), required=False, label="Samples of")
    direction = forms.ChoiceField(
        label="A sample is bad", choices=(("above", "above the limit"), ("below", "below the limit")), initial="above"
    )
    limit = forms.FloatField(required=False, label="Limit", help_text="In the unit of the series.")
    good_series = SeriesField(
        Series.objects.none(), required=False, label="Or good events", help_text="A counter, or so many a sample."
    )
    total_series = SeriesField(Series.objects.none(), required=False, label="Out of all events")
    pipeline = forms.ModelChoiceField(
        Pipeline.objects.none(), required=False, label="Or the punctuality of", help_text="In place of a series."
    )
    objective = forms.FloatField(
        min_value=0.001, max_value=99.9999, initial=99.0, label="Objective in percent", help_text="Good out of all."
    )
    days = forms.IntegerField(min_value=1, max_value=90, initial=28, label="Period in days")

    def __init__(self, *args: Any, chosen: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        wanted = int(chosen) if chosen.isdecimal() and len(chosen) < 19 else 0
        rows = queries.series_to_watch().filter(Q(is_primary=True) | Q(pk=wanted))
        self.fields["series"].queryset = rows  # type: ignore[attr-defined]
        for name in ("good_series", "total_series"):
            given = str(self.data.get(name, ""))
            asked = int(given) if given.isdecimal() and len(given) < 19 else 0
            counted = Q(feature__isnull=False) | Q(pk=asked)
            self.fields[name].queryset = queries.series_to_count().filter(counted)  # type: ignore[attr-defined]
        watched = Pipeline.objects.filter(gone_at=None, punctuality__isnull=False).order_by("name")
        self.fields["pipeline"].queryset = watched  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """The fields of an objective: exactly one thing to watch."""
        values = super().clean() or self.cleaned_data
        series, pipeline = values.get("series"), values.get("pipeline")
        good, total = values.get("good_series"), values.get("total_series")
        if [bool(series), bool(pipeline), bool(good or total)].count(True) != 1:
            raise forms.ValidationError("Choose a series, good and all events, or a pipeline: one of the three.")
        if (good or total) and (good == total or not (good and total)):
            raise forms.ValidationError("Good events and all events are two series.")
        if series and values.get("limit") is None:
            self.add_error("limit", "A series needs a limit that tells good from bad.")
        values["is_bad_above"] = values.pop("direction", "above") != "below"
        watched = series or total or pipeline
        return values | {"feature": watched.feature if watched else None} | ({} if series else {"limit": None})


class SloChangeForm(Styled, forms.Form):
    """Another promise, with the reason; what is watched stays, for another thing is another objective."""

    name = forms.CharField(max_length=120)
    direction = forms.ChoiceField(
        label="A sample is bad", choices=(("above", "above the limit"), ("below", "below it"))
    )
    limit = forms.FloatField(label="Limit", help_text="Hours that are over stay as they were counted.")
    objective = forms.FloatField(min_value=0.001, max_value=99.9999, label="Objective in percent")
    days = forms.IntegerField(
        min_value=1, max_value=90, label="Period in days", help_text="A longer one is counted anew over the known past."
    )
    reason = forms.CharField(label="Why", max_length=1000, widget=forms.Textarea(attrs={"rows": 3}))

    def __init__(self, *args: Any, slo: Slo, **kwargs: Any) -> None:
        given = {name: getattr(slo, name) for name in ("name", "limit", "objective", "days")}
        super().__init__(*args, initial=given | {"direction": "above" if slo.is_bad_above else "below"}, **kwargs)
        if slo.series_id is None:
            del self.fields["limit"], self.fields["direction"]

    def clean(self) -> dict[str, Any]:
        """The fields of an objective, and `reason`."""
        values = super().clean() or self.cleaned_data
        if "direction" in values:
            values["is_bad_above"] = values.pop("direction") != "below"
        return dict(values)


def _field(one: Parameter) -> forms.Field:
    common: dict[str, Any] = {"label": one.label, "help_text": one.help, "initial": one.default}
    if one.choices:
        return forms.ChoiceField(choices=one.choices, **common)
    field = forms.FloatField(required=one.is_required, min_value=one.least, max_value=one.most, **common)
    field.widget.attrs["step"] = "any"
    field.error_messages["required"] = f"{one.label} is needed."
    return field


def _ordered(form: forms.Form, values: Mapping[str, Any]) -> dict[str, Any]:
    start, end = values.get("starts_at"), values.get("ends_at")
    if start and end and end <= start:
        form.add_error("ends_at", "This is not after the beginning.")
    elif start and end and end - start > _LONGEST_MUTE:
        form.add_error("ends_at", "Ninety days is the longest.")
    elif isinstance(form, MuteForm) and end and end <= timezone.now():
        form.add_error("ends_at", "This is over already.")
    return dict(values)


class RolloutForm(Styled, forms.Form):
    """Which other version how many callers get, and what guards that."""

    number = forms.IntegerField(label="Version", min_value=0, help_text="The other version, by its number.")
    percent = forms.IntegerField(
        label="Percent of the callers", min_value=0, max_value=100,
        help_text="Of those that name a key. Who has it keeps it when this grows; 0 ends the rollout.",
    )  # fmt: skip
    guards = forms.MultipleChoiceField(
        required=False, label="Guarded by", widget=forms.SelectMultiple(attrs={"size": 6}),
        help_text="Monitors and objectives. When one of them alerts, the rollout stops at once.",
    )  # fmt: skip
    on_alert = forms.ChoiceField(
        choices=OnAlert.choices, required=False, initial=OnAlert.RETURN, label="When one alerts"
    )
    soak_minutes = forms.IntegerField(
        min_value=0, max_value=LONGEST_SOAK, required=False, initial=10, label="Healthy minutes before it may grow",
        help_text="Only time in which every guard was evaluated and healthy counts.",
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["guards"].choices = queries.guards_to_choose()  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """What the service takes: a policy that is one, and nothing that was left out."""
        values = super().clean() or self.cleaned_data
        return values | {"on_alert": OnAlert(values["on_alert"]) if values.get("on_alert") else None}
