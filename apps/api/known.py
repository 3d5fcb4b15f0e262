"""What is stored of reported things already, in the form of an item: what a later report leaves out stays as it was."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import F

from apps.connectors.providers.push.normalize import Key
from apps.deployments.models import Deployment
from apps.evaluations.models import EvaluationRun
from apps.pipelines.models import Run, TaskRun
from apps.prompts.models import Prompt
from apps.sources.models import Source

Known = dict[Key, dict[str, Any]]
OF_A_RUN = (
    "state", "name", "scheduled_for", "started_at", "finished_at", "trigger", "triggered_by", "parameters",
    "revision", "partition_key", "rows_in", "rows_out", "cost", "url", "labels",
)  # fmt: skip
OF_A_STEP = ("state", "name", "started_at", "finished_at", "position", "upstream", "url")
OF_AN_EVALUATION = ("state", "started_at", "finished_at", "subject", "version", "revision", "judge", "url", "labels")
OF_A_DEPLOYMENT = ("state", "started_at", "finished_at", "deployed_by", "description", "url", "labels")


def known_runs(source: Source, keys: Sequence[Key]) -> Known:
    """Runs under these ids."""
    rows = Run.objects.order_by().filter(source=source, external_id__in=_ids(keys))
    return _by_id(rows.values("external_id", *OF_A_RUN))


def known_task_runs(source: Source, keys: Sequence[Key]) -> Known:
    """Steps under these ids of these runs."""
    runs = {run for run, _ in keys}
    rows = TaskRun.objects.order_by().filter(run__source=source, run__external_id__in=runs, external_id__in=_ids(keys))
    found = rows.values("external_id", *OF_A_STEP, run_id_told=F("run__external_id"))
    return {(row.pop("run_id_told"), row.pop("external_id")): _item(row) for row in found}


def known_deployments(source: Source, keys: Sequence[Key]) -> Known:
    """Deployments under these ids."""
    rows = Deployment.objects.order_by().filter(source=source, external_id__in=_ids(keys))
    return _by_id(rows.values("external_id", *OF_A_DEPLOYMENT))


def known_evaluations(source: Source, keys: Sequence[Key]) -> Known:
    """Evaluation runs under these ids."""
    rows = EvaluationRun.objects.order_by().filter(source=source, external_id__in=_ids(keys))
    return _by_id(rows.values("external_id", *OF_AN_EVALUATION))


def known_prompts(source: Source, keys: Sequence[Key]) -> Known:
    """What versions of these prompts may leave out about the prompt itself."""
    rows = Prompt.objects.order_by().filter(source=source, external_id__in=_ids(keys))
    return _by_id(rows.values("external_id", "description", "labels"))


def _by_id(rows: Iterable[Any]) -> Known:
    return {("", row.pop("external_id")): _item(row) for row in rows}


def nothing_known(_source: Source, _keys: Sequence[Key]) -> Known:
    """For things of which every report says everything."""
    return {}


def _ids(keys: Sequence[Key]) -> set[str]:
    return {external_id for _, external_id in keys if external_id}


def _item(row: dict[str, Any]) -> dict[str, Any]:
    """The values as an item writes them, without those that say nothing."""
    return {name: _plain(value) for name, value in row.items() if value not in (None, "", {}, [])}


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else str(value) if isinstance(value, Decimal) else value
