"""An OpenMetrics endpoint in the contract suite."""

from __future__ import annotations

from tests.connectors.cases import Case
from tests.connectors.test_openmetrics import CLASSIC
from tests.connectors.worlds import MetricsWorld

CASE = Case(
    good=lambda: MetricsWorld(text=CLASSIC),
    empty=MetricsWorld,
    spoiled=lambda: MetricsWorld(text=CLASSIC + "broken{ 1\n"),
    speaks="text/plain",
)
