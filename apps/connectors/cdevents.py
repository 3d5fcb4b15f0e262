"""What a CloudEvent says in our own words: CDEvents become runs, steps and deployments, anything else a change.

The result is an item of the API, for a system that sends CDEvents reports by itself as any other does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

from cloudevents.core.base import BaseCloudEvent

from apps.connectors.values import MAX_NAME, first_line, object_or_empty, optional_text, safe_url, stable_id

CDEVENTS = "dev.cdevents."
OUTCOMES = {
    "success": "succeeded",
    "failure": "failed",
    "error": "crashed",
    "cancel": "cancelled",
    "cancelled": "cancelled",
    "skip": "skipped",
}
PUT = {"deployed", "upgraded", "rolledback"}
LABELS = ("feature", "component", "environment")  # extension attributes that place an event in the catalog
TELLING = ("title", "summary", "message", "description", "name")
WORD = 40  # characters of a short word


@dataclass(frozen=True, slots=True)
class Said:
    """One event as an item: `path` is the word of its address in the API; events about one thing have one `key`."""

    path: str
    key: tuple[str, str]
    item: dict[str, Any]


def read_event(event: BaseCloudEvent, *, now: datetime) -> Said:
    """What the event says; `now` stands for a time left out. Never raises: what is odd is refused as an item."""
    data = object_or_empty(event.get_data())
    subject = object_or_empty(data.get("subject"))
    kind = event.get_type()
    words = kind.removeprefix(CDEVENTS).split(".") if kind.startswith(CDEVENTS) else []
    at = _time(data, event, now)
    match words[:2]:
        case ["pipelinerun", "queued" | "started" | "finished" as happened]:
            return _run(event, subject, happened, at, name_key="pipelineName")
        case ["taskrun", "started" | "finished" as happened]:
            return _task_run(event, subject, happened, at)
        case ["service", predicate] if predicate in PUT:
            return _deployment(event, subject, predicate, at)
        case ["service" | "incident" as thing, predicate]:
            return _told(event, subject, thing, predicate, at)
        case _:
            return _change(event, data, at)


def _run(event: BaseCloudEvent, subject: Mapping[str, Any], happened: str, at: str, *, name_key: str) -> Said:
    content = object_or_empty(subject.get("content"))
    identity = _identity(event, subject)
    item = {
        "external_id": identity,
        "pipeline": optional_text(content, name_key) or "unnamed",
        "name": optional_text(subject, "id"),
        **_progress(content, happened, at),
        "labels": _labels(event),
    }
    return Said("runs", ("", identity), _kept(item))


def _task_run(event: BaseCloudEvent, subject: Mapping[str, Any], happened: str, at: str) -> Said:
    """A step of its run; without one it is a run of its own, for some systems have tasks alone."""
    content = object_or_empty(subject.get("content"))
    of_run = object_or_empty(content.get("pipelineRun"))
    if not optional_text(of_run, "id"):
        return _run(event, subject, happened, at, name_key="taskName")
    run, identity = _identity(event, of_run), _identity(event, subject)
    item = {
        "external_id": identity,
        "run": run,
        "name": optional_text(content, "taskName"),
        **_progress(content, happened, at),
    }
    return Said("task-runs", (run, identity), _kept(item))


def _progress(content: Mapping[str, Any], happened: str, at: str) -> dict[str, Any]:
    """State, times, address and error of something that runs."""
    common = {"updated_at": at, "url": safe_url(content.get("url"))}
    if happened == "queued":
        return {"state": "queued", **common}
    if happened == "started":
        return {"state": "running", "started_at": at, **common}
    outcome = optional_text(content, "outcome") or optional_text(content, "status")
    state = OUTCOMES.get(outcome.lower(), "unknown")
    return {"state": state, "finished_at": at, "error": first_line(content.get("errors")), **common}


def _deployment(event: BaseCloudEvent, subject: Mapping[str, Any], predicate: str, at: str) -> Said:
    content = object_or_empty(subject.get("content"))
    artifact = optional_text(content, "artifactId")
    identity = _event_id(event)
    item = {
        "external_id": identity,
        "component": _service(subject),
        "environment": _environment(content),
        "revision": _version(artifact),
        "updated_at": at,
        "finished_at": at,
        "is_rollback": predicate == "rolledback",
        "labels": _labels(event) | ({"artifact": artifact} if artifact else {}),
    }
    return Said("deployments", ("", identity), _kept(item))


def _told(event: BaseCloudEvent, subject: Mapping[str, Any], thing: str, predicate: str, at: str) -> Said:
    """An incident, or a service that was removed or published: a line in the ledger."""
    content = object_or_empty(subject.get("content"))
    service = subject if thing == "service" else object_or_empty(content.get("service"))
    name = _service(service)
    said = first_line(content.get("description")) or name or optional_text(subject, "id")
    identity = _event_id(event)
    item = {
        "external_id": identity,
        "what": thing,
        "title": f"{thing.capitalize()} {predicate}: {said}"[:300],
        "at": at,
        "component": name,
        "environment": _environment(content),
        "url": safe_url(content.get("ticketURI")),
        "labels": _labels(event),
    }
    return Said("changes", ("", identity), _kept(item))


def _change(event: BaseCloudEvent, data: Mapping[str, Any], at: str) -> Said:
    kind, about = event.get_type(), event.get_subject() or ""
    told = next((line for name in TELLING if (line := first_line(data.get(name)))), "") or about
    labels, identity = _labels(event), _event_id(event)
    item = {
        "external_id": identity,
        "what": (kind.split(".")[2] if kind.startswith(CDEVENTS) else kind.rsplit(".", 1)[-1])[:WORD] or "event",
        "title": f"{kind}: {told}"[:300] if told else kind[:300],
        "at": at,
        "detail": f"From {event.get_source()}"[:MAX_NAME],
        "component": labels.get("component", ""),
        "environment": labels.get("environment", ""),
        "labels": labels,
    }
    return Said("changes", ("", identity), _kept(item))


def _event_id(event: BaseCloudEvent) -> str:
    """Source and id are the identity of an event, by the specification."""
    return _short(event.get_source(), str(event.get_id()))


def _identity(event: BaseCloudEvent, subject: Mapping[str, Any]) -> str:
    """The id of a subject is unique in its source, which is the event's when it names none."""
    return _short(optional_text(subject, "source") or event.get_source(), optional_text(subject, "id"))


def _short(source: str, identity: str) -> str:
    """ "" stays "": an item without an id is refused."""
    both = f"{source} {identity}".strip() if identity else ""
    return both if len(both) <= MAX_NAME // 2 else stable_id(source, identity)


def _service(subject: Mapping[str, Any]) -> str:
    """ "service/myapp" is myapp."""
    return optional_text(subject, "id").rstrip("/").rsplit("/", 1)[-1]


def _environment(content: Mapping[str, Any]) -> str:
    environment = object_or_empty(content.get("environment"))
    return optional_text(environment, "name") or optional_text(environment, "id")


def _version(artifact: str) -> str:
    """The version of a package URL; whatever else it is, the whole text."""
    if not artifact.startswith("pkg:"):
        return artifact
    plain = artifact.split("#")[0].split("?")[0]
    return unquote(plain.rsplit("@", 1)[1]) if "@" in plain else plain


def _labels(event: BaseCloudEvent) -> dict[str, str]:
    found = {name: event.get_extension(name) for name in LABELS}
    return {name: str(value)[:MAX_NAME] for name, value in found.items() if value}


def _time(data: Mapping[str, Any], event: BaseCloudEvent, now: datetime) -> str:
    """When it happened: what a CDEvent's context says, else the event's own time."""
    told = optional_text(object_or_empty(data.get("context")), "timestamp")
    if told:
        return told
    at = event.get_time() or now
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).isoformat()


def _kept(item: Mapping[str, Any]) -> dict[str, Any]:
    """Without what says nothing, so that what is known stays."""
    return {name: value for name, value in item.items() if value not in ("", {}, None)}
