"""A small Kubernetes API server: lists with pages and selectors, access reviews, and a few controllers' habits."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tests.connectors.upstream import Answer, Request
from tests.connectors.worlds import World, iso

GROUPS = {"apps/v1": "apis/apps/v1", "batch/v1": "apis/batch/v1", "v1": "api/v1"}
REVISION = "deployment.kubernetes.io/revision"
KINDS = {
    "deployments": "Deployment", "statefulsets": "StatefulSet", "daemonsets": "DaemonSet", "jobs": "Job",
    "replicasets": "ReplicaSet", "controllerrevisions": "ControllerRevision", "cronjobs": "CronJob", "pods": "Pod",
}  # fmt: skip


def template(image: str, name: str = "app") -> dict[str, Any]:
    """A pod template with a secret in its environment and a sidecar behind the main container."""
    secret = [{"name": "PASSWORD", "value": "hunter2"}]
    containers = [{"name": name, "image": image, "env": secret}, {"name": "proxy", "image": "registry.example/proxy:9"}]
    return {"metadata": {"labels": {"app": name}}, "spec": {"containers": containers}}


def condition(kind: str, status: str, reason: str, at: datetime, message: str = "") -> dict[str, Any]:
    times = {"lastUpdateTime": iso(at), "lastTransitionTime": iso(at)}
    return {"type": kind, "status": status, "reason": reason, "message": message, **times}


@dataclass
class KubernetesWorld(World):
    """`objects`: resource -> items. `denied`: resources our token may not list. `page`: most items in one page."""

    objects: dict[str, list[Any]] = field(default_factory=lambda: defaultdict(list))
    denied: set[str] = field(default_factory=set)
    page: int = 500
    expired: int = 0  # page tokens that are refused from now on
    versions: int = 100

    def add(self, resource: str, name: str, *, namespace: str = "shop", age: timedelta, **more: Any) -> dict[str, Any]:
        """An object of that age; `more` are its parts, `metadata` is merged."""
        metadata = {
            "name": name, "namespace": namespace, "uid": f"{resource}-{namespace}-{name}", "generation": 1,
            "creationTimestamp": iso(self.clock - age), "labels": {"app": name, "team": "search"},
            "managedFields": [{"manager": "kubectl"}], **more.pop("metadata", {}),
        }  # fmt: skip
        item = {"metadata": metadata, **more}
        self.objects[resource].append(item)
        self.touch(item)
        return item

    def touch(self, item: dict[str, Any]) -> None:
        """A write: the object has a new version."""
        self.versions += 1
        item["metadata"]["resourceVersion"] = str(self.versions)

    def add_workload(self, resource: str, name: str, image: str, **more: Any) -> dict[str, Any]:
        """A workload with two pods that are ready, at its first revision since a day."""
        at = self.clock - timedelta(hours=23)
        progressed = condition("Progressing", "True", "NewReplicaSetAvailable", at)
        available = condition("Available", "True", "MinimumReplicasAvailable", at)
        first = f"{name}-1"
        statuses: dict[str, dict[str, Any]] = {
            "deployments": {"replicas": 2, "updatedReplicas": 2, "readyReplicas": 2, "availableReplicas": 2,
                            "conditions": [available, progressed]},
            "statefulsets": {"replicas": 2, "readyReplicas": 2, "currentRevision": first, "updateRevision": first},
            "daemonsets": {"desiredNumberScheduled": 2, "updatedNumberScheduled": 2, "numberAvailable": 2},
        }  # fmt: skip
        spec = {"replicas": 2, "selector": {"matchLabels": {"app": name}}, "template": template(image, name)}
        status = {"observedGeneration": 1, **statuses[resource]}
        metadata = {"annotations": {REVISION: "1"}} if resource == "deployments" else {}
        metadata |= more.pop("metadata", {})
        item = self.add(resource, name, age=timedelta(days=1), spec=spec, status=status, metadata=metadata, **more)
        self.add_past(item, resource, 1, image, age=timedelta(days=1))
        return item

    def add_past(self, item: Any, resource: str, number: int, image: str, *, age: timedelta, **notes: str) -> Any:
        """The ReplicaSet or ControllerRevision of a revision."""
        name, namespace = item["metadata"]["name"], item["metadata"]["namespace"]
        owner = {"kind": KINDS[resource], "name": name, "uid": item["metadata"]["uid"], "controller": True}
        spec, labels = {"template": template(image, name)}, {"app": name}
        metadata = {"ownerReferences": [owner], "labels": labels, "annotations": notes}
        if resource == "deployments":
            metadata["annotations"] = {REVISION: str(number), **notes}
            more: dict[str, Any] = {"spec": {"replicas": 0, **spec}}
            return self.add("replicasets", f"{name}-{number}", namespace=namespace, age=age, metadata=metadata, **more)
        more = {"revision": number, "data": {"spec": spec}}
        kind = "controllerrevisions"
        return self.add(kind, f"{name}-{number}", namespace=namespace, age=age, metadata=metadata, **more)

    def roll_out(self, item: Any, number: int, image: str) -> None:
        """A Deployment begins to roll out a new template, now."""
        self.add_past(item, "deployments", number, image, age=timedelta())
        self.begin(item, number, image)

    def begin(self, item: Any, number: int, image: str) -> None:
        item["spec"]["template"] = template(image, item["metadata"]["name"])
        item["metadata"]["annotations"][REVISION] = str(number)
        item["metadata"]["generation"] = item["status"]["observedGeneration"] = number
        progress = condition("Progressing", "True", "ReplicaSetUpdated", self.clock)
        item["status"] |= {"updatedReplicas": 1, "conditions": [item["status"]["conditions"][0], progress]}
        self.touch(item)

    def settle(self, item: Any, status: str = "True", reason: str = "NewReplicaSetAvailable", said: str = "") -> None:
        """The rollout of a Deployment is over."""
        item["status"]["updatedReplicas"] = 2
        item["status"]["conditions"][1] = condition("Progressing", status, reason, self.clock, said)
        self.touch(item)

    def add_cron_job(self, name: str, **spec: Any) -> dict[str, Any]:
        wanted = {"schedule": "0 2 * * *", "timeZone": "Europe/Berlin", "suspend": False, **spec}
        return self.add("cronjobs", name, age=timedelta(days=9), spec=wanted, status={})

    def add_job(self, name: str, *conditions: tuple[str, str], cron_job: Any = None, **more: Any) -> dict[str, Any]:
        """A job that began ten minutes ago; conditions are (type, reason) that hold since five minutes."""
        began, ended = self.clock - timedelta(minutes=10), self.clock - timedelta(minutes=5)
        held = [condition(kind, "True", reason, ended, f"said {reason}") for kind, reason in conditions]
        status: dict[str, Any] = {"startTime": iso(began), "conditions": held} | more.pop("status", {})
        metadata = more.pop("metadata", {})
        if cron_job is not None:
            owner = {"kind": "CronJob", "name": cron_job["metadata"]["name"], "uid": cron_job["metadata"]["uid"]}
            metadata = {"ownerReferences": [{**owner, "controller": True}], "labels": {}, **metadata}
        spec = {"template": template("registry.example/etl:7", name), **more.pop("spec", {})}
        return self.add("jobs", name, age=timedelta(minutes=10), spec=spec, status=status, metadata=metadata)

    def add_pod(self, name: str, labels: dict[str, str], **status: Any) -> dict[str, Any]:
        return self.add("pods", name, age=timedelta(hours=1), metadata={"labels": labels}, status=status)

    def __call__(self, request: Request) -> Answer:
        if request.headers.get("authorization", "").removeprefix("Bearer ") in ("", "wrong"):
            return self.refuse(401, "Unauthorized", "Unauthorized")
        if request.path == "/version":
            return self.answer({"major": "1", "minor": "31", "gitVersion": "v1.31.2"})
        if request.path.endswith("/selfsubjectaccessreviews"):
            wanted = request.json["spec"]["resourceAttributes"]
            is_allowed = wanted["verb"] == "list" and wanted["resource"] not in self.denied
            return self.answer({**request.json, "status": {"allowed": is_allowed}}, 201)
        parts = request.path.strip("/").split("/")
        namespace = parts[parts.index("namespaces") + 1] if "namespaces" in parts else ""
        root = "/".join(parts[: parts.index("namespaces")] if namespace else parts[:-1])
        return self.listed(parts[-1], root, namespace, request)

    def listed(self, resource: str, root: str, namespace: str, request: Request) -> Answer:
        group = next((name for name, known in GROUPS.items() if known == root), None)
        if group is None:
            return self.refuse(404, "NotFound", "the server could not find the requested resource")
        if resource in self.denied:
            return self.refuse(403, "Forbidden", f'{resource} is forbidden: User "x" cannot list resource "{resource}"')
        token = request.query.get("continue", "")
        if token and self.expired:
            self.expired -= 1
            return self.refuse(410, "Expired", "The provided continue parameter is too old")
        found = [item for item in self.objects[resource] if self.is_wanted(item, namespace, request)]
        start = int(token or 0)
        end = start + min(self.page, int(request.query.get("limit", 10_000)))
        metadata = {"resourceVersion": str(self.versions)}
        if end < len(found):
            metadata |= {"continue": str(end), "remainingItemCount": len(found) - end}
        return self.answer(
            {"kind": f"{KINDS[resource]}List", "apiVersion": group, "metadata": metadata, "items": found[start:end]}
        )

    def is_wanted(self, item: Any, namespace: str, request: Request) -> bool:
        metadata = item["metadata"] if isinstance(item.get("metadata"), dict) else {}
        labels = metadata.get("labels") or {}
        job = next((one["name"] for one in metadata.get("ownerReferences") or [] if one["kind"] == "Job"), None)
        labels = {**labels, **({"job-name": job} if job else {})}
        pairs = [part.split("=") for part in request.query.get("labelSelector", "").split(",") if part]
        is_there = namespace in ("", metadata.get("namespace", namespace))
        return is_there and all(labels.get(name) == value for name, value in pairs)

    def refuse(self, status: int, reason: str, message: str) -> Answer:
        return self.answer({"kind": "Status", "status": "Failure", "reason": reason, "message": message}, status)


def good_world() -> KubernetesWorld:
    """Workloads of each kind, one of them in trouble; a cron job with runs, and a job of nobody."""
    world = KubernetesWorld()
    api = world.add_workload("deployments", "api", "registry.example/api:1.0")
    world.add_past(api, "deployments", 2, "registry.example/api:1.1", age=timedelta(hours=2))
    world.begin(api, 2, "registry.example/api:1.1")
    world.settle(api, "False", "ProgressDeadlineExceeded", 'ReplicaSet "api-2" has timed out progressing.')
    api["status"]["availableReplicas"] = 1
    waiting = {"reason": "ImagePullBackOff", "message": "Back-off pulling image"}
    stuck = {"name": "api", "ready": False, "restartCount": 0, "state": {"waiting": waiting}, "lastState": {}}
    world.add_pod("api-2-x", {"app": "api"}, phase="Pending", containerStatuses=[stuck])
    world.add_workload("statefulsets", "store", "registry.example/store:5")
    world.add_workload("daemonsets", "agent", "registry.example/agent@sha256:" + "a" * 64)
    nightly = world.add_cron_job("nightly")
    world.add_job("nightly-29400000", ("Complete", "CompletionsReached"), cron_job=nightly)
    world.add_job("nightly-29400060", ("Failed", "BackoffLimitExceeded"), cron_job=nightly, status={"failed": 2})
    world.add_job("migrate", status={"active": 1})
    return world
