"""Prompts, projects, datasets and experiments of the world in the shapes of Phoenix's GraphQL and REST APIs."""

from __future__ import annotations

import base64
import json
from typing import Any

from apps.demo.world.calendar import iso
from apps.demo.world.company import FEATURE
from apps.demo.world.dice import HOUR, World
from apps.demo.world.evaluations import CASES, Evaluation
from apps.demo.world.experiments import cases, means
from apps.demo.world.prompts import Version, aliases_at
from apps.demo.world.sheets import SHEETS
from apps.demo.world.usage import hour_of

NAMES = tuple(SHEETS)


def _id(kind: str, number: object) -> str:
    """Phoenix's ids are `Kind:number` in base64."""
    return base64.b64encode(f"{kind}:{number}".encode()).decode()


def _at(at: float) -> str:
    return f"{iso(at)[:-1]}+00:00"


def connection(items: list[Any]) -> dict[str, Any]:
    """A list as GraphQL gives it; here, one page always holds everything."""
    return {"pageInfo": {"hasNextPage": False, "endCursor": None}, "edges": [{"node": item} for item in items]}


def prompt_id(name: str) -> str:
    """The identity of a prompt."""
    return _id("Prompt", 1 + NAMES.index(name))


def project_id(name: str) -> str:
    """The identity of the project that traces a feature."""
    return _id("Project", 1 + NAMES.index(name))


def _version_id(version: Version) -> str:
    return _id("PromptVersion", 1000 * NAMES.index(version.prompt) + version.number)


def outline(world: World, versions: tuple[Version, ...], now: int) -> dict[str, Any]:
    """A prompt with its versions but without their content."""
    aliases = aliases_at(versions, now)
    nodes = [
        {"id": _version_id(one), "sequenceNumber": one.number, "createdAt": _at(one.created_at),
         "user": {"username": one.author},
         "tags": [{"name": tag, "user": {"username": one.author}}
                  for tag, number in sorted(aliases.items()) if number == one.number]}
        for one in reversed(versions)
    ]  # fmt: skip
    more = {"createdAt": _at(versions[0].created_at), "labels": [{"name": "documents"}]}
    return {**rest_prompt(world, versions), **more, "promptVersions": connection(nodes)}


def rest_prompt(_world: World, versions: tuple[Version, ...]) -> dict[str, Any]:
    """A prompt as REST lists it."""
    feature = FEATURE[versions[0].prompt]
    return {
        "id": prompt_id(feature.slug), "name": feature.slug, "description": feature.summary, "source_prompt_id": None,
        "metadata": {"team": feature.team},
    }  # fmt: skip


def rest_version(version: Version) -> dict[str, Any]:
    """One version with its content."""
    settings = dict(version.settings)
    chosen = {"temperature": float(settings["temperature"]), "max_completion_tokens": int(settings["max_tokens"])}
    is_chat = SHEETS[version.prompt].is_chat
    template: dict[str, Any] = {"type": "string", "template": version.text}
    if is_chat:
        template = {"type": "chat", "messages": json.loads(version.body)}
    return {
        "id": _version_id(version), "description": version.message, "model_provider": "OPENAI",
        "model_name": FEATURE[version.prompt].model, "template": template,
        "template_type": "CHAT" if is_chat else "STR", "template_format": "MUSTACHE",
        "invocation_parameters": {"type": "openai", "openai": chosen}, "tools": None, "response_format": None,
    }  # fmt: skip


def project(world: World, name: str) -> dict[str, Any]:
    """The project that traces a feature."""
    return {"id": project_id(name), "name": name, "hasTraces": True, "startTime": _at(world.starts_at)}


def hours(world: World, name: str, begin: int, end: int) -> dict[str, Any]:
    """The numbers of one project by the hour."""
    found = [(_at(hour * HOUR), hour_of(world, (name,), hour)) for hour in range(begin // HOUR, end // HOUR)]
    scores = [
        (at, [{"label": "groundedness", "score": round(one.groundedness, 4)},
              {"label": "unsafe", "score": round(one.unsafe, 5)}])
        for at, one in found
    ]  # fmt: skip
    return {
        "counts": {"data": [
            {"timestamp": at, "okCount": round(one.requests) - round(one.failures), "totalCount": round(one.requests)}
            for at, one in found]},
        "latency": {"data": [
            {"timestamp": at, "p50": one.p50 * 1000, "p95": one.p95 * 1000, "p99": one.p99 * 1000}
            for at, one in found]},
        "tokens": {"data": [{"timestamp": at, "totalTokenCount": round(one.tokens)} for at, one in found]},
        "cost": {"data": [{"timestamp": at, "totalCost": round(one.cost, 5)} for at, one in found]},
        "spanScores": {"data": [{"timestamp": at, "scoresWithLabels": entries} for at, entries in scores]},
        "traceScores": {"data": []},
    }  # fmt: skip


def dataset(world: World, name: str, runs: list[Evaluation], now: int) -> dict[str, Any]:
    """The questions that a feature is tried with, and what came of it."""
    outlines = [_core(world, one, now) for one in runs]
    return {
        "id": _id("Dataset", 1 + NAMES.index(name)), "name": f"{name}-evaluation", "experiments": connection(outlines),
    }  # fmt: skip


def experiment_id(run: Evaluation) -> str:
    """The identity of an evaluation."""
    return _id("Experiment", int(run.id[:8], 16))


def _core(world: World, run: Evaluation, now: int) -> dict[str, Any]:
    expected = CASES[run.feature]
    share = min(1.0, max(0.0, (now - run.starts_at) / (run.ends_at - run.starts_at)))
    is_failed = run.status_at(now) == "FAILED"
    summaries = [
        {"annotationName": name, "meanScore": value, "scoreCount": expected, "count": expected}
        for name, value in means(world, run, now).items()
    ]
    return {
        "id": experiment_id(run), "name": run.name, "createdAt": _at(run.starts_at),
        "updatedAt": _at(min(now, run.ends_at)), "runCount": round(expected * share), "expectedRunCount": expected,
        "errorRate": 1.0 if is_failed else 0.0, "annotationSummaries": summaries,
    }  # fmt: skip


def whole_experiment(world: World, run: Evaluation, now: int) -> dict[str, Any]:
    """One evaluation with some of its cases."""
    is_failed = run.status_at(now) == "FAILED"
    ended = _at(min(now, run.ends_at))
    nodes = [
        {"startTime": _at(run.starts_at), "endTime": ended, "error": "Timeout" if is_failed else None,
         "repetitionNumber": 1, "example": {"id": _id("DatasetExample", int(case.id[:6], 16))},
         "annotations": connection([] if is_failed else [
             {"name": "correct", "label": str(case.is_right), "score": float(case.is_right), "explanation": None}])}
        for case in cases(world, run, now)
    ]  # fmt: skip
    return _core(world, run, now) | {
        "description": None, "sequenceNumber": 1, "projectName": f"Experiment-{run.id[:8]}", "job": None,
        "metadata": {"prompt": run.feature, "prompt_version": run.prompt_version, "kind": run.kind,
                     "started_by": run.user},
        "costSummary": {"total": {"cost": 1.2}}, "runs": connection(nodes),
    }  # fmt: skip
