"""A scenario told through the REST API alone, as an outside system would, and the answer read from it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

from bench.scenarios.records import Act, Scenario, Stream

Call = Callable[[str, str, Any], Any]  # method, path below /api/v1/, body -> the answer
SOURCE = "world"
SAMPLES_A_REQUEST = 9_000


def tell(scenario: Scenario, call: Call, *, tag: str) -> int:
    """Everything the scenario knows and its incident; the number of the incident. `tag` keeps worlds apart."""
    world = scenario.world
    call("PUT", "catalog", _catalog(scenario, tag))
    call("PUT", f"sources/{SOURCE}", {"name": "World"})
    for path, items in _reports(scenario, tag):
        for batch in _batches(items):
            told = call("POST", f"sources/{SOURCE}/{path}", {"items": batch})
            assert told["counts"]["refused"] == 0, told
    for stream in scenario.streams:
        for batch in _samples(stream, tag):
            told = call("POST", f"sources/{SOURCE}/samples", {"items": [batch]})
            assert told["counts"]["refused"] == 0, told
    declared = {
        "title": f"Something is wrong with {', '.join(scenario.declared)}",
        "features": [f"{tag}-{feature}" for feature in scenario.declared],
        "severity": "sev2",
        "impact_started_at": iso(scenario.impact_started_at),
        "detected_at": iso(scenario.detected_at),
    }
    if scenario.mitigated_at:
        declared["mitigated_at"] = iso(scenario.mitigated_at)
    assert world.features
    return int(call("POST", "incidents", declared)["id"])


def place_of_cause(scenario: Scenario, call: Call, incident: int, *, tag: str) -> tuple[int, dict[str, Any]]:
    """Where the true cause stands (1 is first, 0 is absent), and the whole answer."""
    answer = call("GET", f"incidents/{incident}/suspects?at={iso(scenario.now).replace('+00:00', 'Z')}", None)
    truth = scenario.truth
    assert truth is not None
    act = next((one for one in scenario.acts if one.id == truth.cause), None)
    for one in answer["suspects"]:
        same_part = one["component"] == f"{tag}-{truth.component}"
        if same_part and (_is_told(one, act, tag) if act else one["kind"] == "pipeline"):
            return one["rank"], answer
    return 0, answer


def _is_told(one: dict[str, Any], act: Act, tag: str) -> bool:
    if act.told_as == "label":
        return bool(one["external_id"] == f"{tag}-{act.component}:{act.after.removeprefix('v')}")
    return bool(one["external_id"] == f"{tag}-{act.id}")


def _catalog(scenario: Scenario, tag: str) -> dict[str, Any]:
    world = scenario.world
    parts = [
        {
            "slug": f"{tag}-{part.slug}",
            "name": part.slug,
            "kind": part.kind,
            **({"feature": f"{tag}-{part.feature}"} if part.feature else {}),
        }
        for part in world.parts.values()
    ]
    return {
        "environments": [
            {"slug": "staging", "name": "Staging", "rank": 1, "is_production": False},
            {"slug": "production", "name": "Production", "rank": 2, "is_production": True},
        ],
        "features": [{"slug": f"{tag}-{name}", "name": f"{tag} {name}"} for name in world.features],
        "components": parts,
        "dependencies": [
            {"from": f"{tag}-{consumer}", "to": f"{tag}-{provider}"}
            for consumer, providers in world.needs.items()
            for provider in providers
        ],
    }


def _reports(scenario: Scenario, tag: str) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    acts = scenario.acts
    yield "deployments", [_deployment(act, tag) for act in acts if act.told_as == "deployment"]
    yield "changes", [_change(act, tag) for act in acts if act.told_as == "change"]
    yield "prompt-versions", [item for act in acts if act.told_as == "label" for item in _label(act, tag)]
    pipelines = sorted({run.pipeline for run in scenario.runs})
    yield (
        "pipelines",
        [
            {"external_id": f"{tag}-{name}", "name": f"{tag} {name}", "labels": {"component": f"{tag}-{name}"}}
            for name in pipelines
        ],
    )
    yield (
        "runs",
        [
            {
                "external_id": f"{tag}-run-{run.id}",
                "pipeline": f"{tag}-{run.pipeline}",
                "state": run.state,
                "scheduled_for": iso(run.scheduled_for),
                "started_at": iso(run.started_at),
                "finished_at": iso(run.finished_at),
                "updated_at": iso(run.finished_at),
            }
            for run in scenario.runs
        ],
    )


def _deployment(act: Act, tag: str) -> dict[str, Any]:
    return {
        "external_id": f"{tag}-{act.id}",
        "component": f"{tag}-{act.component}",
        "environment": act.environment,
        "revision": f"{act.after}",
        "state": "succeeded",
        "started_at": iso(act.at - act.takes),
        "finished_at": iso(act.at),
        "updated_at": iso(act.at),
        "deployed_by": act.actor,
        "description": act.title,
        "labels": {"component": f"{tag}-{act.component}"},
    }


def _change(act: Act, tag: str) -> dict[str, Any]:
    provider = act.what == "provider"
    return {
        "external_id": f"{tag}-{act.id}",
        "what": "incident" if provider else act.what,
        "title": act.title,
        "at": iso(act.at),
        "actor": act.actor,
        "component": f"{tag}-{act.component}",
        "environment": act.environment,
        "before": "" if provider else act.before,
        "after": ("resolved" if act.after == "resolved" else "investigating") if provider else act.after,
        "labels": {"component": f"{tag}-{act.component}"},
    }


def _label(act: Act, tag: str) -> Iterator[dict[str, Any]]:
    """The version that the label leaves, so that a first move is one, and the one that it goes to."""
    for version in (act.before, act.after):
        number = int(version.removeprefix("v"))
        item = {
            "prompt": f"{tag}-{act.component}",
            "number": number,
            "template": f"Version {number}.",
            "author": act.actor,
            "created_at": iso(act.at - 3600),
            "labels": {"component": f"{tag}-{act.component}"},
        }
        label = "production" if act.environment == "production" else "staging"
        early = version == act.before
        yield item | {"aliases": [] if early and number > 1 else [label], "moved_at": iso(act.at - 86_400 * early)}


def _samples(stream: Stream, tag: str) -> Iterator[dict[str, Any]]:
    labels = {"feature": f"{tag}-{stream.feature}"} if stream.feature else {"component": f"{tag}-{stream.component}"}
    values = zip(stream.times.tolist(), stream.values.tolist(), strict=True)
    pairs = [[iso(at), round(value, 6)] for at, value in values]
    for start in range(0, len(pairs), SAMPLES_A_REQUEST):
        yield {
            "name": f"{stream.measure}",
            "measure": stream.measure,
            "unit": stream.unit if stream.unit != "rps" else "",
            "samples": pairs[start : start + SAMPLES_A_REQUEST],
            "labels": labels,
        }


def _batches(items: list[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    for start in range(0, len(items), 500):
        yield items[start : start + 500]


def iso(at: float) -> str:
    """The time as the API takes it."""
    return datetime.fromtimestamp(at, UTC).isoformat()
