"""Pipelines as candidates: one that began to fail, and one whose results did not come when they usually do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import median

from apps.core.ui.formats import duration
from apps.incidents.suspects.facts import Candidate, CauseKind
from apps.incidents.suspects.rows import RunRow

BAD = frozenset({"failed", "crashed"})
LATE_BY = 1_200.0  # seconds, at least
LATE_SHARE = 0.35  # of its usual distance
FEWEST = 4  # results before their rhythm is known


@dataclass(slots=True)
class _Rhythm:
    """How far apart the good results of a pipeline usually are."""

    usual: float
    spread: float

    @property
    def longest(self) -> float:
        return self.usual + max(LATE_BY, LATE_SHARE * self.usual, 4 * self.spread)


def pipeline_candidates(runs: Sequence[RunRow], *, end: float) -> list[Candidate]:
    """One candidate for each stretch in which a pipeline failed or gave no results."""
    by_pipeline: dict[int, list[RunRow]] = {}
    for run in runs:
        by_pipeline.setdefault(run.pipeline_id, []).append(run)
    return [one for some in by_pipeline.values() for one in _of_pipeline(sorted(some, key=_moment), end)]


def _moment(run: RunRow) -> float:
    return run.finished_at or run.started_at or run.scheduled_for or 0.0


def _of_pipeline(runs: Sequence[RunRow], end: float) -> Iterable[Candidate]:
    rhythm = _rhythm([_moment(run) for run in runs if run.state == "succeeded"])
    failing: Candidate | None = None
    good: RunRow | None = None
    for run in runs:
        if run.state in BAD and failing is None:
            failing = _failing(run)
        elif run.state == "succeeded":
            if failing is not None:
                yield _over(failing, run)
            elif good is not None and rhythm and _moment(run) - _moment(good) > rhythm.longest:
                yield _over(_late(good, rhythm, _moment(run)), run)
            elif rhythm is None and _behind(run) > LATE_BY:
                yield _over(_behind_schedule(run), run)
            failing, good = None, run
    if failing is not None:
        yield failing
    elif good is not None and rhythm and end - _moment(good) > rhythm.longest:
        yield _late(good, rhythm, end)


def _rhythm(results: Sequence[float]) -> _Rhythm | None:
    gaps = [later - earlier for earlier, later in pairwise(results)]
    if len(gaps) < FEWEST - 1:
        return None
    usual = median(gaps)
    return _Rhythm(usual, median(abs(gap - usual) for gap in gaps))


def _failing(run: RunRow) -> Candidate:
    verb = "crashed" if run.state == "crashed" else "failed"
    because = f": {run.error.strip().splitlines()[0][:120]}" if run.error.strip() else ""
    return _candidate(run, f"run-{run.id}", f"{run.pipeline} {verb}{because}", _moment(run))


def _late(good: RunRow, rhythm: _Rhythm, until: float) -> Candidate:
    due = _moment(good) + rhythm.usual
    title = (
        f"{good.pipeline} gave no result for {duration(until - _moment(good))}, usually every {duration(rhythm.usual)}"
    )
    return _candidate(good, f"late-{good.pipeline_id}-{int(due)}", title, due)


def _behind(run: RunRow) -> float:
    """How long after its due time it began; 0 where nobody knows one of the two."""
    return run.started_at - run.scheduled_for if run.started_at and run.scheduled_for else 0.0


def _behind_schedule(run: RunRow) -> Candidate:
    due = run.scheduled_for or 0.0
    title = f"{run.pipeline} began {duration(_behind(run))} late"
    return _candidate(run, f"late-{run.pipeline_id}-{int(due)}", title, due)


def _over(candidate: Candidate, run: RunRow) -> Candidate:
    return replace(candidate, undone_at=_moment(run), undone_by="it passed again")


def _candidate(run: RunRow, key: str, title: str, at: float) -> Candidate:
    return Candidate(
        key=key,
        kind=CauseKind.PIPELINE,
        title=title,
        at=at,
        begun_at=at,
        component_id=run.component_id,
        feature_id=run.feature_id,
        is_elsewhere=run.is_elsewhere,
        url=run.url,
    )
