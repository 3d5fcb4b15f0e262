"""The form of a subscription, its filters in plain words, and the span of a replay."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django import forms

from apps.accounts.form_style import Styled
from apps.accounts.models import User
from apps.accounts.permissions import may
from apps.catalog.models import Environment, Feature
from apps.connectors.address import parse_networks
from apps.connectors.errors import ConfigError, SourceError
from apps.connectors.http import check_url
from apps.connectors.pool import trust
from apps.notifications.listings import FAMILIES
from apps.notifications.matching import is_pattern
from apps.notifications.models import Subscription
from apps.notifications.services import SubscriptionDraft
from apps.notifications.status import Format

OPENS_NETWORKS = "subscription:remove"  # opening a network to the portal is an administrator's decision
MOST_PATTERNS = 50
LONGEST_SPAN = timedelta(days=92)


def _boxes(label: str, hint: str, choices: Any = ()) -> forms.TypedMultipleChoiceField:
    return forms.TypedMultipleChoiceField(
        label=label, help_text=hint, choices=choices, required=False, widget=forms.CheckboxSelectMultiple
    )


class SubscriptionForm(Styled, forms.Form):
    """Valid, it holds a `draft`."""

    name = forms.CharField(label="Name", max_length=120, help_text="Who listens, such as “Incident bridge”.")
    url = forms.CharField(
        label="Address",
        max_length=1000,
        widget=forms.URLInput(attrs={"placeholder": "https://hooks.example.com/opsportal", "autocomplete": "off"}),
        help_text="Events are sent to it by POST. Any answer from 200 to 299 means “I have it”.",
    )
    format = forms.ChoiceField(label="Format", choices=Format.choices, initial=Format.STRUCTURED)
    families = _boxes("What it hears", "Nothing ticked and nothing written below: everything.", FAMILIES)
    patterns = forms.CharField(
        label="Single kinds",
        required=False,
        widget=forms.Textarea(attrs={"rows": 2, "spellcheck": "false", "placeholder": "pipelines:run:failed"}),
        help_text="Beside what is ticked, one a line; * stands for anything. docs/events.md lists the kinds.",
    )
    features = _boxes("Features", "None ticked: any, and events that belong to none.")
    environments = _boxes("Environments", "None ticked: any, and events that happened in none.")
    only_changes = forms.BooleanField(
        label="Only changes",
        required=False,
        help_text="Deployments, label moves and configuration: what somebody or something changed.",
    )
    includes_demo = forms.BooleanField(
        label="Events of the demo world too", required=False, help_text="To try things out."
    )
    trusted_ca = forms.CharField(
        label="Certificate authority (PEM)",
        required=False,
        max_length=100_000,
        widget=forms.Textarea(attrs={"rows": 2, "placeholder": "-----BEGIN CERTIFICATE-----", "spellcheck": "false"}),
        help_text="Only if the receiver's certificate comes from an authority of your own.",
    )
    allowed_networks = forms.CharField(
        label="Allowed networks",
        required=False,
        widget=forms.Textarea(attrs={"rows": 2, "placeholder": "10.20.0.0/16", "spellcheck": "false"}),
        help_text="Internal networks this receiver may be reached in, one a line. Private and loopback addresses stay "
        "closed unless they are listed here or for the whole portal.",
    )

    def __init__(
        self, data: Mapping[str, Any] | None = None, *, user: User, subscription: Subscription | None = None
    ) -> None:
        super().__init__(data, initial=_initial(subscription) if subscription else None)
        self.subscription = subscription
        self.draft: SubscriptionDraft | None = None
        _offer(self.fields["features"], Feature.objects.values_list("pk", "name"))
        _offer(self.fields["environments"], Environment.objects.values_list("pk", "name"))
        if not may(user, OPENS_NETWORKS):
            del self.fields["allowed_networks"]

    def clean_name(self) -> str:
        """A name nobody else has."""
        name: str = self.cleaned_data["name"]
        others = Subscription.objects.filter(name=name)
        if self.subscription is not None:
            others = others.exclude(pk=self.subscription.pk)
        if others.exists():
            raise forms.ValidationError("Another subscription has this name already.")
        return name

    def clean_url(self) -> str:
        """An address that the portal would send to."""
        url: str = self.cleaned_data["url"]
        try:
            check_url(url)
        except ConfigError as error:
            raise forms.ValidationError(error.message) from None
        return url

    def clean_patterns(self) -> list[str]:
        """The kinds, one a line."""
        patterns = list(dict.fromkeys(_lines(self.cleaned_data["patterns"])))
        for pattern in patterns:
            if not is_pattern(pattern):
                raise forms.ValidationError(
                    f"“{pattern[:60]}” is no kind of event; write it like pipelines:run:failed or deployments:*."
                )
        if len(patterns) > MOST_PATTERNS:
            raise forms.ValidationError(f"These are more than {MOST_PATTERNS} kinds; use * to stand for several.")
        return patterns

    def clean_trusted_ca(self) -> str:
        """Certificates that can be read, or nothing."""
        text: str = self.cleaned_data["trusted_ca"]
        try:
            trust(text)
        except SourceError as error:
            raise forms.ValidationError(error.message) from None
        return text

    def clean_allowed_networks(self) -> list[str]:
        """The networks, one a line."""
        try:
            return [str(network) for network in parse_networks(_lines(self.cleaned_data["allowed_networks"]))]
        except ConfigError as error:
            raise forms.ValidationError(error.message) from None

    def clean(self) -> dict[str, Any]:
        """The draft, once every field is right."""
        values = super().clean() or self.cleaned_data
        if not self.errors:
            self.draft = self._draft(values)
        return values

    def _draft(self, values: dict[str, Any]) -> SubscriptionDraft:
        kept = self.subscription.allowed_networks if self.subscription else []
        return SubscriptionDraft(
            name=values["name"],
            url=values["url"],
            format=values["format"],
            kinds=[*values["families"], *(one for one in values["patterns"] if one not in values["families"])],
            feature_ids=values["features"],
            environment_ids=values["environments"],
            only_changes=values["only_changes"],
            includes_demo=values["includes_demo"],
            allowed_networks=values.get("allowed_networks", kept),
            trusted_ca=values["trusted_ca"],
        )


class ReplayForm(Styled, forms.Form):
    """The span of a replay, in the reader's zone."""

    start = forms.DateTimeField(label="From", widget=forms.DateTimeInput(attrs={"type": "datetime-local"}))
    end = forms.DateTimeField(label="Until", widget=forms.DateTimeInput(attrs={"type": "datetime-local"}))

    def clean(self) -> dict[str, Any]:
        """A span that begins before it ends and is not endless."""
        values = super().clean() or self.cleaned_data
        start, end = values.get("start"), values.get("end")
        if isinstance(start, datetime) and isinstance(end, datetime):
            if start >= end:
                self.add_error("end", "The end must come after the beginning.")
            elif end - start > LONGEST_SPAN:
                self.add_error("end", f"A replay covers {LONGEST_SPAN.days} days at most; ask for several.")
        return values


def _offer(field: forms.Field, choices: Any) -> None:
    assert isinstance(field, forms.TypedMultipleChoiceField)
    field.choices, field.coerce = list(choices), int


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _initial(subscription: Subscription) -> dict[str, Any]:
    families = [pattern for pattern, _ in FAMILIES]
    return {
        "name": subscription.name,
        "url": subscription.url,
        "format": subscription.format,
        "families": [kind for kind in subscription.kinds if kind in families],
        "patterns": "\n".join(kind for kind in subscription.kinds if kind not in families),
        "features": subscription.feature_ids,
        "environments": subscription.environment_ids,
        "only_changes": subscription.only_changes,
        "includes_demo": subscription.includes_demo,
        "trusted_ca": subscription.trusted_ca,
        "allowed_networks": "\n".join(subscription.allowed_networks),
    }
