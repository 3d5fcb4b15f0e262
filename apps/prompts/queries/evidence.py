"""The evidence of one change: what moved, why, who said yes to exactly what, what evaluations said, what followed."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from apps.events.models import Event
from apps.events.status import Tone
from apps.prompts.comparison import compare, show
from apps.prompts.models import ChangeRequest, PromptVersion, Vote
from apps.prompts.queries.changes import readiness
from apps.prompts.status import ChangeState

EFFECT = timedelta(hours=24)


def evidence(*, change: ChangeRequest, at: datetime) -> dict[str, Any]:
    """Everything in JSON types; what an auditor asks for, in the order of the questions."""
    revision = change.current
    return {
        "change": change.pk,
        "made_at": at.isoformat(),
        "prompt": change.prompt.name,
        "owned_by": str(change.prompt.source or "OpsPortal"),
        "label": change.label,
        "title": change.title,
        "state": ChangeState(change.state).label,
        "from": _version(revision.base) if revision.base else None,
        "to": _version(revision.version),
        "reason": revision.reason,
        "revisions": [
            {"number": one.number, "author": str(one.author), "at": _iso(one.created_at), "hash": one.content_hash}
            for one in change.revisions.select_related("author")
        ],
        "needed": {"approvals": change.minimum_approvals, "team_ids": change.required_team_ids},
        "votes": [_vote(vote) for vote in change.votes.select_related("user", "revision")],
        "evaluation": _evaluation(change, at),
        "difference": _difference(change),
        "submitted_at": _iso(change.submitted_at),
        "decided_at": _iso(change.decided_at),
        "applied_at": _iso(change.applied_at),
        "moves": [
            {"from": move.from_version and move.from_version.number, "to": move.to_version and move.to_version.number}
            | {"at": _iso(move.at), "actor": move.actor, "is_rollback": move.is_rollback}
            for move in change.moves.select_related("from_version", "to_version").order_by("pk")
        ],
        "broken_glass": _glass(change),
        "rollback": {"by": str(change.rolled_back_by), "at": _iso(change.rolled_back_at), "why": change.rollback_reason}
        if change.rolled_back_at
        else None,
        "effect": _effect(change, at),
    }


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def _version(version: PromptVersion) -> dict[str, Any]:
    return {"number": version.number, "hash": version.content_hash, "author": version.author}


def _vote(vote: Vote) -> dict[str, Any]:
    said = {"who": str(vote.user), "said": vote.get_decision_display(), "at": _iso(vote.at), "note": vote.note}
    return said | {"revision": vote.revision.number, "hash": vote.content_hash}


def _evaluation(change: ChangeRequest, at: datetime) -> dict[str, Any]:
    verdict = readiness(change=change, at=at).verdict
    rows = [
        {"suite": row.suite, "scorer": row.scorer, "live": row.baseline, "proposed": row.candidate, "cases": row.cases}
        | {"difference": row.difference, "result": row.standing.value}
        for row in verdict.rows
    ]
    runs = [
        {"suite": one.suite, "run": one.run.id, "version": one.run.version, "finished_at": _iso(one.run.finished_at)}
        | {"means": dict(one.run.means), "counts": not one.why_not, "why_not": one.why_not}
        for one in verdict.runs
    ]
    reasons = [one.sentence for one in verdict.reasons]
    return {"state": verdict.state.value, "reasons": reasons, "rows": rows, "runs": runs}


def _difference(change: ChangeRequest) -> list[dict[str, Any]]:
    revision = change.current
    parts = (
        compare(old=revision.base, new=revision.version)
        if revision.base is not None
        else show(version=revision.version)
    )
    signs = {"add": "+", "del": "-", "same": " ", "hunk": "@"}
    return [{"part": part.name, "lines": [f"{signs[row.kind]} {row.text}" for row in part.rows]} for part in parts]


def _glass(change: ChangeRequest) -> dict[str, Any] | None:
    if change.broken_by is None:
        return None
    review = getattr(change, "after_review", None)
    reviewed = (
        {"by": str(review.reviewed_by), "at": _iso(review.reviewed_at), "verdict": review.verdict, "note": review.note}
        if review and review.reviewed_at
        else None
    )
    told = {"by": str(change.broken_by), "at": _iso(change.broken_at), "why": change.broken_reason}
    return told | {"review": reviewed}


def _effect(change: ChangeRequest, at: datetime) -> dict[str, Any] | None:
    """What happened to the feature within a day after it was applied; `is_complete` once that day is over."""
    if change.applied_at is None:
        return None
    until = change.applied_at + EFFECT
    rows = Event.objects.filter(at__gt=change.applied_at, at__lte=until, tone__in=[Tone.WARN, Tone.BAD])
    rows = rows.filter(feature_id=change.prompt.feature_id) if change.prompt.feature_id else rows.none()
    told = [{"at": _iso(event.at), "what": event.title} for event in rows.order_by("at")[:50]]
    return {"until": _iso(until), "is_complete": at >= until, "trouble": told}
