"""The cases of a suite of ours: imported from files, added one by one, ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction

from apps.accounts.models import User
from apps.evaluations.casefile import LineError, make_case, read_cases
from apps.evaluations.models import Case, EvaluationSuite
from apps.evaluations.queries.ours import current_cases
from apps.evaluations.scorers.registry import check_case
from apps.evaluations.services.versions import SuiteError, locked, newest, put_cases


def import_cases(
    *, suite: EvaluationSuite, text: str, is_jsonl: bool, replaces: bool, file: str, actor: User | None, at: datetime
) -> int:
    """How many cases the suite has now; SuiteError with a sentence a bad line, and then nothing is written.

    What has a known key replaces that case; with `replaces` the others end.
    """
    found = read_cases(text, is_jsonl=is_jsonl, origin=f"import of {file}" if file else "import")
    with transaction.atomic():
        setup = locked(suite)
        scorers = newest(suite, setup).scorers
        for case, line in zip(found.cases, found.lines, strict=True):
            try:
                check_case(scorers, case.expected, case.tags)
            except ValueError as error:
                found.refuse(line, str(error))
        if found.errors:
            raise SuiteError(*_sentences(found.errors, found.more_errors))
        return put_cases(
            suite, setup, found.cases, replaces=replaces, note=f"Import of {file or 'a file'}", actor=actor, at=at
        )


def add_case(
    *,
    suite: EvaluationSuite,
    inputs: Mapping[str, Any],
    expected: Any,
    origin: str,
    actor: User | None,
    at: datetime,
    key: str = "",
    weight: float = 1.0,
    tags: Sequence[str] = (),
) -> Case:
    """The case as it stands in the suite's newest version; the same case again changes nothing. SuiteError.

    An incident adds what failed, so that no later version goes live which fails it again.
    """
    with transaction.atomic():
        setup = locked(suite)
        try:
            case = make_case(inputs=inputs, expected=expected, key=key, weight=weight, tags=tags, origin=origin)
            check_case(newest(suite, setup).scorers, case.expected, case.tags)
        except ValueError as error:
            raise SuiteError(str(error)) from None
        put_cases(suite, setup, [case], replaces=False, note=f"Case {case.key} added", actor=actor, at=at)
        return Case.objects.get(suite=suite, key=case.key, until__isnull=True)


def end_case(*, suite: EvaluationSuite, key: str, actor: User | None, at: datetime) -> bool:
    """Whether the case left the suite with a new version; False if it is not in the newest one."""
    with transaction.atomic():
        setup = locked(suite)
        kept = [case for case in current_cases(suite) if case.key != key]
        if len(kept) == newest(suite, setup).cases:
            return False
        put_cases(suite, setup, kept, replaces=True, note=f"Case {key} removed", actor=actor, at=at)
    return True


def _sentences(errors: Sequence[LineError], more: int) -> list[str]:
    told = [str(error) for error in sorted(errors, key=lambda error: error.line)]
    return [*told, f"{more:,} more lines have errors."] if more else told
