"""One reader for every kind of thing that can be pushed: from its item to the records of the one vocabulary."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from apps.connectors.providers.push import items
from apps.connectors.providers.push.normalize import OVER, Reader, whole
from apps.connectors.records import (
    AlertRecord,
    AlertState,
    ChangeRecord,
    DeploymentRecord,
    DeploymentState,
    EvaluationRecord,
    Kind,
    PipelineRecord,
    PromptLabelRecord,
    PromptRecord,
    PromptVersionRecord,
    Record,
    RunRecord,
    RunState,
    Score,
    SeriesKind,
    SeriesRecord,
    TaskRunRecord,
    Trigger,
)
from apps.connectors.values import first_line, stable_id

Raw = Mapping[str, Any]


def _pipeline(item: items.PipelineItem, _at: datetime, raw: Raw) -> tuple[Record, ...]:
    values = item.model_dump(exclude={"kind", "name"})
    name = item.name or item.external_id
    return (PipelineRecord(name=name, vendor_kind=item.kind, raw=raw, **values),)


def _run(item: items.RunItem, at: datetime, raw: Raw) -> tuple[Record, ...]:
    updated_at = item.updated_at or at
    values = item.model_dump(exclude={"pipeline", "state", "updated_at", "trigger", "name", "cost", "error"})
    values |= _span(item.state, values["started_at"], values["finished_at"], updated_at)
    return (
        RunRecord(
            pipeline_external_id=item.pipeline,
            name=item.name or item.external_id,
            state=RunState(item.state),
            raw_state=item.state,
            updated_at=updated_at,
            trigger=Trigger(item.trigger),
            cost=whole(item.cost),
            error=first_line(item.error),
            raw=raw,
            **values,
        ),
    )


def _task_run(item: items.TaskRunItem, at: datetime, raw: Raw) -> tuple[Record, ...]:
    updated_at = item.updated_at or at
    values = item.model_dump(exclude={"run", "state", "updated_at", "name", "upstream", "error"})
    values |= _span(item.state, values["started_at"], values["finished_at"], updated_at)
    return (
        TaskRunRecord(
            run_external_id=item.run,
            name=item.name or item.external_id,
            state=RunState(item.state),
            raw_state=item.state,
            updated_at=updated_at,
            upstream=tuple(item.upstream),
            error=first_line(item.error),
            raw=raw,
            **values,
        ),
    )


def _deployment(item: items.DeploymentItem, at: datetime, raw: Raw) -> tuple[Record, ...]:
    updated_at = item.updated_at or at
    values = item.model_dump(exclude={"state", "updated_at", "started_at", "finished_at"})
    span = _span(item.state, item.started_at or updated_at, item.finished_at, updated_at)
    state = DeploymentState(item.state)
    return (DeploymentRecord(state=state, raw_state=item.state, updated_at=updated_at, raw=raw, **values, **span),)


def _prompt_version(item: items.PromptVersionItem, at: datetime, raw: Raw) -> tuple[Record, ...]:
    """The prompt, the labels that point here, and last the version itself."""
    prompt = PromptRecord(
        external_id=item.prompt, name=item.prompt, description=item.description, url=item.url, labels=item.labels
    )
    labels = [
        PromptLabelRecord(
            external_id=f"{item.prompt}@{name}",
            prompt_external_id=item.prompt,
            name=name,
            number=item.number,
            moved_by=item.author,
            moved_at=item.moved_at,
        )
        for name in item.aliases
    ]
    version = PromptVersionRecord(
        external_id=f"{item.prompt}:{item.number}",
        prompt_external_id=item.prompt,
        number=item.number,
        created_at=item.created_at or at,
        template=item.template,
        messages=tuple(message.model_dump() for message in item.messages),
        model_config=item.model,
        response_format=item.response_format,
        commit_message=item.commit_message,
        author=item.author,
        tags=item.tags,
        url=item.url,
        raw=raw,
    )
    return (prompt, *labels, version)


def _evaluation(item: items.EvaluationItem, at: datetime, raw: Raw) -> tuple[Record, ...]:
    updated_at = item.updated_at or at
    values = item.model_dump(exclude={"state", "updated_at", "scores"})
    values |= _span(item.state, item.started_at, item.finished_at, updated_at)
    scores = tuple(Score(**score.model_dump()) for score in item.scores)
    return (
        EvaluationRecord(
            state=RunState(item.state), raw_state=item.state, updated_at=updated_at, scores=scores, raw=raw, **values
        ),
    )


def _series(item: items.SampleItem, at: datetime, raw: Raw) -> tuple[Record, ...]:
    samples = tuple(item.samples) if item.value is None else ((item.at or at, item.value),)
    return (
        SeriesRecord(
            external_id=item.external_id or stable_id(item.name, labels=item.labels),
            name=item.name,
            measure=item.measure,
            unit=item.unit,
            series_kind=SeriesKind(item.kind),
            labels=item.labels,
            samples=tuple(sorted(samples)),
            raw=raw,
        ),
    )


def _alert(item: items.AlertItem, at: datetime, raw: Raw) -> tuple[Record, ...]:
    values = item.model_dump(exclude={"state", "started_at"})
    return (AlertRecord(state=AlertState(item.state), started_at=item.started_at or at, raw=raw, **values),)


def _change(item: items.ChangeItem, at: datetime, raw: Raw) -> tuple[Record, ...]:
    return (ChangeRecord(at=item.at or at, raw=raw, **item.model_dump(exclude={"at"})),)


def _span(state: str, started_at: datetime | None, finished_at: datetime | None, at: datetime) -> dict[str, Any]:
    """When it began and ended: what runs has begun and what is over has ended at the latest at the report's time."""
    begun = at if state == "running" and started_at is None else started_at
    ended = (finished_at or at) if state in OVER else None
    return {"started_at": begun, "finished_at": ended}


PIPELINES = Reader(Kind.PIPELINE, items.PipelineItem, _pipeline)
RUNS = Reader(Kind.RUN, items.RunItem, _run)
TASK_RUNS = Reader(Kind.TASK_RUN, items.TaskRunItem, _task_run)
DEPLOYMENTS = Reader(Kind.DEPLOYMENT, items.DeploymentItem, _deployment)
PROMPT_VERSIONS = Reader(Kind.PROMPT_VERSION, items.PromptVersionItem, _prompt_version, id_field="prompt")
EVALUATIONS = Reader(Kind.EVALUATION, items.EvaluationItem, _evaluation)
SAMPLES = Reader(Kind.SERIES, items.SampleItem, _series)
ALERTS = Reader(Kind.ALERT, items.AlertItem, _alert)
CHANGES = Reader(Kind.CHANGE, items.ChangeItem, _change)
