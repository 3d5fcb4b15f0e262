"""What guards of a rollout say, and what follows: a stop in the same transaction, a person who goes on or ends it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from apps.accounts.models import AuditEntry, User
from apps.accounts.services import record_audit
from apps.events.services import NewEvent, record_events, ring
from apps.events.status import Tone
from apps.prompts.finding import may_roll_out
from apps.prompts.guarding import Judgement
from apps.prompts.models import ChangeRequest, LabelRollout, PromptLabel, RolloutGuard, RolloutWatch
from apps.prompts.services.change_requests.locking import check_person
from apps.prompts.services.change_requests.moving import lock_labels
from apps.prompts.services.change_requests.refusals import ChangeConflictError, ChangeInvalidError
from apps.prompts.status import OPEN, GuardHealth, GuardKind, OnAlert, RolloutState

Origin = AuditEntry.Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A guard's word: which monitor or objective, what, and why; `alert_id` of the alert that it opened."""

    kind: GuardKind
    number: int
    name: str
    health: GuardHealth
    why: str
    at: datetime | None
    alert_id: int | None = None

    @property
    def judgement(self) -> Judgement:
        """The same for the rules."""
        return Judgement(name=self.name, health=self.health, why=self.why, at=self.at)


def note_said(*, said: Said, at: datetime) -> int:
    """Keep what a guard says now in every rollout that it guards; how many were stopped because it alerts.

    The caller's transaction is that of the judgement, so a stop and its reason are kept together or not at all.
    """
    rows = RolloutGuard.objects.filter(kind=said.kind, number=said.number).order_by("watch_id")
    return sum(_note(watch_id, said, at) for watch_id in rows.values_list("watch_id", flat=True))


def resume_rollout(
    *, label_id: int, actor: User, reason: str, at: datetime, drops_alerting: bool = False, origin: Origin = Origin.PAGE
) -> LabelRollout:
    """Go on with a rollout that an alert stopped, at the share that it had; its soak begins anew.

    A guard that still alerts would stop it for nothing, so it has to be over, or `drops_alerting` takes it out.
    """
    rollout = None
    check_person(actor=actor, action="change:apply")
    _check_reason(reason)
    with transaction.atomic():
        rollout, watch = lock_rollout(label_id=label_id)
        if watch is None or watch.state == RolloutState.RUNNING:
            raise ChangeConflictError("No alert has stopped it, or somebody resumed it already. Look at it again.")
        if not may_roll_out(label=rollout.label, version=rollout.version):
            raise ChangeConflictError(f"{rollout.label.name} is protected, and the approval does not stand any more.")
        alerting = list(watch.guards.filter(health=GuardHealth.ALERTING))
        if alerting and not drops_alerting:
            names = ", ".join(f"“{one.name}”" for one in alerting)
            raise ChangeConflictError(f"{names} still alerts. Wait until that is over, or go on without it.")
        watch.guards.filter(pk__in=[one.pk for one in alerting]).delete()
        if watch.state == RolloutState.RETURNED:
            rollout.percent = watch.stopped_percent
            rollout.save(update_fields=["percent"])
        watch.state, watch.stopped_at, watch.stopped_why, watch.stopped_percent = RolloutState.RUNNING, None, "", 0
        watch.healthy, watch.counted_at = 0, at
        watch.save()
        dropped = [one.name for one in alerting]
        what = f"{actor} goes on with the rollout of v{rollout.version.number} as {rollout.label.name}"
        tell_rollout(rollout, "resumed", what, at, actor=actor, detail=reason, more={"dropped": dropped})
        record_audit(
            actor=actor,
            action="prompt:resume-rollout",
            subject=rollout.label.prompt,
            after={"label": rollout.label.name, "percent": rollout.percent, "dropped": dropped},
            reason=reason,
            origin=origin,
        )
    return rollout


def return_rollout(*, label_id: int, actor: User, reason: str, at: datetime, origin: Origin = Origin.PAGE) -> None:
    """End a rollout for a reason: everybody gets what the label says."""
    check_person(actor=actor, action="change:apply")
    _check_reason(reason)
    with transaction.atomic():
        rollout, _ = lock_rollout(label_id=label_id)
        what = f"{rollout.label.name} is v{rollout.base.number} for everybody again"
        tell_rollout(rollout, "changed", what, at, actor=actor, detail=reason, percent=0, is_change=True)
        record_audit(
            actor=actor,
            action="prompt:return-rollout",
            subject=rollout.label.prompt,
            before={"label": rollout.label.name, "number": rollout.version.number, "percent": rollout.percent},
            reason=reason,
            origin=origin,
        )
        rollout.delete()


def lock_rollout(*, label_id: int) -> tuple[LabelRollout, RolloutWatch | None]:
    """The rollout under a label and its watch, locked in the order of all who change one; else ChangeConflictError."""
    label = PromptLabel.objects.select_related("prompt__source").get(pk=label_id)
    lock_labels(prompt=label.prompt)
    rows = LabelRollout.objects.select_for_update(of=("self",)).select_related("base", "version")
    rollout = rows.select_related("label__prompt__source", "base", "version").filter(label=label).first()
    if rollout is None:
        raise ChangeConflictError(f"Nothing is rolled out as {label.name} any more. Look at it again.")
    return rollout, RolloutWatch.objects.select_for_update().filter(rollout=rollout).first()


def tell_rollout(
    rollout: LabelRollout,
    what: str,
    title: str,
    at: datetime,
    *,
    actor: User | None = None,
    tone: Tone = Tone.INFO,
    detail: str = "",
    is_change: bool = False,
    percent: int | None = None,
    more: dict[str, Any] | None = None,
) -> None:
    """Record `prompts:rollout:<what>` and ring the pages of the prompt and of the requests for its label."""
    label, prompt = rollout.label, rollout.label.prompt
    data = {"prompt_id": prompt.pk, "label": label.name, "number": rollout.version.number}
    changes = ChangeRequest.objects.filter(prompt=prompt, label=label.name, state__in=OPEN)
    event = NewEvent(
        kind=f"prompts:rollout:{what}",
        at=at,
        title=f"{prompt.name[:150]} prompt: {title}"[:300],
        tone=tone,
        detail=detail,
        actor=str(actor)[:150] if actor else "",
        is_change=is_change,
        is_demo=bool(prompt.source and prompt.source.is_demo),
        feature_id=prompt.feature_id,
        component_id=prompt.component_id,
        environment_id=label.environment_id,
        source_id=prompt.source_id,
        subject_kind="prompt_label",
        subject_id=label.pk,
        data=data | {"percent": rollout.percent if percent is None else percent} | (more or {}),
        topics=(prompt.topic, "prompts"),
    )
    record_events(events=[event])
    ring(topics={f"change-{pk}" for pk in changes.values_list("pk", flat=True)})


def write_guards(*, watch: RolloutWatch, guards: Sequence[Said]) -> None:
    """Put `guards` in the place of those that it has."""
    watch.guards.all().delete()
    RolloutGuard.objects.bulk_create(
        RolloutGuard(
            watch=watch,
            kind=one.kind,
            number=one.number,
            name=one.name[:120],
            health=one.health,
            why=one.why,
            judged_at=one.at,
        )
        for one in guards
    )


def _note(watch_id: int, said: Said, at: datetime) -> bool:
    """Count the time before this word by the words before it, then keep it; whether it stopped the rollout."""
    label_id = LabelRollout.objects.filter(pk=watch_id).values_list("label_id", flat=True).first()
    if label_id is None:
        return False
    try:
        if said.health == GuardHealth.ALERTING:  # only a stop changes the rollout, and so needs its locks
            rollout, watch = lock_rollout(label_id=label_id)
        else:
            rollout, watch = None, RolloutWatch.objects.select_for_update().filter(pk=watch_id).first()
    except ChangeConflictError:  # ended meanwhile
        return False
    if watch is None or watch.pk != watch_id:
        return False
    watch.healthy, watch.counted_at = watch.healthy_at(at), max(at, watch.counted_at)
    watch.save(update_fields=["healthy", "counted_at"])
    guards = watch.guards.filter(kind=said.kind, number=said.number)
    guards.update(health=said.health, why=said.why, judged_at=said.at)
    if rollout is None or watch.state != RolloutState.RUNNING or rollout.base_id != rollout.label.version_id:
        return False
    _stop(rollout, watch, said, at)
    return True


def _stop(rollout: LabelRollout, watch: RolloutWatch, said: Said, at: datetime) -> None:
    is_return, share = watch.on_alert == OnAlert.RETURN, rollout.percent
    watch.state = RolloutState.RETURNED if is_return else RolloutState.HALTED
    watch.stopped_at, watch.stopped_percent = at, share
    watch.stopped_why = f"The {said.kind.label.lower()} “{said.name}” alerts: {said.why}"
    watch.save()
    if is_return:
        rollout.percent = 0
        rollout.save(update_fields=["percent"])
    label, number = rollout.label.name, rollout.version.number
    if is_return:
        title = f"{label} is v{rollout.base.number} for everybody again, “{said.name[:80]}” alerts"
    else:
        title = f"the rollout of v{number} as {label} halts at {share} %, “{said.name[:80]}” alerts"
    guard = {"guard": f"{said.kind}:{said.number}", "alert_id": said.alert_id}
    tell_rollout(
        rollout,
        "returned" if is_return else "halted",
        title,
        at,
        tone=Tone.BAD,
        detail=watch.stopped_why,
        is_change=is_return,
        more=guard,
    )
    record_audit(
        actor=None,
        action="prompt:stop-rollout",
        subject=rollout.label.prompt,
        before={"label": label, "number": number, "percent": share},
        after={"state": watch.state} | guard,
        reason=watch.stopped_why,
        origin=Origin.WORKER,
    )


def _check_reason(reason: str) -> None:
    if not reason.strip():
        raise ChangeInvalidError("Say why; whoever reads the ledger later asks.", field="reason")
