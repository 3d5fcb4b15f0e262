"""Segregation of duties: whatever went past the four eyes, each with why it is there or that nobody explained it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import BooleanField, Count, F, Func, Q, QuerySet

from apps.prompts.approving import most_specific
from apps.prompts.models import ApprovalPolicy, ChangeRequest, LabelMove, Vote
from apps.prompts.status import ChangeState, Decision, ReviewVerdict

OUT = (ChangeState.APPLIED, ChangeState.ROLLED_BACK)
MOST = 500


@dataclass(frozen=True, slots=True)
class Breach:
    """One thing that went past the rules: a sentence, when, where to look, and the explanation that somebody gave."""

    sentence: str
    at: datetime
    path: str
    explanation: str = ""


@dataclass(frozen=True, slots=True)
class Duty:
    """One question of the report with everything that was found; an empty answer is the good one."""

    key: str
    question: str
    meaning: str
    breaches: list[Breach]

    @property
    def open(self) -> int:
        """How many nobody has explained."""
        return sum(not breach.explanation for breach in self.breaches)


def duties(*, since: datetime, at: datetime) -> list[Duty]:
    """The four questions over everything since a day; at most 500 answers each."""
    return [
        Duty("self-approved", "Approved by somebody who wrote it", "The database refuses this.", list(_own(since))),
        Duty(
            "bypassed",
            "Moved outside approval",
            "A protected label, or a label of a prompt of the portal, that no request moved.",
            list(_bypassed(since)),
        ),
        Duty(
            "edited",
            "Went out as another revision than the approved one",
            "It had not got its approvals, or the label went elsewhere. The database refuses this.",
            list(_edited(since)),
        ),
        Duty(
            "unreviewed",
            "Went out without approval",
            "The glass was broken; somebody else has to review it within a day.",
            list(_broken(since, at)),
        ),
    ]


def _own(since: datetime) -> Iterator[Breach]:
    rows = Vote.objects.filter(decision=Decision.APPROVE, at__gte=since)
    rows = rows.filter(Func("change_id", "user_id", function="prompts_change_is_by", output_field=BooleanField()))
    for vote in rows.select_related("change", "user").order_by("-at")[:MOST]:
        yield Breach(f"{vote.user} approved “{vote.change}” and wrote a part of it.", vote.at, _path(vote.change))


def _bypassed(since: datetime) -> Iterator[Breach]:
    rules = [(rule.pk, rule.folder_pattern, rule.label_pattern) for rule in ApprovalPolicy.objects.all()]
    rows = LabelMove.objects.filter(change=None, at__gte=since)
    rows = rows.filter(Q(from_version__isnull=False) | Q(prompt__source=None))  # the rest was only found there
    for move in rows.select_related("prompt", "from_version", "to_version").order_by("-at")[:MOST]:
        is_own = move.prompt.source_id is None
        if is_own or most_specific(rules, name=move.prompt.name, label=move.name):
            to = f"v{move.to_version.number}" if move.to_version else "nothing"
            who = move.actor or "Nobody named"
            yield Breach(f"{who} moved {move.name} of {move.prompt} to {to}.", move.at, move.prompt.get_absolute_url())


def _edited(since: datetime) -> Iterator[Breach]:
    said = Count(
        "votes__user", distinct=True, filter=Q(votes__revision=F("revision"), votes__decision=Decision.APPROVE)
    )
    rows = _went_out(since).annotate(said=said).filter(said__lt=F("minimum_approvals"))[:MOST]
    for change in rows:
        if not change.is_broken_glass:
            told = f"“{change}” went out with {change.said} of {change.minimum_approvals} approvals of its revision."
            yield Breach(told, change.applied_at or change.changed_at, _path(change))
    moved = LabelMove.objects.filter(change__isnull=False, is_rollback=False, at__gte=since)
    moved = moved.exclude(to_version=F("change__revision__version")).select_related("change")
    for move in moved.order_by("-at")[:MOST]:
        assert move.change is not None
        yield Breach(f"“{move.change}” moved {move.name} to another version.", move.at, _path(move.change))


def _broken(since: datetime, at: datetime) -> Iterator[Breach]:
    rows = ChangeRequest.objects.filter(broken_at__gte=since).select_related("after_review__reviewed_by", "broken_by")
    for change in rows.order_by("-broken_at")[:MOST]:
        review = getattr(change, "after_review", None)
        assert change.broken_at is not None
        told = f"{change.broken_by} broke the glass of “{change}”: {change.broken_reason}"
        explanation = ""
        if review is not None and review.reviewed_at:
            explanation = f"{review.reviewed_by}: {ReviewVerdict(review.verdict).label}. {review.note}"
        elif change.broken_at + timedelta(days=1) < at:
            told += " The review is overdue."
        yield Breach(told, change.broken_at, _path(change), explanation)


def _went_out(since: datetime) -> QuerySet[ChangeRequest]:
    return ChangeRequest.objects.filter(state__in=OUT, applied_at__gte=since).order_by("-applied_at")


def _path(change: ChangeRequest) -> str:
    return change.get_absolute_url()
