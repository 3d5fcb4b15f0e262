"""Reads of change requests: lists, what waits for whom, and everything that one page shows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Exists, F, OuterRef, Q, QuerySet

from apps.accounts.models import User
from apps.accounts.permissions import may
from apps.catalog.models import Membership, Team
from apps.evaluations.gating import GateVerdict
from apps.evaluations.status import GateState
from apps.prompts.approving import Standing
from apps.prompts.models import ChangeRequest, ChangeRevision, Comment, LabelPush, Prompt, Vote
from apps.prompts.queries.approvals import SAYS_YES, may_approve, owner_team_id, standing, written_by
from apps.prompts.queries.gates import gate_of
from apps.prompts.status import MOVES, OPEN_PUSHES, ChangeState, Decision, Verb

RELATED = ("prompt__feature", "prompt__source", "prompt__component", "revision__version", "revision__base", "author")
BY_AUTHORS = frozenset({Verb.SUBMIT, Verb.CANCEL})
BY_REVIEWERS = frozenset({Verb.APPROVE, Verb.REQUEST_CHANGES, Verb.REJECT})
BY_RIGHT = {
    Verb.EDIT: "change:propose",
    Verb.SCHEDULE: "change:apply",
    Verb.APPLY: "change:apply",
    Verb.ROLL_BACK: "change:roll-back",
    Verb.BREAK_GLASS: "change:break-glass",
}


def change_requests() -> QuerySet[ChangeRequest]:
    """Every request with what a list shows of it."""
    heavy = [f"revision__{side}__{name}" for side in ("version", "base") for name in ("template", "messages")]
    return ChangeRequest.objects.select_related(*RELATED).defer(*heavy)


def changes_of(*, prompt_id: int, limit: int = 5) -> list[ChangeRequest]:
    """The newest requests about a prompt."""
    return list(change_requests().filter(prompt_id=prompt_id).order_by("-created_at", "-pk")[:limit])


def changes_with_text(rows: QuerySet[ChangeRequest], text: str) -> QuerySet[ChangeRequest]:
    """Those whose title or prompt holds the words."""
    return rows.filter(Q(title__icontains=text) | Q(prompt__name__icontains=text))


def waiting_for(*, user: User) -> QuerySet[ChangeRequest]:
    """What the person can decide on now: in review, written by others, and not voted on yet."""
    mine = ChangeRevision.objects.filter(change=OuterRef("pk")).filter(
        Q(author=user) | Q(version__written_by=user) | Q(change__author=user)
    )
    voted = Vote.objects.filter(revision=OuterRef("revision"), user=user)
    rows = change_requests().filter(~Exists(mine), ~Exists(voted), state=ChangeState.IN_REVIEW)
    if may(user, "change:approve"):
        return rows
    teams = list(Membership.objects.filter(user=user, role__in=SAYS_YES).values_list("team_id", flat=True))
    asked = Q(required_team_ids__overlap=teams) | Q(prompt__feature__team__in=teams)
    return rows.filter(asked | Q(prompt__feature=None, prompt__component__team__in=teams)) if teams else rows.none()


def due_changes(*, at: datetime, limit: int = 50) -> list[ChangeRequest]:
    """Approved requests whose planned time has come."""
    rows = ChangeRequest.objects.filter(state=ChangeState.APPROVED, apply_at__lte=at)
    return list(rows.select_related("prompt__feature").order_by("apply_at", "pk")[:limit])


def waiting_for_gate(*, limit: int = 10) -> list[int]:
    """Some requests in review whose gate is not open; by chance, so that each has its turn to be judged again."""
    is_open = Q(gate_state__in=[GateState.PASSED, GateState.NOT_REQUIRED])
    rows = ChangeRequest.objects.filter(~is_open, state=ChangeState.IN_REVIEW)
    return list(rows.order_by("?").values_list("pk", flat=True)[:limit])


def verbs_for(*, user: User, change: ChangeRequest) -> frozenset[str]:
    """What this person can do to it now, so that a page offers nothing that would be refused."""
    possible = {verb for verb in Verb if (ChangeState(change.state), verb) in MOVES}
    writers = written_by(change=change)
    found = {verb for verb in possible if (right := BY_RIGHT.get(verb)) and may(user, right)}
    is_author = user.pk in writers and may(user, "change:propose")
    if is_author or may(user, "change:cancel-any"):
        found |= possible & BY_AUTHORS
    if user.pk not in writers and may_approve(user=user, change=change):
        found |= possible & BY_REVIEWERS
        if Vote.objects.filter(revision_id=change.revision_id, user=user, decision=Decision.APPROVE).exists():
            found.discard(Verb.APPROVE)
    if change.broken_by_id is not None:
        found.discard(Verb.BREAK_GLASS)
    return frozenset(verb.value for verb in found)


def why_not_deciding(*, user: User, change: ChangeRequest) -> str:
    """Why this person is offered no decision on a request in review; "" for who can decide, and outside a review."""
    if change.state != ChangeState.IN_REVIEW:
        return ""
    if user.pk in written_by(change=change):
        return "You wrote a part of this change, so somebody else decides on it."
    if not may_approve(user=user, change=change):
        return "It takes an approver, or one in a team that is asked, to decide on it."
    return ""


def suggested_reviewers(*, prompt: Prompt, without: User | None = None, limit: int = 20) -> list[User]:
    """People who may approve: those of the owning team first."""
    owner = owner_team_id(prompt=prompt)
    of_team = Membership.objects.filter(user=OuterRef("pk"), team_id=owner or 0)
    rows = User.objects.filter(Exists(of_team.filter(role__in=SAYS_YES)) | Q(role__in=SAYS_YES), is_active=True)
    rows = rows.exclude(pk__in=[without.pk] if without else []).annotate(is_owner=Exists(of_team))
    return list(rows.order_by(F("is_owner").desc(), "username")[:limit])


def votes_of(*, change: ChangeRequest) -> list[Vote]:
    """Everything that was said, oldest first, of every revision."""
    return list(change.votes.select_related("user", "revision"))


def threads_of(*, change: ChangeRequest) -> list[Comment]:
    """Remarks that open a thread, with `replies` and their authors; settled ones last."""
    rows = (
        Comment.objects.filter(change=change).select_related("author", "resolved_by", "revision").order_by("at", "pk")
    )
    answers: dict[int, list[Comment]] = {}
    opening = []
    for row in rows:
        if row.parent_id:
            answers.setdefault(row.parent_id, []).append(row)
        else:
            opening.append(row)
    for row in opening:
        row.replies = answers.get(row.pk, [])  # type: ignore[attr-defined]
    return sorted(opening, key=lambda row: row.resolved_at is not None)


@dataclass(frozen=True, slots=True)
class Readiness:
    """What stands between a request and its label: votes, teams, gate, and a move that is under way."""

    standing: Standing
    verdict: GateVerdict
    missing_teams: list[Team]
    push: LabelPush | None
    open_threads: int

    @property
    def gate(self) -> GateState:
        """The verdict of the gate as a state with its words."""
        return GateState(self.verdict.state.value)

    @property
    def is_being_evaluated(self) -> bool:
        """Whether results may come in while somebody looks, which rings no bell."""
        return self.gate == GateState.WAITING


def readiness(*, change: ChangeRequest, at: datetime) -> Readiness:
    """How far the request is at `at`."""
    found = standing(change=change, at=at)
    return Readiness(
        standing=found,
        verdict=gate_of(change=change, at=at),
        missing_teams=list(Team.objects.filter(pk__in=found.missing_team_ids)),
        push=change.pushes.filter(state__in=OPEN_PUSHES).first(),
        open_threads=change.comments.filter(parent=None, resolved_at=None).count(),
    )
