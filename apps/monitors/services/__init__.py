"""Everything that writes alerts, monitors and objectives."""

from apps.monitors.services.alerts import mark_absent, upsert_alerts
from apps.monitors.services.backtests import queue_backtest, run_next_backtest
from apps.monitors.services.bypasses import follow_bypasses
from apps.monitors.services.evaluation import evaluate_due
from apps.monitors.services.guarding import roll_out
from apps.monitors.services.monitor_alerts import acknowledge_alert
from apps.monitors.services.monitors import (
    change_monitor,
    create_monitor,
    lift_silence,
    remove_monitor,
    silence,
    switch_monitor,
)
from apps.monitors.services.punctuality import follow_punctuality
from apps.monitors.services.remapping import remap
from apps.monitors.services.slos import change_slo, correct_slo, create_slo, measure_due, remove_slo

__all__ = [
    "acknowledge_alert",
    "change_monitor",
    "change_slo",
    "correct_slo",
    "create_monitor",
    "create_slo",
    "evaluate_due",
    "follow_bypasses",
    "follow_punctuality",
    "lift_silence",
    "mark_absent",
    "measure_due",
    "queue_backtest",
    "remap",
    "remove_monitor",
    "remove_slo",
    "roll_out",
    "run_next_backtest",
    "silence",
    "switch_monitor",
    "upsert_alerts",
]
