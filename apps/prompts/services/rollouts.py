"""A share of the callers gets another version under a label: begun, grown and ended by people."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from apps.accounts.models import User
from apps.accounts.services import record_audit
from apps.events.services import NewEvent, record_events
from apps.prompts.finding import may_roll_out
from apps.prompts.models import LabelRollout, PromptLabel, PromptVersion
from apps.prompts.services.change_requests.locking import check_person
from apps.prompts.services.change_requests.moving import lock_labels
from apps.prompts.services.change_requests.refusals import ChangeConflictError, ChangeInvalidError


def set_rollout(*, label_id: int, number: int, percent: int, actor: User, at: datetime) -> LabelRollout | None:
    """Let `percent` of the callers get version `number`; 0 ends it, and None comes back.

    A protected label takes only the version of a change that is approved and not applied yet: a rollout is a way to
    apply it, not a way around it.
    """
    check_person(actor=actor, action="change:apply")
    if not 0 <= percent <= 100:
        raise ChangeInvalidError("Choose from 0 to 100 percent.", field="percent")
    with transaction.atomic():
        label = PromptLabel.objects.select_related("prompt__source", "version").get(pk=label_id)
        lock_labels(prompt=label.prompt)
        label = PromptLabel.objects.select_for_update(of=("self",)).select_related("prompt__source", "version").get(
            pk=label_id
        )  # fmt: skip
        version = PromptVersion.objects.filter(prompt=label.prompt, number=number, gone_at=None).first()
        if version is None:
            raise ChangeInvalidError(f"There is no version {number}.", field="number")
        if percent and not may_roll_out(label=label, version=version):
            raise ChangeConflictError(f"{label.name} is protected: propose v{number} and have it approved first.")
        found = _write(label, version, percent, actor, at)
        _tell(label, version, percent, actor, at)
    return found


def _write(label: PromptLabel, version: PromptVersion, percent: int, actor: User, at: datetime) -> LabelRollout | None:
    if not percent:
        LabelRollout.objects.filter(label=label).delete()
        return None
    values = {"base": label.version, "version": version, "percent": percent}
    values |= {"changed_at": at, "changed_by": str(actor)[:200]}
    return LabelRollout.objects.update_or_create(label=label, defaults=values)[0]


def _tell(label: PromptLabel, version: PromptVersion, percent: int, actor: User, at: datetime) -> None:
    prompt = label.prompt
    what = (
        f"{percent} % get v{version.number} as {label.name}" if percent else f"{label.name} is v{label.version.number}"
    )
    event = NewEvent(
        kind="prompts:rollout:changed",
        at=at,
        title=f"{prompt.name[:150]} prompt: {what}",
        actor=str(actor)[:150],
        is_change=True,
        feature_id=prompt.feature_id,
        component_id=prompt.component_id,
        environment_id=label.environment_id,
        source_id=prompt.source_id,
        subject_kind="prompt_label",
        subject_id=label.pk,
        data={"prompt_id": prompt.pk, "label": label.name, "number": version.number, "percent": percent},
        topics=(prompt.topic, "prompts"),
    )
    record_events(events=[event])
    record_audit(actor=actor, action="prompt:roll-out", subject=prompt, after=event.data)
