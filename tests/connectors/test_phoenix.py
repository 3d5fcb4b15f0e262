"""Phoenix: tags that move without a trace, content by REST, hours that are over, and experiments that grow."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st

from apps.connectors.errors import ConfigError, ErrorClass, SourceError
from apps.connectors.http import Limits
from apps.connectors.providers.phoenix.connector import PhoenixConnector
from apps.connectors.providers.phoenix.cursor import Memory
from apps.connectors.providers.phoenix.experiments import mark_of, read_experiment
from apps.connectors.providers.phoenix.metrics import read_series
from apps.connectors.providers.phoenix.prompts import read_outlines, read_rest_prompts, read_versions, rest_editions
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
from tests.connectors.conftest import ask, patient
from tests.connectors.test_prometheus import JSON
from tests.connectors.upstream import Answer, Request, Upstream, text_answer
from tests.connectors.worlds import World, iso

UI = "https://phoenix.example.com"
ROOMY = Limits(total_seconds=5, fetch_seconds=20)
HOUR = timedelta(hours=1)


@dataclass
class PhoenixWorld(World):
    """Prompts (id -> outline with `versions`, newest first), traces of projects by hour, and datasets."""

    prompts: dict[str, dict[str, Any]] = field(default_factory=dict)
    traces: dict[str, dict[datetime, dict[str, Any]]] = field(default_factory=dict)  # project -> hour -> numbers
    datasets: dict[str, dict[str, Any]] = field(default_factory=dict)  # id -> experiment
    speaks_graphql: bool = True
    graphql_error: str = ""

    def add_prompt(self, name: str, *texts: str, **more: Any) -> dict[str, Any]:
        prompt = {"id": f"P-{name}", "name": name, "description": f"about {name}", "metadata": {"team": "search"}}
        self.prompts[name] = {**prompt, "createdAt": iso(self.clock), "labels": [], "versions": [], **more}
        for text in texts:
            self.add_version(name, text)
        return self.prompts[name]

    def add_version(self, name: str, text: str, **more: Any) -> dict[str, Any]:
        versions = self.prompts[name]["versions"]
        number = len(versions) + 1
        version: dict[str, Any] = {
            "id": f"V-{name}-{number}", "number": number, "at": iso(self.clock), "tags": [],
            "description": f"rev {number}", "model_provider": "OPENAI", "model_name": "gpt-x",
            "template_format": "MUSTACHE",
            "template": {"type": "string", "template": text},
            "invocation_parameters": {"type": "openai", "openai": {"temperature": 0.2}}, **more,
        }  # fmt: skip
        versions.insert(0, version)
        return version

    def tag(self, name: str, tag: str, number: int | None) -> None:
        """Point a tag at a version, or remove it; neither leaves a trace in any time."""
        for version in self.prompts[name]["versions"]:
            version["tags"] = [
                *(t for t in version["tags"] if t != tag),
                *([tag] if version["number"] == number else []),
            ]

    def add_hour(self, project: str, ago: int, **numbers: Any) -> None:
        at = self.clock.replace(minute=0, second=0) - ago * HOUR
        self.traces.setdefault(project, {})[at] = {"ok": 9, "total": 10, "p95": 1500.0, "cost": 0.25, **numbers}

    def add_experiment(self, dataset: str, **more: Any) -> dict[str, Any]:
        self.datasets[dataset] = {
            "id": f"E-{dataset}", "name": "first try", "updatedAt": iso(self.clock), "createdAt": iso(self.clock),
            "runCount": 2, "expectedRunCount": 2, "errorRate": 0.0, "job": None, "projectName": "Experiment-1",
            "metadata": {"prompt": "answer", "prompt_version": 2},
            "annotationSummaries": [{"annotationName": "exact", "meanScore": 0.5, "scoreCount": 2, "count": 2}],
            "runs": connection([
                run("D-1", iso(self.clock), {"name": "exact", "label": "True", "score": 1.0, "explanation": "same\n!"}),
                run("D-2", iso(self.clock), {"name": "exact", "label": "False", "score": 0.0, "explanation": None}),
            ]),
            **more,
        }  # fmt: skip
        return self.datasets[dataset]

    def __call__(self, request: Request) -> Answer:
        answer = self.graphql(request) if request.path == "/graphql" else self.rest(request)
        answer.headers["X-Phoenix-Server-Version"] = "20.26.1"
        return answer

    def graphql(self, request: Request) -> Answer:
        if not self.speaks_graphql:
            return text_answer("Forbidden", status=403, headers=self.date())
        if self.graphql_error:
            return self.answer({"data": None, "errors": [{"message": self.graphql_error}]})
        query, asked = request.json["query"], request.json["variables"]
        if "datasetCount" in query:
            return self.answer({"data": {"projects": connection([]), "datasetCount": len(self.datasets)}})
        if "prompts(" in query:
            return self.page("prompts", [self.outline(p) for p in self.prompts.values()], asked)
        if "projects(" in query:
            found = [{"id": f"R-{name}", "name": name, "hasTraces": bool(hours)} for name, hours in self.traces.items()]
            return self.page("projects", found, asked)
        if "datasets(" in query:
            found = [self.dataset(name, experiment) for name, experiment in self.datasets.items()]
            return self.page("datasets", found, asked)
        if "Experiment" in query:
            found = [e for e in self.datasets.values() if isinstance(e, dict) and e["id"] == asked["id"]]
            return self.answer({"data": {"node": found[0] if found else None}})
        projects = {key.replace("i", "p"): asked[key].removeprefix("R-") for key in asked if key.startswith("i")}
        return self.answer({"data": {key: self.hours(name, asked["range"]) for key, name in projects.items()}})

    def outline(self, prompt: Any) -> Any:
        if not isinstance(prompt, dict):
            return prompt
        versions = [
            {"id": v["id"], "sequenceNumber": v["number"], "createdAt": v["at"], "user": {"username": "ann"},
             "tags": [{"name": tag, "user": {"username": "bob"}} for tag in v["tags"]]}
            for v in prompt["versions"]
        ]  # fmt: skip
        return {**{k: v for k, v in prompt.items() if k != "versions"}, "promptVersions": connection(versions)}

    def dataset(self, name: str, experiment: dict[str, Any]) -> dict[str, Any]:
        light = {key: value for key, value in experiment.items() if key not in ("runs", "job", "metadata")}
        return {"id": f"S-{name}", "name": name, "experiments": connection([light])}

    def hours(self, project: str, span: dict[str, str]) -> dict[str, Any]:
        begin, end = (datetime.fromisoformat(span[key]) for key in ("start", "end"))
        hours = [begin + place * HOUR for place in range(round((end - begin) / HOUR))]
        told = [(iso(at), self.traces[project].get(at, {})) for at in hours]
        scores = [(at, [{"label": k, "score": v} for k, v in n.get("scores", {}).items()]) for at, n in told]
        return {
            "counts": {"data": [
                {"timestamp": at, "okCount": n.get("ok", 0), "totalCount": n.get("total", 0)} for at, n in told]},
            "latency": {"data": [
                {"timestamp": at, "p50": n.get("p50"), "p95": n.get("p95"), "p99": None} for at, n in told]},
            "tokens": {"data": [{"timestamp": at, "totalTokenCount": n.get("tokens")} for at, n in told]},
            "cost": {"data": [{"timestamp": at, "totalCost": n.get("cost")} for at, n in told]},
            "spanScores": {"data": [{"timestamp": at, "scoresWithLabels": entries} for at, entries in scores]},
            "traceScores": {"data": []},
        }  # fmt: skip

    def page(self, name: str, items: list[Any], asked: dict[str, Any]) -> Answer:
        start = int(asked.get("after") or 0)
        rest = {"hasNextPage": start + 50 < len(items), "endCursor": str(start + 50)}
        return self.answer({"data": {name: {**connection(items[start : start + 50]), "pageInfo": rest}}})

    def rest(self, request: Request) -> Answer:
        parts = request.path.removeprefix("/v1/").split("/")
        if parts == ["prompts"]:
            light = ("id", "name", "description", "metadata")
            found = [{k: p[k] for k in light} if isinstance(p, dict) else p for p in self.prompts.values()]
            return self.rest_page(found, request)
        if parts[0] == "prompts" and parts[2:] == ["versions"]:
            versions = next((p["versions"] for p in self.prompts.values() if p["id"] == parts[1]), [])
            content = [{k: v for k, v in version.items() if k not in ("number", "at", "tags")} for version in versions]
            return self.rest_page(content, request)
        if parts[0] == "prompt_versions" and parts[2:] == ["tags"]:
            known = {v["id"]: v for p in self.prompts.values() for v in p["versions"]}
            return self.rest_page([{"id": f"T-{tag}", "name": tag} for tag in known[parts[1]]["tags"]], request)
        return text_answer("Not Found", status=404, headers=self.date())

    def rest_page(self, items: list[Any], request: Request) -> Answer:
        start, size = int(request.query.get("cursor", 0)), int(request.query["limit"])
        following = str(start + size) if start + size < len(items) else None
        return self.answer({"data": items[start : start + size], "next_cursor": following})


def connection(items: list[Any]) -> dict[str, Any]:
    return {"pageInfo": {"hasNextPage": False, "endCursor": None}, "edges": [{"node": item} for item in items]}


def run(example: str, ended: str, *annotations: dict[str, Any], repetition: int = 1) -> dict[str, Any]:
    return {
        "startTime": ended, "endTime": ended, "error": None, "repetitionNumber": repetition, "example": {"id": example},
        "annotations": connection(list(annotations)),
    }  # fmt: skip


def small_world() -> PhoenixWorld:
    world = PhoenixWorld()
    world.add_prompt("answer", "Answer {{q}}", "Answer {{q}} politely", "Answer {{q}} briefly")
    world.add_prompt("triage", "Sort {{t}}")
    world.tag("answer", "production", 2)
    world.tag("answer", "staging", 3)
    world.add_hour("shop", 2, scores={"groundedness": 0.8, "mood": 0.1})
    world.add_hour("shop", 3, p95=2500.0)
    world.add_experiment("golden")
    return world


def fetch(upstream: Upstream, world: PhoenixWorld, cursor: Any = None, *, limits: Limits = ROOMY, **more: Any) -> Batch:
    """One poll at the world's time; the cursor goes through JSON, as it does when it is stored."""
    upstream.handler = world
    saved = json.loads(json.dumps(cursor or {}))
    config = {"url": upstream.url, "backfill_days": 1, **more}
    with time_machine.travel(world.clock, tick=False):
        return ask(lambda http: PhoenixConnector(config=config, secrets={}, http=http).fetch(saved), limits=limits)


def versions(batch: Batch) -> dict[str, PromptVersionRecord]:
    return {r.external_id: r for r in batch.records if isinstance(r, PromptVersionRecord)}


def labels(batch: Batch) -> dict[str, int]:
    return {r.external_id: r.number for r in batch.records if isinstance(r, PromptLabelRecord)}


def series(batch: Batch) -> dict[str, SeriesRecord]:
    return {r.name: r for r in batch.records if isinstance(r, SeriesRecord)}


def evaluations(batch: Batch) -> list[EvaluationRecord]:
    return [r for r in batch.records if isinstance(r, EvaluationRecord)]


def listed(batch: Batch, kind: Kind, scope: str = "") -> frozenset[str] | None:
    found = [item.external_ids for item in batch.listings if item.kind is kind and item.scope == scope]
    assert len(found) <= 1
    return found[0] if found else None


def test_the_first_poll_brings_everything_once(upstream: Upstream) -> None:
    batch = fetch(upstream, small_world())
    assert {r.name for r in batch.records if isinstance(r, PromptRecord)} == {"answer", "triage"}
    assert set(versions(batch)) == {"V-answer-1", "V-answer-2", "V-answer-3", "V-triage-1"}
    assert labels(batch) == {"P-answer@production": 2, "P-answer@staging": 3}
    assert [record.suite for record in evaluations(batch)] == ["golden"]
    assert "shop latency p95" in series(batch)
    assert (batch.rejected, batch.has_more) == ((), False)


def test_a_version_has_its_number_time_author_and_settings(upstream: Upstream) -> None:
    world = small_world()
    record = versions(fetch(upstream, world))["V-answer-2"]
    assert (record.number, record.template, record.messages) == (2, "Answer {{q}} politely", ())
    assert (record.created_at, record.author, record.commit_message) == (world.clock, "ann", "rev 2")
    assert record.model_config == {
        "temperature": 0.2,
        "model": "gpt-x",
        "provider": "OPENAI",
        "template_format": "MUSTACHE",
    }
    assert record.url == f"{upstream.url}/prompts/P-answer/versions/V-answer-2"


def test_a_prompt_keeps_its_metadata_and_labels_as_labels() -> None:
    item = {"id": "P", "name": "p", "metadata": {"team": "search"}, "labels": [{"name": "b"}, {"name": "a"}]}
    found = read_outlines([{**item, "promptVersions": connection([])}], ui=UI)
    (outline,) = found.outlines
    assert outline.prompt.labels == {"team": "search", "labels": "a,b"}
    assert outline.prompt.url == f"{UI}/prompts/P"


def content_of(**more: Any) -> PromptVersionRecord:
    world = PhoenixWorld()
    world.add_prompt("p")
    version = world.add_version("p", "text", **more)
    (outline,) = read_outlines([world.outline(world.prompts["p"])], ui=UI).outlines
    (record,), rejected = read_versions([version], outline, after=0, ui=UI)
    assert rejected == []
    return record


@pytest.mark.parametrize("word", ["MUSTACHE", "F_STRING", "NONE"])
def test_the_template_format_is_kept(word: str) -> None:
    assert content_of(template_format=word).model_config["template_format"] == word


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("Be kind", "Be kind"),
        ([{"type": "text", "text": "Be"}, {"type": "text", "text": "kind"}], "Be\nkind"),
        ([{"type": "tool_call", "tool_call_id": "c1"}], '[{"type": "tool_call", "tool_call_id": "c1"}]'),
        (None, "null"),
    ],
)
def test_a_chat_prompt_has_messages(content: Any, text: str) -> None:
    record = content_of(template={"type": "chat", "messages": [{"role": "system", "content": content}]})
    assert (record.template, record.messages) == ("", ({"role": "system", "content": text},))


def test_parameters_tools_and_the_shape_of_the_answer_are_read_for_any_provider() -> None:
    tools = [{"type": "function", "function": {"name": "look"}}, {"type": "raw", "raw": {"name": "find"}}, None]
    shape = {"type": "json_schema", "json_schema": {"name": "out", "schema": {"type": "object"}}}
    record = content_of(
        invocation_parameters={"type": "anthropic", "anthropic": {"max_tokens": 100}},
        model_provider="ANTHROPIC",
        tools={"type": "tools", "tools": tools},
        response_format=shape,
    )
    assert record.model_config["max_tokens"] == 100
    assert record.model_config["tools"] == ["look", "find"]
    assert record.response_format == shape
    assert record.raw["tools"]["tools"] == tools


@pytest.mark.parametrize(
    "template",
    [None, {"type": "string"}, {"type": "chat"}, {"type": "chat", "messages": [{"content": "x"}]}, {"type": "poem"}],
)
def test_broken_content_is_rejected_and_its_neighbour_is_read(upstream: Upstream, template: Any) -> None:
    world = small_world()
    world.prompts["answer"]["versions"][1]["template"] = template
    batch = fetch(upstream, world)
    assert set(versions(batch)) == {"V-answer-1", "V-answer-3", "V-triage-1"}
    assert [item.external_id for item in batch.rejected] == ["V-answer-2"]
    assert listed(batch, Kind.PROMPT_VERSION, "P-answer") == {"V-answer-1", "V-answer-2", "V-answer-3"}


def test_an_unchanged_server_is_asked_three_questions_and_tells_no_content(upstream: Upstream) -> None:
    world = small_world()
    first = fetch(upstream, world)
    upstream.requests.clear()
    second = fetch(upstream, world, first.cursor)
    assert [request.path for request in upstream.requests] == ["/graphql", "/graphql"], "prompts, and experiments"
    assert (versions(second), series(second), evaluations(second)) == ({}, {}, [])
    assert labels(second) == labels(first)
    assert second.cursor == first.cursor


def test_only_new_versions_are_told(upstream: Upstream) -> None:
    world = small_world()
    first = fetch(upstream, world)
    world.add_version("triage", "Sort {{t}} well")
    second = fetch(upstream, world, first.cursor)
    assert set(versions(second)) == {"V-triage-2"}


def test_a_moved_tag_says_who_moved_it_and_a_removed_one_leaves_the_listing(upstream: Upstream) -> None:
    world = small_world()
    first = fetch(upstream, world)
    world.tag("answer", "production", 3)
    world.tag("answer", "staging", None)
    second = fetch(upstream, world, first.cursor)
    (label,) = (r for r in second.records if isinstance(r, PromptLabelRecord))
    assert (label.external_id, label.number, label.moved_by) == ("P-answer@production", 3, "bob")
    assert listed(second, Kind.PROMPT_LABEL, "P-answer") == {"P-answer@production"}
    assert listed(second, Kind.PROMPT_LABEL, "P-triage") == frozenset()


def test_a_deleted_prompt_leaves_the_listing(upstream: Upstream) -> None:
    world = small_world()
    first = fetch(upstream, world)
    del world.prompts["triage"]
    second = fetch(upstream, world, first.cursor)
    assert listed(second, Kind.PROMPT) == {"P-answer"}
    assert second.cursor["numbers"] == {"P-answer": 3}


def test_a_prompt_that_is_deleted_in_the_middle_of_a_poll_is_read_again_if_it_lives(upstream: Upstream) -> None:
    world = small_world()
    rest = world.rest
    world.rest = lambda request: world.answer({"data": []}) if "P-triage" in request.path else rest(request)  # type: ignore[method-assign]
    first = fetch(upstream, world)
    assert "V-triage-1" not in versions(first)
    assert first.cursor["numbers"]["P-triage"] == 0
    world.rest = rest  # type: ignore[method-assign]
    assert set(versions(fetch(upstream, world, first.cursor))) == {"V-triage-1"}


def test_many_prompts_are_read_in_pieces_that_end(upstream: Upstream) -> None:
    world = PhoenixWorld()
    for number in range(60):
        world.add_prompt(f"p{number:02}", "text")
    cursor: Any = {}
    found: set[str] = set()
    has_more, rounds = True, 0
    while has_more:
        batch = fetch(upstream, world, cursor)
        cursor, has_more, rounds = batch.cursor, batch.has_more, rounds + 1
        found |= set(versions(batch))
        assert listed(batch, Kind.PROMPT) == {f"P-p{number:02}" for number in range(60)}
    assert (len(found), rounds) == (60, 3)


def test_more_versions_than_one_page_are_all_read(upstream: Upstream) -> None:
    world = PhoenixWorld()
    world.add_prompt("long", *(f"text {number}" for number in range(130)))
    batch = fetch(upstream, world)
    assert {record.number for record in versions(batch).values()} == set(range(1, 131))


@pytest.mark.parametrize("how", [{"speaks_graphql": False}, {"graphql_error": "Cannot query field 'labels'"}])
def test_rest_answers_where_graphql_is_refused(upstream: Upstream, how: dict[str, Any]) -> None:
    world = small_world()
    for name, value in how.items():
        setattr(world, name, value)
    batch = fetch(upstream, world)
    assert {r.external_id: r.number for r in versions(batch).values()} == {
        "V-answer-1": 1,
        "V-answer-2": 2,
        "V-answer-3": 3,
        "V-triage-1": 1,
    }
    assert versions(batch)["V-answer-1"].created_at == world.clock, "REST tells no times"
    assert labels(batch) == {"P-answer@production": 2, "P-answer@staging": 3}
    assert listed(batch, Kind.PROMPT_LABEL, "P-answer") == {"P-answer@production", "P-answer@staging"}
    assert (series(batch), evaluations(batch), batch.has_more) == ({}, [], False)
    world.tag("answer", "production", 1)
    again = fetch(upstream, world, batch.cursor)
    assert labels(again)["P-answer@production"] == 1
    assert versions(again) == {}


def test_by_rest_every_prompt_has_its_turn_and_no_listing_when_tags_were_left_out(upstream: Upstream) -> None:
    world = PhoenixWorld(speaks_graphql=False)
    for name in "abc":
        world.add_prompt(name, *(f"text {number}" for number in range(20)))
        world.tag(name, "production", 19)
    cursor: Any = {}
    seen: dict[str, int] = {}
    for _ in range(3):
        batch = fetch(upstream, world, cursor)
        cursor, seen = batch.cursor, seen | labels(batch)
        assert not any(listing.kind is Kind.PROMPT_LABEL for listing in batch.listings)
    assert seen == {f"P-{name}@production": 19 for name in "abc"}
    assert not batch.has_more


def test_a_server_that_fails_is_no_refusal(upstream: Upstream) -> None:
    error = {"data": {"prompts": None}, "errors": [{"message": "an unexpected error occurred"}]}
    upstream.handler = lambda request: World().answer(error)
    with pytest.raises(SourceError, match="an unexpected error occurred") as caught:
        ask(lambda http: PhoenixConnector(config={"url": upstream.url}, secrets={}, http=http).fetch({}))
    assert caught.value.error_class is ErrorClass.UPSTREAM


def test_hours_that_are_over_become_series_with_measures(upstream: Upstream) -> None:
    world = small_world()
    found = series(fetch(upstream, world))
    this_hour = world.clock.replace(minute=0, second=0)
    assert found["shop latency p95"].samples == ((this_hour - 3 * HOUR, 2.5), (this_hour - 2 * HOUR, 1.5))
    assert (found["shop latency p95"].measure, found["shop latency p95"].unit) == ("latency_p95", "s")
    assert dict(found["shop requests"].samples)[this_hour - 2 * HOUR] == 10 / 3600
    assert dict(found["shop answered"].samples) == {this_hour - 3 * HOUR: 0.9, this_hour - 2 * HOUR: 0.9}
    assert dict(found["shop cost"].samples)[this_hour - 2 * HOUR] == 0.25
    assert found["shop cost"].labels == {"project": "shop"}
    scores = {name: (record.measure, record.unit) for name, record in found.items() if "score" in name}
    assert scores == {"shop score groundedness": ("groundedness", "ratio"), "shop score mood": ("", "score")}
    assert "shop latency p99" not in found, "nothing is known of it"


def test_zeros_before_the_first_trace_are_no_news() -> None:
    begin = datetime(2026, 11, 24, 10, tzinfo=UTC)
    points = [{"timestamp": iso(begin + hour * HOUR), "okCount": 0, "totalCount": 0} for hour in range(5)]
    project = {"id": "R", "name": "shop", "startTime": "2026-11-24T13:20:00+00:00"}
    (record,) = read_series(project, {"counts": {"data": points}}, begin=begin, end=begin + 5 * HOUR)
    assert [at.hour for at, _ in record.samples] == [13, 14]


def test_a_new_hour_is_read_once_it_is_over_with_those_before_it(upstream: Upstream) -> None:
    world = small_world()
    world.clock = world.clock.replace(minute=30)
    first = fetch(upstream, world)
    world.clock += timedelta(minutes=32)  # two minutes into the next hour
    assert series(fetch(upstream, world, first.cursor)) == {}
    world.clock += timedelta(minutes=4)
    world.add_hour("shop", 1, p95=3000.0)
    world.add_hour("shop", 2, p95=9000.0)
    again = series(fetch(upstream, world, first.cursor))["shop latency p95"]
    assert [value for _, value in again.samples] == [2.5, 1.5, 9.0, 3.0], "spans may arrive late"


def test_a_long_backfill_is_read_two_days_at_a_time(upstream: Upstream) -> None:
    world = small_world()
    world.add_hour("shop", 100)
    cursor: Any = {}
    samples: set[datetime] = set()
    has_more, rounds = True, 0
    while has_more:
        batch = fetch(upstream, world, cursor, backfill_days=5)
        cursor, has_more, rounds = batch.cursor, batch.has_more, rounds + 1
        samples |= {
            at for at, _ in series(batch).get("shop latency p95", SeriesRecord(external_id="", name="")).samples
        }
    assert (len(samples), rounds) == (3, 3)


def test_only_the_named_projects_are_read_and_none_without_traces(upstream: Upstream) -> None:
    world = small_world()
    world.add_hour("playground", 2)
    world.traces["empty"] = {}
    found = {record.labels["project"] for record in series(fetch(upstream, world, projects=["sh*", "empty"])).values()}
    assert found == {"shop"}


def test_what_is_switched_off_is_not_asked_for(upstream: Upstream) -> None:
    batch = fetch(upstream, small_world(), metrics=False, experiments=False)
    assert (series(batch), evaluations(batch)) == ({}, [])
    assert sum(request.path == "/graphql" for request in upstream.requests) == 1


def test_an_experiment_is_an_evaluation_with_means_and_cases(upstream: Upstream) -> None:
    world = small_world()
    (record,) = evaluations(fetch(upstream, world))
    assert (record.external_id, record.suite, record.state) == ("E-golden", "golden", RunState.SUCCEEDED)
    assert (record.subject, record.version) == ("answer", "2")
    assert record.scores == (
        Score(scorer="exact", value=0.5, count=2),
        Score(scorer="exact", value=1.0, case="D-1", passed=True, comment="same"),
        Score(scorer="exact", value=0.0, case="D-2", passed=False),
    )
    assert record.url == f"{upstream.url}/datasets/S-golden/compare?experimentId=E-golden"
    assert record.labels["experiment"] == "first try"


@pytest.mark.parametrize(
    ("told", "state", "raw"),
    [
        ({"job": {"status": "RUNNING"}}, RunState.RUNNING, "RUNNING"),
        ({"job": {"status": "COMPLETED"}}, RunState.SUCCEEDED, "COMPLETED"),
        ({"job": {"status": "STOPPED"}}, RunState.CANCELLED, "STOPPED"),
        ({"job": {"status": "ERROR"}}, RunState.FAILED, "ERROR"),
        ({"job": {"status": "MELTED"}}, RunState.UNKNOWN, "MELTED"),
        ({"runCount": 1}, RunState.RUNNING, ""),
        ({"errorRate": 1.0}, RunState.FAILED, ""),
        ({"runCount": None}, RunState.UNKNOWN, ""),
    ],
)
def test_states_of_experiments_map_and_keep_the_vendors_word(told: dict[str, Any], state: RunState, raw: str) -> None:
    item = PhoenixWorld().add_experiment("golden", **told)
    record = read_experiment(item, dataset={"id": "S", "name": "golden"}, ui=UI)
    assert (record.state, record.raw_state) == (state, raw)
    assert (record.finished_at is None) == (state is RunState.RUNNING)


def test_repeated_cases_are_told_apart() -> None:
    entry = {"name": "exact", "label": None, "score": 1.0, "explanation": None}
    runs = [run("D-1", "2026-11-24T10:00:00Z", entry, repetition=number) for number in (1, 2)]
    item = PhoenixWorld().add_experiment("golden", runs=connection(runs), annotationSummaries=[])
    record = read_experiment(item, dataset={"id": "S", "name": "golden"}, ui=UI)
    assert [(score.case, score.passed) for score in record.scores] == [("D-1", None), ("D-1#2", None)]


def test_an_experiment_is_read_again_when_scores_are_added_and_not_before(upstream: Upstream) -> None:
    world = small_world()
    first = fetch(upstream, world)
    assert evaluations(fetch(upstream, world, first.cursor)) == []
    world.datasets["golden"]["annotationSummaries"].append(
        {"annotationName": "tone", "meanScore": 0.9, "scoreCount": 1, "count": 1}
    )
    (record,) = evaluations(fetch(upstream, world, first.cursor))
    assert Score(scorer="tone", value=0.9) in record.scores


def test_old_experiments_are_left_alone_and_a_broken_one_is_rejected(upstream: Upstream) -> None:
    world = small_world()
    world.add_experiment("old", updatedAt=iso(world.clock - timedelta(days=3)))
    world.add_experiment("broken", updatedAt="soon")
    batch = fetch(upstream, world)
    assert [record.suite for record in evaluations(batch)] == ["golden"]
    assert [(item.kind, item.external_id) for item in batch.rejected] == [(Kind.EVALUATION, "E-broken")]


def test_many_experiments_are_read_in_pieces(upstream: Upstream) -> None:
    world = PhoenixWorld()
    for number in range(25):
        world.add_experiment(f"set{number:02}")
    cursor: Any = {}
    found: list[str] = []
    has_more = True
    while has_more:
        batch = fetch(upstream, world, cursor)
        cursor, has_more = batch.cursor, batch.has_more
        found += [record.suite for record in evaluations(batch)]
    assert len(found) == len(set(found)) == 25


def test_the_probe_counts_and_says_when_graphql_is_refused(upstream: Upstream) -> None:
    world = small_world()
    upstream.handler = world
    config = {"url": upstream.url}
    probe = ask(lambda http: PhoenixConnector(config=config, secrets={}, http=http).probe())
    assert probe.sentence == "Phoenix 20.26.1 answers; it has 2 prompts and 1 datasets."
    world.speaks_graphql = False
    probe = ask(lambda http: PhoenixConnector(config=config, secrets={}, http=http).probe())
    assert probe.sentence == "Phoenix 20.26.1 answers; it has 2 prompts, but refuses GraphQL questions."
    assert [(scope.name, scope.is_granted) for scope in probe.scopes] == [("prompts", True), ("GraphQL", False)]


def test_a_token_travels_as_bearer(upstream: Upstream) -> None:
    upstream.handler = small_world()
    config = {"url": upstream.url, "auth": "bearer"}
    ask(lambda http: PhoenixConnector(config=config, secrets={"token": "t0p"}, http=http).fetch({}), limits=ROOMY)
    assert {request.headers["authorization"] for request in upstream.requests} == {"Bearer t0p"}


@pytest.mark.parametrize(
    ("settings", "named"), [({"backfill_days": -1}, "backfill_days"), ({"auth": "basic"}, "username")]
)
def test_a_bad_setting_is_named(settings: dict[str, Any], named: str) -> None:
    with pytest.raises(ConfigError) as caught:
        PhoenixConnector.clean({"url": UI, **settings})
    assert caught.value.field == named


def test_a_page_that_points_at_itself_is_noticed(upstream: Upstream) -> None:
    page = {"pageInfo": {"hasNextPage": True, "endCursor": "x"}, "edges": []}
    upstream.handler = lambda request: World().answer({"data": {"prompts": page}, "next_cursor": "x"})
    with pytest.raises(SourceError) as caught:
        ask(lambda http: PhoenixConnector(config={"url": upstream.url}, secrets={}, http=http).fetch({}))
    assert caught.value.error_class is ErrorClass.SCHEMA


@patient
@given(items=st.lists(JSON | st.fixed_dictionaries({"id": JSON, "name": JSON, "promptVersions": JSON})))
def test_nothing_in_prompts_can_stop_their_neighbours(items: list[Any]) -> None:
    good = {"id": "P", "name": "p", "promptVersions": connection([])}
    for found in (read_outlines([*items, good], ui=UI), read_rest_prompts([*items, good], ui=UI)):
        assert len(found.outlines) + len(found.rejected) == len(items) + 1
    editions = rest_editions(items, {}, seen_at=datetime(2026, 1, 1, tzinfo=UTC))
    assert len(editions) <= len(items)


@patient
@given(item=st.dictionaries(st.sampled_from(["template", "tools", "invocation_parameters", "response_format"]), JSON))
def test_no_content_of_a_version_breaks_the_reading(item: dict[str, Any]) -> None:
    world = PhoenixWorld()
    world.add_prompt("p", "text")
    (outline,) = read_outlines([world.outline(world.prompts["p"])], ui=UI).outlines
    records, rejected = read_versions([{**item, "id": "V-p-1"}], outline, after=0, ui=UI)
    assert len(records) + len(rejected) == 1


@patient
@given(told=st.dictionaries(st.sampled_from(["runs", "annotationSummaries", "metadata", "job", "runCount"]), JSON))
def test_no_experiment_breaks_the_reading(told: dict[str, Any]) -> None:
    item = PhoenixWorld().add_experiment("golden", **told)
    assert mark_of(item)
    with suppress(UnreadableError):
        assert read_experiment(item, dataset={"id": "S", "name": "golden"}, ui=UI).external_id == "E-golden"


@patient
@given(hours=st.dictionaries(st.sampled_from(["counts", "latency", "cost", "spanScores"]), JSON))
def test_no_hours_break_the_reading(hours: dict[str, Any]) -> None:
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    for record in read_series({"id": "R", "name": "shop"}, hours, begin=begin, end=begin + HOUR):
        assert record.samples


@given(cursor=st.dictionaries(st.sampled_from(["numbers", "marks", "until", "after"]), JSON))
def test_any_stored_cursor_is_survived(cursor: dict[str, Any]) -> None:
    memory = Memory.load(cursor)
    assert Memory.load(memory.dump()) == memory
