"""From the workspace to records: jobs as pipelines with schedules and sensors. Pure; a bad job is rejected alone."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from apps.connectors.records import Kind, PipelineRecord, Rejected
from apps.connectors.values import (
    MAX_NAME,
    as_labels,
    list_or_empty,
    object_or_empty,
    optional_text,
    read_items,
    required_text,
)

_RUNNING = "RUNNING"
_METADATA = ("commit_hash", "image", "url")  # of a code location, as Dagster+ tells them; paths of files are left out
_QUOTED = re.compile(r"'([^']+)'|\"([^\"]+)\"")


def pipeline_id(repository: str, location: str, job: str) -> str:
    """Dagster's own notation, `repository@location/job`; only the name for a run of no known repository."""
    return f"{repository}@{location}/{job}" if repository and location else job


def homes(pipeline_ids: Iterable[str]) -> dict[str, str]:
    """Job name -> pipeline id, for the names that only one job has: where a run of no known repository belongs."""
    known: dict[str, str] = {}
    shared: set[str] = set()
    for identity in pipeline_ids:
        name = job_name(identity)
        shared |= {name} if name in known else set()
        known[name] = identity
    return {name: identity for name, identity in known.items() if name not in shared}


def job_name(identity: str) -> str:
    """The job's name in a pipeline's identity; names of jobs hold no slash."""
    return identity.rpartition("/")[2]


def loaded_repositories(locations: Iterable[Any]) -> list[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """(location entry, repository) of every code location that is loaded."""
    found = []
    for entry in map(object_or_empty, locations):
        location = object_or_empty(entry.get("locationOrLoadError"))
        found += [(entry, object_or_empty(item)) for item in list_or_empty(location.get("repositories"))]
    return found


def is_whole(locations: Sequence[Any]) -> bool:
    """Whether every code location is loaded; the jobs of one that is not are hidden, and by no means gone."""
    return bool(locations) and all(is_loaded(object_or_empty(entry)) for entry in locations)


def is_loaded(entry: Mapping[str, Any]) -> bool:
    """Whether a code location is there with its repositories, neither broken nor being loaded."""
    location = object_or_empty(entry.get("locationOrLoadError"))
    return location.get("__typename") == "RepositoryLocation" and isinstance(location.get("repositories"), list)


def read_jobs(locations: Sequence[Any], *, ui: str) -> tuple[list[PipelineRecord], list[Rejected]]:
    """The jobs of all loaded code locations."""
    records: list[PipelineRecord] = []
    rejected: list[Rejected] = []
    for entry, repository in loaded_repositories(locations):
        some, bad = _read_repository(entry, repository, ui)
        records += some
        rejected += bad
    return records, rejected


def _read_repository(
    entry: Mapping[str, Any], repository: Mapping[str, Any], ui: str
) -> tuple[list[PipelineRecord], list[Rejected]]:
    place = {"code_location": optional_text(entry, "name"), "repository": optional_text(repository, "name")}
    known = _tags(entry.get("displayMetadata"))
    place |= {name: known[name] for name in _METADATA if name in known}
    schedules, sensors = _schedules_by_job(repository), _sensors_by_job(repository)
    address = f"{ui}/locations/{quote(place['repository'] + '@' + place['code_location'], safe='@')}"

    def read(job: Mapping[str, Any]) -> PipelineRecord:
        name = required_text(job, "name")
        own_schedules, own_sensors = schedules.get(name, []), sensors.get(name, [])
        is_paused = _is_paused([*own_schedules, *own_sensors])
        labels = _tags(job.get("tags")) | place
        labels |= {"schedules": _listed(own_schedules), "sensors": _listed(own_sensors)}
        return PipelineRecord(
            external_id=pipeline_id(place["repository"], place["code_location"], name),
            raw={"job": job, "schedules": own_schedules, "sensors": own_sensors, **place},
            name=name,
            description=optional_text(job, "description", limit=2000),
            vendor_kind="asset job" if job.get("isAssetJob") is True else "job",
            schedule=_schedule_text(own_schedules if is_paused else [item for item in own_schedules if _is_on(item)]),
            is_paused=is_paused,
            url=f"{address}/jobs/{quote(name)}",
            labels={key: value for key, value in labels.items() if value},
        )

    return read_items(list_or_empty(repository.get("jobs")), read, kind=Kind.PIPELINE, id_key="name")


def _tags(value: Any) -> dict[str, str]:
    """Dagster's list of keys and values as labels."""
    pairs = map(object_or_empty, list_or_empty(value))
    return as_labels({optional_text(pair, "key"): pair.get("value") for pair in pairs if optional_text(pair, "key")})


def _schedules_by_job(repository: Mapping[str, Any]) -> dict[str, list[Mapping[str, Any]]]:
    found: dict[str, list[Mapping[str, Any]]] = {}
    for schedule in map(object_or_empty, list_or_empty(repository.get("schedules"))):
        found.setdefault(optional_text(schedule, "pipelineName"), []).append(schedule)
    return found


def _sensors_by_job(repository: Mapping[str, Any]) -> dict[str, list[Mapping[str, Any]]]:
    found: dict[str, list[Mapping[str, Any]]] = {}
    for sensor in map(object_or_empty, list_or_empty(repository.get("sensors"))):
        targets = {optional_text(object_or_empty(t), "pipelineName") for t in list_or_empty(sensor.get("targets"))}
        for job in sorted(targets):
            found.setdefault(job, []).append(sensor)
    return found


def _is_on(automation: Mapping[str, Any]) -> bool:
    state = object_or_empty(automation.get("scheduleState") or automation.get("sensorState"))
    return state.get("status") == _RUNNING


def _is_paused(automations: Sequence[Mapping[str, Any]]) -> bool:
    """Whether nothing starts the job any more because somebody stopped it.

    In code, a schedule is written stopped: one that nobody ever started says nothing about a job that others launch.
    `canReset` tells a state that was set by hand from the one in the code.
    """
    stopped_by_hand = [item for item in automations if item.get("canReset") is True]
    return bool(stopped_by_hand) and not any(map(_is_on, automations))


def _listed(automations: Sequence[Mapping[str, Any]]) -> str:
    """Names with their state, for a label: `nightly (running), weekly (stopped)`."""
    texts = [f"{optional_text(item, 'name')} ({'running' if _is_on(item) else 'stopped'})" for item in automations]
    return ", ".join(sorted(texts))[:MAX_NAME]


def _schedule_text(schedules: Sequence[Mapping[str, Any]]) -> str:
    """The cron expressions with their time zones: `0 2 * * * (Europe/Berlin)`."""
    return "; ".join(sorted({text for schedule in schedules for text in _crons(schedule)}))[:MAX_NAME]


def _crons(schedule: Mapping[str, Any]) -> list[str]:
    """The cron expressions with their time zone; Dagster writes several as Python writes a list."""
    text, zone = optional_text(schedule, "cronSchedule"), optional_text(schedule, "executionTimezone")
    expressions = [one or other for one, other in _QUOTED.findall(text)] if text.startswith(("[", "(")) else [text]
    return [f"{expression} ({zone})" if zone else expression for expression in expressions if expression]
