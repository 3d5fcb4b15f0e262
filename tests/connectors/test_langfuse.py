"""Langfuse: labels that move, versions that are deleted, metrics on three kinds of servers, and its webhooks."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import unquote

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st

from apps.connectors.errors import ConfigError, ErrorClass, SourceError
from apps.connectors.http import Http, Limits
from apps.connectors.providers.langfuse.connector import LangfuseConnector
from apps.connectors.providers.langfuse.cursor import Memory
from apps.connectors.providers.langfuse.experiments import mark_of, read_experiment
from apps.connectors.providers.langfuse.fetching import SWEEP_EVERY
from apps.connectors.providers.langfuse.metrics import read_days, read_rows
from apps.connectors.providers.langfuse.prompts import read_metas, read_version
from apps.connectors.records import (
    Batch,
    EvaluationRecord,
    Kind,
    PromptLabelRecord,
    PromptRecord,
    PromptVersionRecord,
    RunState,
    Score,
    SeriesRecord,
)
from apps.connectors.values import UnreadableError
from apps.connectors.webhook import WebhookError
from tests.connectors.conftest import ask, patient
from tests.connectors.test_prometheus import JSON
from tests.connectors.upstream import Answer, Request, Upstream
from tests.connectors.worlds import World, iso

PAGES = "https://langfuse.example.com/project/pr-1"
CONFIG = {"public_key": "pk-lf-1", "backfill_days": 1}
SECRETS = {"secret_key": "sk-lf-1"}
ROOMY = Limits(total_seconds=5, fetch_seconds=20)
HOUR = timedelta(hours=1)


@dataclass
class LangfuseWorld(World):
    """Prompts (name -> number -> version), metrics by hour, experiments; `old` servers have less."""

    prompts: dict[str, dict[int, dict[str, Any]]] = field(default_factory=dict)
    hours: dict[datetime, list[dict[str, Any]]] = field(default_factory=dict)  # hour -> rows of the three views
    days: list[Any] = field(default_factory=list)
    experiments: list[Any] = field(default_factory=list)
    items: dict[str, list[Any]] = field(default_factory=dict)
    runs: list[Any] = field(default_factory=list)  # of the one dataset, on old servers
    run_scores: dict[str, list[Any]] = field(default_factory=dict)
    missing: tuple[str, ...] = ()  # APIs that this server does not have
    limited: tuple[str, ...] = ()  # APIs that were asked too often
    metas: list[Any] = field(default_factory=list)  # added to the list as they are

    def add_version(self, name: str, content: Any, *labels: str, **more: Any) -> dict[str, Any]:
        versions = self.prompts.setdefault(name, {})
        number = max(versions, default=0) + 1
        versions[number] = {
            "id": f"id-{name}-{number}", "name": name, "version": number, "prompt": content, "config": {},
            "type": "text" if isinstance(content, str) else "chat", "labels": [], "tags": ["eu"],
            "commitMessage": f"rev {number}",
            "createdBy": "user-1", "createdAt": iso(self.clock), "updatedAt": iso(self.clock), "isActive": None,
            "projectId": "pr-1", "resolutionGraph": None, **more,
        }  # fmt: skip
        for label in ("latest", *labels):
            self.label(name, label, number)
        return versions[number]

    def label(self, name: str, label: str, number: int | None) -> None:
        """Move a label, or remove it; the versions that win or lose it are updated."""
        for version in self.prompts[name].values():
            has, gets = label in version["labels"], version["version"] == number
            if has != gets:
                others = [known for known in version["labels"] if known != label]
                version["labels"] = [*others, label] if gets else others
                version["updatedAt"] = iso(self.clock)

    def hour(self, ago: int) -> datetime:
        return self.clock.replace(minute=0, second=0) - ago * HOUR

    def add_hour(self, ago: int, *, environment: str | None = "production", **numbers: Any) -> None:
        """Rows as ClickHouse gives them: counts may be texts, times have no zone."""
        rows = self.hours.setdefault(self.hour(ago), [])
        known = {"environment": environment}
        latency = {"p50_latency": 800, "p95_latency": 1500.5, "p99_latency": None}
        rows.append({"view": "roots", **known, "count_count": "36", **latency, **numbers})
        for model, prompt, cost in (("m-1", "answer", 0.25), ("m-1", None, 0.5), ("m-2", "answer", "0.125")):
            place = {"providedModelName": model, "promptName": prompt}
            rows.append({"view": "spending", **known, **place, "sum_totalCost": cost, "sum_totalTokens": "1000"})
        for name, value in (("groundedness", 0.75), ("mood", 3)):
            rows.append({"view": "scores", **known, "name": name, "avg_value": value})

    def add_experiment(self, name: str, *, ago: timedelta = HOUR, **more: Any) -> dict[str, Any]:
        ended = self.clock - ago
        score = {
            "projectId": "pr-1", "source": "EVAL", "environment": "default", "timestamp": iso(ended),
            "createdAt": iso(ended), "updatedAt": iso(ended), "comment": None,
        }  # fmt: skip
        experiment = {
            "id": f"x-{name}", "name": name, "description": None, "startTime": iso(ended - HOUR), "endTime": iso(ended),
            "itemCount": 2, "datasetId": "d-1", "metadata": {"prompt_name": "answer", "prompt_version": 2},
            "scores": [{**score, "id": "s0", "name": "f1", "value": 0.5, "dataType": "NUMERIC"}], **more,
        }  # fmt: skip
        self.experiments.append(experiment)
        self.items[experiment["id"]] = [
            {"id": f"o-{case}", "traceId": "t", "startTime": iso(ended), "endTime": iso(ended), "level": "DEFAULT",
             "environment": "default", "experimentId": experiment["id"], "experimentName": name,
             "experimentItemId": case,
             "scores": [{**score, "id": f"s{case}", "name": "exact", "value": good, "dataType": "BOOLEAN"},
                        {**score, "id": f"c{case}", "name": "tone", "value": "warm", "dataType": "CATEGORICAL"}]}
            for case, good in (("i-1", True), ("i-2", False))
        ]  # fmt: skip
        return experiment

    def __call__(self, request: Request) -> Answer:
        path, query = request.path.removeprefix("/api/public/"), request.query
        if path in self.missing:
            return self.answer({"message": "not available here", "error": "LangfuseNotFoundError"}, 404)
        if path in self.limited:
            answer = self.answer({"message": "Rate limit exceeded"}, 429)
            answer.headers.update({"Retry-After": "600", "X-RateLimit-Limit": "100", "X-RateLimit-Remaining": "0"})
            return answer
        match path.split("/"):
            case ["health"]:
                return self.answer({"status": "OK", "version": "4.2.0"})
            case ["projects"]:
                organisation = {"id": "org", "name": "Shop"}
                project = {"id": "pr-1", "name": "chat", "organization": organisation, "metadata": {}}
                return self.answer({"data": [project]})
            case ["v2", "prompts"]:
                return self.page(self.list_prompts(query), query)
            case ["v2", "prompts", name]:
                return self.one(unquote(name), query)
            case ["v2", "metrics"] | ["metrics"]:
                return self.answer({"data": self.rows(json.loads(query["query"]))})
            case ["metrics", "daily"]:
                return self.page(self.days, query)
            case ["v2", "datasets"]:
                return self.page([self.dataset()], query)
            case ["datasets", _, "runs"]:
                return self.page(self.runs, query)
            case ["v2", "scores"]:
                return self.page(self.run_scores.get(query["datasetRunId"], []), query)
            case ["experiments"]:
                return self.answer({"data": self.experiments, "meta": {}})
            case ["experiment-items"]:
                return self.answer({"data": self.items[query["experimentId"]], "meta": {}})
        return self.answer({"message": "Not Found"}, 404)

    def dataset(self) -> dict[str, Any]:
        plain: dict[str, Any] = dict.fromkeys(["description", "metadata", "inputSchema", "expectedOutputSchema"])
        times = {"createdAt": iso(self.clock), "updatedAt": iso(self.clock)}
        return {"id": "d-1", "name": "golden", "projectId": "pr-1", **plain, **times}

    def list_prompts(self, query: dict[str, str]) -> list[Any]:
        since = query.get("fromUpdatedAt", "")
        found: list[Any] = []
        for name, versions in sorted(self.prompts.items()):
            told = [v for v in versions.values() if not since or _at(v["updatedAt"]) >= _at(since)]
            if told and query.get("name", name) == name:
                found.append({
                    "name": name, "type": told[-1]["type"], "versions": sorted(v["version"] for v in told),
                    "labels": sorted({label for v in told for label in v["labels"]}), "tags": told[0]["tags"],
                    "lastUpdatedAt": max(v["updatedAt"] for v in told), "lastConfig": told[-1]["config"],
                })  # fmt: skip
        return found + self.metas

    def one(self, name: str, query: dict[str, str]) -> Answer:
        assert query["resolve"] == "false", "else the text changes when a prompt that it refers to does"
        version = self.prompts.get(name, {}).get(int(query["version"]))
        if version is None:
            return self.answer({"message": f"Prompt not found: '{name}'", "error": "LangfuseNotFoundError"}, 404)
        return self.answer(version)

    def rows(self, query: dict[str, Any]) -> list[dict[str, Any]]:
        fields = [item["field"] for item in query["dimensions"]]
        view = {"scores-numeric": "scores", "traces": "roots"}.get(query["view"])
        view = view or ("spending" if "promptName" in fields else "roots")
        begin, end = _at(query["fromTimestamp"]), _at(query["toTimestamp"])
        told = [(at, row) for at, rows in sorted(self.hours.items()) for row in rows if begin <= at < end]
        rows = [{k: v for k, v in row.items() if k != "view"} | {"time_dimension": f"{at:%Y-%m-%d %H:%M:%S}"}
                for at, row in told if row["view"] == view]  # fmt: skip
        return rows[: query["config"]["row_limit"]]

    def page(self, items: list[Any], query: dict[str, str]) -> Answer:
        page, size = int(query["page"]), int(query["limit"])
        part = items[(page - 1) * size : page * size]
        meta = {"page": page, "limit": size, "totalItems": len(items), "totalPages": -(-len(items) // size)}
        return self.answer({"data": part, "meta": meta})


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def small_world() -> LangfuseWorld:
    world = LangfuseWorld()
    now = world.clock
    world.clock -= timedelta(days=1)
    for text in ("Answer {{q}}", "Answer {{q}} politely", "Answer {{q}} briefly"):
        world.add_version("answer", text)
        world.clock += timedelta(minutes=1)
    world.label("answer", "production", 2)
    world.label("answer", "staging", 3)
    world.add_version("folder/triage", [{"role": "system", "content": "Sort {{t}}"}])
    world.clock = now
    world.add_hour(2)
    world.add_hour(3, p95_latency=2500)
    world.add_experiment("first try")
    return world


def fetch(
    upstream: Upstream, world: LangfuseWorld, cursor: Any = None, *, limits: Limits = ROOMY, **more: Any
) -> Batch:
    """One poll at the world's time; the cursor goes through JSON, as it does when it is stored."""
    upstream.handler = world
    saved = json.loads(json.dumps(cursor or {}))
    config = {"url": upstream.url, **CONFIG, **more}
    with time_machine.travel(world.clock, tick=False):
        return ask(lambda http: connector(http, config).fetch(saved), limits=limits)


def connector(http: Http, config: dict[str, Any]) -> LangfuseConnector:
    return LangfuseConnector(config=config, secrets=SECRETS, http=http)


def until_done(upstream: Upstream, world: LangfuseWorld, cursor: Any = None, **more: Any) -> list[Batch]:
    """The polls of one round."""
    batches = [fetch(upstream, world, cursor, **more)]
    while batches[-1].has_more:
        batches.append(fetch(upstream, world, batches[-1].cursor, **more))
        assert len(batches) < 50
    return batches


def versions(batch: Batch) -> dict[str, PromptVersionRecord]:
    return {r.external_id: r for r in batch.records if isinstance(r, PromptVersionRecord)}


def labels(batch: Batch) -> dict[str, int]:
    return {r.external_id: r.number for r in batch.records if isinstance(r, PromptLabelRecord)}


def series(batch: Batch) -> dict[tuple[str, ...], SeriesRecord]:
    """By name and the values of the labels."""
    found = [r for r in batch.records if isinstance(r, SeriesRecord)]
    return {(r.name, *(v for k, v in sorted(r.labels.items()) if k != "environment")): r for r in found}


def evaluations(batch: Batch) -> list[EvaluationRecord]:
    return [r for r in batch.records if isinstance(r, EvaluationRecord)]


def listed(batch: Batch, kind: Kind, scope: str = "") -> frozenset[str] | None:
    found = [item.external_ids for item in batch.listings if item.kind is kind and item.scope == scope]
    assert len(found) <= 1
    return found[0] if found else None


def test_the_first_poll_brings_everything_once(upstream: Upstream) -> None:
    batch = fetch(upstream, small_world())
    assert {r.name for r in batch.records if isinstance(r, PromptRecord)} == {"answer", "folder/triage"}
    assert set(versions(batch)) == {"answer/1", "answer/2", "answer/3", "folder/triage/1"}
    assert labels(batch) == {"answer@production": 2, "answer@staging": 3}
    assert listed(batch, Kind.PROMPT) == {"answer", "folder/triage"}
    assert listed(batch, Kind.PROMPT_VERSION, "answer") == {"answer/1", "answer/2", "answer/3"}
    assert listed(batch, Kind.PROMPT_LABEL, "answer") == {"answer@production", "answer@staging"}
    assert listed(batch, Kind.PROMPT_LABEL, "folder/triage") == frozenset(), "latest moves by itself and is left out"
    assert (batch.rejected, batch.has_more) == ((), False)


def test_a_version_has_its_text_settings_author_and_page(upstream: Upstream) -> None:
    world = small_world()
    shape = {"type": "json_object"}
    world.prompts["answer"][2]["config"] = {"model": "m-1", "temperature": 0.2, "response_format": shape}
    record = versions(fetch(upstream, world))["answer/2"]
    assert (record.number, record.template, record.messages) == (2, "Answer {{q}} politely", ())
    assert (record.model_config, record.response_format) == ({"model": "m-1", "temperature": 0.2}, shape)
    assert (record.commit_message, record.author, record.tags) == ("rev 2", "user-1", {"tags": "eu"})
    assert record.created_at == world.clock - timedelta(days=1) + timedelta(minutes=1)
    assert record.url == f"{upstream.url}/project/pr-1/prompts/answer?version=2"


@pytest.mark.parametrize("name", ["folder/sub/triage", "what? 100% #1 & more", "äöü"])
def test_a_name_is_asked_for_with_every_sign_in_its_place(upstream: Upstream, name: str) -> None:
    world = LangfuseWorld()
    world.add_version(name, "text")
    assert set(versions(fetch(upstream, world))) == {f"{name}/1"}


def content_of(content: Any, **more: Any) -> PromptVersionRecord:
    item = LangfuseWorld().add_version("p", content, **more)
    (record,), _, rejected = read_version(item, datetime(2026, 1, 1, tzinfo=UTC), pages=PAGES)
    assert rejected == []
    return record


def test_a_chat_prompt_has_messages_and_places_for_messages() -> None:
    parts = [{"type": "image"}]
    messages = [
        {"type": "chatmessage", "role": "system", "content": "Be kind"},
        {"type": "placeholder", "name": "history"},
        {"role": "user", "content": parts},
    ]
    record = content_of(messages)
    assert record.template == ""
    assert record.messages == (
        {"role": "system", "content": "Be kind"},
        {"role": "placeholder", "content": "history"},
        {"role": "user", "content": json.dumps(parts)},
    )


def test_settings_that_are_no_object_are_kept_too() -> None:
    assert content_of("x", config=["m-1"]).model_config == {"config": ["m-1"]}
    assert content_of("x", config=None).model_config == {}


def test_a_server_that_tells_no_time_of_a_version_gives_that_of_the_prompt() -> None:
    assert content_of("x", createdAt=None).created_at == datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("content", [None, 5, {"role": "user"}, [{"content": "x"}], [{"role": 1}]])
def test_broken_content_is_rejected_and_its_neighbour_is_read(upstream: Upstream, content: Any) -> None:
    world = small_world()
    world.prompts["answer"][2]["prompt"] = content
    world.prompts["answer"][2]["type"] = "chat" if isinstance(content, list) else "text"
    batch = fetch(upstream, world)
    assert set(versions(batch)) == {"answer/1", "answer/3", "folder/triage/1"}
    assert [item.external_id for item in batch.rejected] == ["id-answer-2"]


def test_an_unchanged_project_costs_one_question(upstream: Upstream) -> None:
    world = small_world()
    first = fetch(upstream, world)
    upstream.requests.clear()
    second = fetch(upstream, world, first.cursor)
    assert [request.path for request in upstream.requests] == ["/api/public/v2/prompts"]
    assert (versions(second), labels(second), series(second), evaluations(second)) == ({}, {}, {}, [])


def test_a_moved_label_is_seen_and_a_removed_one_leaves_the_listing(upstream: Upstream) -> None:
    world = small_world()
    first = fetch(upstream, world)
    world.clock += timedelta(minutes=1)
    world.label("answer", "production", 3)
    second = fetch(upstream, world, first.cursor)
    assert labels(second) == {"answer@production": 3, "answer@staging": 3}
    assert set(versions(second)) == {"answer/2", "answer/3"}, "the one that lost it and the one that won it"
    world.clock += timedelta(minutes=1)
    world.label("answer", "production", None)
    third = fetch(upstream, world, second.cursor)
    assert listed(third, Kind.PROMPT_LABEL, "answer") == {"answer@staging"}


def test_a_deleted_version_and_a_deleted_prompt_leave_the_listings(upstream: Upstream) -> None:
    world = small_world()
    first = fetch(upstream, world)
    del world.prompts["answer"][1], world.prompts["folder/triage"]
    second = fetch(upstream, world, first.cursor)
    assert listed(second, Kind.PROMPT) == {"answer"}
    assert listed(second, Kind.PROMPT_VERSION, "answer") == {"answer/2", "answer/3"}
    assert set(second.cursor["prompts"]) == {"answer"}


def test_a_version_that_is_deleted_in_the_middle_of_a_poll_is_passed_over(upstream: Upstream) -> None:
    world = small_world()
    one = world.one
    world.one = lambda name, query: world.answer({}, 404) if query["version"] == "2" else one(name, query)  # type: ignore[method-assign]
    batch = fetch(upstream, world)
    assert set(versions(batch)) == {"answer/1", "answer/3", "folder/triage/1"}
    assert not batch.has_more


def test_a_new_version_is_told_alone(upstream: Upstream) -> None:
    world = small_world()
    first = fetch(upstream, world)
    world.clock += timedelta(minutes=1)
    world.add_version("folder/triage", "Sort {{t}} well", "production")
    second = fetch(upstream, world, first.cursor)
    assert set(versions(second)) == {"folder/triage/1", "folder/triage/2"}, "the old one lost the label latest"
    assert labels(second) == {"folder/triage@production": 2}


def large_world() -> LangfuseWorld:
    world = LangfuseWorld()
    for number in range(130):
        world.add_version(f"p{number:03}", "text", "production")
    return world


def test_many_prompts_are_read_in_pieces_that_end(upstream: Upstream) -> None:
    batches = until_done(upstream, large_world())
    found = [key for batch in batches for key in versions(batch)]
    assert len(found) == len(set(found)) == 130
    assert len(batches) > 3


def test_of_many_prompts_only_changes_are_asked_for_between_sweeps(upstream: Upstream) -> None:
    world = large_world()
    cursor = until_done(upstream, world)[-1].cursor
    cursor["polls"] = SWEEP_EVERY + 1
    world.clock += timedelta(minutes=10)
    world.add_version("p007", "new text", "staging")
    world.add_version("p130", "a new prompt")
    del world.prompts["p001"]
    upstream.requests.clear()
    batch = fetch(upstream, world, cursor)
    first = upstream.requests[0]
    assert _at(first.query["fromUpdatedAt"]) < world.clock - timedelta(minutes=10), "with some overlap"
    assert set(versions(batch)) == {"p007/1", "p007/2", "p130/1"}
    assert listed(batch, Kind.PROMPT_LABEL, "p007") == {"p007@production", "p007@staging"}
    assert listed(batch, Kind.PROMPT_VERSION, "p007") == {"p007/1", "p007/2"}
    assert listed(batch, Kind.PROMPT) is None
    for _ in range(SWEEP_EVERY):
        batch = fetch(upstream, world, batch.cursor)
        if (found := listed(batch, Kind.PROMPT)) is not None:
            break
    assert found is not None
    assert "p001" not in found


def test_a_sweep_that_had_to_stop_goes_on_with_a_sweep(upstream: Upstream) -> None:
    world = large_world()
    cursor = until_done(upstream, world)[-1].cursor
    world.clock += timedelta(minutes=10)
    for number in range(130):
        world.label(f"p{number:03}", "staging", 1)
    cursor["polls"] = SWEEP_EVERY
    found = {key for batch in until_done(upstream, world, cursor) for key in labels(batch)}
    assert {f"p{number:03}@staging" for number in range(130)} <= found


def test_hours_that_are_over_become_series_with_measures(upstream: Upstream) -> None:
    world = small_world()
    found = series(fetch(upstream, world))
    record = found["latency p95",]
    assert record.samples == ((world.hour(3), 2.5), (world.hour(2), 1.5005))
    assert (record.measure, record.unit, record.labels) == ("latency_p95", "s", {"environment": "production"})
    assert dict(found["requests",].samples)[world.hour(2)] == 36 / 3600, "counts may be texts"
    assert ("latency p99",) not in found, "nothing is known of it"
    measures = {key[0]: found[key].measure for key in found if "score" in key[0]}
    assert measures == {"score groundedness": "groundedness", "score mood": ""}


def test_cost_and_tokens_are_added_up_for_the_project_each_model_and_each_prompt(upstream: Upstream) -> None:
    world = small_world()
    found = series(fetch(upstream, world))
    costs = {key: dict(record.samples)[world.hour(2)] for key, record in found.items() if key[0].endswith("cost")}
    assert costs == {
        ("cost",): 0.875,
        ("m-1 cost", "m-1"): 0.75,
        ("m-2 cost", "m-2"): 0.125,
        ("answer cost", "answer"): 0.375,
    }
    assert (found["cost",].measure, found["cost",].unit) == ("cost_rate", "usd")
    assert dict(found["tokens",].samples)[world.hour(2)] == 3000


def test_a_new_hour_is_read_once_it_has_settled_with_those_before_it(upstream: Upstream) -> None:
    world = small_world()
    world.clock = world.clock.replace(minute=30)
    first = fetch(upstream, world)
    world.clock += timedelta(minutes=40)  # ten minutes into the next hour
    assert series(fetch(upstream, world, first.cursor)) == {}
    world.clock += timedelta(minutes=6)
    world.add_hour(1, p95_latency=9000)
    again = series(fetch(upstream, world, first.cursor))["latency p95",]
    assert [value for _, value in again.samples] == [2.5, 1.5005, 9.0]


def test_rows_that_fill_gaps_say_nothing() -> None:
    begin = datetime(2026, 11, 24, 10, tzinfo=UTC)
    filler = {"time_dimension": "2026-11-24 10:00:00", "environment": None, "count_count": "0", "p95_latency": None}
    nothing = {**filler, "sum_totalCost": None, "sum_totalTokens": 0}
    assert read_rows([[filler], [nothing], [filler]], begin=begin, end=begin + HOUR) == []


@pytest.mark.parametrize("text", ["2026-11-24 10:00:00", "2026-11-24T10:00:00Z", "2026-11-24T11:00:00+01:00"])
def test_a_time_without_a_zone_is_utc(text: str) -> None:
    begin = datetime(2026, 11, 24, 10, tzinfo=UTC)
    row = {"time_dimension": text, "environment": "default", "count_count": 1}
    (record,) = read_rows([[row], [], []], begin=begin, end=begin + HOUR)
    assert record.samples == ((begin, 1 / 3600),)


def test_an_answer_that_is_cut_is_asked_for_in_smaller_windows(upstream: Upstream) -> None:
    world = LangfuseWorld()
    for ago in range(1, 25):
        for place in range(100):
            world.add_hour(ago, environment=f"env-{place}")
    found: dict[str, set[datetime]] = {}
    for batch in until_done(upstream, world):
        for record in batch.records:
            if isinstance(record, SeriesRecord) and record.name == "requests":
                found.setdefault(record.labels["environment"], set()).update(at for at, _ in record.samples)
    assert len(found) == 100
    assert {len(times) for times in found.values()} in ({23}, {24}), "the last hour may be settling"


def test_an_older_server_is_asked_for_traces(upstream: Upstream) -> None:
    world = small_world()
    world.missing = ("v2/metrics",)
    found = series(fetch(upstream, world))
    assert found["latency p95",].samples[-1] == (world.hour(2), 1.5005)
    asked = [json.loads(r.query["query"]) for r in upstream.requests if r.path == "/api/public/metrics"]
    assert [query["view"] for query in asked] == ["traces", "observations", "scores-numeric"]
    assert "filters" not in asked[0]


def test_the_oldest_servers_tell_days(upstream: Upstream) -> None:
    world = small_world()
    world.missing = ("v2/metrics", "metrics")
    day = world.clock.replace(hour=0, minute=0, second=0)
    world.clock = day + timedelta(hours=12)
    for at in (day, day - timedelta(days=1), "someday"):
        date = f"{at:%Y-%m-%d}" if isinstance(at, datetime) else at
        world.days.append({"date": date, "countTraces": 864, "countObservations": 900, "totalCost": 12, "usage": []})
    found = series(fetch(upstream, world))
    assert found["requests",].samples == ((day - timedelta(days=1), 0.01),), "the day that is not over is left out"
    assert found["cost",].samples == ((day - timedelta(days=1), 0.5),)


def test_a_server_without_any_metrics_is_asked_again_in_an_hour_and_prompts_go_on(upstream: Upstream) -> None:
    world = small_world()
    world.missing = ("v2/metrics", "metrics", "metrics/daily")
    batch = fetch(upstream, world)
    assert len(versions(batch)) == 4
    assert not batch.has_more
    upstream.requests.clear()
    fetch(upstream, world, batch.cursor)
    assert not any("metrics" in request.path for request in upstream.requests)


def test_metrics_that_were_asked_for_too_often_rest_while_prompts_go_on(upstream: Upstream) -> None:
    world = small_world()
    world.limited = ("v2/metrics",)
    first = fetch(upstream, world)
    assert len(versions(first)) == 4
    assert series(first) == {}
    world.limited = ()
    upstream.requests.clear()
    world.clock += timedelta(minutes=9)
    second = fetch(upstream, world, first.cursor)
    assert not any("metrics" in request.path for request in upstream.requests), "it asked for ten minutes of quiet"
    world.clock += timedelta(minutes=2)
    assert series(fetch(upstream, world, second.cursor)) != {}


def test_prompts_that_were_asked_for_too_often_are_a_failure_with_its_pause(upstream: Upstream) -> None:
    world = small_world()
    world.limited = ("v2/prompts",)
    with pytest.raises(SourceError) as caught:
        fetch(upstream, world)
    assert (caught.value.error_class, caught.value.retry_after) == (ErrorClass.RATE_LIMIT, 600)


def test_a_server_that_fails_is_no_refusal(upstream: Upstream) -> None:
    world = small_world()
    world.rows = lambda query: None  # type: ignore[method-assign, assignment, return-value]
    batch = fetch(upstream, world)
    assert series(batch) == {}
    upstream.handler = lambda request: Answer(status=500) if "metrics" in request.path else world(request)
    with pytest.raises(SourceError) as caught:
        ask(
            lambda http: connector(http, {"url": upstream.url, **CONFIG}).fetch({}),
            limits=Limits(total_seconds=5, fetch_seconds=20, backoff_seconds=0.001),
        )
    assert caught.value.error_class is ErrorClass.UPSTREAM


def test_an_experiment_is_an_evaluation_with_its_scores_and_those_of_its_items(upstream: Upstream) -> None:
    world = small_world()
    (record,) = evaluations(fetch(upstream, world))
    assert (record.external_id, record.suite, record.state) == ("x-first try", "golden", RunState.SUCCEEDED)
    assert (record.subject, record.version) == ("answer", "2")
    assert record.finished_at == record.updated_at == world.clock - HOUR
    assert record.scores == (
        Score(scorer="f1", value=0.5),
        Score(scorer="exact", value=1.0, case="i-1", passed=True),
        Score(scorer="exact", value=0.0, case="i-2", passed=False),
    )
    assert record.url == f"{upstream.url}/project/pr-1/experiments/results?baseline=x-first%20try"


def test_an_experiment_is_running_until_it_falls_silent(upstream: Upstream) -> None:
    world = LangfuseWorld()
    world.add_experiment("first try", ago=timedelta(minutes=1))
    first = fetch(upstream, world)
    assert [(r.state, r.finished_at) for r in evaluations(first)] == [(RunState.RUNNING, None)]
    world.clock += timedelta(minutes=12)
    second = fetch(upstream, world, first.cursor)
    assert [r.state for r in evaluations(second)] == [RunState.SUCCEEDED]
    world.clock += timedelta(minutes=12)
    assert evaluations(fetch(upstream, world, second.cursor)) == []


def test_an_experiment_whose_items_all_failed_has_failed() -> None:
    world = LangfuseWorld()
    item = world.add_experiment("x", datasetId=None)
    cases = [{"level": "ERROR"}, {"level": "ERROR"}]
    record = read_experiment(item, cases, datasets={}, pages=PAGES, now=world.clock)
    assert (record.state, record.suite) == (RunState.FAILED, "x")


def test_scores_that_come_late_are_read(upstream: Upstream) -> None:
    world = small_world()
    first = fetch(upstream, world)
    world.clock += timedelta(minutes=11)
    world.experiments[0]["scores"].append({"name": "tone", "value": 0.9, "dataType": "NUMERIC"})
    (record,) = evaluations(fetch(upstream, world, first.cursor))
    assert Score(scorer="tone", value=0.9) in record.scores


def test_a_broken_experiment_is_rejected_and_its_neighbour_is_read(upstream: Upstream) -> None:
    world = small_world()
    world.add_experiment("broken", endTime="soon")
    batch = fetch(upstream, world)
    assert [record.labels["experiment"] for record in evaluations(batch)] == ["first try"]
    assert [(item.kind, item.external_id) for item in batch.rejected] == [(Kind.EVALUATION, "x-broken")]


def test_many_experiments_are_read_in_pieces(upstream: Upstream) -> None:
    world = LangfuseWorld()
    for number in range(40):
        world.add_experiment(f"try {number}")
    found = [r.external_id for batch in until_done(upstream, world) for r in evaluations(batch)]
    assert len(found) == len(set(found)) == 40


def old_world() -> LangfuseWorld:
    world = LangfuseWorld(missing=("experiments", "experiment-items"))
    ended = world.clock - HOUR
    for name, at in (("first", ended), ("ancient", ended - timedelta(days=9))):
        world.runs.append({
            "id": f"r-{name}", "name": name, "description": None, "metadata": None, "datasetId": "d-1",
            "datasetName": "golden", "createdAt": iso(at - HOUR), "updatedAt": iso(at),
        })  # fmt: skip
    world.run_scores["r-first"] = [
        {"id": "s1", "name": "f1", "dataType": "NUMERIC", "value": 0.5, "comment": "fair"},
        {"id": "s2", "name": "safe", "dataType": "BOOLEAN", "value": 1, "stringValue": "True"},
        {"id": "s3", "name": "tone", "dataType": "CATEGORICAL", "value": 0, "stringValue": "warm"},
    ]
    return world


def test_an_older_server_tells_dataset_runs(upstream: Upstream) -> None:
    world = old_world()
    batch = fetch(upstream, world)
    (record,) = evaluations(batch)
    assert (record.external_id, record.suite, record.state) == ("r-first", "golden", RunState.SUCCEEDED)
    assert record.scores == (
        Score(scorer="f1", value=0.5, comment="fair"),
        Score(scorer="safe", value=1.0, passed=True),
    )
    assert record.url == f"{upstream.url}/project/pr-1/datasets/d-1/runs/r-first"
    world.clock += timedelta(minutes=11)
    assert evaluations(fetch(upstream, world, batch.cursor)) == []


def test_a_server_without_experiments_and_datasets_tells_none(upstream: Upstream) -> None:
    world = old_world()
    world.missing = (*world.missing, "v2/datasets")
    batch = fetch(upstream, world)
    assert (evaluations(batch), batch.has_more) == ([], False)


def test_what_is_switched_off_is_not_asked_for(upstream: Upstream) -> None:
    batch = fetch(upstream, small_world(), metrics=False, experiments=False)
    assert (series(batch), evaluations(batch)) == ({}, [])
    assert not any("metrics" in r.path or "experiment" in r.path for r in upstream.requests)


def test_the_key_pair_travels_as_basic_credentials(upstream: Upstream) -> None:
    fetch(upstream, small_world())
    expected = "Basic " + base64.b64encode(b"pk-lf-1:sk-lf-1").decode()
    assert {request.headers["authorization"] for request in upstream.requests} == {expected}


def probe(upstream: Upstream, world: LangfuseWorld) -> Any:
    upstream.handler = world
    config = {"url": upstream.url, **CONFIG}
    return ask(lambda http: LangfuseConnector(config=config, secrets=SECRETS, http=http).probe(), limits=ROOMY)


def test_the_probe_names_the_project_and_what_may_be_read(upstream: Upstream) -> None:
    answer = probe(upstream, small_world())
    assert answer.sentence == "Langfuse 4.2.0 answers; the project chat has 2 prompts; metrics come from v2/metrics."
    assert answer.version == "4.2.0"
    assert all(scope.is_granted for scope in answer.scopes)


def test_the_probe_answers_for_the_rest_when_something_is_missing(upstream: Upstream) -> None:
    world = small_world()
    world.missing = ("health", "v2/prompts", "v2/metrics", "metrics", "metrics/daily", "experiments", "v2/datasets")
    answer = probe(upstream, world)
    sentence = "Langfuse answers; the project chat does not let us read prompts; it tells no metrics."
    assert answer.sentence == sentence
    assert {scope.name: scope.is_granted for scope in answer.scopes} == {
        "prompts": False,
        "metrics": False,
        "experiments": False,
    }


def test_the_probe_takes_the_dataset_runs_of_an_older_server_for_experiments(upstream: Upstream) -> None:
    world = old_world()
    world.missing = (*world.missing, "v2/metrics", "metrics")
    answer = probe(upstream, world)
    assert answer.sentence.endswith("metrics come from metrics/daily.")
    assert all(scope.is_granted for scope in answer.scopes)


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"backfill_days": -1}, "backfill_days"),
        ({"public_key": ""}, "public_key"),
        ({"public_key": "sk-lf-1"}, "public_key"),
    ],
)
def test_a_bad_setting_is_named(settings: dict[str, Any], named: str) -> None:
    with pytest.raises(ConfigError) as caught:
        LangfuseConnector.clean({"url": "https://cloud.langfuse.com", **CONFIG, **settings})
    assert caught.value.field == named


def test_a_missing_secret_key_is_named(upstream: Upstream) -> None:
    config = {"url": upstream.url, **CONFIG}
    with pytest.raises(ConfigError) as caught:
        ask(lambda http: LangfuseConnector(config=config, secrets={}, http=http).fetch({}))
    assert caught.value.field == "secret_key"


SECRET = "lf-whsec_0123"
BODY = json.dumps({"id": "e-1", "type": "prompt-version", "action": "updated", "prompt": {"name": "answer"}}).encode()


def deliver(
    body: bytes = BODY, *, secret: str = SECRET, name: str = "v1", age: int = 0, change: Callable[[str], str] = str
) -> Any:
    stamp = int(time.time()) - age
    signature = hmac.new(secret.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    assert LangfuseConnector.webhook
    headers = {"x-langfuse-signature": change(f"t={stamp},{name}={signature}")}
    return LangfuseConnector.webhook.read(headers, body, ["old-one", SECRET])


@pytest.mark.parametrize("name", ["v1", "s"])
@pytest.mark.parametrize("age", [0, 290, -290])
def test_a_signed_and_fresh_delivery_is_worth_a_poll(name: str, age: int) -> None:
    delivery = deliver(name=name, age=age)
    assert (delivery.delivery_id, delivery.event, delivery.is_relevant) == ("e-1", "prompt-version.updated", True)


def test_a_delivery_about_something_else_is_not_worth_a_poll() -> None:
    assert not deliver(b'{"id": "e-2", "type": "monitor-alert"}').is_relevant


@pytest.mark.parametrize(
    "told",
    [
        {"secret": "other"},
        {"age": 310},
        {"age": -310},
        {"change": lambda header: ""},
        {"change": lambda header: header.replace("t=", "t=1")},
        {"change": lambda header: header.replace("t=", "t=x")},
        {"change": lambda header: header.split(",")[0]},
        {"change": lambda header: header.split(",")[1]},
        {"body": b"no JSON"},
    ],
)
def test_any_other_delivery_is_refused(told: dict[str, Any]) -> None:
    with pytest.raises(WebhookError) as caught:
        deliver(**told)
    assert str(caught.value).endswith(".")
    assert SECRET not in str(caught.value)


@patient
@given(items=st.lists(JSON | st.dictionaries(st.sampled_from(["name", "versions", "lastUpdatedAt", "labels"]), JSON)))
def test_nothing_in_a_list_of_prompts_can_stop_its_neighbours(items: list[Any]) -> None:
    metas, rejected = read_metas(items, pages=PAGES)
    assert len(metas) + len(rejected) == len(items)


@patient
@given(more=st.dictionaries(st.sampled_from(["prompt", "type", "config", "labels", "tags", "createdAt"]), JSON))
def test_no_content_of_a_version_breaks_the_reading(more: dict[str, Any]) -> None:
    item = {**LangfuseWorld().add_version("p", "text"), **more}
    records, _, rejected = read_version(item, datetime(2026, 1, 1, tzinfo=UTC), pages=PAGES)
    assert len(records) + len(rejected) == 1


@patient
@given(rows=st.lists(JSON | st.dictionaries(st.sampled_from(["time_dimension", "count_count", "name", "date"]), JSON)))
def test_no_row_of_metrics_breaks_the_reading(rows: list[Any]) -> None:
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    for record in [
        *read_rows([rows, rows, rows], begin=begin, end=begin + HOUR),
        *read_days(rows, begin=begin, end=begin + HOUR),
    ]:
        assert record.samples


@patient
@given(
    more=st.dictionaries(st.sampled_from(["endTime", "scores", "metadata", "datasetId"]), JSON),
    items=st.lists(JSON),
)
def test_no_experiment_breaks_the_reading(more: dict[str, Any], items: list[Any]) -> None:
    world = LangfuseWorld()
    item = world.add_experiment("x", **more)
    with suppress(UnreadableError):
        assert mark_of(item, now=world.clock)
        assert read_experiment(item, items, datasets={}, pages=PAGES, now=world.clock).external_id == "x-x"


KEYS = ["polls", "project", "prompts", "is_behind", "until", "quiet_until", "experiments_at", "marks"]


@given(cursor=st.dictionaries(st.sampled_from(KEYS), JSON))
def test_any_stored_cursor_is_survived(cursor: dict[str, Any]) -> None:
    memory = Memory.load(cursor)
    assert Memory.load(memory.dump()) == memory
