"""Which executions of a suite count for a version: finished, of the cases of now, of the pinned judge, not too old."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from apps.evaluations.gating.facts import GateRequirement, Pick, RunFact, State, SuiteFact


def pick(
    requirement: GateRequirement,
    suite: SuiteFact,
    runs: Sequence[RunFact],
    *,
    who: str,
    at: datetime,
    forgets: bool = False,
) -> Pick:
    """What counts for `who` ("version 12"), or the plainest reason why nothing does.

    One execution has to be fresh. With it counts every other of the same cases and judge, however it ended up, so that
    nobody runs a version until chance is kind; of a version that `forgets` only those that are fresh too.
    """
    judge = requirement.judge or suite.judge
    current = [run for run in runs if run.suite_version == suite.version]
    ours = [run for run in current if not judge or run.judge == judge]
    done = [run for run in ours if run.state == "succeeded" and run.finished_at is not None]
    ends = timedelta(hours=requirement.expires_after_hours)
    fresh = [run for run in done if run.finished_at is not None and at - run.finished_at <= ends]
    if fresh:
        return Pick(run=fresh[0], state=State.PASSED, pool=tuple(fresh if forgets else done))
    if any(run.state in ("queued", "running") for run in ours):
        return Pick(run=None, state=State.WAITING, sentence=f"is being evaluated for {who.rstrip(',')}.")
    if done:
        days = f"{requirement.expires_after_hours:,} hours"
        return Pick(run=done[0], state=State.EXPIRED, sentence=f"was run for {who} more than {days} ago; run it again.")
    return Pick(run=None, state=State.WAITING, sentence=_why_none(runs, current, ours, who, judge))


def _why_none(
    runs: Sequence[RunFact], current: Sequence[RunFact], ours: Sequence[RunFact], who: str, judge: str
) -> str:
    if ours:
        return f"broke off for {who}; run it again."
    if current:
        return f"was judged for {who} by {current[0].judge or 'no judge'}, but {judge} is required; run it again."
    if runs:
        return f"was run for {who} with older cases; run it again with the cases of now."
    return f"was not run for {who} yet."


def why_not(run: RunFact, requirement: GateRequirement, suite: SuiteFact, chosen: Pick | None) -> str:
    """Why an execution does not count, in a few words; "" for one that does."""
    judge = requirement.judge or suite.judge
    if chosen is not None and run in chosen.pool:
        return ""
    if run.state in ("queued", "running"):
        return "under way"
    if run.suite_version != suite.version:
        return "older cases"
    if judge and run.judge != judge:
        return f"judged by {run.judge or 'nobody'}"
    return "too old" if run.state == "succeeded" else "broke off"
