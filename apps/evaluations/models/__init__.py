"""Results, the suites that the portal runs itself, against which endpoints, and the orders to do so."""

from apps.evaluations.models.endpoints import EvaluationEndpoint
from apps.evaluations.models.orders import CaseResult, Order, SuiteSchedule
from apps.evaluations.models.results import EvaluationRun, EvaluationSuite, Score
from apps.evaluations.models.suites import Case, SuiteSetup, SuiteVersion

__all__ = [
    "Case",
    "CaseResult",
    "EvaluationEndpoint",
    "EvaluationRun",
    "EvaluationSuite",
    "Order",
    "Score",
    "SuiteSchedule",
    "SuiteSetup",
    "SuiteVersion",
]
