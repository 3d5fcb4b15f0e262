"""The form of a mapping rule."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms

from apps.accounts.form_style import Styled
from apps.catalog.models import Component, Environment, Feature
from apps.connectors.records import Kind
from apps.sources.identity import rules
from apps.sources.identity.rules import PARTS, PatternError, Rule
from apps.sources.identity.services import RuleDraft
from apps.sources.models import ExternalName, MappingRule, Source

KINDS = [("", "Anything"), *((str(kind), str(kind).replace("_", " ").capitalize()) for kind in Kind)]
MOST_CONDITIONS = 10


class RuleForm(Styled, forms.Form):
    """Valid, it holds a `draft` and the pure `rule` for a preview."""

    kind = forms.ChoiceField(label="What", choices=KINDS, required=False)
    source = forms.ModelChoiceField(
        label="From", queryset=Source.objects.none(), required=False, empty_label="Any source"
    )
    pattern = forms.CharField(
        label="Its name",
        max_length=rules.LONGEST_PATTERN,
        initial="*",
        help_text="As the source calls it. * stands for anything, ? for one character; {feature}, {component} and "
        "{environment} for a part that names one by its address, as in {feature}-nightly.",
    )
    labels = forms.CharField(
        label="And these labels",
        required=False,
        widget=forms.Textarea(attrs={"rows": 2, "spellcheck": "false", "placeholder": "team=search"}),
        help_text="One a line, name=pattern; all of them must fit.",
    )
    payload = forms.CharField(
        label="And in its original record",
        required=False,
        widget=forms.Textarea(attrs={"rows": 2, "spellcheck": "false", "placeholder": "owners[0]=search-*"}),
        help_text="One a line, JMESPath=pattern, looked up in the record as the source sent it.",
    )
    component = forms.ModelChoiceField(label="Is component", queryset=Component.objects.none(), required=False)
    feature = forms.ModelChoiceField(
        label="Of feature",
        queryset=Feature.objects.none(),
        required=False,
        help_text="Left empty, it is the feature of the component.",
    )
    environment = forms.ModelChoiceField(label="In environment", queryset=Environment.objects.none(), required=False)
    note = forms.CharField(label="Note", max_length=200, required=False, help_text="Why this rule is here.")
    is_enabled = forms.BooleanField(label="In use", required=False, initial=True)

    def __init__(
        self, *args: Any, rule: MappingRule | None = None, name: ExternalName | None = None, **kw: Any
    ) -> None:
        super().__init__(*args, **{"initial": _initial(rule, name)} | kw)
        self.draft: RuleDraft | None = None
        for key, queryset in (
            ("source", Source.objects.order_by("name")),
            ("component", Component.objects.order_by("name")),
            ("feature", Feature.objects.order_by("name")),
            ("environment", Environment.objects.order_by("rank")),
        ):
            choice = self.fields[key]
            assert isinstance(choice, forms.ModelChoiceField)
            choice.queryset = queryset

    @property
    def conditions(self) -> list[forms.BoundField]:
        """The inputs that say which names are meant."""
        return [self[name] for name in ("kind", "source", "pattern", "labels", "payload")]

    @property
    def targets(self) -> list[forms.BoundField]:
        """The inputs that say where they belong, and about the rule itself."""
        return [self[name] for name in ("component", "feature", "environment", "note", "is_enabled")]

    def clean_pattern(self) -> str:
        """A pattern that can work."""
        return _checked(rules.check_pattern, self.cleaned_data["pattern"])

    def clean_labels(self) -> dict[str, str]:
        """Label -> pattern."""
        return _conditions(self.cleaned_data["labels"], "team=search")

    def clean_payload(self) -> dict[str, str]:
        """JMESPath -> pattern."""
        found = _conditions(self.cleaned_data["payload"], "owners[0]=search-*")
        return {_checked(rules.check_path, path): pattern for path, pattern in found.items()}

    def clean(self) -> dict[str, Any]:
        """A rule must say where things belong."""
        values = super().clean() or self.cleaned_data
        if self.errors:
            return values
        reads = any(f"{{{part}}}" in values["pattern"] for part in PARTS)
        if not reads and not any(values[name] for name in ("component", "feature", "environment")):
            raise forms.ValidationError("Choose a component, a feature or an environment, or let the name say it.")
        self.draft = RuleDraft(**{key: values[key] for key in self.fields})
        return values

    @property
    def rule(self) -> Rule:
        """What a valid form says, as the value that is compared with names."""
        assert self.draft is not None
        draft = self.draft
        return Rule(
            id=0,
            pattern=draft.pattern,
            kind=draft.kind,
            source_id=draft.source.pk if draft.source else None,
            labels=tuple(sorted(draft.labels.items())),
            payload=tuple(sorted(draft.payload.items())),
        )


def _initial(rule: MappingRule | None, name: ExternalName | None) -> dict[str, Any]:
    if rule is not None:
        fields = ("kind", "source", "pattern", "component", "feature", "environment", "note", "is_enabled")
        values = {key: getattr(rule, key) for key in fields}
        return {**values, "labels": _lines(rule.labels), "payload": _lines(rule.payload)}
    if name is not None:
        return {"kind": name.kind, "source": name.source, "pattern": rules.literal(name.name)}
    return {}


def _lines(conditions: dict[str, str]) -> str:
    return "\n".join(f"{name}={pattern}" for name, pattern in conditions.items())


def _conditions(text: str, example: str) -> dict[str, str]:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if len(lines) > MOST_CONDITIONS:
        raise forms.ValidationError(f"{MOST_CONDITIONS} conditions are enough; make a second rule.")
    found: dict[str, str] = {}
    for line in lines:
        name, equals, pattern = (part.strip() for part in line.partition("="))
        if not name or not equals:
            raise forms.ValidationError(f"“{line[:40]}” is no condition; write one like {example}.")
        found[name] = _checked(rules.check_pattern, pattern)
    return found


def _checked(check: Callable[[str], str], text: str) -> str:
    try:
        return check(text)
    except PatternError as error:
        raise forms.ValidationError(str(error)) from None
