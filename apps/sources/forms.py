"""The form of a source: what every source has, and below it what its connector asks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import yaml
from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator

from apps.accounts.form_style import Styled
from apps.accounts.models import User
from apps.accounts.permissions import may
from apps.catalog.models import Environment, Team
from apps.connectors.address import parse_networks
from apps.connectors.base import Connector, Field, FieldType
from apps.connectors.errors import ConfigError, SourceError
from apps.connectors.pool import trust
from apps.sources.models import Source
from apps.sources.secrets import SecretsError, decrypt_secrets
from apps.sources.services import SourceDraft, hosts_of, merged_secrets

NETWORKS = "allowed_networks"
OPENS_NETWORKS = "source:remove"  # opening a network to the portal is an administrator's decision, like removing
KEEP = "stored; leave empty to keep it"
MOST_RAW_DAYS = 3650


class SourceForm(Styled, forms.Form):
    """Valid, it holds a `draft`. Config inputs are called `config-<name>`, secret ones `secret-<name>`.

    A secret is never sent to the page. Left empty it stays as stored, unless the host changed. An unfinished form is
    never saved: its documents may be empty, so that people see what a source sends before they write about it.
    """

    name = forms.CharField(label="Name", max_length=120)
    interval_seconds = forms.IntegerField(
        label="Poll every (seconds)", validators=[MinValueValidator(5), MaxValueValidator(86_400)]
    )
    team = forms.ModelChoiceField(
        label="Team", queryset=Team.objects.none(), required=False, help_text="Who is asked when the source fails."
    )
    environment = forms.ModelChoiceField(
        label="Environment",
        queryset=Environment.objects.none(),
        required=False,
        help_text="Of records that do not say where they run.",
    )
    raw_kept_days = forms.IntegerField(
        label="Keep the original records (days)",
        initial=30,
        validators=[MinValueValidator(0), MaxValueValidator(MOST_RAW_DAYS)],
        help_text="So that a better mapping heals the past; 0 keeps none.",
    )

    trusted_ca = forms.CharField(
        label="Certificate authority (PEM)",
        required=False,
        max_length=100_000,
        widget=forms.Textarea(attrs={"rows": 2, "placeholder": "-----BEGIN CERTIFICATE-----", "spellcheck": "false"}),
        help_text="Only if the source's certificate comes from an authority of your own.",
    )

    def __init__(
        self,
        data: Mapping[str, Any] | None = None,
        *,
        kind: type[Connector],
        user: User,
        source: Source | None = None,
        is_unfinished: bool = False,
    ) -> None:
        super().__init__(data, initial=_initial(kind, source))
        self.kind, self.user, self.source, self.is_unfinished = kind, user, source, is_unfinished
        self.draft: SourceDraft | None = None
        self.stored = _stored_names(source)
        for name, queryset in (("team", Team.objects.all()), ("environment", Environment.objects.all())):
            choice = self.fields[name]
            assert isinstance(choice, forms.ModelChoiceField)
            choice.queryset, choice.empty_label = queryset, "None"
        own = [field for field in kind.fields if field.name != NETWORKS]
        asked = {_input_name(field): _input(field, is_stored=field.name in self.stored) for field in own}
        for field in own:
            if is_unfinished and field.type is FieldType.YAML:
                asked[_input_name(field)].required = False
        if may(user, OPENS_NETWORKS) and kind.is_polled:
            asked[NETWORKS] = _networks_input()
        self.fields = {"name": self.fields["name"], **asked, **self.fields}
        if not kind.is_polled:
            _expect_reports(self.fields)
        for one in self.fields.values():
            if not isinstance(one.widget, forms.CheckboxInput):
                one.widget.attrs.setdefault("class", "input")

    def clean_trusted_ca(self) -> str:
        """Certificates that can be read, or nothing."""
        text: str = self.cleaned_data["trusted_ca"]
        try:
            trust(text)
        except SourceError as error:
            raise forms.ValidationError(error.message) from None
        return text

    def clean(self) -> dict[str, Any]:
        """Let the connector check its part; what it refuses lands on its input."""
        values = super().clean() or self.cleaned_data
        if self.errors:
            return values
        try:
            config = self.kind.clean(self._config(values))
            networks = [str(network) for network in parse_networks(self._networks(values))]
        except ConfigError as error:
            self.add_error(self.input_of(error.field), error.message)
            return values
        config.pop(NETWORKS, None)  # a column of the row
        draft = SourceDraft(
            name=values["name"],
            connector=self.kind.key,
            config=config,
            interval_seconds=values["interval_seconds"],
            secrets=self._entered(values),
            allowed_networks=networks,
            team=values["team"],
            environment=values["environment"],
            raw_kept_days=values["raw_kept_days"],
            trusted_ca=values.get("trusted_ca", ""),
        )
        self._demand_secrets(draft)
        self.draft = draft
        return values

    def input_of(self, name: str) -> str | None:
        """The input that shows what the connector says about `name`; None for the form as a whole."""
        return next((one for one in (f"config-{name}", f"secret-{name}", name) if one in self.fields), None)

    def draft_with_secrets(self) -> SourceDraft:
        """The draft as it would be stored: with the kept secrets, if the host is the same."""
        assert self.draft is not None
        if self.source is None:
            return self.draft
        return replace(self.draft, secrets=merged_secrets(source=self.source, draft=self.draft))

    def _config(self, values: dict[str, Any]) -> dict[str, Any]:
        own = [field for field in self.kind.fields if field.type is not FieldType.SECRET and field.name != NETWORKS]
        return {field.name: self._value(field, values[_input_name(field)]) for field in own}

    def _value(self, field: Field, value: Any) -> Any:
        is_empty = self.is_unfinished and field.required and field.type is FieldType.YAML and not value.strip()
        return [] if is_empty else value

    def _networks(self, values: dict[str, Any]) -> list[str]:
        if NETWORKS in self.fields:
            return [line.strip() for line in values[NETWORKS].splitlines() if line.strip()]
        return list(self.source.allowed_networks) if self.source else []

    def _entered(self, values: dict[str, Any]) -> dict[str, str]:
        secret = [field for field in self.kind.fields if field.type is FieldType.SECRET]
        return {field.name: values[_input_name(field)] for field in secret if values[_input_name(field)]}

    def _demand_secrets(self, draft: SourceDraft) -> None:
        """A needed secret must be entered for a new source and for another host; the old host's never goes there."""
        is_same_host = self.source is not None and hosts_of(self.source.config) == hosts_of(draft.config)
        kept = self.stored if is_same_host else frozenset()
        for field in self.kind.fields:
            if field.type is FieldType.SECRET and field.required and field.name not in {*draft.secrets, *kept}:
                why = f"{field.label} is needed." if not self.stored else f"Another host needs its own {field.label}."
                self.add_error(_input_name(field), why)


def _initial(kind: type[Connector], source: Source | None) -> dict[str, Any]:
    if source is None:
        defaults = {_input_name(field): _shown(field, field.default) for field in kind.fields}
        return {"interval_seconds": kind.default_interval, **defaults}
    own = {
        _input_name(field): _shown(field, source.config.get(field.name, field.default))
        for field in kind.fields
        if field.type is not FieldType.SECRET
    }
    return {
        "name": source.name,
        "interval_seconds": source.interval_seconds,
        "team": source.team_id,
        "environment": source.environment_id,
        "raw_kept_days": source.raw_kept_days,
        "trusted_ca": source.trusted_ca,
        NETWORKS: "\n".join(source.allowed_networks),
        **own,
    }


def _shown(field: Field, value: Any) -> Any:
    """A stored value as its input shows it."""
    if field.type is FieldType.LINES:
        return "\n".join(value or [])
    if field.type is FieldType.YAML and not isinstance(value, str):
        return yaml.safe_dump(value, sort_keys=False, allow_unicode=True) if value else ""
    return "" if value is None else value


def _stored_names(source: Source | None) -> frozenset[str]:
    try:
        return frozenset(decrypt_secrets(source)) if source else frozenset()
    except SecretsError:
        return frozenset()


def _input_name(field: Field) -> str:
    return f"{'secret' if field.type is FieldType.SECRET else 'config'}-{field.name}"


def _input(field: Field, *, is_stored: bool) -> forms.Field:
    """The input of one field; the connector itself checks the value, so that people read one kind of sentence."""
    common: dict[str, Any] = {"label": field.label, "help_text": field.help, "required": False}
    if field.type is FieldType.BOOLEAN:
        return forms.BooleanField(**common)
    common["required"] = field.required and field.default is None and field.type is not FieldType.SECRET
    common["error_messages"] = {"required": f"{field.label} is needed."}
    if field.type is FieldType.CHOICE:
        return forms.ChoiceField(choices=field.choices, **{**common, "required": True})
    return forms.CharField(widget=_widget(field, is_stored), strip=field.type is not FieldType.YAML, **common)


def _widget(field: Field, is_stored: bool) -> forms.Widget:
    attrs: dict[str, Any] = {"placeholder": field.placeholder, "autocomplete": "off"}
    match field.type:
        case FieldType.SECRET:
            shown = {"placeholder": KEEP if is_stored else field.placeholder, "autocomplete": "new-password"}
            return forms.PasswordInput(attrs=shown, render_value=False)
        case FieldType.URL:
            return forms.URLInput(attrs=attrs)
        case FieldType.INTEGER:
            return forms.NumberInput(attrs=attrs)
        case FieldType.LINES:
            return forms.Textarea(attrs={**attrs, "rows": 3, "spellcheck": "false"})
        case FieldType.YAML:
            return forms.Textarea(attrs={**attrs, "rows": 8, "spellcheck": "false", "class": "input input--code"})
        case _:
            return forms.TextInput(attrs=attrs)


def _expect_reports(fields: dict[str, forms.Field]) -> None:
    """Turn the form into one for a source that is never asked: no certificate, and the interval is a promise."""
    del fields["trusted_ca"]
    interval = fields["interval_seconds"]
    interval.label = "Expected at least every (seconds)"
    interval.help_text = "When it is silent for longer, it counts as late and then as stale. A day is 86400."


def _networks_input() -> forms.Field:
    return forms.CharField(
        label="Allowed networks",
        required=False,
        widget=forms.Textarea(attrs={"rows": 2, "placeholder": "10.20.0.0/16", "spellcheck": "false"}),
        help_text="Internal networks this source may be reached in, one a line. Private and loopback addresses stay "
        "closed unless they are listed here or for the whole portal.",
    )
