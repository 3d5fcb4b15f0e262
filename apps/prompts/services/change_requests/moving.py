"""Moving a label because of a request: history, pointer and change event in the caller's transaction."""

from __future__ import annotations

from datetime import datetime

from apps.accounts.models import User
from apps.catalog.models import Environment
from apps.core import bulk
from apps.events.services import NewEvent, record_events, ring
from apps.events.status import Tone
from apps.prompts.models import ChangeRequest, LabelMove, Prompt, PromptLabel, PromptVersion
from apps.prompts.services.prompts import LOCK


def move_label(
    *,
    prompt: Prompt,
    label: str,
    to: PromptVersion,
    change: ChangeRequest | None,
    actor: User | None,
    at: datetime,
    is_rollback: bool = False,
) -> None:
    """Point `label` at `to`; a prompt of another system was moved there already, so the next poll finds nothing new."""
    lock_labels(prompt=prompt)
    now = PromptLabel.objects.filter(prompt=prompt, name=label).select_related("version").first()
    if now is not None and now.version_id == to.pk:
        return
    before, name = now.version if now else None, str(actor) if actor else "OpsPortal"
    move = LabelMove.objects.create(
        prompt=prompt,
        name=label,
        from_version=before,
        to_version=to,
        at=at,
        actor=name[:200],
        is_rollback=is_rollback,
        change=change,
    )
    environment = Environment.objects.filter(slug=label[:80]).first()
    PromptLabel.objects.update_or_create(
        prompt=prompt,
        name=label,
        defaults={"version": to, "environment": environment, "moved_at": at, "moved_by": name[:200]},
    )
    Prompt.objects.filter(pk=prompt.pk).update(last_changed_at=at)
    _tell(move, environment, at)


def lock_labels(*, prompt: Prompt) -> None:
    """Wait until nobody else moves labels of this prompt; polls of its source take the same lock."""
    if prompt.source_id is not None:
        bulk.lock(space=LOCK, number=prompt.source_id)
    else:
        Prompt.objects.select_for_update(no_key=True).get(pk=prompt.pk)


def _tell(move: LabelMove, environment: Environment | None, at: datetime) -> None:
    prompt = move.prompt
    old, new = (version.number if version else None for version in (move.from_version, move.to_version))
    verb = "rolled back" if move.is_rollback else "moved"
    what = f"{move.name} {verb} from v{old} to v{new}" if old is not None else f"{move.name} was set to v{new}"
    event = NewEvent(
        kind="prompts:label:moved",
        at=at,
        title=f"{prompt.name[:150]} prompt: {what}",
        tone=Tone.WARN if move.is_rollback else Tone.INFO,
        actor=move.actor[:150],
        is_change=True,
        is_demo=bool(prompt.source and prompt.source.is_demo),
        feature_id=prompt.feature_id,
        component_id=prompt.component_id,
        environment_id=environment.pk if environment else None,
        source_id=prompt.source_id,
        subject_kind="prompt_label",
        subject_id=PromptLabel.objects.values_list("pk", flat=True).get(prompt=prompt, name=move.name),
        dedupe_key=f"label-move:{move.pk}",
        url=prompt.url,
        data={
            "prompt_id": prompt.pk,
            "label": move.name,
            "from": old,
            "to": new,
            "is_rollback": move.is_rollback,
            "created_at": move.to_version.created_at.isoformat() if move.to_version else None,  # of the version
        },
        topics=(prompt.topic, "prompts"),
    )
    record_events(events=[event])
    ring(topics={prompt.topic, "prompts"})
