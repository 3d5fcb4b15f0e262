"""A small GitLab: projects with pipelines, jobs, deployments and releases, Link paging and a rate limit.

Shapes follow the vendor's documentation; the values are made up.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import unquote, urlencode

from tests.connectors.upstream import Answer, Request, json_answer
from tests.connectors.worlds import World

PATH = "acme/shop/checkout"
SHA = "a" * 40
LISTED = ("id", "iid", "project_id", "sha", "ref", "status", "source", "created_at", "updated_at", "web_url", "name")


def stamp(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass
class Project:
    number: int
    path: str
    schedules: list[Any] = field(default_factory=list)
    pipelines: list[Any] = field(default_factory=list)
    jobs: dict[int, list[Any]] = field(default_factory=dict)
    deployments: list[Any] = field(default_factory=list)
    releases: list[Any] = field(default_factory=list)


@dataclass
class GitlabWorld(World):
    """`refused`: path ending -> status of a right that is missing. `budget`: requests left in this minute."""

    web: str = "https://gitlab.example.com"
    projects: list[Project] = field(default_factory=list)
    refused: dict[str, int] = field(default_factory=dict)
    token: dict[str, Any] = field(default_factory=lambda: {"scopes": ["read_api"], "expires_at": None})
    budget: int = 2000

    def project(self, path: str = PATH) -> Project:
        found = next((project for project in self.projects if project.path == path), None)
        if found is None:
            found = Project(number=40 + len(self.projects), path=path)
            self.projects.append(found)
        return found

    def ago(self, **span: float) -> str:
        return stamp(self.clock - timedelta(**span))

    def add_pipeline(
        self, number: int, status: str = "success", *, to: str = PATH, minutes: float = 10, **more: Any
    ) -> dict[str, Any]:
        """A pipeline made so many minutes ago, which changed for the last time a minute later."""
        project, is_over = self.project(to), status in ("success", "failed", "canceled", "skipped")
        item = {
            "id": number, "iid": number, "project_id": project.number, "sha": SHA, "ref": "main", "status": status,
            "source": "push", "created_at": self.ago(minutes=minutes), "updated_at": self.ago(minutes=minutes - 1),
            "web_url": f"{self.web}/{to}/-/pipelines/{number}", "name": None, "before_sha": SHA, "tag": False,
            "yaml_errors": None, "user": {"id": 1, "username": "ann"}, "started_at": self.ago(minutes=minutes),
            "finished_at": self.ago(minutes=minutes - 1) if is_over else None, "duration": 60, **more,
        }  # fmt: skip
        project.pipelines.append(item)
        return item

    def add_job(
        self, number: int, pipeline: int, status: str = "success", *, to: str = PATH, **more: Any
    ) -> dict[str, Any]:
        is_over = status in ("success", "failed", "canceled")
        item = {
            "id": number, "name": f"job {number}", "stage": "test", "status": status, "ref": "main", "tag": False,
            "allow_failure": False, "created_at": self.ago(minutes=10), "started_at": self.ago(minutes=10),
            "finished_at": self.ago(minutes=9) if is_over else None, "web_url": f"{self.web}/{to}/-/jobs/{number}",
            "pipeline": {"id": pipeline}, "user": {"username": "ann"}, "commit": {"id": SHA}, "artifacts": [], **more,
        }  # fmt: skip
        self.project(to).jobs.setdefault(pipeline, []).append(item)
        return item

    def add_deployment(
        self, number: int, status: str = "success", *, to: str = PATH, minutes: float = 10, **more: Any
    ) -> dict[str, Any]:
        job = {
            "id": 900 + number, "name": "deploy", "status": status, "started_at": self.ago(minutes=minutes),
            "finished_at": self.ago(minutes=minutes - 1), "web_url": f"{self.web}/{to}/-/jobs/{900 + number}",
            "commit": {"id": SHA, "title": "Fix the basket"},
        }  # fmt: skip
        item = {
            "id": number, "iid": number, "ref": "main", "sha": SHA, "status": status,
            "created_at": self.ago(minutes=minutes), "updated_at": self.ago(minutes=minutes - 1),
            "user": {"id": 2, "username": "bob"}, "environment": {"id": 9, "name": "production"}, "deployable": job,
            **more,
        }  # fmt: skip
        self.project(to).deployments.append(item)
        return item

    def add_release(self, tag: str, *, to: str = PATH, **more: Any) -> dict[str, Any]:
        item = {
            "tag_name": tag, "name": tag, "description": "Faster.\nMore.", "created_at": self.ago(minutes=10),
            "released_at": self.ago(minutes=10), "author": {"id": 1, "username": "ann"},
            "_links": {"self": f"{self.web}/{to}/-/releases/{tag}"}, **more,
        }  # fmt: skip
        self.project(to).releases.append(item)
        return item

    def __call__(self, request: Request) -> Answer:
        if self.budget <= 0:
            headers = {**self.more(), "Retry-After": "30"}
            return Answer(body=b"Retry later\n", status=429, content_type="text/plain", headers=headers)
        self.budget -= 1
        path = request.path.removeprefix("/api/v4/")
        for ending, status in self.refused.items():
            if path.endswith(ending):
                return json_answer({"message": f"{status} Forbidden"}, status=status, headers=self.more())
        if path == "version":
            return self.good({"version": "18.5.0", "revision": "x"})
        if path == "personal_access_tokens/self":
            return self.good(self.token)
        found = re.fullmatch(r"projects/([^/]+)(?:/(.*))?", path)
        assert found, path
        name = unquote(found[1])
        own = next((item for item in self.projects if name in (item.path, str(item.number))), None)
        return self.about(request, own, found[2] or "") if own else self.missing()

    def about(self, request: Request, project: Project, rest: str) -> Answer:
        if not rest:
            url = f"{self.web}/{project.path}"
            return self.good({"id": project.number, "path_with_namespace": project.path, "web_url": url})
        if rest == "pipeline_schedules":
            return self.page(request, project.schedules)
        if rest == "pipelines":
            rows = [cut(item) for item in changed(project.pipelines, request.query)]
            return self.page(request, rows)
        if number := re.fullmatch(r"pipelines/(\d+)/jobs", rest):
            assert request.query["include_retried"] == "true"
            return self.page(request, project.jobs.get(int(number[1]), []))
        if number := re.fullmatch(r"pipelines/(\d+)", rest):
            found = [item for item in project.pipelines if item["id"] == int(number[1])]
            return self.good(found[0]) if found else self.missing()
        if rest == "deployments":
            return self.deployments(request, project)
        if rest == "releases":
            return self.page(request, sorted(project.releases, key=lambda item: item["released_at"], reverse=True))
        raise AssertionError(f"no such address: {rest}")

    def deployments(self, request: Request, project: Project) -> Answer:
        query = request.query
        if ("updated_after" in query) != (query.get("order_by") == "updated_at"):
            return json_answer({"message": "400 Bad request - must be paired"}, status=400, headers=self.more())
        wanted = query.get("environment")
        named = [d for d in project.deployments if not wanted or d["environment"]["name"] == wanted]
        return self.page(request, changed(named, query))

    def page(self, request: Request, items: list[Any]) -> Answer:
        size, number = int(request.query.get("per_page", 20)), int(request.query.get("page", 1))
        headers = {}
        if number * size < len(items):
            following = urlencode({**request.query, "page": number + 1})
            headers = {"Link": f'<https://elsewhere.example/api/v4/projects/1?{following}>; rel="next"'}
        return self.good(items[(number - 1) * size : number * size], headers)

    def good(self, value: Any, headers: dict[str, str] | None = None) -> Answer:
        return json_answer(value, headers={**self.more(), **(headers or {})})

    def missing(self) -> Answer:
        return json_answer({"message": "404 Not found"}, status=404, headers=self.more())

    def more(self) -> dict[str, str]:
        return {
            **self.date(),
            "RateLimit-Limit": "2000",
            "RateLimit-Remaining": str(max(self.budget, 0)),
            "RateLimit-Reset": str(int(self.clock.timestamp()) + 40),
        }


def changed(items: list[Any], query: dict[str, str]) -> list[Any]:
    """Strictly after the time, as the real one compares; without the filter by id, newest first."""
    if "updated_after" not in query:
        return sorted(items, key=lambda item: item["id"], reverse=True)
    assert query["sort"] == "asc"
    found = [item for item in items if str(item.get("updated_at")) > query["updated_after"]]
    return sorted(found, key=lambda item: (item["updated_at"], -item["id"]))


def cut(item: dict[str, Any]) -> dict[str, Any]:
    """What a list shows of a pipeline: neither who nor when it began."""
    return {key: item[key] for key in LISTED}
