"""Prometheus in the contract suite."""

from __future__ import annotations

from tests.connectors.cases import Case
from tests.connectors.test_prometheus import ALERT
from tests.connectors.worlds import PrometheusWorld


def good() -> PrometheusWorld:
    info = {"component": "api", "version": "1", "environment": "prod"}
    series = {"up": [({"job": "a"}, lambda at: 1.0)], "app_build_info": [(info, lambda at: 1.0)]}
    return PrometheusWorld(series=series, alerts=[ALERT])  # type: ignore[arg-type]


def spoiled() -> PrometheusWorld:
    world = good()
    world.items = [{"metric": {"job": "x"}, "values": [["soon", {}]]}]
    return world


CASE = Case(
    good=good,
    empty=PrometheusWorld,
    spoiled=spoiled,
    config={"queries": [{"query": "up"}], "deployments_query": "app_build_info", "backfill_days": 1},
)
