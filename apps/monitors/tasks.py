"""Periodic work of the app."""

from __future__ import annotations

from typing import Any

from celery import shared_task

from apps.monitors import services
from apps.sources import queries as sources


@shared_task(soft_time_limit=60, time_limit=90)
def evaluate_monitors(**_: Any) -> str:
    """Monitors that are due are judged on what came since their last turn."""
    return f"{services.evaluate_due(at=sources.database_time())} monitors evaluated"


@shared_task(soft_time_limit=60, time_limit=90)
def measure_slos(**_: Any) -> str:
    """Error budgets are counted anew."""
    return f"{services.measure_due(at=sources.database_time())} objectives measured"


@shared_task(soft_time_limit=300, time_limit=330)
def run_backtests(**_: Any) -> str:
    """The next monitor that somebody tries on the past."""
    return "one back-test run" if services.run_next_backtest(at=sources.database_time()) else "nothing to try"
