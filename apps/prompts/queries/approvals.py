"""Who may say yes to a change request, who wrote it, and how far it is."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Q

from apps.accounts.models import Role, User
from apps.accounts.permissions import may
from apps.catalog.models import Membership
from apps.prompts.approving import Standing, Yes, judge, most_specific
from apps.prompts.models import ApprovalPolicy, ChangeRequest, ChangeRevision, Prompt, Vote
from apps.prompts.status import Decision

SAYS_YES = (Role.APPROVER, Role.ADMIN)  # roles in a team that let a member approve that team's changes


def policy_for(*, name: str, label: str) -> ApprovalPolicy | None:
    """The rule for a label of a prompt, None where nothing protects it."""
    rules = ApprovalPolicy.objects.values_list("pk", "folder_pattern", "label_pattern")
    found = most_specific(rules, name=name, label=label)
    return ApprovalPolicy.objects.prefetch_related("teams").filter(pk=found).first() if found else None


def written_by(*, change: ChangeRequest, until: int | None = None) -> set[int]:
    """Everybody who wrote any revision of it or a version that one proposed, and their other accounts (same e-mail).

    until: the number of a revision; who wrote only later ones is left out.
    """
    revisions = ChangeRevision.objects.filter(change=change)
    if until is not None:
        revisions = revisions.filter(number__lte=until)
    pairs = revisions.values_list("author_id", "version__written_by_id")
    ids = {change.author_id} | {pk for pair in pairs for pk in pair if pk}
    emails = [text.lower() for text in User.objects.filter(pk__in=ids).values_list("email", flat=True) if text]
    same = Q(pk__in=ids)
    for email in emails:
        same |= Q(email__iexact=email)
    return set(User.objects.filter(same).values_list("pk", flat=True))


def owner_team_id(*, prompt: Prompt) -> int | None:
    """The team that owns the feature, or the component, of the prompt."""
    if prompt.feature and prompt.feature.team_id:
        return prompt.feature.team_id
    return prompt.component.team_id if prompt.component else None


def may_approve(*, user: User, change: ChangeRequest) -> bool:
    """Whether the person's role, or a role in a team that is asked, allows approving; authors are refused elsewhere."""
    if may(user, "change:approve"):
        return True
    if not user.is_active:
        return False
    owner = owner_team_id(prompt=change.prompt)
    teams = [*change.required_team_ids, *([owner] if owner else [])]
    return Membership.objects.filter(user=user, team_id__in=teams, role__in=SAYS_YES).exists()


def standing(*, change: ChangeRequest, at: datetime) -> Standing:
    """How far the current revision is at `at`; what its reviewers may do is read now, not when they voted."""
    votes = Vote.objects.filter(revision_id=change.revision_id, decision=Decision.APPROVE).select_related("user")
    teams: dict[int, set[int]] = {}
    for user_id, team_id in Membership.objects.filter(user__in=[vote.user_id for vote in votes]).values_list(
        "user_id", "team_id"
    ):
        teams.setdefault(user_id, set()).add(team_id)
    given = [
        Yes(vote.user_id, vote.at, frozenset(teams.get(vote.user_id, ())), may_approve(user=vote.user, change=change))
        for vote in votes
    ]
    return judge(
        given=given,
        needed=change.minimum_approvals,
        required_team_ids=change.required_team_ids,
        vote_days=change.vote_days,
        at=at,
    )
