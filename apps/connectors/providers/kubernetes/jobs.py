"""CronJobs as pipelines and Jobs as their runs; pure.

A Job that no CronJob owns belongs to whatever controls it, or else to a pipeline of its own name, so that a job that
is made again and again under one name is one pipeline.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from apps.connectors.providers.kubernetes.normalize import (
    INSTANTIATED,
    SCHEDULED_FOR,
    Condition,
    Reading,
    Thing,
    conditions_of,
    count,
    images_of,
    page_url,
    time_or_none,
)
from apps.connectors.records import PipelineRecord, RunRecord, RunState, Trigger
from apps.connectors.values import UnreadableError, latest, object_or_empty, optional_text, required_text

OVER = {RunState.SUCCEEDED, RunState.FAILED}
MAX_ATTEMPTS = 32_767
_ENDING = ("FailureTarget", "SuccessCriteriaMet")  # decided, while its pods are still ending


def pipeline_of_cron_job(cron_job: Thing) -> PipelineRecord:
    """A CronJob as a pipeline; raises UnreadableError without a schedule."""
    schedule, zone = required_text(cron_job.spec, "schedule"), optional_text(cron_job.spec, "timeZone")
    return PipelineRecord(
        external_id=cron_job.uid,
        raw=cron_job.item,
        name=cron_job.component,
        vendor_kind="cronjob",
        schedule=f"{schedule} ({zone})" if zone else schedule,
        is_paused=cron_job.spec.get("suspend") is True,
        url=cron_job.url,
        labels=labels_of(cron_job),
    )


def pipeline_of_job(job: Thing, reading: Reading) -> PipelineRecord:
    """The pipeline of a job: its controller, or its own name."""
    owner = job.owner
    kind = optional_text(owner, "kind").lower() or "job"
    name = optional_text(owner, "name") or _base_name(job)
    return PipelineRecord(
        external_id=pipeline_id(job),
        raw={"owner": dict(owner), "namespace": job.namespace},
        name=f"{job.namespace}/{name}" if reading.is_qualified else name,
        vendor_kind=kind,
        url=page_url(reading.page, namespace=job.namespace, kind=kind, name=name) if owner else job.url,
        labels={"namespace": job.namespace, "workload": kind, **_environment(job)},
    )


def pipeline_id(job: Thing) -> str:
    """The external id of the pipeline that a job is a run of."""
    return optional_text(job.owner, "uid") or f"job/{job.namespace}/{_base_name(job)}"


def run_of(job: Thing, *, pod_error: str = "") -> RunRecord:
    """A job as a run; `pod_error` says more than the job itself why it failed."""
    state, word, condition = state_of(job)
    status = job.status
    started_at = time_or_none(status.get("startTime"))
    ended_at = time_or_none(status.get("completionTime")) or (condition.changed_at if condition else None)
    said = (condition.message or condition.reason) if condition else ""
    revision, images = _images(job)
    times = [job.created_at, started_at, ended_at, *(one.updated_at for one in conditions_of(status).values())]
    return RunRecord(
        external_id=job.uid,
        raw=job.item,
        pipeline_external_id=pipeline_id(job),
        name=job.name,
        state=state,
        raw_state=word,
        updated_at=latest(times) or job.created_at,
        scheduled_for=_scheduled_for(job),
        started_at=started_at,
        finished_at=ended_at if state in OVER else None,
        trigger=_trigger(job),
        revision=revision,
        error=(f"{pod_error}; {said}" if pod_error and said else pod_error or said)[:512]
        if state is RunState.FAILED
        else "",
        attempts=min(max(count(status, "failed") + (state is not RunState.FAILED), 1), MAX_ATTEMPTS),
        url=job.url,
        labels={**labels_of(job), **images},
    )


def state_of(job: Thing) -> tuple[RunState, str, Condition | None]:
    """(common state, Kubernetes' word, the condition that ended it)."""
    conditions = conditions_of(job.status)
    for kind, state in (("Failed", RunState.FAILED), ("Complete", RunState.SUCCEEDED)):
        condition = conditions.get(kind)
        if condition and condition.is_true:
            return state, condition.reason or kind, condition
    suspended = conditions.get("Suspended")
    if job.spec.get("suspend") is True or (suspended and suspended.is_true):
        return RunState.QUEUED, "Suspended", None
    for kind in _ENDING:
        if (condition := conditions.get(kind)) and condition.is_true:
            return RunState.RUNNING, kind, None
    if count(job.status, "active") or job.status.get("startTime"):
        return RunState.RUNNING, "Active" if count(job.status, "active") else "Waiting", None
    return RunState.QUEUED, "Pending", None


def labels_of(thing: Thing) -> dict[str, str]:
    """Its labels, with the environment that the source's settings take."""
    return {**thing.labels, **_environment(thing)}


def _environment(thing: Thing) -> dict[str, str]:
    return {"environment": thing.environment} if thing.environment else {}


def failure_of(pods: Sequence[Any]) -> str:
    """Why the pods of a job failed, in one line: the latest container that ended badly, or a pod that was evicted."""
    found: list[tuple[datetime, str]] = []
    for pod in map(object_or_empty, pods):
        status = object_or_empty(pod.get("status"))
        for container in containers_of(status):
            ended = object_or_empty(object_or_empty(container.get("state")).get("terminated"))
            if code := count(ended, "exitCode"):
                reason = optional_text(ended, "reason") or "Error"
                message = " ".join(optional_text(ended, "message").split())[:200]
                text = f"{optional_text(container, 'name')}: {reason} (exit code {code})"
                at = time_or_none(ended.get("finishedAt")) or datetime.min.replace(tzinfo=UTC)
                found.append((at, f"{text}: {message}" if message else text))
        if reason := optional_text(status, "reason"):
            message = optional_text(status, "message")
            found.append((datetime.min.replace(tzinfo=UTC), f"{reason}: {message}" if message else reason))
    return max(found, default=(None, ""))[1][:300]


def containers_of(status: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The statuses of a pod's containers, those that run first before the others."""
    both = (status.get(name) for name in ("initContainerStatuses", "containerStatuses"))
    return [object_or_empty(entry) for statuses in both if isinstance(statuses, list) for entry in statuses]


def _base_name(job: Thing) -> str:
    """Its name without what the server added to make it unique."""
    generated = optional_text(object_or_empty(job.item.get("metadata")), "generateName").rstrip("-.")
    return generated or job.name


def _images(job: Thing) -> tuple[str, dict[str, str]]:
    try:
        return images_of(job.spec.get("template"), name=job.name)
    except UnreadableError:
        return "", {}


def _scheduled_for(job: Thing) -> datetime | None:
    """From the annotation (Kubernetes 1.32), or the minute of the epoch at the end of the name."""
    if (at := time_or_none(job.annotation(SCHEDULED_FOR))) is not None:
        return at
    minutes = job.name.rpartition("-")[2]
    if _is_scheduled(job) and minutes.isascii() and minutes.isdigit() and len(minutes) == 8:
        return datetime.fromtimestamp(int(minutes) * 60, UTC)
    return None


def _trigger(job: Thing) -> Trigger:
    if job.annotation(INSTANTIATED) == "manual":  # kubectl create job --from=cronjob/…
        return Trigger.MANUAL
    return Trigger.SCHEDULE if _is_scheduled(job) else Trigger.UNKNOWN


def _is_scheduled(job: Thing) -> bool:
    return job.owner.get("kind") == "CronJob" and not job.annotation(INSTANTIATED)
