"""Forms in which a prompt of the portal is written."""

from __future__ import annotations

import re
from typing import Any

from django import forms

from apps.accounts.form_style import Styled
from apps.catalog.models import Feature
from apps.prompts.models import PromptKind, PromptVersion
from apps.prompts.writing import ROLES, Wording

_ROLE_LINE = re.compile(rf"^\[({'|'.join(ROLES)})\][ \t]*$", re.MULTILINE)


class JsonBox(forms.JSONField):
    """JSON in a box that is empty when there is none, instead of the word null."""

    def prepare_value(self, value: Any) -> Any:
        """What the box shows."""
        return "" if value in (None, {}) else super().prepare_value(value)


class VersionForm(Styled, forms.Form):
    """The words, the settings of the model and what is different."""

    kind = forms.ChoiceField(choices=PromptKind.choices, widget=forms.RadioSelect, initial=PromptKind.TEXT)
    text = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 14, "class": "input mono", "spellcheck": "true"}),
        help_text="Variables stand in {{double braces}}; {{> name}} takes in another prompt. In a chat, a line such as "
        "[system] or [user] begins a message.",
    )
    variables = forms.CharField(required=False, help_text="Their names, with commas; the text is checked against them.")
    model_config = JsonBox(
        label="Settings of the model",
        required=False,
        widget=forms.Textarea(attrs={"rows": 4, "class": "input mono"}),
        help_text='JSON, such as {"model": "large-4", "temperature": 0.2}.',
    )
    response_format = JsonBox(
        required=False,
        widget=forms.Textarea(attrs={"rows": 4, "class": "input mono"}),
        help_text="A JSON Schema that answers have to follow.",
    )
    commit_message = forms.CharField(label="What is different", max_length=500)
    tags = forms.CharField(required=False, help_text="Such as tone=formal, market=de.")
    override_reason = forms.CharField(
        label="Why a finding is a false alarm",
        required=False,
        max_length=1000,
        help_text="Only when the scan has found something that is no secret and nobody's data. It is recorded.",
    )

    def clean_model_config(self) -> dict[str, Any]:
        """An object, or nothing."""
        value = self.cleaned_data["model_config"] or {}
        if not isinstance(value, dict):
            raise forms.ValidationError("Write a JSON object: names and values in braces.")
        return value

    def clean_response_format(self) -> dict[str, Any] | None:
        """An object, or none."""
        value = self.cleaned_data["response_format"]
        if value is not None and not isinstance(value, dict):
            raise forms.ValidationError("A JSON Schema is an object: names and values in braces.")
        return value

    def clean_tags(self) -> dict[str, str]:
        """The pairs; a word alone is a tag that is set."""
        pairs = [word.strip().partition("=") for word in self.cleaned_data["tags"].split(",") if word.strip()]
        return {name.strip(): value.strip() or "yes" for name, _, value in pairs}

    @property
    def wording(self) -> Wording:
        """What was written."""
        values = self.cleaned_data
        is_chat = values["kind"] == PromptKind.CHAT
        text = values["text"].replace("\r\n", "\n")
        return Wording(
            template="" if is_chat else text,
            messages=messages_in(text) if is_chat else (),
            variables=[name for name in re.split(r"[,\s]+", values["variables"]) if name],
            model_config=values["model_config"],
            response_format=values["response_format"],
        )


class PromptForm(VersionForm):
    """The same for the first version, with the name."""

    name = forms.CharField(max_length=300, help_text="Such as support/reply; what stands before the slash is a folder.")
    description = forms.CharField(max_length=500, required=False)
    feature = forms.ModelChoiceField(Feature.objects.none(), required=False)
    field_order = ("name", "description", "feature", "kind", "text")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["feature"].queryset = Feature.objects.filter(is_retired=False)  # type: ignore[attr-defined]
        self.fields["commit_message"].required = False
        self.order_fields(self.field_order)


def messages_in(text: str) -> list[dict[str, str]]:
    """The messages of a chat written under lines with their roles; what stands before the first is the system's."""
    pieces = _ROLE_LINE.split(text)
    messages = [{"role": "system", "content": pieces[0].strip()}] if pieces[0].strip() else []
    pairs = zip(pieces[1::2], pieces[2::2], strict=True)
    return messages + [{"role": role, "content": content.strip()} for role, content in pairs]


def initial_of(version: PromptVersion | None, text: str) -> dict[str, Any]:
    """What the form shows first: the newest version, as the next one begins from it."""
    if version is None:
        return {}
    return {
        "kind": PromptKind.CHAT if version.messages else PromptKind.TEXT,
        "text": text,
        "variables": ", ".join(version.variables),
        "model_config": version.model_config,
        "response_format": version.response_format,
        "tags": ", ".join(f"{name}={value}" for name, value in version.tags.items()),
    }
