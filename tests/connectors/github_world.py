"""A small GitHub: repositories with Actions, deployments and releases, Link paging, ETags and a rate limit.

Shapes follow the vendor's OpenAPI description; the values are made up.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from tests.connectors.upstream import Answer, Request, json_answer
from tests.connectors.worlds import World, iso

REPOSITORY = "acme/checkout"
API, WEB = "https://api.github.com", "https://github.com"
SHA = "a" * 40
TOKEN = "ghs_of_the_installation"


def protection_request(callback_url: str, **fields: Any) -> dict[str, Any]:
    """What GitHub sends when a job waits for a deployment protection rule, cut to what is read."""
    return {
        "action": "requested",
        "environment": "production",
        "event": "push",
        "deployment_callback_url": callback_url,
        "deployment": {"sha": SHA, "ref": "main", "creator": {"login": "mei"}},
        "repository": {"full_name": REPOSITORY},
        "installation": {"id": 77},
    } | fields


def person(login: str) -> dict[str, Any]:
    """A simple user with every address that the description demands."""
    base = f"{API}/users/{login}"
    lists = ("followers", "subscriptions", "organizations", "repos", "received_events")
    return {
        "login": login, "id": 7, "node_id": "n7", "avatar_url": f"{WEB}/{login}.png", "gravatar_id": "", "url": base,
        "html_url": f"{WEB}/{login}", "following_url": f"{base}/following", "gists_url": f"{base}/gists",
        "starred_url": f"{base}/starred", "events_url": f"{base}/events", "type": "User", "site_admin": False,
        **{f"{name}_url": f"{base}/{name}" for name in lists},
    }  # fmt: skip


@dataclass
class Repository:
    workflows: list[Any] = field(default_factory=list)
    runs: list[Any] = field(default_factory=list)
    jobs: dict[int, list[Any]] = field(default_factory=dict)
    deployments: list[Any] = field(default_factory=list)
    statuses: dict[int, list[Any]] = field(default_factory=dict)
    releases: list[Any] = field(default_factory=list)


@dataclass
class GithubWorld(World):
    """`refused`: path ending -> status of a right that is missing. `budget`: requests left, counted down."""

    repositories: dict[str, Repository] = field(default_factory=dict)
    refused: dict[str, int] = field(default_factory=dict)
    budget: int = 5000
    most_found: int = 1000
    headers: dict[str, str] = field(default_factory=dict)
    answered: list[tuple[Request, Answer]] = field(default_factory=list)
    reviews: list[dict[str, Any]] = field(default_factory=list)  # answers to deployment protection rules
    review_status: int = 204

    def repository(self, name: str = REPOSITORY) -> Repository:
        return self.repositories.setdefault(name, Repository())

    def ago(self, **span: float) -> str:
        return iso(self.clock - timedelta(**span))

    def add_workflow(self, number: int, name: str = "CI", *, to: str = REPOSITORY, **more: Any) -> dict[str, Any]:
        path = f".github/workflows/{name.lower()}.yml"
        item = {
            "id": number, "node_id": f"w{number}", "name": name, "path": path, "state": "active",
            "created_at": self.ago(days=90), "updated_at": self.ago(days=90),
            "url": f"{API}/repos/{to}/actions/workflows/{number}", "html_url": f"{WEB}/{to}/blob/main/{path}",
            "badge_url": f"{WEB}/{to}/workflows/{name}/badge.svg", **more,
        }  # fmt: skip
        self.repository(to).workflows.append(item)
        return item

    def add_run(
        self, number: int, conclusion: str | None = "success", *, to: str = REPOSITORY, minutes: float = 10, **more: Any
    ) -> dict[str, Any]:
        """A run that began so many minutes ago and, with a conclusion, ended a minute later."""
        base = f"{API}/repos/{to}/actions/runs/{number}"
        began = self.ago(minutes=minutes)
        status = "in_progress" if conclusion is None else "completed"
        item = {
            "id": number, "name": "CI", "node_id": f"r{number}", "head_branch": "main", "head_sha": SHA,
            "path": ".github/workflows/ci.yml", "run_number": number, "run_attempt": 1, "event": "push",
            "display_title": "Fix the basket", "status": status, "conclusion": conclusion, "workflow_id": 1,
            "url": base, "html_url": f"{WEB}/{to}/actions/runs/{number}", "pull_requests": [],
            "created_at": began, "run_started_at": began, "updated_at": self.ago(minutes=minutes - 1),
            "actor": person("ann"), "triggering_actor": person("ann"), "jobs_url": f"{base}/jobs",
            "logs_url": f"{base}/logs", "check_suite_url": f"{API}/repos/{to}/check-suites/1",
            "artifacts_url": f"{base}/artifacts", "cancel_url": f"{base}/cancel", "rerun_url": f"{base}/rerun",
            "workflow_url": f"{API}/repos/{to}/actions/workflows/1", "head_commit": None, **more,
        }  # fmt: skip
        self.repository(to).runs.append(item)
        return item

    def add_job(
        self, number: int, run: int, conclusion: str | None = "success", *, to: str = REPOSITORY, **more: Any
    ) -> dict[str, Any]:
        base = f"{API}/repos/{to}/actions"
        item = {
            "id": number, "run_id": run, "run_url": f"{base}/runs/{run}", "node_id": f"j{number}", "head_sha": SHA,
            "url": f"{base}/jobs/{number}", "html_url": f"{WEB}/{to}/actions/runs/{run}/job/{number}",
            "status": "completed" if conclusion else "in_progress", "conclusion": conclusion, "run_attempt": 1,
            "created_at": self.ago(minutes=10), "started_at": self.ago(minutes=10),
            "completed_at": self.ago(minutes=9) if conclusion else None, "name": f"job {number}", "steps": [],
            "check_run_url": f"{API}/repos/{to}/check-runs/{number}", "labels": ["ubuntu-latest"], "runner_id": 1,
            "runner_name": "runner", "runner_group_id": 1, "runner_group_name": "all", "workflow_name": "CI",
            "head_branch": "main", **more,
        }  # fmt: skip
        self.repository(to).jobs.setdefault(run, []).append(item)
        return item

    def add_deployment(
        self, number: int, state: str | None = "success", *, to: str = REPOSITORY, minutes: float = 10, **more: Any
    ) -> dict[str, Any]:
        """A deployment begun so many minutes ago; with a state, one status a minute later."""
        base = f"{API}/repos/{to}"
        item = {
            "url": f"{base}/deployments/{number}", "id": number, "node_id": f"d{number}", "sha": SHA, "ref": "main",
            "task": "deploy", "payload": {}, "original_environment": "production", "environment": "production",
            "description": None, "creator": person("bob"), "created_at": self.ago(minutes=minutes),
            "updated_at": self.ago(minutes=minutes), "statuses_url": f"{base}/deployments/{number}/statuses",
            "repository_url": base, "transient_environment": False, "production_environment": True, **more,
        }  # fmt: skip
        self.repository(to).deployments.append(item)
        if state is not None:
            self.add_status(item, state, to=to, at=self.clock - timedelta(minutes=minutes - 1))
        return item

    def add_status(
        self, deployment: dict[str, Any], state: str, *, to: str = REPOSITORY, at: datetime | None = None, **more: Any
    ) -> None:
        """A new status; it changes the deployment too, as the real one does."""
        statuses = self.repository(to).statuses.setdefault(deployment["id"], [])
        base, stamp = f"{API}/repos/{to}", iso(at or self.clock)
        status = {
            "url": f"{base}/deployments/{deployment['id']}/statuses/1", "id": 1000 + len(statuses), "node_id": "s",
            "state": state, "creator": person("bob"), "description": "", "environment": deployment["environment"],
            "target_url": "", "created_at": stamp, "updated_at": stamp, "deployment_url": deployment["url"],
            "repository_url": base, "environment_url": "", "log_url": "", **more,
        }  # fmt: skip
        statuses.append(status)
        deployment["updated_at"] = stamp

    def add_release(self, number: int, tag: str, *, to: str = REPOSITORY, **more: Any) -> dict[str, Any]:
        base = f"{API}/repos/{to}/releases/{number}"
        item = {
            "url": base, "html_url": f"{WEB}/{to}/releases/tag/{tag}", "assets_url": f"{base}/assets",
            "upload_url": f"{base}/assets", "tarball_url": None, "zipball_url": None, "id": number,
            "node_id": f"x{number}", "tag_name": tag, "target_commitish": "main", "name": tag, "body": "Faster.\nMore.",
            "draft": False, "prerelease": False, "created_at": self.ago(minutes=10),
            "published_at": self.ago(minutes=10), "author": person("ann"), "assets": [], **more,
        }  # fmt: skip
        self.repository(to).releases.append(item)
        return item

    def __call__(self, request: Request) -> Answer:
        answer = self.reply(request)
        self.answered.append((request, answer))
        return answer

    def reply(self, request: Request) -> Answer:
        if self.budget <= 0:
            error = {
                "message": "API rate limit exceeded for user ID 7.",
                "documentation_url": "https://docs.github.com",
            }
            return json_answer(error, status=403, headers=self.more())
        path = request.path.removeprefix("/api/v3")
        for ending, status in self.refused.items():
            if path.endswith(ending):
                error = {"message": "Resource not accessible by personal access token", "documentation_url": "x"}
                return json_answer(error, status=status, headers=self.more())
        if request.method == "POST" and re.fullmatch(r"/app/installations/\d+/access_tokens", path):
            return json_answer({"token": TOKEN, "expires_at": iso(self.clock + timedelta(hours=1))}, status=201)
        found = re.fullmatch(r"/repos/([^/]+/[^/]+)(?:/(.*))?", path)
        if found is None or found[1] not in self.repositories:
            return json_answer({"message": "Not Found", "documentation_url": "x"}, status=404, headers=self.more())
        return self.about(request, found[1], found[2] or "")

    def review(self, request: Request) -> Answer:
        """The answer of a deployment protection rule, which only an installation of an App may give."""
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return json_answer({"message": "Resource not accessible", "documentation_url": "x"}, status=403)
        if self.review_status == 204:
            self.reviews.append(request.json)
            return Answer(body=b"", status=204)
        return json_answer(
            {"message": "There are no pending gates", "documentation_url": "x"}, status=self.review_status
        )

    def about(self, request: Request, name: str, rest: str) -> Answer:
        repository = self.repositories[name]
        if request.method == "POST" and re.fullmatch(r"actions/runs/\d+/deployment_protection_rule", rest):
            return self.review(request)
        if not rest:
            return self.conditional(request, {"id": 1, "full_name": name, "private": True})
        if rest == "actions/workflows":
            return self.page(request, repository.workflows, key="workflows")
        if rest == "actions/runs":
            return self.page(request, self.found(repository, request.query), key="workflow_runs")
        if number := re.fullmatch(r"actions/workflows/(\d+)/runs", rest):
            own = [run for run in newest_first(repository.runs) if run["workflow_id"] == int(number[1])]
            return self.page(request, own, key="workflow_runs")
        if number := re.fullmatch(r"actions/runs/(\d+)/jobs", rest):
            return self.page(request, repository.jobs.get(int(number[1]), []), key="jobs")
        if number := re.fullmatch(r"actions/runs/(\d+)", rest):
            return self.one(request, repository.runs, int(number[1]))
        if rest == "deployments":
            wanted = request.query.get("environment")
            own = [d for d in newest_first(repository.deployments) if not wanted or d.get("environment") == wanted]
            return self.page(request, own)
        if number := re.fullmatch(r"deployments/(\d+)/statuses", rest):
            return self.page(request, repository.statuses.get(int(number[1]), [])[::-1])
        if number := re.fullmatch(r"deployments/(\d+)", rest):
            return self.one(request, repository.deployments, int(number[1]))
        if rest == "releases":
            return self.page(request, newest_first(repository.releases))
        raise AssertionError(f"no such address: {rest}")

    def found(self, repository: Repository, query: dict[str, str]) -> list[Any]:
        """The runs of a search by when they were created; it gives no more than `most_found`."""
        created = query["created"]
        after, _, before = created.partition("..") if ".." in created else (created.removeprefix(">="), "", "")
        stamps = [(run, run["created_at"]) for run in newest_first(repository.runs)]
        return [run for run, at in stamps if at >= after and (not before or at <= before)]

    def page(self, request: Request, items: list[Any], *, key: str = "") -> Answer:
        size, number = int(request.query.get("per_page", 30)), int(request.query.get("page", 1))
        shown = items[: self.most_found] if "created" in request.query else items
        part = shown[(number - 1) * size : number * size]
        value = {"total_count": len(items), key: part} if key else part
        more = {}
        if number * size < len(shown):
            following = urlencode({**request.query, "page": number + 1})
            more = {"Link": f'<https://elsewhere.example/repositories/1?{following}>; rel="next"'}
        return self.conditional(request, value, more)

    def one(self, request: Request, items: list[Any], number: int) -> Answer:
        found = [item for item in items if item["id"] == number]
        if not found:
            return json_answer({"message": "Not Found"}, status=404, headers=self.more())
        return self.conditional(request, found[0])

    def conditional(self, request: Request, value: Any, more: dict[str, str] | None = None) -> Answer:
        """The answer with its ETag, or 304 for the one that is known, which costs no budget."""
        etag = f'W/"{hashlib.sha256(json.dumps(value).encode()).hexdigest()}"'
        if request.headers.get("if-none-match") == etag:
            return Answer(body=b"", status=304, headers={**self.more(), "ETag": etag})
        self.budget -= 1
        return json_answer(value, headers={**self.more(), **(more or {}), "ETag": etag})

    def more(self) -> dict[str, str]:
        reset = int(self.clock.timestamp()) + 600
        return {
            **self.date(),
            "X-RateLimit-Limit": "5000",
            "X-RateLimit-Remaining": str(max(self.budget, 0)),
            "X-RateLimit-Reset": str(reset),
            **self.headers,
        }


def newest_first(items: list[Any]) -> list[Any]:
    return sorted(items, key=lambda item: item["created_at"], reverse=True)
