"""A small Argo CD server: applications with their history and operations, as its REST API tells them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tests.connectors.upstream import Answer, Request
from tests.connectors.worlds import World, iso

REPOSITORY = "https://git.example/shop/deploy.git"


def source(target: str = "main", **more: Any) -> dict[str, Any]:
    values = {"helm": {"values": "password: hunter2", "parameters": [{"name": "pin", "value": "hunter2"}]}}
    return {"repoURL": REPOSITORY, "path": "apps/checkout", "targetRevision": target, **values, **more}


def entry(number: int, revision: str, at: datetime, **more: Any) -> dict[str, Any]:
    """A sync that went through: begun at `at`, done five seconds later."""
    done = at + timedelta(seconds=5)
    times = {"deployStartedAt": iso(at), "deployedAt": iso(done)}
    return {"id": number, "revision": revision, "source": source(), **times, **more}


def operation(phase: str, revision: str, at: datetime, **more: Any) -> dict[str, Any]:
    is_over = phase not in ("Running", "Terminating")
    state: dict[str, Any] = {
        "phase": phase, "message": f"sync is {phase}", "startedAt": iso(at),
        "operation": {"sync": {"revision": revision}, "initiatedBy": {"username": "ada"}},
        "syncResult": {"revision": revision, "source": source(), "resources": []},
        **more,
    }  # fmt: skip
    return {**state, "finishedAt": iso(at + timedelta(seconds=9))} if is_over else state


@dataclass
class ArgoWorld(World):
    """`apps` as the API lists them; `rights` are the projects whose applications the token may get."""

    apps: list[Any] = field(default_factory=list)
    rights: tuple[str, ...] = ("*",)
    projects: tuple[str, ...] = ("shop",)
    tells_rights: bool = True
    most: int = 1_000_000  # applications in one answer; more make the answer huge

    def add(self, name: str, **more: Any) -> dict[str, Any]:
        """An application that was synced twice, is healthy and follows main by itself."""
        began = self.clock - timedelta(days=2)
        app: dict[str, Any] = {
            "metadata": {
                "name": name, "namespace": "argocd", "uid": f"u-{name}", "resourceVersion": "10", "generation": 3,
                "labels": {"team": "search"}, "creationTimestamp": iso(self.clock - timedelta(days=9)),
            },
            "spec": {
                "project": "shop", "source": source(), "syncPolicy": {"automated": {"prune": True}},
                "destination": {"namespace": "prod", "server": "https://kubernetes.default.svc"},
            },
            "status": {
                "health": {"status": "Healthy"}, "sync": {"status": "Synced", "revision": "bbb"},
                "controllerNamespace": "argocd", "summary": {"images": [f"registry.example/{name}:2"]},
                "history": [entry(0, "aaa", began), entry(1, "bbb", began + timedelta(hours=1))],
            },
        }  # fmt: skip
        app["status"].update(more)
        self.apps.append(app)
        return app

    def __call__(self, request: Request) -> Answer:
        path = request.path.removeprefix("/api/")
        if path == "version":
            return self.answer({"Version": "v3.1.0+abc123", "GitCommit": "abc123"})
        if request.headers.get("authorization", "").removeprefix("Bearer ") in ("", "wrong"):
            return self.answer({"error": "invalid session", "code": 16, "message": "invalid session"}, 401)
        if path == "v1/applications":
            return self.listed(request)
        if path == "v1/projects":
            return self.answer({"metadata": {}, "items": [{"metadata": {"name": name}} for name in self.projects]})
        if path.startswith("v1/account/can-i/applications/get/") and self.tells_rights:
            project = path.split("/")[5]
            return self.answer({"value": "yes" if {project, "*"} & set(self.rights) else "no"})
        return self.answer({"error": "Not Found", "code": 5, "message": "Not Found"}, 404)

    def listed(self, request: Request) -> Answer:
        project = request.query.get("projects")
        found = [app for app in self.apps if project in (None, app["spec"]["project"]) and self.may_read(app)]
        metadata: dict[str, Any] = {"resourceVersion": "77"}
        if len(found) > self.most:
            metadata["continue"] = "x" * 6_000_000
        return self.answer({"metadata": metadata, "items": found or None})

    def may_read(self, app: Any) -> bool:
        return "*" in self.rights or app["spec"]["project"] in self.rights


def good_world() -> ArgoWorld:
    """Deployments, one of them rolling back, an alert on each axis, and a source that was changed."""
    world = ArgoWorld()
    began = world.clock - timedelta(hours=5)
    checkout = world.add("checkout", health={"status": "Degraded", "lastTransitionTime": iso(began)})
    history = checkout["status"]["history"]
    history.append(entry(2, "ccc", began, source=source("release")))
    history.append(entry(3, "bbb", began + timedelta(hours=1), initiatedBy={"username": "ada"}))
    world.add("search", sync={"status": "OutOfSync"}, operationState=operation("Failed", "ddd", began))
    return world
