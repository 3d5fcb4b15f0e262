"""From Dagster's runs and their steps to records: pure, and a bad item is rejected alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import quote

from apps.connectors.providers.dagster.failures import Failure
from apps.connectors.providers.dagster.jobs import pipeline_id
from apps.connectors.records import Kind, Rejected, RunRecord, RunState, TaskRunRecord, Trigger
from apps.connectors.values import (
    MAX_NAME,
    UnreadableError,
    as_labels,
    from_seconds,
    latest,
    list_or_empty,
    object_or_empty,
    optional_text,
    read_items,
    required_text,
)

# MANAGED is run outside of Dagster's control, SUSPENDED waits for work elsewhere: neither has ended.
_STATES = {
    "QUEUED": RunState.QUEUED,
    "NOT_STARTED": RunState.QUEUED,
    "MANAGED": RunState.QUEUED,
    "STARTING": RunState.QUEUED,
    "STARTED": RunState.RUNNING,
    "SUSPENDED": RunState.RUNNING,
    "CANCELING": RunState.RUNNING,
    "SUCCESS": RunState.SUCCEEDED,
    "FAILURE": RunState.FAILED,
    "CANCELED": RunState.CANCELLED,
}
_STEP_STATES = {
    "IN_PROGRESS": RunState.RUNNING,
    "SUCCESS": RunState.SUCCEEDED,
    "FAILURE": RunState.FAILED,
    "SKIPPED": RunState.SKIPPED,
}
_OPEN = {RunState.QUEUED, RunState.RUNNING}
_OVER = {RunState.SUCCEEDED, RunState.FAILED, RunState.CRASHED, RunState.CANCELLED, RunState.SKIPPED}
_INFRASTRUCTURE = {"UNEXPECTED_TERMINATION", "START_TIMEOUT", "RUN_WORKER_RESTART"}  # not the work's own failure
_REVISIONS = ("dagster/git_commit_hash", ".dagster/git_commit_hash", "git_commit_hash", "commit_hash", "dagster/image")
_MOST_ASSETS = 10  # named in a label
MAX_ATTEMPTS = 32_767


def map_state(status: str, failure_reason: str = "") -> RunState:
    """The common state; a run that its infrastructure lost is crashed, anything unheard of unknown."""
    if status == "FAILURE" and failure_reason in _INFRASTRUCTURE:
        return RunState.CRASHED
    return _STATES.get(status, RunState.UNKNOWN)


def is_open(state: RunState) -> bool:
    """Whether news about a run in this state is still to come."""
    return state in _OPEN


def read_runs(
    items: Sequence[Any], *, ui: str, failures: Mapping[str, Failure], homes: Mapping[str, str]
) -> tuple[list[RunRecord], list[Rejected]]:
    """Runs; `failures` by run id say why those failed that did, `homes` where those of no repository belong."""

    def read(item: Mapping[str, Any]) -> RunRecord:
        run_id, job, status = (
            required_text(item, "runId"),
            required_text(item, "jobName"),
            optional_text(item, "status"),
        )
        origin, tags = object_or_empty(item.get("repositoryOrigin")), _all_tags(item)
        repository, location = (optional_text(origin, f"repository{key}Name") for key in ("", "Location"))
        reason = tags.get("dagster/failure_reason", "")
        state = map_state(status, reason)
        trigger, triggered_by = _trigger(tags)
        labels = {"repository": repository, "code_location": location, "assets": _assets(item.get("assetSelection"))}
        return RunRecord(
            external_id=run_id,
            raw=item,
            pipeline_external_id=pipeline_id(repository, location, job) if repository else homes.get(job, job),
            name=run_id[:8],
            state=state,
            raw_state=status,
            updated_at=_latest(_time(item, name) for name in ("updateTime", "endTime", "startTime", "creationTime")),
            scheduled_for=_time(item, "creationTime"),
            started_at=_time(item, "startTime"),
            finished_at=_time(item, "endTime") if state in _OVER else None,
            trigger=trigger,
            triggered_by=triggered_by,
            parameters=object_or_empty(item.get("runConfig")),
            revision=next((tags[name] for name in _REVISIONS if tags.get(name)), ""),
            partition_key=_partition(tags),
            error=_error(failures.get(run_id), reason) if status == "FAILURE" else "",
            attempts=_retries(tags) + 1,
            url=f"{ui}/runs/{run_id}",
            labels=as_labels(tags | {key: value for key, value in labels.items() if value}),
        )

    return read_items(items, read, kind=Kind.RUN, id_key="runId")


def read_steps(
    runs: Sequence[Any], *, ui: str, failures: Mapping[str, Failure]
) -> tuple[list[TaskRunRecord], list[Rejected]]:
    """The steps of these runs that have begun, numbered inside their run by when they started."""
    records: list[TaskRunRecord] = []
    rejected: list[Rejected] = []
    for run in map(object_or_empty, runs):
        run_id = optional_text(run, "runId")
        steps, bad = _read_steps_of(run, run_id, ui, failures.get(run_id, Failure()))
        records += _numbered(steps)
        rejected += bad
    return records, rejected


def _read_steps_of(
    run: Mapping[str, Any], run_id: str, ui: str, failure: Failure
) -> tuple[list[TaskRunRecord], list[Rejected]]:
    run_state = map_state(optional_text(run, "status"))
    items = [item for item in list_or_empty(run.get("stepStats")) if not _is_to_come(object_or_empty(item))]
    begun = {optional_text(object_or_empty(item), "stepKey") for item in items}
    waits_for = _plan(run.get("executionPlan"))

    def read(item: Mapping[str, Any]) -> TaskRunRecord:
        key, status = required_text(item, "stepKey"), optional_text(item, "status")
        state = _step_state(status, run_state)
        attempts = [object_or_empty(attempt) for attempt in list_or_empty(item.get("attempts"))]
        times = [_time(part, name) for part in (item, *attempts) for name in ("startTime", "endTime")]
        return TaskRunRecord(
            external_id=_step_id(run_id, key),
            raw={"runId": run_id, **item},
            run_external_id=required_text(run, "runId"),
            name=key,
            state=state,
            raw_state=status,
            updated_at=_latest(times),
            started_at=_time(item, "startTime"),
            finished_at=_time(item, "endTime") if state in _OVER else None,
            attempts=min(max(len(attempts) + (status == "IN_PROGRESS"), 1), MAX_ATTEMPTS),
            upstream=tuple(_step_id(run_id, other) for other in waits_for.get(key, ()) if other in begun),
            error=failure.steps.get(key, "") if state is RunState.FAILED else "",
            url=f"{ui}/runs/{run_id}?selection={quote(key, safe='')}&logs=step%3A{quote(key, safe='')}",
        )

    return read_items(items, read, kind=Kind.TASK_RUN, id_key="stepKey")


def _is_to_come(step: Mapping[str, Any]) -> bool:
    """Whether only its process was started so far."""
    return bool(step) and not any(step.get(name) for name in ("status", "startTime", "endTime", "attempts"))


def _step_id(run_id: str, key: str) -> str:
    return f"{run_id}/{key}"


def _step_state(status: str, run_state: RunState) -> RunState:
    """A step's state; one that its run left behind unfinished ended with the run."""
    state = _STEP_STATES.get(status, RunState.UNKNOWN)
    if state in _OPEN and run_state in _OVER:
        return RunState.CANCELLED if run_state is RunState.CANCELLED else RunState.CRASHED
    return state


def _numbered(steps: Sequence[TaskRunRecord]) -> list[TaskRunRecord]:
    in_order = sorted(steps, key=lambda step: (step.started_at or step.updated_at, step.external_id))
    return [replace(step, position=position) for position, step in enumerate(in_order)]


def _plan(value: Any) -> dict[str, tuple[str, ...]]:
    """Step key -> keys of the steps it waits for, each once, in order."""
    found = {}
    for step in map(object_or_empty, list_or_empty(object_or_empty(value).get("steps"))):
        others: dict[str, None] = {}
        for entry in map(object_or_empty, list_or_empty(step.get("inputs"))):
            for other in map(object_or_empty, list_or_empty(entry.get("dependsOn"))):
                others[optional_text(other, "key")] = None
        found[optional_text(step, "key")] = tuple(others)
    return found


def _time(item: Mapping[str, Any], name: str) -> datetime | None:
    value = item.get(name)
    return None if value is None else from_seconds(value)


def _latest(times: Iterable[datetime | None]) -> datetime:
    at = latest(times)
    if at is None:
        raise UnreadableError("it has no time at all")
    return at


def _all_tags(item: Mapping[str, Any]) -> dict[str, str]:
    pairs = map(object_or_empty, list_or_empty(item.get("tags")))
    return {optional_text(pair, "key"): optional_text(pair, "value") for pair in pairs if optional_text(pair, "key")}


def _trigger(tags: Mapping[str, str]) -> tuple[Trigger, str]:
    """Why a run was launched and by whom; what carries no tag is what Dagster calls launched manually."""
    user = tags.get("user", "")
    if backfill := tags.get("dagster/backfill"):
        return Trigger.BACKFILL, user or backfill
    if schedule := tags.get("dagster/schedule_name"):
        return Trigger.SCHEDULE, schedule
    if sensor := tags.get("dagster/sensor_name"):
        return Trigger.EVENT, sensor
    if any(tags.get(f"dagster/{name}") for name in ("auto_materialize", "from_automation_condition", "auto_observe")):
        return Trigger.EVENT, "automation"
    return Trigger.MANUAL, user


def _partition(tags: Mapping[str, str]) -> str:
    if partition := tags.get("dagster/partition"):
        return partition
    ends = [tags.get(f"dagster/asset_partition_range_{end}", "") for end in ("start", "end")]
    return f"{ends[0]}...{ends[1]}" if all(ends) else ""


def _retries(tags: Mapping[str, str]) -> int:
    text = tags.get("dagster/retry_number", "")
    return int(text) if text.isdecimal() and len(text) < 5 and int(text) < MAX_ATTEMPTS else 0


def _error(failure: Failure | None, reason: str) -> str:
    """What the events tell, else the reason in Dagster's own word."""
    return (failure.error if failure else "") or reason


def _assets(value: Any) -> str:
    """The assets a run was launched for, the first few by name."""
    paths = [list_or_empty(object_or_empty(key).get("path")) for key in list_or_empty(value)]
    names = sorted("/".join(part for part in path if isinstance(part, str)) for path in paths)
    more = f" and {len(names) - _MOST_ASSETS} more" if len(names) > _MOST_ASSETS else ""
    return (", ".join(names[:_MOST_ASSETS]) + more)[:MAX_NAME]
