"""An Argo CD server: one application for every place of the services that are rolled out through Git."""

from __future__ import annotations

from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request

from apps.demo.servers.answers import Clock
from apps.demo.servers.github_shapes import stamp
from apps.demo.servers.pages import route
from apps.demo.world.company import ENVIRONMENTS, SERVICES
from apps.demo.world.dice import DAY, World
from apps.demo.world.releases import commit_of, tenures
from apps.demo.world.rollouts import Rollout, rollouts
from apps.demo.world.systems import rolled_out_by
from apps.demo.world.troubles import trouble_of

VERSION = "v3.1.0+abc1234"
REMEMBERED = 10  # syncs that an application keeps
CLUSTER = "https://kubernetes.default.svc"
TEAM = "apps"  # the one project of all applications


def create_argocd(world: World, clock: Clock) -> Starlette:
    """The application, to be mounted where Argo CD's pages would open."""
    return Starlette(
        routes=[
            route("/api/version", _version, world, clock, is_open=True),
            route("/api/v1/applications", _applications, world, clock),
            route("/api/v1/projects", _projects, world, clock),
            route("/api/v1/account/can-i/applications/get/{rest:path}", _may, world, clock),
        ]
    )


def _version(_world: World, _now: int, _request: Request) -> Any:
    return {"Version": VERSION}


def _projects(_world: World, _now: int, _request: Request) -> Any:
    return {"metadata": {}, "items": [{"metadata": {"name": TEAM}}]}


def _may(_world: World, _now: int, _request: Request) -> Any:
    return {"value": "yes"}


def _applications(world: World, now: int, request: Request) -> Any:
    projects = request.query_params.getlist("projects")
    items = [
        application(world, service, environment, now)
        for service in rolled_out_by("argocd")
        for environment in ENVIRONMENTS
    ]
    return {"metadata": {"resourceVersion": str(now)}, "items": items if not projects or TEAM in projects else None}


def application(world: World, service: str, environment: str, now: int) -> dict[str, Any]:
    """One application as it is at a time; every place has a namespace for its applications."""
    namespace = f"argocd-{environment}"
    known = [one for one in rollouts(world, service, now) if one.environment == environment]
    done = [one for one in known if one.ends_at <= now]
    entries = [_entry(number, one) for number, one in enumerate(done)][-REMEMBERED:]
    live = _live(world, service, environment, now)
    moving = known[-1] if known and known[-1].ends_at > now else None
    trouble = trouble_of(world, service, now) if environment == "production" else None
    health = {"status": "Healthy", "lastTransitionTime": stamp(done[-1].ends_at if done else world.starts_at)}
    if trouble:
        since = stamp(trouble.starts_at)
        health = {"status": "Degraded", "message": trouble.message, "lastTransitionTime": since}
    elif moving:
        health = {"status": "Progressing", "lastTransitionTime": stamp(moving.starts_at)}
    return {
        "metadata": {
            "name": service, "namespace": namespace, "uid": world.uuid("application", namespace, service),
            "generation": len(known) + 1,
            "labels": {"team": SERVICES[service][0]}, "creationTimestamp": stamp(world.starts_at - 40 * DAY),
            "resourceVersion": str(known[-1].starts_at if known else world.starts_at),
        },
        "spec": {
            "project": TEAM, "source": _source(service, environment),
            "destination": {"namespace": environment, "server": CLUSTER},
            "syncPolicy": {"automated": {"prune": True, "selfHeal": True}},
        },
        "status": {
            "sync": {"status": "OutOfSync" if moving else "Synced", "revision": (moving or done[-1]).commit}
            if known else {"status": "Synced", "revision": commit_of(world, service, live)},
            "health": health, "history": entries, "reconciledAt": stamp(now - now % 60),
            "summary": {"images": [f"registry.fernway.example/{service}:{live}"]},
            **({"operationState": _operation(known[-1], now)} if known else {}),
        },
    }  # fmt: skip


def _live(world: World, service: str, environment: str, now: int) -> str:
    return [one for one in tenures(world, service, now) if one.environment == environment][-1].version


def _source(service: str, environment: str) -> dict[str, str]:
    return {"repoURL": "https://github.example/fernway/deploy.git", "path": f"{service}/{environment}",
            "targetRevision": "main"}  # fmt: skip


def _by(rollout: Rollout) -> dict[str, Any]:
    return {"username": rollout.by} if rollout.is_rollback else {"automated": True}


def _entry(number: int, rollout: Rollout) -> dict[str, Any]:
    return {
        "id": number, "revision": rollout.commit, "source": _source(rollout.service, rollout.environment),
        "deployStartedAt": stamp(rollout.starts_at), "deployedAt": stamp(rollout.ends_at),
        "initiatedBy": _by(rollout),
    }  # fmt: skip


def _operation(rollout: Rollout, now: int) -> dict[str, Any]:
    is_over = now >= rollout.ends_at
    return {
        "phase": "Succeeded" if is_over else "Running",
        "message": "successfully synced (all tasks run)" if is_over else "waiting for healthy state of apps/Deployment",
        "startedAt": stamp(rollout.starts_at), **({"finishedAt": stamp(rollout.ends_at)} if is_over else {}),
        "operation": {"sync": {"revision": rollout.commit}, "initiatedBy": _by(rollout)},
        "syncResult": {
            "revision": rollout.commit, "source": _source(rollout.service, rollout.environment), "resources": [],
        },
    }  # fmt: skip
