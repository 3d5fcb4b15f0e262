"""Why the tasks of a failed run failed: one line out of the log of each of the first few."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from apps.connectors.errors import ErrorClass, SourceError
from apps.connectors.providers.airflow.client import AirflowClient
from apps.connectors.providers.airflow.dialect import Dialect
from apps.connectors.providers.airflow.normalize import failed_first
from apps.connectors.records import TaskRunRecord

MOST_LOGS = 2  # of one run; the first failure usually is the reason of the others
_PATIENT = {ErrorClass.RATE_LIMIT, ErrorClass.INTERNAL}  # these end the fetch; without a log we can do


async def with_reasons(client: AirflowClient, dialect: Dialect, tasks: Sequence[TaskRunRecord]) -> list[TaskRunRecord]:
    """The tasks, the first that failed with the line of their log that says why."""
    reasons: dict[str, str] = {}
    for task in failed_first(tasks)[:MOST_LOGS]:
        reasons[task.external_id] = await _reason(client, dialect, task)
    return [replace(task, error=reasons.get(task.external_id, "")) for task in tasks]


async def _reason(client: AirflowClient, dialect: Dialect, task: TaskRunRecord) -> str:
    """A log may be gone, too large, or lie in a store that does not answer: then there is no reason to show."""
    try:
        return dialect.error_line(await client.log(task.raw))
    except SourceError as error:
        if error.error_class in _PATIENT:
            raise
        return ""
