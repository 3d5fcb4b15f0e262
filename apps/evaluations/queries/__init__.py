"""Everything that reads evaluations."""

from apps.evaluations.queries.gates import gate_verdict, pooled_scores, suite_facts
from apps.evaluations.queries.ours import current_cases, schedules_of, versions_of
from apps.evaluations.queries.progress import (
    Progress,
    UnderWay,
    asked_of,
    cases_of_version,
    progress_of,
    runs_under_way,
)
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
    "UnderWay",
    "asked_of",
    "cases_of_version",
    "comparable",
    "current_cases",
    "gate_verdict",
    "pooled_scores",
    "progress_of",
    "runs",
    "runs_of_feature",
    "runs_under_way",
    "runs_with_text",
    "runs_with_verdict",
    "schedules_of",
    "scores_of",
    "suite_facts",
    "suites",
    "trends",
    "versions_of",
]
