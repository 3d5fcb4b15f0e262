"""The small GitHub of the tests, held against GitHub's own description of its API: every question and every answer."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from openapi_core import OpenAPI
from openapi_core.testing import MockRequest, MockResponse

from apps.connectors.gating import GateAnswer, GateQuestion
from apps.connectors.http import Limits
from apps.connectors.providers.github.connector import GithubConnector
from apps.connectors.records import Batch
from tests.connectors.conftest import ask
from tests.connectors.github_world import API, REPOSITORY, GithubWorld
from tests.connectors.test_github_gate import KEY, NOW, pem
from tests.connectors.upstream import Answer, Request, Upstream
from tests.live.install import GITHUB_API

pytestmark = pytest.mark.live

ASKED = {
    f"/repos/{{owner}}/{{repo}}/{rest}"
    for rest in (
        "actions/workflows", "actions/workflows/{workflow_id}/runs", "actions/runs", "actions/runs/{run_id}",
        "actions/runs/{run_id}/jobs", "deployments", "deployments/{deployment_id}",
        "deployments/{deployment_id}/statuses", "releases", "actions/runs/{run_id}/deployment_protection_rule",
    )
} | {"/app/installations/{installation_id}/access_tokens"}  # fmt: skip
OVER = ("success", "neutral", "failure", "timed_out", "startup_failure", "cancelled", "stale", "skipped")
SECRETS = {"token": "github_pat_demo"}
LEFT_OUT = {"repository", "head_repository"}  # required of a run; the connector drops them unread


@pytest.fixture(scope="module")
def description() -> OpenAPI:
    """GitHub's description, cut to the addresses that are asked."""
    whole = json.loads(GITHUB_API.read_text())
    whole["paths"] = {path: item for path, item in whole["paths"].items() if path in ASKED}
    assert set(whole["paths"]) == ASKED
    whole.pop("x-webhooks", None)
    run = whole["components"]["schemas"]["workflow-run"]
    run["required"] = [name for name in run["required"] if name not in LEFT_OUT]
    created = whole["components"]["parameters"]["created"]
    assert "search syntax" in created["description"]  # so it is no plain time, whatever its schema says
    del created["schema"]["format"]
    _let_null_be_null(whole["components"]["schemas"])
    return OpenAPI.from_dict(whole)


def _let_null_be_null(schemas: Any) -> None:
    """Where a value may be null, GitHub leaves null out of the list of words."""
    if isinstance(schemas, dict):
        if schemas.get("nullable") is True and isinstance(words := schemas.get("enum"), list) and None not in words:
            schemas["enum"] = [*words, None]
        schemas = list(schemas.values())
    for schema in schemas if isinstance(schemas, list) else ():
        _let_null_be_null(schema)


def full_world() -> GithubWorld:
    """Every state that a run, a job, a deployment and a release can have."""
    world = GithubWorld()
    world.add_workflow(1)
    world.add_workflow(2, "Old", state="disabled_manually")
    for number, conclusion in enumerate((*OVER, "action_required", None)):
        world.add_run(number + 10, conclusion, minutes=number + 20)
    for number, conclusion in enumerate(("success", "neutral", "failure", "timed_out", "cancelled", "skipped", None)):
        step = {"name": "Run tests", "status": "completed", "conclusion": "failure", "number": 1}
        world.add_job(number + 100, 10, conclusion, steps=[step])
    for number, state in enumerate(("queued", "pending", "in_progress", "success", "failure", "error", "inactive")):
        world.add_deployment(number + 200, state, minutes=90 - number)
    world.add_deployment(250, None)
    world.add_release(41, "v1")
    world.add_release(42, "v2", draft=True, published_at=None)
    return world


def fetch(upstream: Upstream, cursor: Any) -> dict[str, Any]:
    """The cursor after all polls of a round."""
    config = {"url": upstream.url, "repositories": [REPOSITORY]}
    limits = Limits(total_seconds=5, fetch_seconds=20)

    def poll(cursor: Any) -> Batch:
        return ask(lambda http: GithubConnector(config=config, secrets=SECRETS, http=http).fetch(cursor), limits=limits)

    batch = poll(cursor)
    while batch.has_more:
        batch = poll(batch.cursor)
    assert batch.rejected == ()
    return dict(batch.cursor)


def check(description: OpenAPI, request: Request, answer: Answer) -> None:
    path, method = request.path.removeprefix("/api/v3"), request.method.lower()
    asked = MockRequest(API, method, path, args=request.query, data=request.body or None)
    description.validate_request(asked)
    description.validate_response(asked, MockResponse(answer.body, status_code=answer.status))


def test_the_small_github_asks_and_answers_as_the_real_one_is_described(description: OpenAPI) -> None:
    world, upstream = full_world(), Upstream()
    upstream.handler = world
    try:
        cursor = fetch(upstream, {})
        world.repository().runs.pop()  # the open run is deleted: it is looked up, and its workflow is listed
        world.clock += timedelta(hours=7)
        fetch(upstream, cursor)
    finally:
        upstream.close()
    answers = [(request, answer) for request, answer in world.answered if answer.status == 200]
    for request, answer in answers:
        check(description, request, answer)
    kinds = {"/".join(part for part in r.path.split("/")[6:] if not part.isdigit()) for r, _ in world.answered}
    assert kinds == {
        "actions/workflows", "actions/runs", "actions/runs/jobs", "actions/workflows/runs", "deployments",
        "deployments/statuses", "releases",
    }  # fmt: skip


def test_an_answer_without_what_the_description_demands_is_noticed(description: OpenAPI) -> None:
    world = GithubWorld()
    item = world.add_deployment(31)
    path = f"/repos/{REPOSITORY}/deployments"
    request = Request("GET", path, {"per_page": "100"}, {}, b"")
    check(description, request, world(request))
    del item["sha"]
    with pytest.raises(Exception, match=r"."):
        check(description, request, world(request))


@pytest.mark.parametrize("may", [True, False, None])
def test_the_answer_to_a_protection_rule_is_as_the_description_says(description: OpenAPI, may: bool | None) -> None:
    world, upstream = GithubWorld(), Upstream()
    world.repository()
    upstream.handler = world
    path = f"/repos/{REPOSITORY}/actions/runs/11/deployment_protection_rule"
    question = GateQuestion(
        repository=REPOSITORY,
        environment="production",
        callback_url=f"{upstream.url}/api/v3{path}",
        installation="77",
    )
    config = {"url": upstream.url, "repositories": [REPOSITORY], "app_id": "123"}
    secrets = SECRETS | {"app_private_key": pem(KEY)}
    told = GateAnswer(may=may, comment="Nothing speaks against it.")
    try:
        ask(lambda http: GithubConnector(config=config, secrets=secrets, http=http).answer(question, told, at=NOW))
    finally:
        upstream.close()
    assert [request.method for request, _ in world.answered] == ["POST", "POST"]
    for request, answer in world.answered:
        check(description, request, answer)
