"""Projects, pipelines, jobs, deployments and releases of the world in the shapes of GitLab's REST API."""

from __future__ import annotations

from typing import Any

from apps.demo.world.calendar import iso
from apps.demo.world.company import SERVICES
from apps.demo.world.dice import World
from apps.demo.world.rollouts import Build, Rollout

GROUP = "documents"
WEB = "https://gitlab.example"
STARTS = 4  # seconds that a pipeline waits for a runner


def stamp(at: float) -> str:
    """GitLab's times have three digits after the second."""
    return iso(at, digits=3)


def project_id(name: str) -> int:
    """The number of a project."""
    return 4_100 + list(SERVICES).index(name)


def path_of(name: str) -> str:
    """The full path of a project."""
    return f"{GROUP}/{name}"


def project(name: str) -> dict[str, Any]:
    """One project."""
    return {
        "id": project_id(name), "name": name, "path": name, "path_with_namespace": path_of(name),
        "default_branch": "main", "web_url": f"{WEB}/{path_of(name)}", "visibility": "private",
    }  # fmt: skip


def changed_at(build: Build, now: int) -> float:
    """When a pipeline last changed."""
    return max(
        at for at in (build.starts_at, build.starts_at + STARTS, build.ends_at) if at <= max(now, build.starts_at)
    )


def _status(starts_at: int, ends_at: int, now: int, *, is_good: bool) -> str:
    if now >= ends_at:
        return "success" if is_good else "failed"
    return "running" if now >= starts_at else "pending"


def pipeline(world: World, build: Build, now: int) -> dict[str, Any]:
    """A pipeline as lists show it: without its times and its user."""
    return {
        "id": build.number, "iid": 1 + (build.starts_at - world.starts_at) // 9000,
        "project_id": project_id(build.service), "sha": build.commit,
        "ref": f"v{build.version}" if build.kind == "release" else "main",
        "status": _status(build.starts_at + STARTS, build.ends_at, now, is_good=build.is_good),
        "source": "push", "name": "Release" if build.kind == "release" else "Checks",
        "created_at": stamp(build.starts_at), "updated_at": stamp(changed_at(build, now)),
        "web_url": f"{WEB}/{path_of(build.service)}/-/pipelines/{build.number}",
    }  # fmt: skip


def whole_pipeline(world: World, build: Build, now: int) -> dict[str, Any]:
    """A pipeline as it shows itself."""
    starts_at = build.starts_at + STARTS
    return pipeline(world, build, now) | {
        "user": {"username": build.author}, "yaml_errors": None, "tag": build.kind == "release",
        "started_at": stamp(starts_at) if now >= starts_at else None,
        "finished_at": stamp(build.ends_at) if now >= build.ends_at else None,
        "duration": build.ends_at - starts_at if now >= build.ends_at else None,
    }  # fmt: skip


def jobs(build: Build, now: int) -> list[dict[str, Any]]:
    """The jobs of a pipeline, newest first."""
    return [
        {
            "id": build.number * 10 + place, "name": job.name, "stage": build.kind,
            "status": _status(job.starts_at, job.ends_at, now, is_good=job.is_good), "allow_failure": False,
            "failure_reason": None if job.is_good or now < job.ends_at else "script_failure",
            "created_at": stamp(build.starts_at), "started_at": stamp(job.starts_at) if now >= job.starts_at else None,
            "finished_at": stamp(job.ends_at) if now >= job.ends_at else None,
            "web_url": f"{WEB}/{path_of(build.service)}/-/jobs/{build.number * 10 + place}",
        }
        for place, job in reversed(list(enumerate(build.jobs)))
    ]  # fmt: skip


def deployment(world: World, rollout: Rollout, now: int) -> dict[str, Any]:
    """One deployment as it is at a time."""
    is_live, name = now >= rollout.ends_at, rollout.service
    ended = stamp(rollout.ends_at) if is_live else None
    status = "success" if is_live else "running"
    page = f"{WEB}/{path_of(name)}/-/jobs/{rollout.number * 10 + 9}"
    return {
        "id": rollout.number, "iid": 1 + (rollout.starts_at - world.starts_at) // 9000, "sha": rollout.commit,
        "ref": f"v{rollout.version}", "status": status, "created_at": stamp(rollout.starts_at),
        "updated_at": ended or stamp(rollout.starts_at), "finished_at": ended, "user": {"username": rollout.by},
        "environment": {"id": 1 if rollout.environment == "production" else 2, "name": rollout.environment},
        "deployable": {
            "id": rollout.number * 10 + 9, "name": f"deploy {rollout.environment}", "status": status,
            "started_at": stamp(rollout.starts_at), "finished_at": ended, "web_url": page,
            "commit": {"title": f"{'Back to' if rollout.is_rollback else 'Release'} {rollout.version}"},
        },
    }  # fmt: skip


def release(build: Build) -> dict[str, Any]:
    """One release."""
    tag, at = f"v{build.version}", stamp(build.ends_at)
    return {
        "tag_name": tag, "name": tag, "description": build.title, "created_at": at, "released_at": at,
        "upcoming_release": False, "author": {"username": build.author},
        "_links": {"self": f"{WEB}/{path_of(build.service)}/-/releases/{tag}"},
    }  # fmt: skip
