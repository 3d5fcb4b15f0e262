"""From GitLab's answers to records: pure, and a bad item is rejected alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from apps.connectors.records import (
    ChangeRecord,
    DeploymentRecord,
    DeploymentState,
    Kind,
    PipelineRecord,
    Rejected,
    RunRecord,
    RunState,
    TaskRunRecord,
    Trigger,
)
from apps.connectors.values import (
    first_line,
    from_iso,
    latest,
    object_or_empty,
    optional_iso,
    optional_text,
    read_items,
    required_text,
    safe_url,
)

_STATES = {
    "created": RunState.QUEUED,
    "waiting_for_resource": RunState.QUEUED,
    "waiting_for_callback": RunState.QUEUED,
    "preparing": RunState.QUEUED,
    "pending": RunState.QUEUED,
    "scheduled": RunState.QUEUED,
    "manual": RunState.QUEUED,  # waits for a person
    "running": RunState.RUNNING,
    "canceling": RunState.RUNNING,
    "success": RunState.SUCCEEDED,
    "failed": RunState.FAILED,
    "canceled": RunState.CANCELLED,
    "skipped": RunState.SKIPPED,
}
_DEPLOYMENT_STATES = {
    "created": DeploymentState.QUEUED,
    "blocked": DeploymentState.QUEUED,  # waits for an approval
    "running": DeploymentState.RUNNING,
    "success": DeploymentState.SUCCEEDED,
    "failed": DeploymentState.FAILED,
    "canceled": DeploymentState.CANCELLED,
    "skipped": DeploymentState.CANCELLED,
}
_TRIGGERS = {
    "schedule": Trigger.SCHEDULE,
    "web": Trigger.MANUAL,
    "chat": Trigger.MANUAL,
    "webide": Trigger.MANUAL,
    "api": Trigger.API,
    "trigger": Trigger.API,
}
OPEN = {RunState.QUEUED, RunState.RUNNING}
_OPEN_DEPLOYMENT = {DeploymentState.QUEUED, DeploymentState.RUNNING}
MAX_ATTEMPTS = 32_767


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """What every record of a project needs: its id, path and page, and how its runs make pipelines."""

    id: str
    path: str
    url: str
    group_by: str = "source"  # or name, project
    schedule: str = ""
    is_paused: bool = False

    def group(self, item: Mapping[str, Any]) -> str:
        """The pipeline that a run belongs to, "" for the only one of its project."""
        if self.group_by == "project":
            return ""
        source = optional_text(item, "source", limit=100) or "unknown"
        name = first_line(item.get("name"))[:200] if self.group_by == "name" else ""
        return f"name:{name}" if name else source

    def identity(self, group: str) -> str:
        """The external id of one of the project's pipelines."""
        return f"{self.id}/{group}" if group else self.id


def read_project(item: Mapping[str, Any], schedules: Sequence[Any], *, group_by: str) -> Project:
    """A project, with its active schedules in one line: `0 2 * * * (Europe/Berlin)`. Raises UnreadableError."""
    found = [entry for entry in map(object_or_empty, schedules) if optional_text(entry, "cron")]
    active = [_cron(entry) for entry in found if entry.get("active") is not False]
    return Project(
        id=required_text(item, "id"),
        path=required_text(item, "path_with_namespace"),
        url=safe_url(item.get("web_url")),
        group_by=group_by,
        schedule="; ".join(sorted(active))[:512],
        is_paused=bool(found) and not active,
    )


def _cron(schedule: Mapping[str, Any]) -> str:
    zone = optional_text(schedule, "cron_timezone")
    cron = optional_text(schedule, "cron")
    return f"{cron} ({zone})" if zone else cron


def pipeline_of(project: Project, group: str) -> PipelineRecord:
    """One of a project's pipelines: `path`, `path: source` or `path: name`."""
    is_scheduled = group in ("", "schedule")
    shown = group.removeprefix("name:")
    return PipelineRecord(
        external_id=project.identity(group),
        raw={"project": project.id, "path": project.path, "group": group},
        name=f"{project.path}: {shown}"[:512] if shown else project.path,
        vendor_kind="pipeline",
        schedule=project.schedule if is_scheduled else "",
        is_paused=project.is_paused and group == "schedule",
        url=f"{project.url}/-/pipelines" if project.url else "",
        labels={"project": project.path} | ({} if not group or group.startswith("name:") else {"source": group}),
    )


def read_run(item: Mapping[str, Any], jobs: Sequence[TaskRunRecord], *, project: Project) -> RunRecord:
    """One pipeline of GitLab as a run; a retry keeps the id and counts up the attempts. Raises UnreadableError."""
    run_id, raw_state = required_text(item, "id"), optional_text(item, "status")
    state = _STATES.get(raw_state, RunState.UNKNOWN)
    source, ref = optional_text(item, "source"), optional_text(item, "ref")
    name = first_line(item.get("name"))
    created_at = optional_iso(item.get("created_at"))
    times = [created_at, *(optional_iso(item.get(key)) for key in ("updated_at", "started_at", "finished_at"))]
    return RunRecord(
        external_id=run_id,
        raw=item,
        pipeline_external_id=project.identity(project.group(item)),
        name=f"{name or ref or 'pipeline'} #{item.get('iid') or run_id}"[:512],
        state=state,
        raw_state=raw_state,
        updated_at=latest(times) or from_iso(item.get("updated_at")),
        scheduled_for=created_at,
        started_at=optional_iso(item.get("started_at")),
        finished_at=None if state in OPEN else optional_iso(item.get("finished_at")),
        trigger=_TRIGGERS.get(source, Trigger.EVENT) if source else Trigger.UNKNOWN,
        triggered_by=optional_text(object_or_empty(item.get("user")), "username"),
        revision=optional_text(item, "sha"),
        error=_run_error(item, jobs) if state is RunState.FAILED else "",
        attempts=max((job.attempts for job in jobs), default=1),
        url=safe_url(item.get("web_url")) or (f"{project.url}/-/pipelines/{run_id}" if project.url else ""),
        labels={k: v for k, v in {"project": project.path, "source": source, "branch": ref, "name": name}.items() if v},
    )


def _run_error(item: Mapping[str, Any], jobs: Sequence[TaskRunRecord]) -> str:
    """A mistake in the configuration, or else the first job that failed and was not allowed to."""
    if text := first_line(item.get("yaml_errors")):
        return text
    failed = [job for job in jobs if job.state is RunState.FAILED and job.raw.get("allow_failure") is not True]
    newest = {job.name: job for job in jobs}  # a job that was retried counts as its last attempt did
    lasting = [job for job in failed if newest[job.name] is job]
    return next((f"Job “{job.name}”: {job.error or 'failed'}"[:512] for job in lasting), "")


def read_jobs(items: Sequence[Any], *, run_id: str) -> tuple[list[TaskRunRecord], list[Rejected]]:
    """The jobs of one run, retried ones too, numbered by when they began."""

    def read(item: Mapping[str, Any]) -> TaskRunRecord:
        raw_state = optional_text(item, "status")
        state = _STATES.get(raw_state, RunState.UNKNOWN)
        times = [optional_iso(item.get(key)) for key in ("created_at", "started_at", "finished_at")]
        return TaskRunRecord(
            external_id=required_text(item, "id"),
            raw={key: value for key, value in item.items() if key not in ("commit", "user", "pipeline", "artifacts")},
            run_external_id=run_id,
            name=required_text(item, "name"),
            state=state,
            raw_state=raw_state,
            updated_at=latest(times) or from_iso(item.get("created_at")),
            started_at=times[1],
            finished_at=None if state in OPEN else times[2],
            error=_job_error(item) if state is RunState.FAILED else "",
            url=safe_url(item.get("web_url")),
        )

    records, rejected = read_items(items, read, kind=Kind.TASK_RUN, id_key="id")
    return _numbered(records), rejected


def _job_error(item: Mapping[str, Any]) -> str:
    reason = optional_text(item, "failure_reason").replace("_", " ") or "failed"
    return f"{reason} (allowed to fail)" if item.get("allow_failure") is True else reason


def _numbered(records: Sequence[TaskRunRecord]) -> list[TaskRunRecord]:
    """In the order they began, and for jobs of the same name in the order of their ids: the attempts."""
    attempts: dict[str, int] = {}
    counted = []
    for record in sorted(records, key=lambda r: (len(r.external_id), r.external_id)):
        attempts[record.name] = min(attempts.get(record.name, 0) + 1, MAX_ATTEMPTS)
        counted.append(replace(record, attempts=attempts[record.name]))
    counted.sort(key=lambda r: (r.started_at is None, r.started_at or r.updated_at))
    return [replace(record, position=position) for position, record in enumerate(counted)]


def read_deployment(item: Mapping[str, Any], *, project: Project, is_rollback: bool) -> DeploymentRecord:
    """One deployment. Raises UnreadableError."""
    raw_state = optional_text(item, "status")
    state = _DEPLOYMENT_STATES.get(raw_state, DeploymentState.UNKNOWN)
    job = object_or_empty(item.get("deployable"))
    created_at, updated_at = from_iso(item.get("created_at")), from_iso(item.get("updated_at"))
    committed_at = optional_iso(object_or_empty(job.get("commit")).get("created_at"))
    labels = {
        "project": project.path,
        "ref": optional_text(item, "ref"),
        "job": optional_text(job, "name"),
        "committed_at": committed_at.isoformat() if committed_at else "",
    }
    return DeploymentRecord(
        external_id=required_text(item, "id"),
        raw={key: value for key, value in item.items() if key != "deployable"},
        component=project.path,
        environment=required_text(object_or_empty(item.get("environment")), "name"),
        revision=required_text(item, "sha"),
        state=state,
        raw_state=raw_state,
        started_at=optional_iso(job.get("started_at")) or created_at,
        updated_at=updated_at,
        finished_at=None if state in _OPEN_DEPLOYMENT else _ended(item, job, updated_at),
        deployed_by=optional_text(object_or_empty(item.get("user")), "username"),
        description=first_line(object_or_empty(job.get("commit")).get("title")),
        is_rollback=is_rollback,
        url=_deployment_url(item, job, project),
        labels={name: value for name, value in labels.items() if value},
    )


def _ended(item: Mapping[str, Any], job: Mapping[str, Any], updated_at: datetime) -> datetime:
    return optional_iso(item.get("finished_at")) or optional_iso(job.get("finished_at")) or updated_at


def _deployment_url(item: Mapping[str, Any], job: Mapping[str, Any], project: Project) -> str:
    """The job that deployed; one that was made through the API has only its environment."""
    if url := safe_url(job.get("web_url")):
        return url
    number = object_or_empty(item.get("environment")).get("id")
    return f"{project.url}/-/environments/{number}" if project.url and isinstance(number, int) else project.url


def read_releases(items: Sequence[Any], *, project: Project) -> tuple[list[ChangeRecord], list[Rejected]]:
    """Releases that are out as changes; upcoming ones must not come here."""

    def read(item: Mapping[str, Any]) -> ChangeRecord:
        tag = required_text(item, "tag_name")
        name = first_line(item.get("name"))
        title = f"{project.path} {tag}" if name in ("", tag) else f"{project.path} {tag}: {name}"
        return ChangeRecord(
            external_id=f"release:{project.id}:{tag}",
            raw={key: item[key] for key in ("tag_name", "name", "created_at", "released_at") if key in item},
            what="release",
            title=title[:512],
            at=from_iso(item.get("released_at")),
            actor=optional_text(object_or_empty(item.get("author")), "username"),
            detail=first_line(item.get("description")),
            component=project.path,
            after=tag,
            url=safe_url(object_or_empty(item.get("_links")).get("self"))
            or (f"{project.url}/-/releases" if project.url else ""),
            labels={"project": project.path},
        )

    return read_items(items, read, kind=Kind.CHANGE, id_key="tag_name")
