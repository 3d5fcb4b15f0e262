"""From a workload and what was told of it to deployments: what image runs where since when; pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from apps.connectors.providers.kubernetes.cursor import Told
from apps.connectors.providers.kubernetes.endings import ended_rollout
from apps.connectors.providers.kubernetes.history import Past, Rollout, current_number, rollouts_of
from apps.connectors.providers.kubernetes.normalize import (
    CHANGE_CAUSE,
    REVISION,
    TEMPLATE_GENERATION,
    Thing,
    conditions_of,
    count,
    images_of,
)
from apps.connectors.providers.kubernetes.states import Standing, last_word_at, standing_of
from apps.connectors.records import DeploymentRecord, DeploymentState
from apps.connectors.values import UnreadableError, latest, object_or_empty, optional_text

SUPERSEDED = "superseded"


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """Deployments to tell of one workload, and what to remember then."""

    records: list[DeploymentRecord]
    told: Told


def current_key(workload: Thing) -> str:
    """What changes with every rollout and stands on the workload itself; "" until its controller has seen it."""
    match workload.kind:
        case "deployment":
            return workload.annotation(REVISION)
        case "statefulset":
            return optional_text(workload.status, "updateRevision")
        case _:
            generation = count(object_or_empty(workload.item.get("metadata")), "generation")
            return workload.annotation(TEMPLATE_GENERATION) or str(generation)


def is_new_rollout(workload: Thing, told: Told | None) -> bool:
    """Whether the history of this workload has to be read."""
    return told is None or told.key != current_key(workload)


def news_of(
    workload: Thing, told: Told | None, pasts: Sequence[Past], *, now: datetime, since: datetime
) -> News | None:
    """What is new about the rollouts of a workload; None when it cannot be told yet.

    `since`: older rollouts than that are left out at the first sight of a workload.
    Raises UnreadableError when its template has no image.
    """
    if told is not None and not is_new_rollout(workload, told):
        return _same_rollout(workload, told, now)
    number = current_number(workload.kind, current_key(workload), pasts)
    if not number:
        return None
    if told is not None and number <= told.number:  # something else than its template was changed
        return _same_rollout(workload, replace(told, key=current_key(workload)), now)
    rollouts = rollouts_of(pasts)
    rollout = rollouts.get(number)
    started_at = (rollout.started_at if rollout else None) or _start(workload, told, pasts, now)
    fresh = Told(
        key=current_key(workload),
        number=number,
        started_at=started_at,
        is_rollback=rollout.is_rollback if rollout else False,
    )
    current, fresh = _current(workload, fresh, rollout, is_first=told is None, now=now)
    earlier = list(_earlier(workload, told, rollouts, number, started_at, since))
    return News(records=[*earlier, current], told=fresh)


def _same_rollout(workload: Thing, told: Told, now: datetime) -> News:
    """Its state again, if that changed. What went through stays so: that pods fail later is an alert."""
    standing = standing_of(workload)
    if told.state == DeploymentState.SUCCEEDED or told.word == f"{standing.state} {standing.word}":
        return News(records=[], told=replace(told, version=workload.version))
    current, fresh = _current(workload, told, None, is_first=False, now=now)
    return News(records=[current], told=fresh)


def _current(
    workload: Thing, told: Told, rollout: Rollout | None, *, is_first: bool, now: datetime
) -> tuple[DeploymentRecord, Told]:
    standing = standing_of(workload)
    finished_at = _finish(standing, told.started_at, is_first=is_first, now=now)
    record = _record(
        workload,
        number=told.number,
        template=rollout.past.template if rollout else workload.spec.get("template"),
        started_at=told.started_at,
        state=standing.state,
        word=standing.word,
        finished_at=finished_at,
        updated_at=latest([told.started_at, finished_at, last_word_at(workload), None if is_first else now]) or now,
        description=_description(workload, standing),
        is_rollback=told.is_rollback,
    )
    return record, replace(
        told,
        version=workload.version,
        state=standing.state,
        word=f"{standing.state} {standing.word}",
        open=remember(record),
    )


def _start(workload: Thing, told: Told | None, pasts: Sequence[Past], now: datetime) -> datetime:
    """When a rollout began that left no time of its own: now if we saw it come, else a time it is known to follow."""
    if told is not None:
        return now
    progressing = conditions_of(workload.status).get("Progressing")
    known = latest([workload.created_at, *(past.created_at for past in pasts)])
    return latest([known, progressing.updated_at if progressing else None]) or now


def _finish(standing: Standing, started_at: datetime, *, is_first: bool, now: datetime) -> datetime | None:
    """When it was over; None when it is not, or when that was before our first look and Kubernetes tells no time."""
    if standing.state is DeploymentState.RUNNING:
        return None
    if standing.settled_at is not None:
        return max(started_at, standing.settled_at)
    return None if is_first else now


def _earlier(
    workload: Thing,
    told: Told | None,
    rollouts: Mapping[int, Rollout],
    number: int,
    started_at: datetime,
    since: datetime,
) -> Iterator[DeploymentRecord]:
    """Rollouts that another one replaced before they were told, or before they were over."""
    if told and told.open and told.number < number:
        yield ended_rollout(told.open, at=started_at, word=SUPERSEDED)
    after = told.number if told else 0
    for one in rollouts.values():
        if not after < one.number < number or one.started_at is None or (told is None and one.started_at < since):
            continue
        following = (later.started_at for later in rollouts.values() if one.number < later.number < number)
        ended_at = next((at for at in following if at is not None), started_at)
        try:
            yield _record(
                workload,
                number=one.number,
                template=one.past.template,
                started_at=one.started_at,
                state=DeploymentState.UNKNOWN,  # Kubernetes does not keep how it ended
                word=SUPERSEDED,
                finished_at=max(one.started_at, ended_at),
                updated_at=max(one.started_at, ended_at),
                description=one.past.cause,
                is_rollback=one.is_rollback,
            )
        except UnreadableError:
            continue


def _record(
    workload: Thing,
    *,
    number: int,
    template: Any,
    started_at: datetime,
    state: DeploymentState,
    word: str,
    finished_at: datetime | None,
    updated_at: datetime,
    description: str,
    is_rollback: bool,
) -> DeploymentRecord:
    revision, images = images_of(template, name=workload.name)
    return DeploymentRecord(
        external_id=f"{workload.uid}/{number}",
        raw={"metadata": workload.item.get("metadata"), "template": template, "number": number},
        component=workload.component,
        environment=workload.environment,
        revision=revision,
        state=state,
        raw_state=word,
        started_at=started_at,
        updated_at=updated_at,
        finished_at=finished_at,
        description=description,
        is_rollback=is_rollback,
        url=workload.url,
        labels={**workload.labels, **images, "rollout": str(number)},
    )


def _description(workload: Thing, standing: Standing) -> str:
    is_bad = standing.state is DeploymentState.FAILED
    return standing.message if is_bad and standing.message else workload.annotation(CHANGE_CAUSE)


def remember(record: DeploymentRecord) -> dict[str, Any]:
    """What is needed to end a rollout when another one replaces it; {} when it is over."""
    if record.state is not DeploymentState.RUNNING:
        return {}
    return {
        "id": record.external_id,
        "component": record.component,
        "environment": record.environment,
        "revision": record.revision,
        "started_at": record.started_at.isoformat(),
        "url": record.url,
        "labels": dict(record.labels),
    }
