"""From Prefect's answers to records: pure, and a bad item is rejected alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from apps.connectors.records import Kind, PipelineRecord, Rejected, RunRecord, RunState, TaskRunRecord, Trigger
from apps.connectors.values import (
    UnreadableError,
    as_labels,
    first_line,
    latest,
    list_or_empty,
    object_or_empty,
    optional_iso,
    optional_text,
    read_items,
    required_text,
)

# By type first; a name refines it. Late, AwaitingRetry and AwaitingConcurrencySlot are SCHEDULED, Retrying is
# RUNNING, Suspended is PAUSED (waiting for a person counts as running), Cached is COMPLETED: the result is there.
_BY_TYPE = {
    "SCHEDULED": RunState.QUEUED,
    "PENDING": RunState.QUEUED,
    "RUNNING": RunState.RUNNING,
    "PAUSED": RunState.RUNNING,
    "CANCELLING": RunState.RUNNING,
    "COMPLETED": RunState.SUCCEEDED,
    "FAILED": RunState.FAILED,
    "CRASHED": RunState.CRASHED,
    "CANCELLED": RunState.CANCELLED,
}
_BY_NAME = {("COMPLETED", "skipped"): RunState.SKIPPED}
_CREATORS = {"SCHEDULE": Trigger.SCHEDULE, "USER": Trigger.MANUAL, "AUTOMATION": Trigger.EVENT}
_PARTITIONS = (
    "partition",
    "partition_key",
    "partition_date",
    "logical_date",
    "execution_date",
    "run_date",
    "data_date",
    "ds",
)
_WITH_ERROR = {RunState.FAILED, RunState.CRASHED, RunState.CANCELLED}
MAX_ATTEMPTS = 32_767
_OVER = {RunState.SUCCEEDED, RunState.SKIPPED, *_WITH_ERROR}


def ui_base(api_url: str) -> str:
    """Where people look at the runs of an API: the server's own pages, or Prefect Cloud's."""
    parts = urlsplit(api_url)
    pieces = [piece for piece in parts.path.split("/") if piece]
    if parts.hostname == "api.prefect.cloud" and len(pieces) == 5 and pieces[1] == "accounts":
        return f"https://app.prefect.cloud/account/{pieces[2]}/workspace/{pieces[4]}"
    return api_url.removesuffix("/api")


def map_state(state_type: str, state_name: str) -> RunState:
    """The common state; anything unheard of is unknown."""
    kind = state_type.upper()
    return _BY_NAME.get((kind, state_name.strip().lower())) or _BY_TYPE.get(kind, RunState.UNKNOWN)


def read_flows(
    items: Sequence[Any], deployments: Sequence[Any], *, ui: str
) -> tuple[list[PipelineRecord], list[Rejected]]:
    """Flows as pipelines; schedule and pause come from their deployments, as Prefect calls its schedules."""
    by_flow: dict[str, list[Mapping[str, Any]]] = {}
    for deployment in map(object_or_empty, deployments):
        by_flow.setdefault(str(deployment.get("flow_id", "")), []).append(deployment)

    def read(item: Mapping[str, Any]) -> PipelineRecord:
        flow_id = required_text(item, "id")
        own = by_flow.get(flow_id, [])
        return PipelineRecord(
            external_id=flow_id,
            raw={"flow": item, "deployments": own},
            name=required_text(item, "name"),
            description=next((text for text in map(_description, own) if text), ""),
            vendor_kind="flow",
            schedule="; ".join(sorted(text for deployment in own for text in _schedules(deployment)))[:512],
            is_paused=bool(own) and all(deployment.get("paused") is True for deployment in own),
            url=f"{ui}/flows/flow/{flow_id}",
            labels=_with_tags(as_labels(item.get("labels")), item.get("tags")),
        )

    return read_items(items, read, kind=Kind.PIPELINE, id_key="id")


def _description(deployment: Mapping[str, Any]) -> str:
    text = optional_text(deployment, "description", limit=2000)
    return "" if text == "None" else text  # the client library writes the word for a flow without a docstring


def _schedules(deployment: Mapping[str, Any]) -> list[str]:
    """Every active schedule in words a machine can read too: `0 2 * * * (Europe/Berlin)`, `every 900 s`."""
    texts = []
    for entry in map(object_or_empty, list_or_empty(deployment.get("schedules"))):
        if entry.get("active") is False:
            continue
        schedule = object_or_empty(entry.get("schedule"))
        zone = optional_text(schedule, "timezone")
        interval = schedule.get("interval")
        if cron := optional_text(schedule, "cron"):
            text = cron
        elif rule := optional_text(schedule, "rrule"):
            text = " ".join(rule.split())
        elif isinstance(interval, int | float) and not isinstance(interval, bool):
            text = f"every {interval:g} s"
        else:
            continue
        texts.append(f"{text} ({zone})" if zone else text)
    return texts


def read_runs(
    items: Sequence[Any], *, ui: str, deployment_names: Mapping[str, str]
) -> tuple[list[RunRecord], list[Rejected]]:
    """Flow runs as runs."""

    def read(item: Mapping[str, Any]) -> RunRecord:
        run_id = required_text(item, "id")
        state, raw_state, state_at, message = _state(item)
        deployment = deployment_names.get(str(item.get("deployment_id") or ""), "")
        labels = {"deployment": deployment, "work_pool": optional_text(item, "work_pool_name")}
        return RunRecord(
            external_id=run_id,
            raw=item,
            pipeline_external_id=required_text(item, "flow_id"),
            name=optional_text(item, "name") or run_id,
            state=state,
            raw_state=raw_state,
            updated_at=_updated_at(item, state_at),
            scheduled_for=optional_iso(item.get("expected_start_time")),
            started_at=optional_iso(item.get("start_time")),
            finished_at=optional_iso(item.get("end_time")) if state in _OVER else None,
            trigger=_trigger(item),
            triggered_by=optional_text(object_or_empty(item.get("created_by")), "display_value"),
            parameters=object_or_empty(item.get("parameters")),
            partition_key=_partition(item),
            revision=optional_text(item, "deployment_version") or optional_text(item, "flow_version"),
            error=first_line(message) if state in _WITH_ERROR else "",
            attempts=_attempts(item),
            url=f"{ui}/runs/flow-run/{run_id}",
            labels=_with_tags({name: value for name, value in labels.items() if value}, item.get("tags")),
        )

    return read_items(items, read, kind=Kind.RUN, id_key="id")


def read_task_runs(items: Sequence[Any], *, ui: str) -> tuple[list[TaskRunRecord], list[Rejected]]:
    """Task runs, numbered inside their run by when they started."""

    def read(item: Mapping[str, Any]) -> TaskRunRecord:
        task_id = required_text(item, "id")
        state, raw_state, state_at, message = _state(item)
        started_at = optional_iso(item.get("start_time"))
        return TaskRunRecord(
            external_id=task_id,
            raw=item,
            run_external_id=required_text(item, "flow_run_id"),
            name=optional_text(item, "name") or task_id,
            state=state,
            raw_state=raw_state,
            updated_at=_updated_at(item, state_at),
            started_at=started_at,
            finished_at=optional_iso(item.get("end_time")) if state in _OVER else None,
            attempts=_attempts(item),
            upstream=_upstream(item.get("task_inputs")),
            error=first_line(message) if state in _WITH_ERROR else "",
            url=f"{ui}/runs/task-run/{task_id}",
        )

    records, rejected = read_items(items, read, kind=Kind.TASK_RUN, id_key="id")
    return _numbered(records), rejected


def _numbered(records: Sequence[TaskRunRecord]) -> list[TaskRunRecord]:
    positions: dict[str, int] = {}
    numbered = []
    for record in sorted(records, key=lambda r: (r.run_external_id, r.started_at or r.updated_at, r.external_id)):
        position = positions.get(record.run_external_id, 0)
        positions[record.run_external_id] = position + 1
        numbered.append(replace(record, position=position))
    return numbered


def _state(item: Mapping[str, Any]) -> tuple[RunState, str, datetime | None, Any]:
    """(common state, Prefect's own word, when it was entered, its message)."""
    state = object_or_empty(item.get("state"))
    kind = optional_text(item, "state_type") or optional_text(state, "type")
    name = optional_text(item, "state_name") or optional_text(state, "name")
    return map_state(kind, name), name or kind, optional_iso(state.get("timestamp")), state.get("message")


def _updated_at(item: Mapping[str, Any], state_at: datetime | None) -> datetime:
    at = latest([optional_iso(item.get("updated")), state_at])
    if at is None:
        raise UnreadableError("it has neither an update time nor a state time")
    return at


def _trigger(item: Mapping[str, Any]) -> Trigger:
    if "backfill" in list_or_empty(item.get("tags")):
        return Trigger.BACKFILL
    if item.get("auto_scheduled") is True:
        return Trigger.SCHEDULE
    creator = optional_text(object_or_empty(item.get("created_by")), "type").upper()
    if creator in _CREATORS:
        return _CREATORS[creator]
    is_remote = item.get("deployment_id") or item.get("parent_task_run_id")
    return Trigger.API if is_remote else Trigger.UNKNOWN


def _partition(item: Mapping[str, Any]) -> str:
    """Prefect has no partitions: the parameter that names one by habit, else nothing."""
    parameters = object_or_empty(item.get("parameters"))
    return next((text for name in _PARTITIONS if (text := optional_text(parameters, name))), "")[:200]


def _attempts(item: Mapping[str, Any]) -> int:
    count = item.get("run_count")
    return min(max(count, 1), MAX_ATTEMPTS) if isinstance(count, int) else 1


def _upstream(value: Any) -> tuple[str, ...]:
    """Ids of the task runs that this one takes its inputs from or waits for, each once, in order."""
    found: dict[str, None] = {}
    for inputs in object_or_empty(value).values():
        for entry in map(object_or_empty, list_or_empty(inputs)):
            if entry.get("input_type") == "task_run" and (task_id := optional_text(entry, "id")):
                found[task_id] = None
    return tuple(found)


def _with_tags(labels: Mapping[str, str], tags: Any) -> dict[str, str]:
    texts = sorted(tag for tag in list_or_empty(tags) if isinstance(tag, str))
    return {**labels, "tags": ",".join(texts)[:512]} if texts else dict(labels)
