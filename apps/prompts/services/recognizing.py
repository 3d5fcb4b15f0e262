"""What a poll brings for prompts that the portal is the truth of: its own version again, or somebody else's."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime

from apps.core.bulk import Row
from apps.events.services import NewEvent
from apps.events.status import Tone
from apps.prompts.models import Prompt, PromptConflict, PromptVersion, VersionPush
from apps.prompts.services.upstream import close_push, end_conflict, sync_event
from apps.prompts.status import OPEN_PUSHES, ConflictPolicy, ConflictState, PushState, Truth

_MARKER = re.compile(r"\[opsportal:[0-9a-f]{20}\]")


def note_versions(*, added: Sequence[Row], prompts: Mapping[int, Prompt], at: datetime) -> list[NewEvent]:
    """Give our own versions back their authors, and find conflicts; the events of those. The caller holds the lock.

    `added` are new rows of versions: id, prompt_id, number and commit_message.
    """
    rows = [row for row in added if prompts[row["prompt_id"]].truth == Truth.PORTAL]
    if not rows:
        return []
    found: list[NewEvent] = []
    ours = _ours(rows)
    for row in sorted(rows, key=lambda row: (row["prompt_id"], row["number"])):
        prompt = prompts[row["prompt_id"]]
        push = ours.get(_marker_in(row))
        if push is not None and push.prompt_id == prompt.pk:
            _recognize(push, row, at)
        else:
            found += _conflict(prompt, row, at)
    return found


def _ours(rows: Sequence[Row]) -> dict[str, VersionPush]:
    markers = {_marker_in(row) for row in rows} - {""}
    return {push.marker: push for push in VersionPush.objects.select_for_update().filter(marker__in=markers)}


def _marker_in(row: Row) -> str:
    found = _MARKER.search(row["commit_message"] or "")
    return found.group() if found else ""


def _recognize(push: VersionPush, row: Row, at: datetime) -> None:
    """It has arrived, whatever became of the answer; who wrote it may not approve it."""
    PromptVersion.objects.filter(pk=row["id"]).update(written_by=push.written_by_id)
    push.version_id = row["id"]
    push.save(update_fields=["version"])
    if push.state in OPEN_PUSHES:
        close_push(push, PushState.PUSHED, at)


def _conflict(prompt: Prompt, row: Row, at: datetime) -> list[NewEvent]:
    """Both sides have a new version if one of ours still waits."""
    push = VersionPush.objects.select_for_update().filter(prompt=prompt, state__in=OPEN_PUSHES).first()
    if push is None or row["number"] <= push.base_number:
        return []
    conflict = PromptConflict.objects.select_for_update().filter(prompt=prompt, state=ConflictState.OPEN).first()
    if conflict is not None:  # they wrote once more
        conflict.theirs_id = row["id"]
        conflict.save(update_fields=["theirs"])
        return []
    conflict = PromptConflict.objects.create(prompt=prompt, ours=push, theirs_id=row["id"], found_at=at)
    data = {"base": push.base_number, "theirs": row["number"]}
    title = f"both sides have a new version after v{push.base_number}"
    news = [sync_event(prompt, "conflict", "found", title, at, tone=Tone.WARN, data=data)]
    if prompt.on_conflict != ConflictPolicy.PERSON:
        rule = f"The rule of the prompt: {ConflictPolicy(prompt.on_conflict).label.lower()}."
        news.append(end_conflict(prompt, conflict, Truth(prompt.on_conflict), rule, at))
    return news
