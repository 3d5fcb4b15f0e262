"""Prompts past approval and at their callers, recorded by the services that record them in earnest."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from apps.accounts.models import User
from apps.connectors.records import Batch, PromptLabelRecord, PromptRecord, PromptVersionRecord
from apps.events.services import record_events
from apps.prompts import services
from apps.prompts.models import ApprovalPolicy, ChangeRequest, LabelBypass, Prompt, PromptLabel, RolloutWatch
from apps.prompts.services import change_requests as changes
from apps.prompts.services.bypasses import settle_label
from apps.prompts.services.guards import Said, note_said
from apps.prompts.status import BypassState, GuardHealth, GuardKind, OnAlert
from apps.sources.models import Source
from apps.sync.store import store_batch

AT = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
NAME = "search-tone"


def record_prompts(source: Source) -> None:
    """Somebody moves a protected label in the other system, three times; each ends in another way."""
    ines = User.objects.create_user("ines", role="engineer", full_name="Ines Duarte")
    paul = User.objects.create_user("paul", role="approver", full_name="Paul Okafor")
    ApprovalPolicy.objects.create(folder_pattern=NAME, minimum_approvals=1, changed_at=AT)
    versions = [_version(number) for number in (1, 2, 3)]
    prompt = PromptRecord(external_id=NAME, name=NAME, labels={"component": "search-api"})
    _tell(source, AT, prompt, *versions, _label(1), _label(1, "staging"))
    _put_back(source, ines)
    _adopted(source, paul)
    _covered(source, ines, paul)
    _served(ines)


def _put_back(source: Source, ines: User) -> None:
    _tell(source, AT + MINUTE, _label(2))
    services.revert_bypass(bypass_id=_open_bypass().pk, actor=ines, at=AT + 2 * MINUTE)
    _push(AT + 3 * MINUTE)


def _adopted(source: Source, paul: User) -> None:
    _tell(source, AT + 5 * MINUTE, _label(2))
    why = "It was the agreed version, moved in a hurry."
    services.adopt_bypass(bypass_id=_open_bypass().pk, actor=paul, reason=why, at=AT + 6 * MINUTE)


def _covered(source: Source, ines: User, paul: User) -> None:
    _tell(source, AT + 7 * MINUTE, _label(3))
    prompt = Prompt.objects.get(name=NAME)
    change = changes.propose_change(
        prompt=prompt,
        label="production",
        version=prompt.versions.get(number=1),
        title="Be brief again",
        reason="Answers got too long.",
        actor=ines,
        at=AT + 8 * MINUTE,
        is_submitted=True,
    )
    seen = ChangeRequest.objects.get(pk=change.pk).current.content_hash
    changes.approve_change(change_id=change.pk, seen_hash=seen, actor=paul, at=AT + 9 * MINUTE)
    changes.apply_change(change_id=change.pk, actor=ines, at=AT + 10 * MINUTE)
    _push(AT + 11 * MINUTE)


def _served(ines: User) -> None:
    """The only caller takes up where production points now; a fifth of the callers try another version in staging."""
    told = [services.ToldUse(name=NAME, label="production", number=1, served=12)]
    use = {"caller": "search-api", "instance": "search-api-1", "told": told}
    assert services.record_uses(**use, may_tell=lambda _prompt: True, at=AT + 12 * MINUTE) == [""]
    staging = PromptLabel.objects.get(prompt__name=NAME, name="staging")
    calm = _said(GuardHealth.HEALTHY, "1.2 s", AT + 13 * MINUTE)
    rolled = {"label_id": staging.pk, "number": 2, "percent": 20, "actor": ines, "at": AT + 13 * MINUTE}
    assert services.set_rollout(**rolled, guards=[calm], on_alert=OnAlert.HALT)
    _stopped(staging, ines)


def _stopped(staging: PromptLabel, ines: User) -> None:
    """Its guard alerts twice: the share stays first, and is taken back then."""
    for minute, on_alert in ((14, OnAlert.HALT), (17, OnAlert.RETURN)):
        RolloutWatch.objects.filter(rollout__label=staging).update(on_alert=on_alert)
        assert note_said(said=_said(GuardHealth.ALERTING, "9.4 s", AT + minute * MINUTE), at=AT + minute * MINUTE) == 1
        calm = AT + (minute + 1) * MINUTE
        note_said(said=_said(GuardHealth.HEALTHY, "1.1 s", calm), at=calm)
        if on_alert == OnAlert.HALT:
            why = "A load test; it is over."
            services.resume_rollout(label_id=staging.pk, actor=ines, reason=why, at=AT + 16 * MINUTE)


def _said(health: GuardHealth, why: str, at: datetime) -> Said:
    kind, alert_id = GuardKind.MONITOR, 3 if health == GuardHealth.ALERTING else None
    return Said(kind=kind, number=900, name="Slow answers", health=health, why=why, at=at, alert_id=alert_id)


def _push(at: datetime) -> None:
    """What is due moves in the other system, and the portal hears of it."""
    (push,) = changes.claim_pushes(at=at)
    assert changes.mark_applied(push_id=push.push_id, claim_id=push.claim_id, at=at)
    settle_label(prompt_id=push.prompt_id, label=push.label, at=at)


def _open_bypass() -> LabelBypass:
    return LabelBypass.objects.get(state=BypassState.OPEN)


def _tell(source: Source, at: datetime, *records: Any) -> None:
    stored = store_batch(source=source, batch=Batch(records=records), at=at)
    assert not stored.rejected, stored.rejected
    record_events(events=stored.events)


def _version(number: int) -> PromptVersionRecord:
    return PromptVersionRecord(
        external_id=f"{NAME}/{number}",
        prompt_external_id=NAME,
        number=number,
        created_at=AT - (60 - number) * MINUTE,
        template=f"Answer {{{{ question }}}} kindly, take {number}.",
        author="Ines Duarte",
    )


def _label(number: int, name: str = "production") -> PromptLabelRecord:
    return PromptLabelRecord(
        external_id=f"{NAME}@{name}", prompt_external_id=NAME, name=name, number=number, moved_by="Tom Brandt"
    )
