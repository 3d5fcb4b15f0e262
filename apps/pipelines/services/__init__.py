"""Writing pipelines, runs and their steps as sources tell them."""

from apps.pipelines.services.absences import mark_absent
from apps.pipelines.services.expectations import remove_expectation, set_expectation
from apps.pipelines.services.judging import Swept, judge_due
from apps.pipelines.services.pipelines import note_alerts, upsert_pipelines
from apps.pipelines.services.reliability import roll_up
from apps.pipelines.services.remapping import remap
from apps.pipelines.services.runs import upsert_runs
from apps.pipelines.services.task_runs import upsert_task_runs

__all__ = [
    "Swept",
    "judge_due",
    "mark_absent",
    "note_alerts",
    "remap",
    "remove_expectation",
    "roll_up",
    "set_expectation",
    "upsert_pipelines",
    "upsert_runs",
    "upsert_task_runs",
]
