"""Rules: who changed them, and what they were before."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import transaction

from apps.accounts.models import User
from apps.accounts.services import differences, record_audit
from apps.catalog.models import Team
from apps.prompts.models import ApprovalPolicy
from apps.prompts.services.change_requests.locking import check_person

NAMES = (
    "folder_pattern",
    "label_pattern",
    "minimum_approvals",
    "vote_days",
    "is_owner_needed",
    "respects_freezes",
    "gate",
)


def save_policy(
    *, policy: ApprovalPolicy, teams: Sequence[Team], before: dict[str, Any], actor: User, at: datetime
) -> ApprovalPolicy:
    """Store a new or changed rule; requests that are in review keep what was asked when they were sent."""
    check_person(actor=actor, action="policy:change")
    with transaction.atomic():
        policy.changed_by, policy.changed_at = actor, at
        policy.save()
        policy.teams.set(teams)
        old, new = differences(before, facts_of(policy))
        record_audit(actor=actor, action="policy:change", subject=policy, before=old, after=new)
    return policy


def remove_policy(*, policy_id: int, actor: User) -> None:
    """Take a rule away: its labels are not protected any more."""
    check_person(actor=actor, action="policy:change")
    with transaction.atomic():
        policy = ApprovalPolicy.objects.select_for_update().get(pk=policy_id)
        record_audit(actor=actor, action="policy:remove", subject=policy, before=facts_of(policy))
        policy.delete()


def facts_of(policy: ApprovalPolicy) -> dict[str, Any]:
    """What the audit log keeps of a rule; {} for one that is not stored yet."""
    if policy._state.adding:
        return {}
    return {name: getattr(policy, name) for name in NAMES} | {"teams": sorted(team.slug for team in policy.teams.all())}
