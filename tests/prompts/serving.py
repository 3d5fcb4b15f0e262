"""Prompts with versions and labels, written straight into the tables."""

from __future__ import annotations

from typing import Any

from django.db import connection, transaction

from apps.prompts.content import content_hash, variables_in
from apps.prompts.models import Prompt, PromptLabel, PromptVersion
from apps.sources.models import Source
from tests.prompts.records import days_ago


def make_prompt(
    name: str, *, versions: int = 2, labels: dict[str, int] | None = None, source: Source | None = None, **content: Any
) -> Prompt:
    """A prompt whose versions say “Take N.”, or what `content` says; the portal's own without a `source`."""
    prompt = Prompt.objects.create(
        source=source, external_id=name, name=name, folder=name.rpartition("/")[0], latest_number=versions,
        kind="chat" if content.get("messages") else "text", first_seen_at=days_ago(9), last_changed_at=days_ago(1),
    )  # fmt: skip
    for number in range(1, versions + 1):
        make_version(prompt, number, **content)
    for label, number in (labels or {}).items():
        set_label(prompt, label, number)
    return prompt


def make_version(prompt: Prompt, number: int, **content: Any) -> PromptVersion:
    snippets = content.pop("snippets", [])
    template = "" if content.get("messages") else f"Take {number} of {{{{question}}}}."
    said = {"template": template, "messages": [], "model_config": {"model": "small"}, "response_format": None} | content
    return PromptVersion.objects.create(
        prompt=prompt, number=number, external_id=f"{prompt.name}/{number}", content_hash=content_hash(**said),
        variables=variables_in([said["template"]]), snippets=snippets, created_at=days_ago(5),
        first_seen_at=days_ago(5), **said,
    )  # fmt: skip


def set_label(prompt: Prompt, name: str, number: int) -> PromptLabel:
    """Point a label; where the portal's own prompts need an approved request for it, the rule sleeps meanwhile."""
    version = prompt.versions.get(number=number)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # or something would still wait to be checked
        cursor.execute("ALTER TABLE prompts_promptlabel DISABLE TRIGGER own_label_has_a_move")
        label, _ = PromptLabel.objects.update_or_create(
            prompt=prompt, name=name, defaults={"version": version, "moved_at": days_ago(1)}
        )
        cursor.execute("ALTER TABLE prompts_promptlabel ENABLE TRIGGER own_label_has_a_move")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
    return label
