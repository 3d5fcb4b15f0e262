"""Prompts, metrics and experiments of the world in the shapes of Langfuse's public API."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from apps.demo.servers.gitlab_shapes import stamp
from apps.demo.world.company import FEATURE
from apps.demo.world.dice import HOUR, World
from apps.demo.world.evaluations import CASES, Evaluation
from apps.demo.world.experiments import cases, means
from apps.demo.world.labels import LATEST, last_changes
from apps.demo.world.prompts import Version, aliases_at
from apps.demo.world.usage import hour_of

PROJECT = "fernway-support"


def _content(version: Version) -> Any:
    return json.loads(version.body) if version.body.startswith("[{") else version.text


def _type(version: Version) -> str:
    return "chat" if isinstance(_content(version), list) else "text"


def _config(version: Version) -> dict[str, Any]:
    settings = dict(version.settings)
    model = FEATURE[version.prompt].model
    return {"model": model, "temperature": float(settings["temperature"]), "max_tokens": int(settings["max_tokens"])}


def _labels(version: Version, versions: tuple[Version, ...], at: int) -> list[str]:
    aliases = {**aliases_at(versions, at), LATEST: len(versions)}
    return sorted(alias for alias, number in aliases.items() if number == version.number)


def meta(world: World, versions: tuple[Version, ...], now: int, since: float) -> dict[str, Any]:
    """A prompt as lists show it, with those of its versions that changed since a time."""
    last = versions[-1]
    times = last_changes(world, last.prompt, now)
    told = [one for one in versions if times[one.number] >= since]
    return {
        "name": last.prompt, "type": _type(last), "versions": [one.number for one in told],
        "labels": sorted({label for one in told for label in _labels(one, versions, now)}),
        "tags": [FEATURE[last.prompt].team], "lastUpdatedAt": stamp(max(times.values())), "lastConfig": _config(last),
    }  # fmt: skip


def version(world: World, one: Version, versions: tuple[Version, ...], now: int) -> dict[str, Any]:
    """One version as it was written, with the labels that point at it."""
    return {
        "id": world.uuid("langfuse", one.prompt, one.number), "name": one.prompt, "version": one.number,
        "prompt": _content(one), "config": _config(one), "type": _type(one), "labels": _labels(one, versions, now),
        "tags": [FEATURE[one.prompt].team], "commitMessage": one.message, "createdBy": one.author,
        "createdAt": stamp(one.created_at), "updatedAt": stamp(last_changes(world, one.prompt, now)[one.number]),
        "isActive": None, "projectId": PROJECT, "resolutionGraph": None,
    }  # fmt: skip


def rows(
    world: World, prompts: tuple[str, ...], view: str, fields: set[str], begin: int, end: int
) -> list[dict[str, Any]]:
    """The hours of a metrics question, oldest first."""
    hours = range(-(-begin // HOUR), end // HOUR)
    return [
        {"time_dimension": f"{datetime.fromtimestamp(hour * HOUR, UTC):%Y-%m-%d %H:%M:%S}",
         "environment": "production", **row}
        for hour in hours
        for row in _of_hour(world, prompts, view, fields, hour)
    ]  # fmt: skip


def _of_hour(
    world: World, prompts: tuple[str, ...], view: str, fields: set[str], hour: int
) -> Iterator[dict[str, Any]]:
    if view == "scores-numeric":
        found = hour_of(world, prompts, hour)
        told = {"groundedness": found.groundedness, "thumbs_up": found.thumbs_up, "unsafe": found.unsafe}
        yield from ({"name": name, "avg_value": round(value, 4)} for name, value in told.items() if value is not None)
    elif "promptName" in fields:
        for name in prompts:
            used = hour_of(world, (name,), hour)
            yield {
                "providedModelName": FEATURE[name].model, "promptName": name,
                "sum_totalCost": round(used.cost, 5), "sum_totalTokens": str(round(used.tokens)),
            }  # fmt: skip
    else:
        found = hour_of(world, prompts, hour)
        waits = {f"{name}_latency": round(getattr(found, name) * 1000, 1) for name in ("p50", "p95", "p99")}
        yield {"count_count": str(round(found.requests)), **waits}


def _dataset_id(world: World, name: str) -> str:
    return world.uuid("dataset", name)


def dataset(world: World, name: str, now: int) -> dict[str, Any]:
    """The questions that a prompt is tried with."""
    at = stamp(world.starts_at)
    return {
        "id": _dataset_id(world, name), "name": f"{name}-evaluation", "projectId": PROJECT, "description": None,
        "metadata": None, "inputSchema": None, "expectedOutputSchema": None, "createdAt": at,
        "updatedAt": stamp(now - now % HOUR),
    }  # fmt: skip


def experiment(world: World, one: Evaluation, now: int) -> dict[str, Any]:
    """One evaluation as an experiment."""
    ended = min(one.ends_at, now)
    is_over = now >= one.ends_at
    scores = [
        _score(world, one, name, value, "NUMERIC", ended, one.id) for name, value in means(world, one, now).items()
    ]
    return {
        "id": one.id, "name": one.name, "description": None, "startTime": stamp(one.starts_at),
        "endTime": stamp(ended), "itemCount": CASES[one.feature] if is_over else 1 + (now - int(one.starts_at)) // 30,
        "datasetId": _dataset_id(world, one.feature), "scores": scores,
        "metadata": {"prompt_name": one.feature, "prompt_version": one.prompt_version, "kind": one.kind,
                     "started_by": one.user},
    }  # fmt: skip


def items(world: World, one: Evaluation, now: int) -> list[dict[str, Any]]:
    """Some of the items of an experiment; all of them are errors when it failed."""
    is_bad = one.status_at(now) == "FAILED"
    ended = min(one.ends_at, now)
    return [
        {
            "id": world.hex("item", one.id, case.id), "traceId": world.hex("trace", one.id, case.id),
            "startTime": stamp(ended - 3), "endTime": stamp(ended), "level": "ERROR" if is_bad else "DEFAULT",
            "environment": "production", "experimentId": one.id, "experimentName": one.name,
            "experimentItemId": case.id,
            "scores": [] if is_bad else [_score(world, one, "correct", case.is_right, "BOOLEAN", ended, case.id)],
        }
        for case in cases(world, one, now)
    ]  # fmt: skip


def _score(world: World, one: Evaluation, name: str, value: float, kind: str, at: float, about: str) -> dict[str, Any]:
    moment = stamp(at)
    return {
        "id": world.uuid("score", one.id, name, about), "name": name, "value": value, "dataType": kind,
        "source": "EVAL", "projectId": PROJECT, "environment": "production", "timestamp": moment,
        "createdAt": moment, "updatedAt": moment, "comment": None,
    }  # fmt: skip
