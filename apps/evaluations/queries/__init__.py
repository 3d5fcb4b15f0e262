"""Everything that reads evaluations."""

from apps.evaluations.queries.gates import gate_verdict, scores_by_run, suite_facts
from apps.evaluations.queries.results import (
    Trend,
    runs,
    runs_of_feature,
    runs_with_text,
    runs_with_verdict,
    scores_of,
    suites,
    trends,
)

__all__ = [
    "Trend",
    "gate_verdict",
    "runs",
    "runs_of_feature",
    "runs_with_text",
    "runs_with_verdict",
    "scores_by_run",
    "scores_of",
    "suite_facts",
    "suites",
    "trends",
]
