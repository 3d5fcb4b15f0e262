"""From GitHub's answers about Actions and releases to records: pure, and a bad item is rejected alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from apps.connectors.records import (
    ChangeRecord,
    Kind,
    PipelineRecord,
    Rejected,
    RunRecord,
    RunState,
    TaskRunRecord,
    Trigger,
)
from apps.connectors.values import (
    UnreadableError,
    first_line,
    from_iso,
    latest,
    list_or_empty,
    object_or_empty,
    optional_iso,
    optional_text,
    read_items,
    required_text,
    safe_url,
)

_STATUSES = {
    "queued": RunState.QUEUED,
    "requested": RunState.QUEUED,
    "waiting": RunState.QUEUED,
    "pending": RunState.QUEUED,
    "in_progress": RunState.RUNNING,
}
# `action_required` waits for a person's consent that may never come: neither open nor over, so it stays unknown.
_CONCLUSIONS = {
    "success": RunState.SUCCEEDED,
    "neutral": RunState.SUCCEEDED,
    "failure": RunState.FAILED,
    "timed_out": RunState.FAILED,
    "startup_failure": RunState.FAILED,
    "cancelled": RunState.CANCELLED,
    "stale": RunState.CANCELLED,
    "skipped": RunState.SKIPPED,
}
_WORDS = {"timed_out": "The time limit ran out.", "startup_failure": "GitHub could not start the workflow."}
_TRIGGERS = {
    "schedule": Trigger.SCHEDULE,
    "workflow_dispatch": Trigger.MANUAL,
    "repository_dispatch": Trigger.API,
}
_BAD_STEPS = {"failure", "timed_out", "cancelled"}
_UNUSED = {"repository", "head_repository"}  # several kilobytes each, and the same in every run
MAX_ATTEMPTS = 32_767
OPEN = {RunState.QUEUED, RunState.RUNNING}


def web_base(api_url: str) -> str:
    """Where people look at what an API serves: github.com, a subdomain of ghe.com, or the Enterprise Server."""
    parts = urlsplit(api_url)
    if not parts.path and parts.netloc.startswith("api."):
        return f"{parts.scheme}://{parts.netloc.removeprefix('api.')}"
    return api_url.removesuffix("/api/v3")


def map_state(status: str, conclusion: str) -> tuple[RunState, str]:
    """(common state, GitHub's own word): the conclusion of what is completed, else the status."""
    if status == "completed":
        return _CONCLUSIONS.get(conclusion, RunState.UNKNOWN), conclusion or status
    return _STATUSES.get(status, RunState.UNKNOWN), status


def read_workflows(items: Sequence[Any], *, repository: str, web: str) -> tuple[list[PipelineRecord], list[Rejected]]:
    """Workflows as pipelines, called `owner/name: workflow`, because every repository has its own "CI"."""

    def read(item: Mapping[str, Any]) -> PipelineRecord:
        path = optional_text(item, "path")
        return PipelineRecord(
            external_id=required_text(item, "id"),
            raw=item,
            name=f"{repository}: {required_text(item, 'name')}"[:512],
            vendor_kind="workflow",
            is_paused=optional_text(item, "state").startswith("disabled"),
            url=_workflow_url(item, path, f"{web}/{repository}"),
            labels={"repository": repository, "path": path},
        )

    return read_items(items, read, kind=Kind.PIPELINE, id_key="id")


def _workflow_url(item: Mapping[str, Any], path: str, repository_url: str) -> str:
    """The page of the workflow's runs; one that GitHub made itself (`dynamic/…`) has only its own address."""
    if path.startswith(".github/workflows/"):
        return f"{repository_url}/actions/workflows/{path.rpartition('/')[2]}"
    return safe_url(item.get("html_url")) or f"{repository_url}/actions"


def read_runs(items: Sequence[Any], *, repository: str, web: str) -> tuple[list[RunRecord], list[Rejected]]:
    """Workflow runs as runs. A re-run keeps the id and counts up the attempt."""

    def read(item: Mapping[str, Any]) -> RunRecord:
        run_id = required_text(item, "id")
        state, raw_state = map_state(optional_text(item, "status"), optional_text(item, "conclusion"))
        updated_at = from_iso(item.get("updated_at"))
        began = optional_iso(item.get("run_started_at")) or optional_iso(item.get("created_at"))
        is_over = state not in OPEN and state is not RunState.UNKNOWN
        actor = object_or_empty(item.get("triggering_actor")) or object_or_empty(item.get("actor"))
        labels = {"repository": repository} | {
            name: optional_text(item, key) for name, key in (("branch", "head_branch"), ("event", "event"))
        }
        return RunRecord(
            external_id=run_id,
            raw={key: value for key, value in item.items() if key not in _UNUSED},
            pipeline_external_id=required_text(item, "workflow_id"),
            name=_run_name(item, run_id),
            state=state,
            raw_state=raw_state,
            updated_at=updated_at,
            scheduled_for=began,
            started_at=None if state is RunState.QUEUED else began,
            finished_at=updated_at if is_over else None,
            trigger=_trigger(optional_text(item, "event")),
            triggered_by=optional_text(actor, "login"),
            revision=optional_text(item, "head_sha"),
            error=_WORDS.get(raw_state, ""),
            attempts=_attempt(item),
            url=safe_url(item.get("html_url")) or f"{web}/{repository}/actions/runs/{run_id}",
            labels={name: value for name, value in labels.items() if value},
        )

    return read_items(items, read, kind=Kind.RUN, id_key="id")


def _run_name(item: Mapping[str, Any], run_id: str) -> str:
    title = first_line(item.get("display_title")) or optional_text(item, "name") or run_id
    number = item.get("run_number")
    return f"#{number} {title}"[:512] if isinstance(number, int) else title


def _trigger(event: str) -> Trigger:
    return _TRIGGERS.get(event, Trigger.EVENT) if event else Trigger.UNKNOWN


def read_jobs(items: Sequence[Any], *, run_id: str) -> tuple[list[TaskRunRecord], list[Rejected]]:
    """The jobs of one run, of all its attempts, numbered by attempt and start."""

    def read(item: Mapping[str, Any]) -> TaskRunRecord:
        job_id = required_text(item, "id")
        state, raw_state = map_state(optional_text(item, "status"), optional_text(item, "conclusion"))
        started_at, completed_at = optional_iso(item.get("started_at")), optional_iso(item.get("completed_at"))
        return TaskRunRecord(
            external_id=job_id,
            raw=item,
            run_external_id=run_id,
            name=optional_text(item, "name") or job_id,
            state=state,
            raw_state=raw_state,
            updated_at=_updated_at([optional_iso(item.get("created_at")), started_at, completed_at]),
            started_at=None if state is RunState.QUEUED else started_at,
            finished_at=None if state in OPEN else completed_at,
            attempts=_attempt(item),
            error=_job_error(item, raw_state) if state in (RunState.FAILED, RunState.CANCELLED) else "",
            url=safe_url(item.get("html_url")),
        )

    records, rejected = read_items(items, read, kind=Kind.TASK_RUN, id_key="id")
    ordered = sorted(records, key=lambda r: (r.attempts, r.started_at or r.updated_at, r.external_id))
    return [replace(record, position=position) for position, record in enumerate(ordered)], rejected


def _job_error(item: Mapping[str, Any], raw_state: str) -> str:
    """The first step that went wrong: what a person would look for in the log."""
    for step in map(object_or_empty, list_or_empty(item.get("steps"))):
        conclusion = optional_text(step, "conclusion")
        if conclusion in _BAD_STEPS:
            return f"Step “{optional_text(step, 'name')}” ended with {conclusion}."[:512]
    return _WORDS.get(raw_state, "")


def read_releases(items: Iterable[Any], *, repository: str, web: str) -> tuple[list[ChangeRecord], list[Rejected]]:
    """Published releases as changes; drafts must not come here."""

    def read(item: Mapping[str, Any]) -> ChangeRecord:
        tag = required_text(item, "tag_name")
        name = first_line(item.get("name"))
        title = f"{repository} {tag}" if name in ("", tag) else f"{repository} {tag}: {name}"
        return ChangeRecord(
            external_id=f"release:{required_text(item, 'id')}",
            raw={key: value for key, value in item.items() if key not in ("assets", "body")},
            what="release",
            title=title[:512],
            at=from_iso(item.get("published_at")),
            actor=optional_text(object_or_empty(item.get("author")), "login"),
            detail=first_line(item.get("body")),
            component=repository,
            after=tag,
            url=safe_url(item.get("html_url")) or f"{web}/{repository}/releases",
            labels={"repository": repository} | ({"prerelease": "true"} if item.get("prerelease") is True else {}),
        )

    return read_items(items, read, kind=Kind.CHANGE, id_key="id")


def _updated_at(times: Sequence[datetime | None]) -> datetime:
    at = latest(times)
    if at is None:
        raise UnreadableError("it has no time at all")
    return at


def _attempt(item: Mapping[str, Any]) -> int:
    number = item.get("run_attempt")
    return min(max(number, 1), MAX_ATTEMPTS) if isinstance(number, int) else 1
