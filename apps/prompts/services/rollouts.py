"""A share of the callers gets another version under a label: begun, grown and ended by people."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import transaction

from apps.accounts.models import AuditEntry, User
from apps.accounts.services import record_audit
from apps.prompts.finding import may_roll_out
from apps.prompts.guarding import obstacle
from apps.prompts.models import LabelRollout, PromptLabel, PromptVersion, RolloutWatch
from apps.prompts.models.guarding import LONGEST_SOAK
from apps.prompts.services.change_requests.locking import check_person
from apps.prompts.services.change_requests.moving import lock_labels
from apps.prompts.services.change_requests.refusals import ChangeConflictError, ChangeInvalidError
from apps.prompts.services.guards import Said, tell_rollout, write_guards
from apps.prompts.status import GuardHealth, OnAlert, RolloutState

Origin = AuditEntry.Origin


def set_rollout(
    *,
    label_id: int,
    number: int,
    percent: int,
    actor: User,
    at: datetime,
    guards: Sequence[Said] | None = None,
    soak_minutes: int | None = None,
    on_alert: OnAlert | None = None,
    origin: Origin = Origin.PAGE,
) -> LabelRollout | None:
    """Let `percent` of the callers get version `number`; 0 ends it, and None comes back.

    A protected label takes only the version of a change that is approved and not applied yet: a rollout is a way to
    apply it, not a way around it. It grows only while every guard is healthy and the soak of the step before is over;
    what is None of `guards`, `soak_minutes` and `on_alert` stays as it is.
    """
    check_person(actor=actor, action="change:apply")
    _check_numbers(percent, soak_minutes)
    with transaction.atomic():
        label = PromptLabel.objects.select_related("prompt__source", "version").get(pk=label_id)
        lock_labels(prompt=label.prompt)
        rows = PromptLabel.objects.select_for_update(of=("self",)).select_related("prompt__source", "version")
        label = rows.get(pk=label_id)
        version = PromptVersion.objects.filter(prompt=label.prompt, number=number, gone_at=None).first()
        if version is None:
            raise ChangeInvalidError(f"There is no version {number}.", field="number")
        before = LabelRollout.objects.filter(label=label).first()
        if percent == 0:
            _end(before or LabelRollout(label=label, base=label.version, version=version, percent=0), actor, at, origin)
            return None
        if not may_roll_out(label=label, version=version):
            raise ChangeConflictError(f"{label.name} is protected: propose v{number} and have it approved first.")
        watch = _same(before, label, version)
        _check_may_grow(before, watch, percent, guards, at)
        rollout = _write(label, version, percent, actor, at)
        watch = _watch(rollout, watch, guards, soak_minutes, on_alert, at, is_step=_grows(before, watch, percent))
        _tell(rollout, watch, actor, at, origin)
    return rollout


def _check_numbers(percent: int, soak_minutes: int | None) -> None:
    if not 0 <= percent <= 100:
        raise ChangeInvalidError("Choose from 0 to 100 percent.", field="percent")
    if soak_minutes is not None and not 0 <= soak_minutes <= LONGEST_SOAK:
        raise ChangeInvalidError(f"Choose from 0 to {LONGEST_SOAK:,} minutes.", field="soak_minutes")


def _same(before: LabelRollout | None, label: PromptLabel, version: PromptVersion) -> RolloutWatch | None:
    """The watch of what runs already, if that is this very rollout."""
    if before is None or (before.version_id, before.base_id) != (version.pk, label.version_id):
        return None
    return RolloutWatch.objects.select_for_update().filter(rollout=before).first()


def _grows(before: LabelRollout | None, watch: RolloutWatch | None, percent: int) -> bool:
    return before is None or watch is None or percent > before.percent


def _check_may_grow(
    before: LabelRollout | None, watch: RolloutWatch | None, percent: int, guards: Sequence[Said] | None, at: datetime
) -> None:
    """Raise ChangeConflictError where an alert or a soak speaks against it."""
    for one in guards or ():
        if one.health == GuardHealth.ALERTING:
            raise ChangeConflictError(f"“{one.name}” alerts now. Wait until that is over, or choose other guards.")
    if watch is None or before is None:
        return
    if watch.state != RolloutState.RUNNING:
        raise ChangeConflictError("An alert stopped this rollout. Resume it with a reason, or end it.")
    if percent > before.percent and (why := watch.obstacle_at(at)):
        raise ChangeConflictError(f"It cannot grow yet. {why}")
    judged = [one.judgement for one in guards or ()]
    if percent > before.percent and (why := obstacle(judgements=judged, healthy=0, soak=0, at=at)):
        raise ChangeConflictError(f"It cannot grow yet. {why}")


def _write(label: PromptLabel, version: PromptVersion, percent: int, actor: User, at: datetime) -> LabelRollout:
    values = {"base": label.version, "version": version, "percent": percent}
    values |= {"changed_at": at, "changed_by": str(actor)[:200]}
    return LabelRollout.objects.update_or_create(label=label, defaults=values)[0]


def _watch(
    rollout: LabelRollout,
    watch: RolloutWatch | None,
    guards: Sequence[Said] | None,
    soak_minutes: int | None,
    on_alert: OnAlert | None,
    at: datetime,
    *,
    is_step: bool,
) -> RolloutWatch:
    """The watch as it shall be; a step starts its soak, and another version starts with a new watch."""
    if watch is None:
        RolloutWatch.objects.filter(rollout=rollout).delete()
        watch = RolloutWatch(rollout=rollout, counted_at=at)
    watch.healthy, watch.counted_at = (0.0 if is_step else watch.healthy_at(at)) if watch.pk else 0.0, at
    watch.soak_minutes = watch.soak_minutes if soak_minutes is None else soak_minutes
    watch.on_alert = watch.on_alert if on_alert is None else on_alert
    watch.save()
    if guards is not None:
        write_guards(watch=watch, guards=guards)
    return watch


def _end(rollout: LabelRollout, actor: User, at: datetime, origin: Origin) -> None:
    what = f"{rollout.label.name} is v{rollout.label.version.number}"
    tell_rollout(rollout, "changed", what, at, actor=actor, is_change=True, percent=0)
    _audit(rollout, {"percent": 0}, actor, origin)
    if rollout.pk is not None:
        rollout.delete()


def _tell(rollout: LabelRollout, watch: RolloutWatch, actor: User, at: datetime, origin: Origin) -> None:
    what = f"{rollout.percent} % get v{rollout.version.number} as {rollout.label.name}"
    guards = sorted(one.key for one in watch.guards.all())
    tell_rollout(rollout, "changed", what, at, actor=actor, is_change=True)
    watching = {"guards": guards, "soak_minutes": watch.soak_minutes, "on_alert": watch.on_alert}
    _audit(rollout, {"percent": rollout.percent} | watching, actor, origin)


def _audit(rollout: LabelRollout, more: dict[str, Any], actor: User, origin: Origin) -> None:
    prompt = rollout.label.prompt
    after = {"prompt_id": prompt.pk, "label": rollout.label.name, "number": rollout.version.number} | more
    record_audit(actor=actor, action="prompt:roll-out", subject=prompt, after=after, origin=origin)
