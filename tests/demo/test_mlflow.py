"""The demo's MLflow answers as the real one does."""

from __future__ import annotations

import itertools
import re
from typing import Any

import pytest

from apps.demo.server import create_app
from apps.demo.world import burns, incidents
from apps.demo.world.dice import DAY, World
from apps.demo.world.systems import prompts_in
from tests.demo.asking import ask

API = "/mlflow/api/2.0/mlflow"
PROMPTS = "tags.`mlflow.prompt.is_prompt` = 'true'"
VERSION_KEYS = [
    "name", "version", "creation_timestamp", "last_updated_timestamp", "current_stage", "description", "source",
    "run_id", "status", "tags", "run_link",
]  # fmt: skip
INFO_KEYS = [
    "run_uuid", "experiment_id", "run_name", "user_id", "status", "start_time", "end_time", "artifact_uri",
    "lifecycle_stage", "run_id",
]  # fmt: skip
KEPT_HERE = prompts_in("mlflow")
ALL = [str(number) for number in range(1, len(KEPT_HERE) + 1)]


def runs(app: Any, **question: Any) -> list[dict[str, Any]]:
    answer = ask(app, f"{API}/runs/search", payload={"experiment_ids": ALL} | question)
    assert answer.status == 200, answer.text
    found: list[dict[str, Any]] = answer.data.get("runs", [])
    return found


def tags(version: dict[str, Any]) -> dict[str, str]:
    return {tag["key"]: tag["value"] for tag in version["tags"]}


def versions(app: Any, name: str) -> list[dict[str, Any]]:
    answer = ask(app, f"{API}/model-versions/search", filter=f"name = '{name}' AND {PROMPTS}", max_results=1000)
    found: list[dict[str, Any]] = answer.data["model_versions"]
    return found


def test_a_prompt_is_a_registered_model_with_a_tag(app: Any) -> None:
    models = ask(app, f"{API}/registered-models/search", filter=PROMPTS, max_results=100).data["registered_models"]
    assert [model["name"] for model in models] == sorted(KEPT_HERE)
    for model in models:
        assert list(model) == [
            "name", "creation_timestamp", "last_updated_timestamp", "description", "latest_versions", "tags", "aliases",
        ]  # fmt: skip
        assert [alias["alias"] for alias in model["aliases"]] == ["production", "staging"]
        assert list(model["latest_versions"][0]) == VERSION_KEYS
        assert tags(model)["mlflow.prompt.is_prompt"] == "true"


def test_without_the_tag_prompts_are_not_found(app: Any) -> None:
    names = [model["name"] for model in ask(app, f"{API}/registered-models/search").data["registered_models"]]
    assert names == ["fraud-threshold"]
    assert ask(app, f"{API}/model-versions/search", filter="name = 'search-answers'").data == {}


def test_versions_are_believable_texts(app: Any) -> None:
    for name in KEPT_HERE:
        found = versions(app, name)
        assert [int(one["version"]) for one in found] == list(range(len(found), 0, -1))
        assert "aliases" not in found[0]
        for one in found:
            text = tags(one)["mlflow.prompt.text"]
            assert 10 <= len(text.splitlines()) <= 45
            assert re.search(r"{{\w[\w.]*}}", text)
            assert "<<" not in text
            assert one["description"]
            assert re.fullmatch(r"[a-z]+\.[a-z]+", tags(one)["author"])


def test_an_edit_changes_some_words_and_keeps_the_rest(app: Any) -> None:
    for name in KEPT_HERE:
        texts = [tags(one) for one in versions(app, name)]
        for new, old in itertools.pairwise(texts):
            assert new != old
            lines = set(new["mlflow.prompt.text"].splitlines()), set(old["mlflow.prompt.text"].splitlines())
            assert len(lines[0] ^ lines[1]) <= 12


def test_an_alias_points_at_one_version_that_names_it(app: Any) -> None:
    one = ask(app, f"{API}/registered-models/alias", name="search-answers", alias="production").data["model_version"]
    assert list(one) == [*VERSION_KEYS, "aliases"]
    assert "production" in one["aliases"]
    same = ask(app, f"{API}/model-versions/get", name="search-answers", version=one["version"]).data["model_version"]
    assert same == one


def test_production_moves_with_a_bad_version_and_back(now: int) -> None:
    month = incidents.incidents_between(World(seed=7), now - 20 * DAY, now)
    change = next(one.change for one in month if one.change and one.change.subject in KEPT_HERE)
    assert change.rolled_back_at

    def production(moment: int) -> int:
        model = ask(create_app(seed=7, clock=lambda: moment), f"{API}/registered-models/get", name=change.subject)
        aliases = {one["alias"]: int(one["version"]) for one in model.data["registered_model"]["aliases"]}
        return aliases["production"]

    before, during, after = map(production, (change.live_at - 1, change.live_at, change.rolled_back_at))
    assert before == after < during


def test_every_night_scores_every_feature(app: Any, now: int) -> None:
    found = runs(app, filter=f"attributes.start_time > {(now - 20 * DAY) * 1000} AND tags.kind = 'nightly'")
    done = [run for run in found if run["info"]["status"] == "FINISHED"]
    assert len(done) >= 17 * len(KEPT_HERE)
    for run in done:
        assert list(run) == ["info", "data", "inputs", "outputs"]
        assert list(run["info"]) == INFO_KEYS
        scores = {metric["key"]: metric["value"] for metric in run["data"]["metrics"]}
        assert {"accuracy", "groundedness", "relevance", "tone", "policy_ok"} <= set(scores)
        assert all(0.5 < scores[key] <= 1 for key in ("accuracy", "groundedness", "relevance", "policy_ok"))
        assert 1 <= scores["tone"] <= 5
        params = {param["key"]: param["value"] for param in run["data"]["params"]}
        assert params["prompt_version"].isdigit()


def test_a_run_under_way_has_no_end_and_no_scores(now: int, app: Any) -> None:
    run = next(run for run in runs(app) if run["info"]["status"] == "FINISHED")
    midway = create_app(seed=7, clock=lambda: run["info"]["start_time"] / 1000 + 30)
    found = runs(midway, filter="attributes.status = 'RUNNING'")
    same = next(one for one in found if one["info"]["run_id"] == run["info"]["run_id"])
    assert list(same["info"]) == [key for key in INFO_KEYS if key != "end_time"]
    assert "metrics" not in same["data"]


def test_filters_order_and_pages(app: Any, now: int) -> None:
    since = (now - 5 * DAY) * 1000
    found = runs(app, filter=f"attributes.end_time > {since}", order_by=["attributes.end_time ASC"])
    ends = [run["info"]["end_time"] for run in found]
    assert ends == sorted(ends)
    assert ends[0] > since
    question = {"experiment_ids": ALL, "max_results": 7, "order_by": ["attributes.start_time DESC"]}
    first = ask(app, f"{API}/runs/search", payload=question).data
    second = ask(app, f"{API}/runs/search", payload=question | {"page_token": first["next_page_token"]}).data
    both = [run["info"]["run_id"] for page in (first, second) for run in page["runs"]]
    assert both == [run["info"]["run_id"] for run in runs(app)[:14]]


def test_nothing_found_is_an_empty_object(app: Any) -> None:
    assert ask(app, f"{API}/runs/search", payload={"max_results": 5}).text == "{}"
    late = {"experiment_ids": ["1"], "filter": "attributes.start_time > 4999999999999"}
    assert ask(app, f"{API}/runs/search", payload=late).text == "{}"


@pytest.mark.parametrize(
    ("path", "params", "status", "code", "sentence"),
    [
        ("registered-models/get", {"name": "x"}, 404, "RESOURCE_DOES_NOT_EXIST",
         "Registered Model with name=x not found"),
        ("registered-models/alias", {"name": "search-answers", "alias": "x"}, 400, "INVALID_PARAMETER_VALUE",
         "Registered model alias x not found."),
        ("runs/get", {"run_id": "0" * 32}, 404, "RESOURCE_DOES_NOT_EXIST", f"Run with id={'0' * 32} not found"),
        ("runs/get", {}, 400, "INVALID_PARAMETER_VALUE", "Missing value for required parameter 'run_id'"),
    ],
)  # fmt: skip
def test_what_is_missing_is_said_as_mlflow_does(
    app: Any, path: str, params: dict[str, Any], status: int, code: str, sentence: str
) -> None:
    answer = ask(app, f"{API}/{path}", **params)
    assert answer.status == status
    assert list(answer.data) == ["error_code", "message", "sqlstate", "error_class"]
    assert answer.data["error_code"] == code
    assert answer.data["message"].startswith(sentence)


@pytest.mark.parametrize(
    ("question", "sentence"),
    [
        ({"max_results": 50_001}, "Invalid value 50001 for parameter 'max_results' supplied"),
        ({"filter": "nope = 3"}, "Invalid attribute key 'nope' specified."),
        ({"filter": "status ="}, "Invalid clause(s) in filter string"),
        ({"filter": "start_time > 'x'"}, "Expected numeric value type"),
        ({"page_token": "abc"}, "Invalid page token, could not base64-decode"),
        ({"order_by": ["weather DESC"]}, "Invalid order_by clause"),
    ],
)
def test_a_bad_question_is_refused(app: Any, question: dict[str, Any], sentence: str) -> None:
    answer = ask(app, f"{API}/runs/search", payload={"experiment_ids": ["1"]} | question)
    assert (answer.status, answer.data["error_code"]) == (400, "INVALID_PARAMETER_VALUE")
    assert answer.data["message"].startswith(sentence)


def test_the_registry_takes_no_writes_but_moved_labels(app: Any) -> None:
    answer = ask(app, f"{API}/registered-models/get", payload={"name": "search-answers"})
    assert answer.status == 403
    assert answer.data["error_code"] == "PERMISSION_DENIED"
    unknown = {"name": "search-answers", "alias": "x", "version": "999"}
    assert ask(app, f"{API}/registered-models/alias", payload=unknown).status == 404


def test_quality_of_the_burning_feature_sinks_in_its_evaluations(app: Any, now: int, world: World) -> None:
    known = [burns.burn(world, number) for number in range(12)]
    today = now // DAY
    burn = next(one for one in known if one.feature in KEPT_HERE and today - 44 < one.first_day < today - 12)
    found = runs(app, filter=f"tags.kind = 'nightly' AND tags.feature = '{burn.feature}'", order_by=["start_time ASC"])
    scores = [
        metric["value"]
        for run in found
        if burn.first_day * DAY * 1000 < run["info"]["start_time"] < burn.last_day * DAY * 1000
        for metric in run["data"].get("metrics", ())
        if metric["key"] == "quality"
    ]
    assert scores[-1] < scores[0] - 0.15
