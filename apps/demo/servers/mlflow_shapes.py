"""Experiments, runs, prompts and their versions of the world in the shapes of MLflow's REST API. Times are in ms."""

from __future__ import annotations

import json
from typing import Any

from apps.demo.world.company import FEATURE
from apps.demo.world.dice import DAY, World
from apps.demo.world.evaluations import Evaluation, scores
from apps.demo.world.prompts import BORN_BEFORE, Version
from apps.demo.world.sheets import SHEETS
from apps.demo.world.systems import prompts_in

PROMPTS = prompts_in("mlflow")
EXPERIMENT_IDS = {name: str(number) for number, name in enumerate(PROMPTS, start=1)}
IS_PROMPT = {"key": "mlflow.prompt.is_prompt", "value": "true"}


def _millis(at: float) -> int:
    return int(at * 1000)


def _tags(pairs: dict[str, str]) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in pairs.items()]


def experiments(world: World) -> list[dict[str, Any]]:
    """Every experiment, newest first: one a prompt, and the default one."""
    born = _millis(world.starts_at - BORN_BEFORE)
    found = [
        _experiment(number, f"{slug}-evaluation", born + int(number) * 61_000)
        for slug, number in EXPERIMENT_IDS.items()
    ]
    return [*reversed(found), _experiment("0", "Default", born)]


def _experiment(number: str, name: str, at: int) -> dict[str, Any]:
    return {
        "experiment_id": number,
        "name": name,
        "artifact_location": f"mlflow-artifacts:/{number}",
        "lifecycle_stage": "active",
        "last_update_time": at,
        "creation_time": at,
        "workspace": "default",
    }


def run(world: World, found: Evaluation, at: float) -> dict[str, Any]:
    """One evaluation as it is at a time; a running one has no end and no metrics."""
    return {"info": run_info(found, at), "data": _run_data(world, found, at), "inputs": {}, "outputs": {}}


def run_info(found: Evaluation, at: float) -> dict[str, Any]:
    """Who, what and when of a run."""
    number = EXPERIMENT_IDS[found.feature]
    info: dict[str, Any] = {
        "run_uuid": found.id,
        "experiment_id": number,
        "run_name": found.name,
        "user_id": found.user,
        "status": found.status_at(at),
        "start_time": _millis(found.starts_at),
    }
    if at >= found.ends_at:
        info["end_time"] = _millis(found.ends_at)
    return info | {
        "artifact_uri": f"mlflow-artifacts:/{number}/{found.id}/artifacts",
        "lifecycle_stage": "active",
        "run_id": found.id,
    }


def _run_data(world: World, found: Evaluation, at: float) -> dict[str, Any]:
    data: dict[str, Any] = {}
    if found.status_at(at) == "FINISHED":
        data["metrics"] = metrics(world, found)
    data["params"] = _tags(
        {
            "prompt": found.feature,
            "prompt_version": str(found.prompt_version),
            "model": FEATURE[found.feature].model,
            "data_set": f"{found.feature}-sample",
        }
    )
    data["tags"] = _tags(
        {
            "mlflow.user": found.user,
            "mlflow.source.name": "evaluate.py",
            "mlflow.source.type": "JOB" if found.kind == "nightly" else "LOCAL",
            "mlflow.runName": found.name,
            "feature": found.feature,
            "kind": found.kind,
        }
    )
    return data


def metrics(world: World, found: Evaluation) -> list[dict[str, Any]]:
    """What a finished run measured."""
    at = _millis(found.ends_at)
    return [{"key": key, "value": value, "timestamp": at, "step": 0} for key, value in scores(world, found).items()]


def prompt(versions: tuple[Version, ...], aliases: dict[str, int]) -> dict[str, Any]:
    """A prompt, which MLflow keeps as a registered model with a tag."""
    first, last = versions[0], versions[-1]
    feature = FEATURE[first.prompt]
    return {
        "name": first.prompt,
        "creation_timestamp": _millis(first.created_at),
        "last_updated_timestamp": _millis(last.created_at),
        "description": feature.summary,
        "latest_versions": [prompt_version(last)],
        "tags": [
            IS_PROMPT,
            {"key": "team", "value": feature.team},
            {"key": "_mlflow_experiment_ids", "value": f",{EXPERIMENT_IDS[feature.slug]},"},
        ],
        "aliases": [{"alias": alias, "version": str(number)} for alias, number in sorted(aliases.items())],
    }


def prompt_version(version: Version, aliases: dict[str, int] | None = None) -> dict[str, Any]:
    """One version; MLflow names its aliases only where one version is asked for (`aliases` given)."""
    created = _millis(version.created_at)
    sheet = SHEETS[version.prompt]
    settings = dict(version.settings)
    model = {
        "model_name": FEATURE[version.prompt].model,
        "temperature": float(settings["temperature"]),
        "max_tokens": int(settings["max_tokens"]),
    }
    shape: dict[str, Any] = {
        "name": version.prompt,
        "version": str(version.number),
        "creation_timestamp": created,
        "last_updated_timestamp": created,
        "current_stage": "None",
        "description": version.message,
        "source": "dummy-source",
        "run_id": "",
        "status": "READY",
        "tags": [
            {"key": "author", "value": version.author},
            IS_PROMPT,
            {"key": "_mlflow_prompt_type", "value": "chat" if sheet.is_chat else "text"},
            {"key": "mlflow.prompt.text", "value": version.body},
            {"key": "_mlflow_prompt_model_config", "value": json.dumps(model)},
        ],
        "run_link": "",
    }
    named = sorted(alias for alias, number in (aliases or {}).items() if number == version.number)
    return shape | ({"aliases": named} if named else {})


def model(world: World) -> dict[str, Any]:
    """The one registered model that is no prompt."""
    at = _millis(world.starts_at - 30 * DAY)
    return {
        "name": "fraud-threshold",
        "creation_timestamp": at,
        "last_updated_timestamp": at,
        "description": "From which score on a payment is held",
    }
