"""What people write about suites, cases, endpoints and schedules."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django import forms

from apps.accounts.form_style import Styled
from apps.accounts.models import User, validate_time_zone
from apps.accounts.permissions import may
from apps.catalog.models import Feature
from apps.connectors.address import parse_networks
from apps.connectors.errors import ConfigError
from apps.evaluations.models import EvaluationEndpoint, EvaluationSuite
from apps.evaluations.services import EndpointDraft, SuiteDraft
from apps.sources.wiring import check_address

LARGEST_FILE = 20 * 2**20  # bytes
CODE = {"spellcheck": "false", "autocomplete": "off"}
USUAL_SCORERS = [{"kind": "contains"}, {"kind": "length", "options": {"most": 1200}}]


def _area(rows: int, **attrs: str) -> forms.Textarea:
    return forms.Textarea(attrs={"rows": rows, **attrs})


class SuiteForm(Styled, forms.Form):
    """A suite beside its cases; valid, it gives a draft."""

    name = forms.CharField(max_length=200, help_text="Such as “Support reply, golden questions”.")
    description = forms.CharField(label="What it is for", required=False, max_length=2_000, widget=_area(2))
    feature = forms.ModelChoiceField(Feature.objects.none(), required=False, empty_label="No feature")
    endpoint = forms.ModelChoiceField(
        EvaluationEndpoint.objects.none(),
        label="Where it runs",
        required=False,
        empty_label="Nowhere yet",
        help_text="The model that answers the cases.",
    )
    scorers = forms.JSONField(
        widget=_area(8, **CODE),
        help_text="A list of scorers, each with its kind and, if you like, name, options and only (tags of the cases "
        "it is for). The kinds stand beside this form.",
    )

    def __init__(self, data: Mapping[str, Any] | None = None, *, suite: EvaluationSuite | None = None) -> None:
        super().__init__(data, initial=_initial_suite(suite))
        self.fields["feature"].queryset = Feature.objects.filter(is_retired=False).order_by("name")  # type: ignore[attr-defined]
        self.fields["endpoint"].queryset = EvaluationEndpoint.objects.all()  # type: ignore[attr-defined]

    def draft(self) -> SuiteDraft:
        """What was entered."""
        values = dict(self.cleaned_data)
        scorers = values.pop("scorers")
        return SuiteDraft(**values, scorers=scorers if isinstance(scorers, list) else [scorers])


class ImportForm(Styled, forms.Form):
    """A file, or pasted lines."""

    file = forms.FileField(required=False, help_text="CSV with a line of column names, or JSON Lines; at most 20 MB.")
    text = forms.CharField(label="Or paste them", required=False, widget=_area(8, **CODE), strip=False)
    kind = forms.ChoiceField(
        label="Format", choices=(("csv", "CSV"), ("jsonl", "JSON Lines")), widget=forms.RadioSelect, initial="csv"
    )
    replaces = forms.BooleanField(
        label="Replace all cases", required=False, help_text="Else cases with a known key are replaced, others added."
    )

    def clean(self) -> dict[str, Any]:
        """The text of the one or the other, in `content`, and what it is called, in `origin`."""
        values = super().clean() or self.cleaned_data
        file = values.get("file")
        if file is None and not (values.get("text") or "").strip():
            raise forms.ValidationError("Choose a file or paste the cases.")
        if file is None:
            return values | {"content": values["text"], "origin": "pasted lines"}
        if file.size > LARGEST_FILE:
            raise forms.ValidationError("The file is larger than 20 MB.")
        if str(file.name).endswith((".jsonl", ".ndjson")):
            values["kind"] = "jsonl"
        try:
            return values | {"content": file.read().decode("utf-8-sig"), "origin": str(file.name)[:200]}
        except UnicodeDecodeError:
            raise forms.ValidationError("The file is not UTF-8 text; save it as UTF-8.") from None


class CaseForm(Styled, forms.Form):
    """One case by hand."""

    key = forms.CharField(
        label="Name", required=False, max_length=120, help_text="Left empty, it is made of the inputs."
    )
    inputs = forms.JSONField(
        widget=_area(4, **CODE, placeholder='{"question": "…"}'), help_text="Variable and text, as a JSON object."
    )
    expected = forms.CharField(
        required=False, widget=_area(3, **CODE), help_text="A text, or JSON such as {“contains”: “30 days”}."
    )
    weight = forms.FloatField(initial=1, min_value=0.001, max_value=1_000)
    tags = forms.CharField(required=False, help_text="Separated by commas; “safety” must pass by itself.")

    def fields_of_case(self) -> dict[str, Any]:
        """What was entered, as the service takes it."""
        values = self.cleaned_data
        tags = [tag.strip() for tag in values["tags"].split(",") if tag.strip()]
        return {**values, "expected": _expectation(values["expected"]), "tags": tags}


class RunForm(Styled, forms.Form):
    """What to run a suite against, by hand."""

    subject = forms.CharField(label="Prompt", max_length=300, help_text="What the results are listed under.")
    version = forms.CharField(max_length=120)
    system = forms.CharField(label="System message", required=False, widget=_area(3), strip=False)
    template = forms.CharField(
        label="Message", widget=_area(8), strip=False, help_text="With {{variables}} that the cases fill in."
    )
    temperature = forms.FloatField(required=False, min_value=0, max_value=2)

    def messages(self) -> list[dict[str, str]]:
        """The request's template."""
        system = self.cleaned_data["system"]
        user = [{"role": "user", "content": self.cleaned_data["template"]}]
        return [{"role": "system", "content": system}, *user] if system.strip() else user


class ScheduleForm(Styled, forms.Form):
    """When a suite runs by itself, and against what."""

    subject = forms.CharField(label="Prompt", max_length=300, help_text="Its name, as the list of prompts shows it.")
    label = forms.CharField(max_length=120, initial="production")
    cron = forms.CharField(
        label="When", max_length=120, initial="0 3 * * *", help_text="As in cron: minute hour day month weekday."
    )
    time_zone = forms.CharField(max_length=64, initial="UTC", validators=[validate_time_zone])


class EndpointForm(Styled, forms.Form):
    """An OpenAI-compatible server and a model on it."""

    name = forms.CharField(max_length=120)
    base_url = forms.CharField(
        label="Address",
        max_length=500,
        widget=forms.URLInput(attrs={"placeholder": "https://llm.example.com/v1", "autocomplete": "off"}),
        help_text="Up to and with /v1; /chat/completions is added.",
    )
    model = forms.CharField(max_length=200)
    api_key = forms.CharField(
        label="API key",
        required=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text="Stored encrypted, never shown again. Left empty, the stored one is kept.",
    )
    concurrency = forms.IntegerField(label="Questions at once", initial=4, min_value=1, max_value=64)
    requests_per_minute = forms.IntegerField(initial=600, min_value=1, max_value=100_000)
    cost_limit = forms.DecimalField(
        label="Cost limit of one run (USD)", initial=5, min_value=0, decimal_places=2, help_text="0 is no limit."
    )
    input_price = forms.DecimalField(label="USD a million tokens, in", initial=0, min_value=0, max_digits=12)
    output_price = forms.DecimalField(label="USD a million tokens, out", initial=0, min_value=0, max_digits=12)
    allowed_networks = forms.CharField(
        required=False,
        widget=_area(2, placeholder="10.20.0.0/16", **CODE),
        help_text="Internal networks it may be reached in, one a line; private addresses stay closed otherwise.",
    )
    is_enabled = forms.BooleanField(label="In use", required=False, initial=True)

    def __init__(
        self, data: Mapping[str, Any] | None = None, *, user: User, endpoint: EvaluationEndpoint | None = None
    ) -> None:
        super().__init__(data, initial=_initial_endpoint(endpoint) if endpoint else None)
        self.endpoint = endpoint
        if not may(user, "endpoint:open-network"):
            del self.fields["allowed_networks"]

    def clean_name(self) -> str:
        """A name nobody else has."""
        name: str = self.cleaned_data["name"]
        others = EvaluationEndpoint.objects.filter(name=name)
        if (others.exclude(slug=self.endpoint.slug) if self.endpoint else others).exists():
            raise forms.ValidationError("Another endpoint has this name already.")
        return name

    def clean_base_url(self) -> str:
        """An address that the portal would ask."""
        url: str = self.cleaned_data["base_url"]
        try:
            check_address(url)
        except ConfigError as error:
            raise forms.ValidationError(error.message) from None
        return url

    def clean_allowed_networks(self) -> list[str]:
        """The networks, one a line."""
        lines = [line.strip() for line in self.cleaned_data["allowed_networks"].splitlines() if line.strip()]
        try:
            return [str(network) for network in parse_networks(lines)]
        except ConfigError as error:
            raise forms.ValidationError(error.message) from None

    def draft(self) -> EndpointDraft:
        """What was entered; networks stay as they are where the person may not open any."""
        kept = self.endpoint.allowed_networks if self.endpoint else []
        return EndpointDraft(**{"allowed_networks": kept, **self.cleaned_data})


def _expectation(text: str) -> Any:
    if text.lstrip()[:1] in ("{", "["):
        try:
            return json.loads(text)
        except ValueError:
            return text
    return text or None


def _initial_suite(suite: EvaluationSuite | None) -> dict[str, Any]:
    if suite is None:
        return {"scorers": USUAL_SCORERS}
    setup = suite.setup
    version = suite.versions.get(number=setup.version)
    return {
        "name": suite.name,
        "description": setup.description,
        "feature": suite.feature_id,
        "endpoint": setup.endpoint_id,
        "scorers": version.scorers,
    }


def _initial_endpoint(endpoint: EvaluationEndpoint) -> dict[str, Any]:
    plain = ("name", "base_url", "model", "concurrency", "requests_per_minute", "cost_limit", "is_enabled")
    prices = {name: Decimal(getattr(endpoint, name)).normalize() for name in ("input_price", "output_price")}
    networks = "\n".join(endpoint.allowed_networks)
    return {name: getattr(endpoint, name) for name in plain} | prices | {"allowed_networks": networks}
