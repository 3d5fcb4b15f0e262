"""How a rollout goes, from the status of a Deployment, StatefulSet or DaemonSet; pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from apps.connectors.providers.kubernetes.normalize import Condition, Thing, conditions_of, count
from apps.connectors.records import DeploymentState
from apps.connectors.values import latest, object_or_empty, optional_text


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """The state of the current rollout with Kubernetes' own word, and how many pods are wanted and ready.

    `settled_at`: when it went through or failed, as far as Kubernetes tells.
    """

    state: DeploymentState
    word: str
    message: str = ""
    settled_at: datetime | None = None
    wanted: int = 0
    ready: int = 0

    @property
    def is_short(self) -> bool:
        """Whether pods are missing."""
        return self.ready < self.wanted


def standing_of(workload: Thing) -> Standing:
    """How the current rollout of a workload goes."""
    match workload.kind:
        case "deployment":
            return _deployment(workload)
        case "statefulset":
            return _stateful_set(workload)
        case _:
            return _daemon_set(workload)


def is_seen_by_its_controller(workload: Thing) -> bool:
    """False between a change of the wish and the controller's first look: the status still tells of the old one."""
    metadata = object_or_empty(workload.item.get("metadata"))
    return count(workload.status, "observedGeneration") >= count(metadata, "generation")


def _deployment(workload: Thing) -> Standing:
    status, conditions = workload.status, conditions_of(workload.status)
    wanted = count(workload.spec, "replicas", default=1)
    ready = count(status, "availableReplicas")
    progressing, failure = conditions.get("Progressing"), conditions.get("ReplicaFailure")

    def standing(state: DeploymentState, word: str, told: Condition | None = None) -> Standing:
        message, at = (told.message, told.updated_at) if told else ("", None)
        return Standing(state=state, word=word, message=message, settled_at=at, wanted=wanted, ready=ready)

    if progressing and progressing.is_true is False:
        return standing(DeploymentState.FAILED, progressing.reason or "Progressing=False", progressing)
    if progressing and progressing.is_true and progressing.reason == "NewReplicaSetAvailable":
        # It went through; that pods are missing later is no rollout.
        return standing(DeploymentState.SUCCEEDED, progressing.reason, progressing)
    if failure and failure.is_true:
        return standing(DeploymentState.FAILED, failure.reason or "ReplicaFailure", failure)
    updated = count(status, "updatedReplicas")
    if updated < wanted or ready < wanted or count(status, "replicas") > updated:
        reason = progressing.reason if progressing else ""
        return standing(DeploymentState.RUNNING, "Paused" if workload.spec.get("paused") is True else reason)
    return standing(DeploymentState.SUCCEEDED, "Available", conditions.get("Available"))


def _stateful_set(workload: Thing) -> Standing:
    status = workload.status
    wanted, ready = count(workload.spec, "replicas", default=1), count(status, "readyReplicas")
    rolling = object_or_empty(object_or_empty(workload.spec.get("updateStrategy")).get("rollingUpdate"))
    kept_back = count(rolling, "partition")
    target = optional_text(status, "updateRevision")
    is_uniform = bool(target) and target == optional_text(status, "currentRevision")
    updated = wanted if is_uniform else count(status, "updatedReplicas")
    if updated < wanted - kept_back or ready < wanted:
        return Standing(state=DeploymentState.RUNNING, word="RollingUpdate", wanted=wanted, ready=ready)
    word = "Partitioned" if updated < wanted else "Ready"
    return Standing(state=DeploymentState.SUCCEEDED, word=word, wanted=wanted, ready=ready)


def _daemon_set(workload: Thing) -> Standing:
    status = workload.status
    wanted, ready = count(status, "desiredNumberScheduled"), count(status, "numberAvailable")
    if count(status, "updatedNumberScheduled") < wanted or ready < wanted:
        return Standing(state=DeploymentState.RUNNING, word="RollingUpdate", wanted=wanted, ready=ready)
    return Standing(state=DeploymentState.SUCCEEDED, word="Ready", wanted=wanted, ready=ready)


def last_word_at(workload: Thing) -> datetime | None:
    """When a condition was last touched."""
    return latest(condition.updated_at for condition in conditions_of(workload.status).values())
