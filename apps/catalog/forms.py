"""What people may write into the catalog."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.core.validators import URLValidator
from django.forms import BaseFormSet, formset_factory
from django.utils import timezone
from django.utils.text import slugify

from apps.accounts.form_style import Styled
from apps.accounts.models import Role, User
from apps.catalog.document.checking import promise_problem
from apps.catalog.freshness import limits_problem, whole_limits
from apps.catalog.models import Component, Environment, Feature, Promise, Team

if TYPE_CHECKING:
    EntryModelForm = forms.ModelForm[Any]
    PromiseSet = BaseFormSet["PromiseForm"]
else:  # at run time Django's classes take no parameter
    EntryModelForm = forms.ModelForm
    PromiseSet = BaseFormSet

LIMITS = ("warn_after_hours", "fail_after_hours", "due_by", "time_zone")  # of a component's data
FROM_NAME = "Its address, which stays as it is. Left empty, it is made from the name."


class LinesField(forms.CharField):
    """A list of texts, one a line."""

    def __init__(self, *, max_line: int, **kwargs: Any) -> None:
        super().__init__(widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}), required=False, **kwargs)
        self.max_line = max_line

    def prepare_value(self, value: Any) -> Any:
        """The list as lines."""
        return "\n".join(value) if isinstance(value, list) else value

    def clean(self, value: Any) -> Any:
        """The lines that hold something, each once."""
        lines = list(dict.fromkeys(line.strip() for line in super().clean(value).splitlines() if line.strip()))
        for line in lines:
            if len(line) > self.max_line:
                raise forms.ValidationError(f"A line may have {self.max_line} characters at most: “{line[:40]}…”.")
        return lines


class WebAddressField(forms.URLField):
    """An http or https address; never one that a browser would run."""

    default_validators = [URLValidator(schemes=["http", "https"])]

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, assume_scheme="https", max_length=200, **kwargs)


class EntryForm(Styled, EntryModelForm):
    """The base of all: a slug can be chosen only while the entry is made."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            del self.fields["slug"]
        else:
            self.fields["slug"].required = False
            self.fields["slug"].help_text = FROM_NAME
            self.fields["slug"].error_messages["unique"] = "This address is taken. Choose another one."

    def clean_slug(self) -> str:
        """The slug, made from the name if the box was left empty; the name stands before it in every form."""
        slug = self.cleaned_data["slug"] or slugify(self.cleaned_data.get("name", ""))[:80].strip("-")
        if not slug and "name" in self.cleaned_data:
            raise forms.ValidationError("No address can be made from this name. Write one, such as search-answers.")
        return str(slug)


class TeamForm(EntryForm):
    class Meta:
        model = Team
        fields = ("name", "slug", "channel", "on_call", "time_zone")


class EnvironmentForm(EntryForm):
    class Meta:
        model = Environment
        fields = ("name", "slug", "rank", "is_production")
        labels = {"is_production": "This is production"}
        help_texts = {"rank": "Orders environments from first (development, 0) to last (production)."}


class FeatureForm(EntryForm):
    runbook_url = WebAddressField(label="Runbook", help_text="Where people read what to do when it breaks.")

    class Meta:
        model = Feature
        fields = ("name", "slug", "summary", "team", "tier", "runbook_url", "channel", "is_retired")
        labels = {"is_retired": "Retired: no longer watched"}
        help_texts = {
            "summary": "One line in words that a product manager uses.",
            "channel": "If it differs from the team's.",
        }
        widgets = {"tier": forms.Select(choices=[(n, str(n)) for n in (1, 2, 3, 4)])}


class ComponentForm(EntryForm):
    url = WebAddressField(label="Address")
    external_names = LinesField(
        max_line=300,
        label="Names in sources",
        help_text="One a line, each kind:name, such as pipeline:nightly-index or series:search_* (* and ? fit more).",
    )

    warn_after_hours = forms.FloatField(
        label="Its data are old after hours", required=False, help_text="Told, and changes no status. Empty: never."
    )
    fail_after_hours = forms.FloatField(
        label="Its data are far too old after hours", required=False, help_text="The features on it become degraded."
    )
    due_by = forms.CharField(
        label="To be refreshed by",
        required=False,
        max_length=100,
        help_text="A cron expression such as 0 6 * * 1-5: hours then count from there, else from the last refresh.",
    )
    time_zone = forms.CharField(label="Time zone of that", required=False, max_length=64)

    class Meta:
        model = Component
        fields = ("name", "slug", "kind", "feature", "team", "url", "external_names", "is_critical")
        labels = {"is_critical": "Critical: a missed run of it is an incident"}
        help_texts = {
            "feature": "The feature it belongs to. Left empty, it is shared and reached through dependencies.",
            "team": "If it differs from the feature's.",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, value in (self.instance.freshness or {"time_zone": timezone.get_current_timezone_name()}).items():
            self.initial[name] = int(value) if isinstance(value, float) and value.is_integer() else value

    def clean(self) -> dict[str, Any]:
        """The four boxes become one value, `freshness`; a time zone alone says nothing."""
        values = super().clean() or self.cleaned_data
        said = {name: values.pop(name, None) for name in LIMITS}
        is_empty = not any(said[name] not in (None, "") for name in LIMITS if name != "time_zone")
        if not is_empty and not self.errors and (sentence := limits_problem(said)):
            raise forms.ValidationError(sentence)
        values["freshness"] = None if is_empty else whole_limits(said)
        return values


class PromiseForm(Styled, forms.Form):
    """One promise of a feature; an empty row is no promise."""

    measure = forms.SlugField(max_length=60, widget=forms.TextInput(attrs={"placeholder": "latency_p95"}))
    comparison = forms.ChoiceField(
        choices=Promise.Comparison.choices, initial=Promise.Comparison.AT_MOST, label="At most or at least"
    )
    limit = forms.FloatField(label="Value")
    fails_at = forms.FloatField(label="Down at", required=False)
    window_minutes = forms.IntegerField(label="Minutes", min_value=1, max_value=10_080, initial=15)
    label = forms.CharField(max_length=120, required=False, label="In words")

    def clean(self) -> dict[str, Any]:
        """The promise does not contradict itself."""
        values = super().clean() or self.cleaned_data
        if "comparison" in values and "limit" in values:
            told = {values["comparison"]: values["limit"], "fails_at": values.get("fails_at")}
            if sentence := promise_problem(told):
                raise forms.ValidationError(sentence)
        return values


class BasePromiseSet(PromiseSet):
    """The promises of one feature, each measure once."""

    def add_fields(self, form: PromiseForm, index: int | None) -> None:
        """Every box says what it is to those who do not see the head of its column."""
        super().add_fields(form, index)
        for field in form.fields.values():
            number = "new" if index is None else index + 1
            field.widget.attrs["aria-label"] = f"{field.label or 'Measure'}, promise {number}"

    def clean(self) -> None:
        """No measure is promised twice."""
        measures = [promise["measure"] for promise in self.promises if "measure" in promise]
        for measure in sorted({one for one in measures if measures.count(one) > 1}):
            raise forms.ValidationError(f"“{measure}” is promised twice. Keep one of them.")

    @property
    def promises(self) -> list[dict[str, Any]]:
        """The rows that hold a promise and are not ticked for removal, as field values."""
        kept = [form for form in self.forms if form not in self.deleted_forms]
        filled = [form.cleaned_data for form in kept if getattr(form, "cleaned_data", None)]
        return [{key: value for key, value in one.items() if key != "DELETE"} for one in filled]


PromiseFormSet = formset_factory(
    PromiseForm, formset=BasePromiseSet, extra=2, can_delete=True, max_num=50, validate_max=True
)


class DependencyForm(Styled, forms.Form):
    """Who needs whom."""

    consumer = forms.ModelChoiceField(
        Component.objects.order_by("name"), label="This component", empty_label="Choose one"
    )
    provider = forms.ModelChoiceField(
        Component.objects.order_by("name"), label="needs this one", empty_label="Choose one"
    )


class MembershipForm(Styled, forms.Form):
    """A person of a team."""

    user = forms.ModelChoiceField(User.objects.filter(is_active=True), label="Person", empty_label="Choose somebody")
    role = forms.ChoiceField(choices=Role.choices, initial=Role.ENGINEER, label="Role for this team's things")
