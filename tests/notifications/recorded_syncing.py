"""A prompt with two sides, recorded by the services that record it in earnest: sent, refused, and in conflict."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from apps.accounts.models import User
from apps.connectors.records import Batch, PromptRecord, PromptVersionRecord
from apps.events.services import record_events
from apps.prompts import services
from apps.prompts.models import Prompt, PromptConflict
from apps.prompts.services import upstream
from apps.prompts.status import ConflictPolicy, Truth
from apps.prompts.writing import Wording
from apps.sources.models import Source
from apps.sync.store import store_batch

AT = datetime(2026, 11, 24, 5, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
NAME = "search-greeting"


def record_syncing(source: Source) -> None:
    """The portal becomes the truth; one version arrives, one is refused, one meets another one there."""
    nora = User.objects.create_user("nora", role="engineer", full_name="Nora Lindqvist")
    _tell(source, AT, PromptRecord(external_id=NAME, name=NAME, labels={"component": "search-api"}), _version(1))
    prompt = Prompt.objects.get(name=NAME)
    services.set_truth(prompt=prompt, truth=Truth.PORTAL, on_conflict=ConflictPolicy.PERSON, actor=nora, at=AT + MINUTE)
    _write(prompt, nora, "Good day, {{ name }}.", 2)
    (claimed,) = upstream.claim_versions(at=AT + 3 * MINUTE)
    assert upstream.mark_written(claimed=claimed, at=AT + 3 * MINUTE)
    _tell(source, AT + 4 * MINUTE, _version(2, commit_message=claimed.push.marker))
    _write(prompt, nora, "Hello, {{ name }}.", 5)
    (claimed,) = upstream.claim_versions(at=AT + 6 * MINUTE)
    assert upstream.mark_write_failed(
        claimed=claimed, why="The key may only read.", at=AT + 6 * MINUTE, next_try_at=None
    )
    _write(prompt, nora, "Hello there, {{ name }}.", 7)
    _tell(source, AT + 8 * MINUTE, _version(3))
    conflict = PromptConflict.objects.get(prompt=prompt)
    why = "Theirs was written in an outage, and is right."
    services.resolve_conflict(conflict_id=conflict.pk, keeps=Truth.UPSTREAM, actor=nora, reason=why, at=AT + 9 * MINUTE)


def _write(prompt: Prompt, actor: User, text: str, minute: int) -> None:
    wording = Wording(template=text, variables=("name",))
    how: dict[str, Any] = {"actor": actor, "at": AT + minute * MINUTE, "commit_message": "Another greeting"}
    services.write_upstream(prompt=prompt, wording=wording, **how)


def _tell(source: Source, at: datetime, *records: Any) -> None:
    stored = store_batch(source=source, batch=Batch(records=records), at=at)
    assert not stored.rejected, stored.rejected
    record_events(events=stored.events)


def _version(number: int, commit_message: str = "") -> PromptVersionRecord:
    return PromptVersionRecord(
        external_id=f"{NAME}/{number}",
        prompt_external_id=NAME,
        number=number,
        created_at=AT - timedelta(days=2),
        template=f"Greet {{{{ name }}}}, take {number}.",
        commit_message=commit_message,
    )
