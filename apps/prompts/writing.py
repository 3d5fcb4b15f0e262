"""What somebody wrote for a new version, and whether it holds together. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import jsonschema

from apps.prompts.content import as_text, config_text, content_hash, variables_in
from apps.prompts.snippets import snippets_in

ROLES: Final = ("system", "developer", "user", "assistant", "tool")
LONGEST: Final = 1_000_000
_NAME: Final = re.compile(r"[A-Za-z_][\w.\-]{0,119}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """The content of a version: a template, or messages of a chat; `variables` are those that its author declares."""

    template: str = ""
    messages: Sequence[Mapping[str, Any]] = ()
    variables: Sequence[str] = ()
    model_config: Mapping[str, Any] = field(default_factory=dict)
    response_format: Mapping[str, Any] | None = None

    @property
    def texts(self) -> list[str]:
        """Everything with words in it."""
        return [self.template, *(str(message.get("content", "")) for message in self.messages)]

    @property
    def snippets(self) -> list[str]:
        """The prompts that it takes in."""
        return snippets_in(self.texts)

    @property
    def hash(self) -> str:
        """As versions of other systems are hashed."""
        return content_hash(
            template=self.template,
            messages=self.messages,
            model_config=self.model_config,
            response_format=self.response_format,
        )

    @property
    def parts(self) -> list[tuple[str, str]]:
        """(name, text) for the scan, as the page numbers its lines."""
        settings = config_text(model_config=self.model_config, response_format=self.response_format)
        return [("Text", as_text(template=self.template, messages=self.messages)), ("Settings", settings)]


def complaints(wording: Wording) -> list[tuple[str, str]]:
    """(field, sentence) of everything that does not hold together; empty when all is well."""
    return [*_about_text(wording), *_about_variables(wording), *_about_format(wording.response_format)]


def _about_text(wording: Wording) -> list[tuple[str, str]]:
    if bool(wording.template.strip()) == bool(wording.messages):
        return [("template", "Write a text, or messages of a chat, and not both.")]
    if sum(map(len, wording.texts)) > LONGEST:
        return [("template", f"The text is longer than {LONGEST:,} characters.")]
    for number, message in enumerate(wording.messages, 1):
        if message.get("role") not in ROLES or not isinstance(message.get("content"), str):
            return [("messages", f"Message {number} needs a role ({', '.join(ROLES)}) and a content.")]
    return []


def _about_variables(wording: Wording) -> list[tuple[str, str]]:
    used, declared = variables_in(wording.texts), list(wording.variables)
    bad = [name for name in declared if not _NAME.fullmatch(name)]
    missing = [name for name in used if name not in declared]
    unused = [name for name in declared if name not in used]
    told = [f"“{name[:40]}” cannot be the name of a variable." for name in bad]
    told += [f"{{{{{name}}}}} stands in the text and is not declared." for name in missing]
    told += [f"{name} is declared and stands nowhere in the text." for name in unused if name not in bad]
    return [("variables", sentence) for sentence in told]


def _about_format(schema: Mapping[str, Any] | None) -> list[tuple[str, str]]:
    if schema is None:
        return []
    try:
        jsonschema.Draft202012Validator.check_schema(schema)
    except jsonschema.SchemaError as error:
        where = "/".join(str(step) for step in error.absolute_path) or "its top"
        return [("response_format", f"This is no JSON Schema: at {where}, {error.message[:200]}")]
    return []
