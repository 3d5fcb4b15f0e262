"""Who takes in whose text, and what a version says once everything is put in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from apps.prompts.models import Prompt, PromptLabel, PromptVersion
from apps.prompts.snippets import expand

MOST_PARENTS = 200


def parents(*, name: str, label: str) -> list[PromptLabel]:
    """Where versions that take in the prompt `name` are live under `label`: what a change of it touches."""
    rows = PromptLabel.objects.filter(name=label, version__snippets__contains=[name], prompt__source=None)
    return list(rows.select_related("prompt", "version").order_by("prompt__name")[:MOST_PARENTS])


def parent_names(*, name: str) -> list[Prompt]:
    """The prompts that take it in under any label, for its page."""
    rows = Prompt.objects.filter(labels_now__version__snippets__contains=[name], source=None)
    return list(rows.distinct().order_by("name")[:MOST_PARENTS])


def messages_of(
    *, version: PromptVersion, label: str, instead: Mapping[str, PromptVersion] | None = None
) -> list[dict[str, Any]]:
    """The messages of a version with its snippets as `label` has them now; `instead` names other versions of some."""

    def find(name: str) -> str | None:
        found = (instead or {}).get(name) or _at(name, label)
        return found.template if found else None

    told = version.messages or [{"role": "user", "content": version.template}]
    return [message | {"content": expand(str(message.get("content", "")), find)} for message in told]


def _at(name: str, label: str) -> PromptVersion | None:
    rows = PromptVersion.objects.filter(prompt__name=name, prompt__source=None)
    return rows.filter(labels_now__name=label).first()
