"""Deployments, ReplicaSets, CronJobs, Jobs and Pods of the world in the shapes of the Kubernetes API."""

from __future__ import annotations

from typing import Any

from apps.demo.servers.github_shapes import stamp
from apps.demo.world.company import SERVICES
from apps.demo.world.dice import DAY, World
from apps.demo.world.pipelines import ZONE, Pipeline
from apps.demo.world.releases import Tenure, tenures
from apps.demo.world.rollouts import TAKES
from apps.demo.world.runs import Plan, pipeline_of
from apps.demo.world.systems import plans_of
from apps.demo.world.troubles import trouble_of

REVISION = "deployment.kubernetes.io/revision"
REVISIONS_BEFORE = "deployment.kubernetes.io/revision-history"
REPLICAS = {"staging": 1, "production": 3}
HISTORY = 10  # old ReplicaSets that are kept
KEPT_JOBS = 2 * DAY
REGISTRY = "registry.fernway.example"


def _metadata(world: World, kind: str, name: str, namespace: str, created_at: float, version: float) -> dict[str, Any]:
    return {
        "name": name, "namespace": namespace, "uid": world.uuid(kind, namespace, name), "generation": 1,
        "creationTimestamp": stamp(created_at), "resourceVersion": str(int(version)), "labels": {}, "annotations": {},
    }  # fmt: skip


def _born(world: World) -> int:
    return world.starts_at - 40 * DAY


def _numbered(world: World, service: str, namespace: str, now: int) -> list[tuple[int, Tenure]]:
    """The rollouts that have begun, numbered from 1."""
    found = [one for one in tenures(world, service, now + TAKES) if one.environment == namespace]
    return list(enumerate(found, start=1))


def _begin(world: World, tenure: Tenure) -> int:
    return _born(world) if tenure.starts_at is None else tenure.starts_at - TAKES


def _template(service: str, version: str) -> dict[str, Any]:
    image = f"{REGISTRY}/{service}:{version}"
    return {"metadata": {"labels": {"app": service}}, "spec": {"containers": [{"name": service, "image": image}]}}


def deployment(world: World, service: str, namespace: str, now: int) -> dict[str, Any]:
    """One Deployment as it is at a time: rolling out, short of pods, or well."""
    number, tenure = _numbered(world, service, namespace, now)[-1]
    begun, wanted = _begin(world, tenure), REPLICAS[namespace]
    settled = _born(world) if tenure.starts_at is None else tenure.starts_at
    is_moving = now < settled
    trouble = trouble_of(world, service, now) if namespace == "production" else None
    ready = max(wanted - 2, 0) if trouble else wanted
    changed = trouble.starts_at if trouble else _latest_change(world, service, namespace, begun, settled, now)
    progress = (
        _condition("Progressing", "ReplicaSetUpdated", begun)
        if is_moving
        else _condition("Progressing", "NewReplicaSetAvailable", settled)
    )
    available = _condition("Available", "MinimumReplicasAvailable", begun)
    if trouble:
        said = "Deployment does not have minimum availability."
        available = _condition("Available", "MinimumReplicasUnavailable", trouble.starts_at, "False", said)
    metadata = _metadata(world, "deployment", service, namespace, _born(world), changed)
    metadata |= {
        "labels": {"app": service, "team": SERVICES[service][0]}, "annotations": {REVISION: str(number)},
        "generation": number,
    }  # fmt: skip
    return {
        "metadata": metadata,
        "spec": {
            "replicas": wanted, "selector": {"matchLabels": {"app": service}},
            "template": _template(service, tenure.version),
        },
        "status": {
            "observedGeneration": number, "replicas": wanted + is_moving, "readyReplicas": ready,
            "updatedReplicas": wanted - 1 if is_moving else wanted, "availableReplicas": ready,
            "conditions": [available, progress],
        },
    }  # fmt: skip


def _latest_change(world: World, service: str, namespace: str, begun: int, settled: int, now: int) -> int:
    """The last time at which the status changed; a trouble that is over changed it too."""
    known = [begun, *([settled] if settled <= now else [])]
    for back in range(60, 1800, 60):
        if namespace == "production" and trouble_of(world, service, now - back):
            known.append(now - back + 60)
            break
    return max(known)


def _condition(kind: str, reason: str, at: int, status: str = "True", message: str = "") -> dict[str, str]:
    return {
        "type": kind, "status": status, "reason": reason, "message": message, "lastUpdateTime": stamp(at),
        "lastTransitionTime": stamp(at),
    }  # fmt: skip


def replica_sets(world: World, service: str, namespace: str, now: int) -> list[dict[str, Any]]:
    """The ReplicaSets of a Deployment, one a version; going back gives an old one a new number."""
    numbers: dict[str, list[int]] = {}
    begun: dict[str, int] = {}
    for number, tenure in _numbered(world, service, namespace, now):
        numbers.setdefault(tenure.version, []).append(number)
        begun.setdefault(tenure.version, _begin(world, tenure))
    owner = {"kind": "Deployment", "name": service, "uid": world.uuid("deployment", namespace, service),
             "controller": True}  # fmt: skip
    found = []
    for version, own in numbers.items():
        name = f"{service}-{world.hex('replicas', service, namespace, version)[:9]}"
        metadata = _metadata(world, "replicaset", name, namespace, begun[version], begun[version])
        notes = {REVISION: str(own[-1])}
        if own[:-1]:
            notes[REVISIONS_BEFORE] = ",".join(map(str, own[:-1]))
        metadata |= {"labels": {"app": service}, "annotations": notes, "ownerReferences": [owner]}
        found.append({"metadata": metadata, "spec": {"replicas": 0, "template": _template(service, version)}})
    return sorted(found, key=lambda item: int(item["metadata"]["annotations"][REVISION]))[-HISTORY - 1 :]


def pods(world: World, service: str, namespace: str, now: int) -> list[dict[str, Any]]:
    """The pods that are in trouble; nobody asks for those that are well."""
    trouble = trouble_of(world, service, now) if namespace == "production" else None
    if trouble is None:
        return []
    found = []
    for place in range(2):
        name = f"{service}-{world.hex('pod', service, trouble.starts_at, place)[:10]}"
        metadata = _metadata(world, "pod", name, namespace, trouble.starts_at - 100, now) | {"labels": {"app": service}}
        ended = {"exitCode": 1, "reason": "Error", "finishedAt": stamp(max(now - 30, trouble.starts_at))}
        status = {
            "name": service, "ready": False, "restartCount": 3 + (now - trouble.starts_at) // 90,
            "state": {"waiting": {"reason": "CrashLoopBackOff", "message": trouble.message}},
            "lastState": {"terminated": ended},
        }  # fmt: skip
        found.append({"metadata": metadata, "status": {"phase": "Running", "containerStatuses": [status]}})
    return found


def cron_job(world: World, pipeline: Pipeline, now: int) -> dict[str, Any]:
    """One CronJob."""
    metadata = _metadata(world, "cronjob", pipeline.slug, "production", _born(world), now - now % 60)
    metadata["labels"] = {"app": pipeline.slug, "team": pipeline.team}
    spec = {"schedule": pipeline.schedule.cron, "timeZone": ZONE, "suspend": False, "concurrencyPolicy": "Forbid"}
    return {"metadata": metadata, "spec": spec, "status": {}}


def jobs(world: World, pipeline: Pipeline, now: int) -> list[dict[str, Any]]:
    """The Jobs of a CronJob that are kept."""
    return [_job(world, plan, now) for plan in _begun(world, pipeline, now)]


def _begun(world: World, pipeline: Pipeline, now: int) -> list[Plan]:
    plans = plans_of(world, "kubernetes", now - KEPT_JOBS, now)
    return [plan for plan in plans if plan.pipeline == pipeline.slug]


def job_name(plan: Plan) -> str:
    """A Job is called after its CronJob and the minute at which it was due."""
    return f"{plan.pipeline}-{plan.due_at // 60}"


def _job(world: World, plan: Plan, now: int) -> dict[str, Any]:
    is_over, is_good = now >= plan.ends_at, plan.outcome == "COMPLETED"
    version = plan.ends_at if is_over else plan.due_at
    metadata = _metadata(world, "job", job_name(plan), "production", plan.due_at, version)
    owner = {"kind": "CronJob", "name": plan.pipeline, "uid": world.uuid("cronjob", "production", plan.pipeline),
             "controller": True}  # fmt: skip
    metadata |= {
        "labels": {"app": plan.pipeline}, "ownerReferences": [owner],
        "annotations": {"batch.kubernetes.io/cronjob-scheduled-timestamp": stamp(plan.due_at)},
    }  # fmt: skip
    image = f"{REGISTRY}/{plan.pipeline}:{1 + plan.due_at // (12 * DAY) % 9}.2"
    template = {"spec": {"containers": [{"name": plan.pipeline, "image": image}]}}
    status: dict[str, Any] = {"startTime": stamp(plan.due_at + 1)}
    if not is_over:
        status["active"] = 1
    elif is_good:
        done = _condition("Complete", "CompletionsReached", int(plan.ends_at))
        status |= {"completionTime": stamp(plan.ends_at), "succeeded": 1, "failed": plan.attempts - 1}
        status["conditions"] = [done]
    else:
        said = "Job has reached the specified backoff limit"
        status |= {"failed": plan.attempts}
        status["conditions"] = [_condition("Failed", "BackoffLimitExceeded", int(plan.ends_at), message=said)]
    spec = {"completions": 1, "parallelism": 1, "backoffLimit": 2, "template": template}
    return {"metadata": metadata, "spec": spec, "status": status}


def job_pods(world: World, pipeline: Pipeline, now: int) -> list[dict[str, Any]]:
    """The last pod of every Job that failed."""
    return [
        _job_pod(world, plan)
        for plan in _begun(world, pipeline, now)
        if plan.outcome != "COMPLETED" and now >= plan.ends_at
    ]


def _job_pod(world: World, plan: Plan) -> dict[str, Any]:
    name = f"{job_name(plan)}-{world.hex('pod', plan.id)[:5]}"
    metadata = _metadata(world, "pod", name, "production", plan.due_at, plan.ends_at)
    metadata["labels"] = {"job-name": job_name(plan)}
    is_killed = plan.outcome == "CRASHED"
    ended = {
        "exitCode": 137 if is_killed else 1, "reason": "OOMKilled" if is_killed else "Error",
        "message": "" if is_killed else plan.message, "finishedAt": stamp(plan.ends_at),
    }  # fmt: skip
    step = pipeline_of(plan).slug
    status = {"name": step, "ready": False, "restartCount": 0, "state": {"terminated": ended}, "lastState": {}}
    return {"metadata": metadata, "status": {"phase": "Failed", "containerStatuses": [status]}}
