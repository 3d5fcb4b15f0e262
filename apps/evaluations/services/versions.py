"""Versions of a suite of ours: each change of cases or scorers makes one, under a lock, with an event."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from apps.accounts.models import User
from apps.evaluations.casefile import MOST_CASES, CaseDraft
from apps.evaluations.models import Case, EvaluationSuite, SuiteSetup, SuiteVersion
from apps.evaluations.queries.ours import draft_of
from apps.evaluations.scorers.registry import judge_of
from apps.evaluations.services.scores import MOST_SCORES
from apps.events.services import NewEvent, record_events


class SuiteError(Exception):
    """It cannot be saved so; `errors` are sentences, nothing was written."""

    def __init__(self, *errors: str) -> None:
        super().__init__(" ".join(errors))
        self.errors = errors


def put_cases(
    suite: EvaluationSuite,
    setup: SuiteSetup,
    cases: Sequence[CaseDraft],
    *,
    replaces: bool,
    note: str,
    actor: User | None,
    at: datetime,
) -> int:
    """How many cases there are now.

    Those that are new or other than before begin with the next version; what they replace ends before it.
    """
    now = {case.key: draft_of(case) for case in Case.objects.filter(suite=suite, until__isnull=True)}
    fresh = [case for case in cases if case.key not in now or now[case.key].content != case.content]
    gone = now.keys() - {case.key for case in cases} if replaces else set()
    count = len(now) - len(gone) + sum(case.key not in now for case in fresh)
    if count > MOST_CASES:
        raise SuiteError(f"The suite would have {count:,} cases; at most {MOST_CASES:,} are possible.")
    scorers = newest(suite, setup).scorers
    if count * len(scorers) > MOST_SCORES:
        raise SuiteError(f"{count:,} cases with {len(scorers)} scorers are more than {MOST_SCORES:,} scores.")
    if not fresh and not gone:
        return count
    number = setup.version + 1
    ended = {*gone, *(case.key for case in fresh)}
    Case.objects.filter(suite=suite, until__isnull=True, key__in=ended).update(until=number)
    Case.objects.bulk_create(
        [
            Case(
                suite=suite,
                key=case.key,
                inputs=dict(case.inputs),
                expected=case.expected,
                weight=case.weight,
                tags=list(case.tags),
                origin=case.origin,
                since=number,
            )
            for case in fresh
        ],
        batch_size=1_000,
    )
    next_version(suite, setup, scorers=scorers, note=note, actor=actor, at=at, cases=count)
    return count


def next_version(
    suite: EvaluationSuite,
    setup: SuiteSetup,
    *,
    scorers: Sequence[Mapping[str, Any]],
    note: str,
    actor: User | None,
    at: datetime,
    cases: int | None = None,
) -> None:
    """Write the next version down, with as many cases as before unless said otherwise."""
    version = SuiteVersion.objects.create(
        suite=suite,
        number=setup.version + 1,
        scorers=list(scorers),
        judge=judge_of(scorers),
        cases=_count(suite, setup) if cases is None else cases,
        note=note[:300],
        actor=actor.get_username() if actor else "",
        user=actor,
        created_at=at,
    )
    setup.version = version.number
    setup.save(update_fields=["version"])
    record_events(events=[_event(suite, version, at)])


def _event(suite: EvaluationSuite, version: SuiteVersion, at: datetime) -> NewEvent:
    counted = "1 case" if version.cases == 1 else f"{version.cases:,} cases"
    return NewEvent(
        kind="evaluations:suite:changed",
        at=at,
        title=f"{suite.name[:100]} version {version.number}: {counted}",
        detail=version.note,
        actor=version.actor,
        is_change=True,
        is_demo=suite.source.is_demo,
        feature_id=suite.feature_id,
        component_id=suite.component_id,
        source_id=suite.source_id,
        subject_kind="suite",
        subject_id=suite.pk,
        data={"version": version.number},
        topics=("evaluations",),
    )


def locked(suite: EvaluationSuite) -> SuiteSetup:
    """The setup, locked: versions of a suite are made one after the other."""
    setup = SuiteSetup.objects.select_for_update().filter(suite=suite).first()
    if setup is None:
        raise SuiteError(f"{suite} belongs to its source; change it there.")
    return setup


def newest(suite: EvaluationSuite, setup: SuiteSetup) -> SuiteVersion:
    """The version of now; the setup should be locked."""
    return SuiteVersion.objects.get(suite=suite, number=setup.version)


def _count(suite: EvaluationSuite, setup: SuiteSetup) -> int:
    return newest(suite, setup).cases if setup.version else 0
