"""Everything that reads evaluations."""

from apps.evaluations.queries.gates import gate_verdict, scores_by_run, suite_facts
from apps.evaluations.queries.ours import current_cases, schedules_of, versions_of
from apps.evaluations.queries.progress import Progress, asked_of, cases_of_version, progress_of
from apps.evaluations.queries.results import (
    Trend,
    comparable,
    runs,
    runs_of_feature,
    runs_with_text,
    runs_with_verdict,
    scores_of,
    suites,
    trends,
)

__all__ = [
    "Progress",
    "Trend",
    "asked_of",
    "cases_of_version",
    "comparable",
    "current_cases",
    "gate_verdict",
    "progress_of",
    "runs",
    "runs_of_feature",
    "runs_with_text",
    "runs_with_verdict",
    "schedules_of",
    "scores_by_run",
    "scores_of",
    "suite_facts",
    "suites",
    "trends",
    "versions_of",
]
