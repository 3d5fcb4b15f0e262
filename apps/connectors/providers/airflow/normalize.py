"""From Airflow's answers to records: pure, and a bad item is rejected alone.

Airflow's answers do not say when a run or a task instance last changed. What orders news is `as_of`: the server's
clock when it was asked. A cleared run, whose times are null again, is newer than the failure it had before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from apps.connectors.providers.airflow.dialect import Dialect
from apps.connectors.providers.airflow.schedules import readable_schedule
from apps.connectors.records import Kind, PipelineRecord, Rejected, RunRecord, RunState, TaskRunRecord
from apps.connectors.values import (
    MAX_NAME,
    first_line,
    list_or_empty,
    object_or_empty,
    optional_iso,
    optional_text,
    read_items,
    required_text,
    stable_id,
)

_RUN_STATES = {
    "queued": RunState.QUEUED,
    "running": RunState.RUNNING,
    "success": RunState.SUCCEEDED,
    "failed": RunState.FAILED,
}
# An instance without a state waits for its turn. A removed one was taken out of the DAG while the run went on.
_TASK_STATES = {
    "none": RunState.QUEUED,
    "scheduled": RunState.QUEUED,
    "queued": RunState.QUEUED,
    "up_for_retry": RunState.QUEUED,
    "up_for_reschedule": RunState.QUEUED,
    "deferred": RunState.QUEUED,
    "awaiting_input": RunState.QUEUED,
    "running": RunState.RUNNING,
    "restarting": RunState.RUNNING,
    "success": RunState.SUCCEEDED,
    "failed": RunState.FAILED,
    "upstream_failed": RunState.FAILED,
    "skipped": RunState.SKIPPED,
    "removed": RunState.CANCELLED,
}
OPEN = {RunState.QUEUED, RunState.RUNNING}
MAX_ATTEMPTS = 32_767
A_LATER_RUN = timedelta(minutes=1)  # so long after its logical date a run is one of the past


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How one server's answers are read: its dialect, where its pages are, the time they were given.

    `zone` is the time zone that its schedules are probably written in.
    """

    dialect: Dialect
    ui: str
    as_of: datetime
    zone: str = ""


def map_run_state(word: str) -> RunState:
    """The common state of a run; anything unheard of is unknown."""
    return _RUN_STATES.get(word, RunState.UNKNOWN)


def map_task_state(word: str) -> RunState:
    """The common state of a task instance; anything unheard of is unknown."""
    return _TASK_STATES.get(word, RunState.UNKNOWN)


def read_dags(items: Sequence[Any], reading: Reading) -> tuple[list[PipelineRecord], list[Rejected]]:
    """DAGs as pipelines."""

    def read(item: Mapping[str, Any]) -> PipelineRecord:
        dag_id = required_text(item, "dag_id")
        dialect = reading.dialect
        labels = {
            "owners": _joined(item.get("owners")),
            "tags": _joined([object_or_empty(tag).get("name") for tag in list_or_empty(item.get("tags"))]),
            "bundle": optional_text(item, "bundle_name"),
        }
        return PipelineRecord(
            external_id=dag_id,
            raw={name: value for name, value in item.items() if name != "file_token"},
            name=optional_text(item, "dag_display_name") or dag_id,
            description=optional_text(item, "description", limit=2000),
            vendor_kind="dag",
            schedule=readable_schedule(dialect.schedule(item), zone=reading.zone, next_run=dialect.next_run(item)),
            is_paused=item.get("is_paused") is True,
            url=dialect.dag_page(reading.ui, dag_id),
            labels={name: value for name, value in labels.items() if value},
        )

    return read_items(items, read, kind=Kind.PIPELINE, id_key="dag_id")


def run_key(dag_id: str, run_id: str) -> str:
    """The identity of a run; run ids are unique inside their DAG only, and a DAG id holds no “/”."""
    return f"{dag_id}/{run_id}"


def read_runs(items: Sequence[Any], reading: Reading) -> tuple[list[RunRecord], list[Rejected]]:
    """DAG runs as runs, as far as they tell of themselves; see `with_tasks` for the rest."""

    def read(item: Mapping[str, Any]) -> RunRecord:
        dag_id, run_id = required_text(item, "dag_id"), required_text(item, "dag_run_id")
        word = optional_text(item, "state")
        state = map_run_state(word)
        note = first_line(item.get("note"))
        return RunRecord(
            external_id=run_key(dag_id, run_id),
            raw=item,
            pipeline_external_id=dag_id,
            name=run_id,
            state=state,
            raw_state=word,
            updated_at=reading.as_of,
            scheduled_for=reading.dialect.due_at(item),
            started_at=optional_iso(item.get("start_date")),
            finished_at=None if state in OPEN else optional_iso(item.get("end_date")),
            trigger=reading.dialect.trigger(item),
            triggered_by=optional_text(item, "triggering_user_name"),
            parameters=object_or_empty(item.get("conf")),
            revision=reading.dialect.revision(item),
            partition_key=_partition(item),
            url=reading.dialect.run_page(reading.ui, dag_id, run_id),
            labels={"note": note} if note else {},
        )

    return read_items(items, read, kind=Kind.RUN, id_key="dag_run_id")


def read_tasks(items: Sequence[Any], reading: Reading) -> tuple[list[TaskRunRecord], list[Rejected]]:
    """The task instances of one run, in the order they started; those that wait come last."""

    def read(item: Mapping[str, Any]) -> TaskRunRecord:
        dag_id, run_id = required_text(item, "dag_id"), required_text(item, "dag_run_id")
        task_id, index = required_text(item, "task_id"), _map_index(item)
        word = optional_text(item, "state") or "none"
        state = map_task_state(word)
        return TaskRunRecord(
            external_id=_task_key(dag_id, run_id, task_id, index),
            raw=item,
            run_external_id=run_key(dag_id, run_id),
            name=f"{task_id} [{optional_text(item, 'rendered_map_index') or index}]" if index >= 0 else task_id,
            state=state,
            raw_state=word,
            updated_at=reading.as_of,
            started_at=optional_iso(item.get("start_date")),
            finished_at=None if state in OPEN else optional_iso(item.get("end_date")),
            attempts=_attempts(item),
            url=reading.dialect.task_page(reading.ui, dag_id, run_id, task_id, index),
        )

    records, rejected = read_items(items, read, kind=Kind.TASK_RUN, id_key="task_id")
    records.sort(key=lambda task: (task.started_at is None, task.started_at or task.updated_at, task.external_id))
    return [replace(record, position=position) for position, record in enumerate(records)], rejected


def with_tasks(run: RunRecord, tasks: Sequence[TaskRunRecord]) -> RunRecord:
    """An ended run with what only its task instances say: all were skipped, how many tries it took, why it failed."""
    if run.state in OPEN or not tasks:
        return run
    state = run.state
    if state is RunState.SUCCEEDED and all(task.state is RunState.SKIPPED for task in tasks):
        state = RunState.SKIPPED
    attempts = max(task.attempts for task in tasks)
    return replace(run, state=state, attempts=attempts, error=_why(tasks) if state is RunState.FAILED else "")


def failed_first(tasks: Sequence[TaskRunRecord]) -> list[TaskRunRecord]:
    """The task instances that failed themselves, by the time they did."""
    failed = [task for task in tasks if task.raw_state == "failed"]
    return sorted(failed, key=lambda task: (task.finished_at or task.updated_at, task.external_id))


def _why(tasks: Sequence[TaskRunRecord]) -> str:
    failed = failed_first(tasks)
    if not failed:
        return ""
    first = failed[0]
    return f"{first.name}: {first.error}"[:MAX_NAME] if first.error else f"{first.name} failed"


def _task_key(dag_id: str, run_id: str, task_id: str, index: int) -> str:
    """The identity of a task instance, not Airflow's own `id`: that one is new at every try.

    A mapped task has one row (index -1) until Airflow expands it and makes that row the instance 0, so both are one.
    """
    key = f"{run_key(dag_id, run_id)}/{task_id}" + (f"[{index}]" if index > 0 else "")
    return key if len(key) <= 500 else f"{key[:460]}…{stable_id(key)}"


def _map_index(item: Mapping[str, Any]) -> int:
    index = item.get("map_index")
    return index if isinstance(index, int) and not isinstance(index, bool) else -1


def _attempts(item: Mapping[str, Any]) -> int:
    """The number of the latest try; 0, for an instance that never began, counts as 1."""
    number = item.get("try_number")
    return min(max(number, 1), MAX_ATTEMPTS) if isinstance(number, int) else 1


def _partition(item: Mapping[str, Any]) -> str:
    """The partition that the run is for, else its data interval as `begin/end`.

    An interval without a length says nothing, unless the run came later than its logical date: then it is that date.
    """
    if key := optional_text(item, "partition_key"):
        return key
    begin, end = optional_iso(item.get("data_interval_start")), optional_iso(item.get("data_interval_end"))
    if begin and end and begin < end:
        return f"{begin:%Y-%m-%dT%H:%M:%SZ}/{end:%Y-%m-%dT%H:%M:%SZ}"
    logical, due = optional_iso(item.get("logical_date")), optional_iso(item.get("run_after"))
    return f"{logical:%Y-%m-%dT%H:%M:%SZ}" if logical and due and due - logical > A_LATER_RUN else ""


def _joined(values: Any) -> str:
    return ",".join(sorted(value for value in list_or_empty(values) if isinstance(value, str)))[:MAX_NAME]
