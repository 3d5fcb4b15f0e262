"""Where a prompt of another system stands between its two sides."""

from __future__ import annotations

from dataclasses import dataclass

from apps.core.ui.worddiff import diff_lines, diff_stat
from apps.prompts.comparison import CONTEXT, Part
from apps.prompts.content import as_text, config_text
from apps.prompts.models import Prompt, PromptConflict, PromptVersion, VersionPush
from apps.prompts.status import OPEN_PUSHES, ConflictState


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncStanding:
    """What the prompt page says: the version on its way, the newest that failed, and a conflict with its diff."""

    push: VersionPush | None
    conflict: PromptConflict | None
    parts: list[Part]


def sync_of(*, prompt: Prompt) -> SyncStanding | None:
    """None for a prompt that has one side only."""
    if prompt.source_id is None:
        return None
    rows = VersionPush.objects.filter(prompt=prompt).select_related("written_by", "version")
    push = rows.order_by("-created_at", "-pk").first()  # one at a time, so an open one is the newest
    conflict = None
    if push is not None and push.state in OPEN_PUSHES:  # what a conflict is about
        conflicts = PromptConflict.objects.filter(ours=push, state=ConflictState.OPEN)
        conflict = conflicts.select_related("ours__written_by", "theirs").first()
    parts = _parts(conflict.theirs, conflict.ours) if conflict else []
    return SyncStanding(push=push, conflict=conflict, parts=parts)


def _parts(theirs: PromptVersion, ours: VersionPush) -> list[Part]:
    """From theirs to ours, part by part; parts that are equal are left out."""
    found = []
    for (name, before), (_, after) in zip(_texts(theirs), _texts(ours), strict=True):
        if before != after:
            rows = diff_lines(before, after, CONTEXT)
            found.append(Part(name, rows, *diff_stat(rows)))
    return found


def _texts(of: PromptVersion | VersionPush) -> list[tuple[str, str]]:
    return [
        ("Text", as_text(template=of.template, messages=of.messages)),
        ("Settings", config_text(model_config=of.model_config, response_format=of.response_format)),
    ]
