"""Segregation of duties: whatever went past the four eyes, each with why it is there or that nobody explained it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import BooleanField, Count, F, Func, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Greatest

from apps.prompts.approving import most_specific
from apps.prompts.models import ApprovalPolicy, ChangeRequest, LabelBypass, LabelMove, PromptLabel, Vote
from apps.prompts.queries.approvals import written_by
from apps.prompts.status import BypassState, ChangeState, Decision, ReviewVerdict

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
    for vote in rows.select_related("change", "user", "revision").order_by("-at")[:MOST]:
        if vote.user_id in written_by(change=vote.change, until=vote.revision.number):  # who edits later has not
            yield Breach(f"{vote.user} approved “{vote.change}” and wrote a part of it.", vote.at, _path(vote.change))


def _bypassed(since: datetime) -> Iterator[Breach]:
    rules = [(rule.pk, rule.folder_pattern, rule.label_pattern) for rule in ApprovalPolicy.objects.all()]
    rows = LabelMove.objects.filter(change=None, at__gte=since)
    rows = rows.filter(Q(from_version__isnull=False) | Q(prompt__source=None))  # the rest was only found there
    moves = list(rows.select_related("prompt", "from_version", "to_version").order_by("-at")[:MOST])
    ends = _bypasses({move.prompt_id for move in moves})
    for move in moves:
        own, known = move.prompt.source_id is None, ends.get((move.prompt_id, move.name), [])
        if not own and (
            most_specific(rules, name=move.prompt.name, label=move.name) is None or _is_return(move, known)
        ):
            continue
        to = f"v{move.to_version.number}" if move.to_version else "nothing"
        told = f"{move.actor or 'Nobody named'} moved {move.name} of {move.prompt} to {to}."
        yield Breach(told, move.at, move.prompt.get_absolute_url(), _end_of(move, moves, known))
    yield from _without_history(since)


def _bypasses(prompt_ids: Collection[int]) -> dict[tuple[int, str], list[LabelBypass]]:
    found: dict[tuple[int, str], list[LabelBypass]] = {}
    rows = LabelBypass.objects.filter(prompt__in=prompt_ids).select_related("ended_by").order_by("found_at", "pk")
    for bypass in rows:
        found.setdefault((bypass.prompt_id, bypass.label), []).append(bypass)
    return found


def _is_return(move: LabelMove, known: Sequence[LabelBypass]) -> bool:
    """Whether the move ended a bypass by putting the label back."""
    return any(
        bypass.state == BypassState.RETURNED
        and bypass.expected_id == move.to_version_id
        and bypass.ended_at is not None
        and bypass.found_at <= move.at <= bypass.ended_at
        for bypass in known
    )


def _end_of(move: LabelMove, moves: Sequence[LabelMove], known: Sequence[LabelBypass]) -> str:
    """How the bypass that the move made or went on with ended; "" while it is open."""
    bypass = next((one for one in known if one.found_at >= move.at), None)
    if bypass is None or bypass.state == BypassState.OPEN:
        return ""
    place = (move.prompt_id, move.name)
    went_on = any((one.prompt_id, one.name) == place and move.at < one.at <= bypass.found_at for one in moves)
    if bypass.found_id != move.to_version_id and not went_on:
        return ""
    by = f" by {bypass.ended_by}" if bypass.ended_by else ""
    return f"{BypassState(bypass.state).label}{by}. {bypass.reason}".strip()


def _without_history(since: datetime) -> Iterator[Breach]:
    """Labels of the portal's own prompts that point elsewhere than their last move says."""
    newest = LabelMove.objects.filter(prompt=OuterRef("prompt"), name=OuterRef("name")).order_by("-pk")
    rows = PromptLabel.objects.filter(prompt__source=None, moved_at__gte=since)
    rows = rows.annotate(told=Subquery(newest.values("to_version")[:1])).exclude(told=F("version"))
    for label in rows.select_related("prompt", "version").order_by("-moved_at")[:MOST]:
        told = f"{label.name} of {label.prompt} points at v{label.version.number}, and no move says so."
        yield Breach(told, label.moved_at, label.prompt.get_absolute_url())


def _edited(since: datetime) -> Iterator[Breach]:
    said = Count(
        "votes__user", distinct=True, filter=Q(votes__revision=F("revision"), votes__decision=Decision.APPROVE)
    )
    rows = _went_out(since).annotate(said=said).filter(said__lt=Greatest(F("minimum_approvals"), 1))[:MOST]
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
