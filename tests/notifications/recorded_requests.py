"""Change requests, recorded by the services that record them in earnest: what people do between draft and rollback."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from apps.accounts.models import User
from apps.prompts.models import ChangeRequest, Prompt, PromptLabel
from apps.prompts.services import change_requests as changes
from apps.prompts.status import ReviewVerdict

AT = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def record_requests() -> None:
    """Five requests about the prompt that the other stories told of."""
    prompt = Prompt.objects.get(name="search-answers")
    jana = User.objects.create_user("novak", role="engineer", full_name="Jana Novak")
    priya = User.objects.create_user("priya", role="approver", full_name="Priya Raman")
    omar = User.objects.create_user("omar", role="commander", full_name="Omar Haddad")
    _returned_and_rejected(prompt, jana, priya)
    _withdrawn(prompt, jana)
    _failed(prompt, jana, priya)
    _broken(prompt, omar, priya)
    _applied_and_rolled_back(prompt, jana, priya)


def _proposed(prompt: Prompt, actor: User, minute: int, *, number: int = 1, label: str = "staging") -> ChangeRequest:
    return changes.propose_change(
        prompt=prompt,
        label=label,
        version=prompt.versions.get(number=number),
        title="Name the source",
        reason="People ask where it says so.",
        actor=actor,
        at=AT + minute * MINUTE,
        is_submitted=True,
    )


def _seen(change: ChangeRequest) -> dict[str, Any]:
    return {"change_id": change.pk, "seen_hash": ChangeRequest.objects.get(pk=change.pk).current.content_hash}


def _returned_and_rejected(prompt: Prompt, jana: User, priya: User) -> None:
    change = _proposed(prompt, jana, 0)
    changes.add_comment(change_id=change.pk, body="Is the title enough?", actor=priya, at=AT + MINUTE)
    changes.request_changes(**_seen(change), actor=priya, at=AT + 2 * MINUTE, note="Give the page as well.")
    better = {"version": prompt.versions.get(number=2), "reason": "The page is named too."}
    changes.edit_change(change_id=change.pk, actor=jana, at=AT + 3 * MINUTE, **better)
    changes.reject_change(**_seen(change), actor=priya, at=AT + 4 * MINUTE, note="We name sources elsewhere now.")


def _withdrawn(prompt: Prompt, jana: User) -> None:
    change = _proposed(prompt, jana, 5)
    changes.cancel_change(change_id=change.pk, actor=jana, at=AT + 6 * MINUTE, reason="Somebody else does it.")


def _failed(prompt: Prompt, jana: User, priya: User) -> None:
    change = _proposed(prompt, jana, 7)
    changes.approve_change(**_seen(change), actor=priya, at=AT + 8 * MINUTE)
    changes.schedule_change(change_id=change.pk, apply_at=AT + 10 * MINUTE, actor=jana, at=AT + 9 * MINUTE)
    frozen = ["Frozen until Monday: launch."]
    changes.apply_due_change(change_id=change.pk, at=AT + 10 * MINUTE, obstacles=frozen)
    changes.cancel_change(change_id=change.pk, actor=jana, at=AT + 11 * MINUTE)


def _broken(prompt: Prompt, omar: User, priya: User) -> None:
    change = _proposed(prompt, omar, 12, label="canary")
    changes.break_glass(change_id=change.pk, actor=omar, reason="It shows customers' addresses.", at=AT + 13 * MINUTE)
    said = {"verdict": ReviewVerdict.JUSTIFIED, "note": "It had to stop."}
    changes.review_broken_glass(change_id=change.pk, actor=priya, at=AT + 14 * MINUTE, **said)


def _applied_and_rolled_back(prompt: Prompt, jana: User, priya: User) -> None:
    assert PromptLabel.objects.get(prompt=prompt, name="production").version.number == 2
    change = _proposed(prompt, jana, 15, label="production")
    changes.approve_change(**_seen(change), actor=priya, at=AT + 16 * MINUTE)
    changes.apply_change(change_id=change.pk, actor=jana, at=AT + 17 * MINUTE)
    _arrived(AT + 18 * MINUTE)
    changes.roll_back_change(change_id=change.pk, actor=jana, reason="Answers got longer.", at=AT + 19 * MINUTE)


def _arrived(at: datetime) -> None:
    for push in changes.claim_pushes(at=at):
        assert changes.mark_applied(push_id=push.push_id, claim_id=push.claim_id, at=at)
