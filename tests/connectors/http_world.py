"""A small tool nobody foresaw: one JSON document a poll, that can be asked for what is new and cut into pages."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from tests.connectors.upstream import Answer, Request
from tests.connectors.worlds import World, iso

RUN = {
    "kind": "run",
    "items": "jobs",
    "fields": {
        "external_id": "id",
        "pipeline_external_id": "job",
        "name": "join(' #', [job, to_string(id)])",
        "state": "status",
        "updated_at": "at",
    },
    "states": {"OK": "succeeded", "ERROR": "failed", "null": "running"},
}
EVERY_KIND = [
    {"kind": "pipeline", "items": "pipelines", "fields": {"external_id": "id", "name": "name"}},
    RUN,
    {
        "kind": "task_run",
        "items": "jobs",
        "children": "steps",
        "fields": {
            "external_id": "join('/', [to_string(parent.id), name])",
            "run_external_id": "parent.id",
            "name": "name",
            "state": "parent.status",
            "updated_at": "parent.at",
        },
        "states": {"OK": "succeeded"},
    },
    {
        "kind": "deployment",
        "items": "releases",
        "fields": {
            "external_id": "id",
            "component": "service",
            "environment": "stage",
            "revision": "sha",
            "started_at": "at",
            "updated_at": "at",
        },
        "constants": {"state": "succeeded"},
    },
    {"kind": "prompt", "items": "prompts", "fields": {"external_id": "name", "name": "name"}},
    {
        "kind": "prompt_version",
        "items": "prompts",
        "fields": {
            "external_id": "join('/', [name, to_string(number)])",
            "prompt_external_id": "name",
            "number": "number",
            "created_at": "at",
            "template": "text",
        },
    },
    {
        "kind": "prompt_label",
        "items": "prompts",
        "fields": {"external_id": "join('@', [name, 'live'])", "prompt_external_id": "name", "number": "number"},
        "constants": {"name": "live"},
    },
    {
        "kind": "series",
        "items": "numbers",
        "fields": {"external_id": "name", "name": "name", "value": "value", "at": "at"},
        "labels": {"queue": "queue"},
    },
    {
        "kind": "alert",
        "items": "alerts",
        "fields": {"external_id": "id", "name": "id", "state": "is", "started_at": "at"},
        "constants": {"severity": "page"},
        "states": {"raised": "firing"},
    },
    {
        "kind": "evaluation",
        "items": "evaluations",
        "fields": {"external_id": "id", "suite": "suite", "updated_at": "at", "scores": "scores"},
        "constants": {"state": "succeeded"},
    },
    {
        "kind": "change",
        "items": "changes",
        "fields": {"external_id": "id", "title": "title", "at": "at"},
        "constants": {"what": "flag"},
    },
]
LISTS = ("pipelines", "jobs", "releases", "prompts", "numbers", "alerts", "evaluations", "changes")


@dataclass
class HttpWorld(World):
    """`lists` by name; an item with `at` is told only to those who ask since before it."""

    lists: dict[str, list[Any]] = field(default_factory=dict)

    def __call__(self, request: Request) -> Answer:
        since = request.query.get("since", "")
        return self.answer({name: [one for one in self.lists.get(name, []) if _is_new(one, since)] for name in LISTS})


def _is_new(item: Any, since: str) -> bool:
    at = item.get("at") if isinstance(item, dict) else None
    return not since or not isinstance(at, str) or not at[:1].isdigit() or at >= since


def small_world() -> HttpWorld:
    world = HttpWorld()
    at = iso(world.clock - timedelta(minutes=15))
    world.lists = {
        "pipelines": [{"id": "nightly", "name": "Nightly"}],
        "jobs": [{"id": 7, "job": "nightly", "status": "OK", "at": at, "steps": [{"name": "load"}, {"name": "check"}]}],
        "releases": [{"id": "r1", "service": "api", "stage": "prod", "sha": "abc", "at": at}],
        "prompts": [{"name": "greeting", "number": 3, "text": "Hello", "at": at}],
        "numbers": [{"name": "depth", "value": "4.5", "at": at, "queue": "in"}],
        "alerts": [{"id": "disk", "is": "raised", "at": at}],
        "evaluations": [{"id": "e1", "suite": "faq", "at": at, "scores": {"faithful": 0.9}}],
        "changes": [{"id": "c1", "title": "Flag on", "at": at}],
    }
    return world


def spoiled_world() -> HttpWorld:
    world = small_world()
    world.lists["jobs"].append({"id": 8, "job": "nightly", "status": "OK", "at": "yesterday", "steps": []})
    return world
