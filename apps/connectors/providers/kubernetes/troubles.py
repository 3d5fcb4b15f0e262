"""What is wrong with a workload now, as alerts; pure.

1. Its rollout failed (ProgressDeadlineExceeded, ReplicaFailure …).
2. Pods are missing: a Deployment that says it is not available, any other with fewer pods ready than wanted.
3. Its pods cannot start: CrashLoopBackOff, ImagePullBackOff, Unschedulable and their like, one alert a reason.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from apps.connectors.providers.kubernetes.jobs import containers_of, labels_of
from apps.connectors.providers.kubernetes.normalize import Thing, conditions_of, count, time_or_none
from apps.connectors.providers.kubernetes.states import Standing
from apps.connectors.records import AlertRecord, AlertState, DeploymentState
from apps.connectors.values import first_line, latest, object_or_empty, optional_text

_STUCK = {
    "CrashLoopBackOff": "CrashLoopBackOff",
    "ImagePullBackOff": "ImagePullBackOff",
    "ErrImagePull": "ImagePullBackOff",  # the two alternate
    "ErrImageNeverPull": "ImagePullBackOff",
    "InvalidImageName": "InvalidImageName",
    "CreateContainerConfigError": "CreateContainerConfigError",
    "CreateContainerError": "CreateContainerError",
    "RunContainerError": "RunContainerError",
}
CRASHES = 3  # restarts from which a container that is not ready counts as crashing, between two of its falls too


def is_troubled(standing: Standing) -> bool:
    """Whether the pods of this workload are worth a look."""
    return standing.is_short or standing.state is DeploymentState.FAILED


def read_alerts(
    workload: Thing, standing: Standing, pods: Sequence[Any], *, now: datetime, has_settled: bool
) -> list[AlertRecord]:
    """The open alerts of one workload; `now` is their begin where Kubernetes tells none.

    `has_settled`: its rollout went through, so pods that are missing now are no part of it.
    """
    missing = _availability(workload, standing, now, has_settled=has_settled)
    return [*_rollout(workload, standing, now), *missing, *_pods(workload, pods, now)]


def _rollout(workload: Thing, standing: Standing, now: datetime) -> Iterator[AlertRecord]:
    if standing.state is DeploymentState.FAILED:
        since = standing.settled_at or now
        summary = standing.message or f"The rollout of {workload.component} failed."
        yield _alert(workload, "rollout", standing.word, summary=summary, since=since)


def _availability(workload: Thing, standing: Standing, now: datetime, *, has_settled: bool) -> Iterator[AlertRecord]:
    available = conditions_of(workload.status).get("Available")
    if workload.kind == "deployment":
        is_missing = standing.wanted > 0 and available is not None and available.is_true is False
    else:
        is_missing = standing.is_short
    if is_missing:
        is_moving = standing.state is DeploymentState.RUNNING and not has_settled
        since = available.changed_at if available else None
        summary = f"{standing.ready} of {standing.wanted} pods are ready."
        state = AlertState.PENDING if is_moving else AlertState.FIRING
        yield _alert(workload, "unavailable", "pods missing", summary=summary, since=since or now, state=state)


def _pods(workload: Thing, pods: Sequence[Any], now: datetime) -> Iterator[AlertRecord]:
    found: dict[str, list[tuple[str, str, datetime | None]]] = defaultdict(list)
    for pod in map(object_or_empty, pods):
        metadata, status = object_or_empty(pod.get("metadata")), object_or_empty(pod.get("status"))
        name, created_at = optional_text(metadata, "name"), time_or_none(metadata.get("creationTimestamp"))
        for container in containers_of(status):
            if reason := stuck_reason(container):
                found[reason].append((name, _message(container), created_at))
        scheduled = conditions_of(status).get("PodScheduled")
        if scheduled and scheduled.is_true is False and scheduled.reason == "Unschedulable":
            found["Unschedulable"].append((name, scheduled.message, created_at))
    for reason, entries in sorted(found.items()):
        names = sorted({name for name, _, _ in entries})
        message = next((message for _, message, _ in sorted(entries, key=lambda entry: entry[0]) if message), "")
        counted = f"{len(names)} pods: {names[0]} …" if len(names) > 1 else names[0]
        created = [at for _, _, at in entries if at is not None]
        since = min(created, default=now)
        yield _alert(workload, reason, reason, summary=f"{counted}: {message}" if message else counted, since=since)


def stuck_reason(container: Mapping[str, Any]) -> str:
    """Why a container cannot start, "" when it can."""
    waiting = object_or_empty(object_or_empty(container.get("state")).get("waiting"))
    if reason := _STUCK.get(optional_text(waiting, "reason")):
        return reason
    ended = object_or_empty(object_or_empty(container.get("lastState")).get("terminated"))
    is_crashing = container.get("ready") is False and count(container, "restartCount") >= CRASHES
    return "CrashLoopBackOff" if is_crashing and count(ended, "exitCode") else ""


def _message(container: Mapping[str, Any]) -> str:
    """Its last exit, or what the waiting container says."""
    ended = object_or_empty(object_or_empty(container.get("lastState")).get("terminated"))
    if code := count(ended, "exitCode"):
        return f"{optional_text(ended, 'reason') or 'Error'} (exit code {code})"
    return first_line(object_or_empty(object_or_empty(container.get("state")).get("waiting")).get("message"))


def _alert(
    workload: Thing,
    what: str,
    word: str,
    *,
    summary: str,
    since: datetime,
    state: AlertState = AlertState.FIRING,
) -> AlertRecord:
    return AlertRecord(
        external_id=f"{workload.uid}/{what}",
        raw={"metadata": workload.item.get("metadata"), "status": workload.item.get("status")},
        name=f"{workload.component} {word}",
        state=state,
        severity="ticket",
        started_at=latest([since, workload.created_at]) or since,
        summary=summary[:512],
        labels={"component": workload.component, **labels_of(workload)},
        url=workload.url,
    )
