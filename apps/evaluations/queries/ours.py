"""Reads of our own suites: their cases, versions and schedules."""

from __future__ import annotations

from apps.evaluations.casefile import CaseDraft
from apps.evaluations.models import Case, EvaluationSuite, SuiteSchedule, SuiteVersion

VERSIONS = 10  # that a page shows


def current_cases(suite: EvaluationSuite) -> list[CaseDraft]:
    """The cases of the newest version."""
    return [draft_of(case) for case in Case.objects.filter(suite=suite, until__isnull=True)]


def draft_of(case: Case) -> CaseDraft:
    """A stored case as people gave it."""
    return CaseDraft(
        key=case.key,
        inputs=case.inputs,
        expected=case.expected,
        weight=case.weight,
        tags=tuple(case.tags),
        origin=case.origin,
    )


def versions_of(suite: EvaluationSuite) -> list[SuiteVersion]:
    """Its newest versions."""
    return list(SuiteVersion.objects.filter(suite=suite)[:VERSIONS])


def schedules_of(suite: EvaluationSuite) -> list[SuiteSchedule]:
    """When it runs by itself."""
    return list(SuiteSchedule.objects.filter(suite=suite).select_related("last_run", "suite"))
