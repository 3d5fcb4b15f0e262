"""Workflows, runs, jobs, deployments and releases of the world in the shapes of GitHub's REST API."""

from __future__ import annotations

from typing import Any

from apps.demo.world.calendar import iso
from apps.demo.world.company import SERVICES
from apps.demo.world.dice import World
from apps.demo.world.rollouts import EPOCH, TOPICS, Build, Job, Rollout

OWNER = "fernway"
WEB = "https://github.example"
WORKFLOWS = {"checks": "Checks", "release": "Release"}
STARTS = 4  # seconds that a run waits for a runner
STEPS = {
    "lint": ("Check out", "Run linters"), "tests": ("Check out", "Run unit tests"),
    "answers": ("Check out", "Replay 40 questions"), "image": ("Check out", "Build image"),
    "publish": ("Push image", "Tag release"),
}  # fmt: skip


def stamp(at: float) -> str:
    """GitHub's times have no fraction: `2026-11-23T20:22:58Z`."""
    return f"{iso(at)[:19]}Z"


def repository(world: World, name: str) -> dict[str, Any]:
    """One repository, as far as anybody asks."""
    return {
        "id": 810_000_000 + list(SERVICES).index(name), "name": name, "full_name": f"{OWNER}/{name}", "private": True,
        "default_branch": "main", "html_url": f"{WEB}/{OWNER}/{name}", "created_at": stamp(world.starts_at),
    }  # fmt: skip


def workflow_id(name: str, kind: str) -> int:
    """The number of one of a repository's workflows."""
    return 61_000_000 + 10 * list(SERVICES).index(name) + list(WORKFLOWS).index(kind)


def workflow(name: str, kind: str) -> dict[str, Any]:
    """One workflow."""
    path = f".github/workflows/{kind}.yml"
    at = stamp(EPOCH)
    return {
        "id": workflow_id(name, kind), "name": WORKFLOWS[kind], "path": path, "state": "active", "created_at": at,
        "updated_at": at, "html_url": f"{WEB}/{OWNER}/{name}/blob/main/{path}",
    }  # fmt: skip


def _status(starts_at: int, ends_at: int, now: int, *, is_good: bool) -> dict[str, str | None]:
    if now >= ends_at:
        return {"status": "completed", "conclusion": "success" if is_good else "failure"}
    return {"status": "in_progress" if now >= starts_at else "queued", "conclusion": None}


def run(world: World, build: Build, now: int) -> dict[str, Any]:
    """One run of a workflow as it is at a time."""
    starts_at = build.starts_at + STARTS
    actor = {"login": build.author, "type": "User"}
    changed = max(at for at in (build.starts_at, starts_at, build.ends_at) if at <= max(now, build.starts_at))
    return {
        "id": build.number, "name": WORKFLOWS[build.kind], "display_title": build.title,
        "run_number": 1 + (build.starts_at - world.starts_at) // 9000, "run_attempt": 1,
        "event": "push", **_status(starts_at, build.ends_at, now, is_good=build.is_good),
        "workflow_id": workflow_id(build.service, build.kind), "head_branch": "main", "head_sha": build.commit,
        "actor": actor, "triggering_actor": actor, "created_at": stamp(build.starts_at),
        "run_started_at": stamp(build.starts_at), "updated_at": stamp(changed),
        "html_url": f"{WEB}/{OWNER}/{build.service}/actions/runs/{build.number}",
    }  # fmt: skip


def jobs(build: Build, now: int) -> list[dict[str, Any]]:
    """The jobs of a run that were made by now."""
    return [_job(build, place, job, now) for place, job in enumerate(build.jobs) if job.starts_at - STARTS <= now]


def _job(build: Build, place: int, job: Job, now: int) -> dict[str, Any]:
    is_over = now >= job.ends_at
    steps = [
        {"name": name, "status": "completed" if is_over else "in_progress", "number": number,
         "conclusion": None if not is_over else "failure" if name == job.bad_step else "success"}
        for number, name in enumerate(STEPS[job.name], start=1)
    ]  # fmt: skip
    return {
        "id": build.number * 10 + place, "run_id": build.number, "run_attempt": 1, "name": job.name,
        **_status(job.starts_at, job.ends_at, now, is_good=job.is_good),
        "created_at": stamp(job.starts_at - STARTS), "started_at": stamp(job.starts_at),
        "completed_at": stamp(job.ends_at) if is_over else None, "steps": steps,
        "html_url": f"{WEB}/{OWNER}/{build.service}/actions/runs/{build.number}/job/{build.number * 10 + place}",
    }  # fmt: skip


def deployment(world: World, rollout: Rollout, now: int) -> dict[str, Any]:
    """One deployment as it is at a time."""
    is_live = now >= rollout.ends_at
    return {
        "id": rollout.number, "sha": rollout.commit, "ref": f"v{rollout.version}", "task": "deploy",
        "environment": rollout.environment, "original_environment": rollout.environment,
        "description": f"{'Back to' if rollout.is_rollback else 'Release'} {rollout.version}",
        "creator": {"login": rollout.by, "type": "User"}, "created_at": stamp(rollout.starts_at),
        "updated_at": stamp(rollout.ends_at if is_live else rollout.starts_at),
        "production_environment": rollout.environment == "production", "transient_environment": False,
        "node_id": world.hex("deployment", rollout.number)[:20],
    }  # fmt: skip


def statuses(rollout: Rollout, now: int, *, replaced_at: int | None) -> list[dict[str, Any]]:
    """What was said of a deployment, newest first; one that another replaced is inactive."""
    steps = [("in_progress", rollout.starts_at + 3), ("success", rollout.ends_at)]
    if replaced_at is not None:
        steps.append(("inactive", replaced_at))
    page = f"{WEB}/{OWNER}/{rollout.service}/deployments"
    return [
        {"id": rollout.number * 10 + place, "state": state, "created_at": stamp(at), "updated_at": stamp(at),
         "environment": rollout.environment, "description": "", "log_url": page, "target_url": page,
         "creator": {"login": rollout.by}}
        for place, (state, at) in reversed(list(enumerate(steps)))
        if at <= now
    ]  # fmt: skip


def release(build: Build) -> dict[str, Any]:
    """One published release."""
    at = stamp(build.ends_at)
    body = build.title if build.title in TOPICS else f"{build.title}\n\nMends what the last version broke."
    return {
        "id": build.number, "tag_name": f"v{build.version}", "name": f"v{build.version}", "body": body, "draft": False,
        "prerelease": False, "created_at": at, "published_at": at, "author": {"login": build.author},
        "target_commitish": build.commit, "assets": [],
        "html_url": f"{WEB}/{OWNER}/{build.service}/releases/tag/v{build.version}",
    }  # fmt: skip
