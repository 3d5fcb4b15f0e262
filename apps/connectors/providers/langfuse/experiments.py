"""From Langfuse's experiments (dataset runs) to evaluations: pure, and a bad item is rejected alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from apps.connectors.records import EvaluationRecord, RunState, Score
from apps.connectors.values import (
    as_labels,
    finite,
    first_line,
    from_iso,
    list_or_empty,
    object_or_empty,
    optional_iso,
    optional_text,
    required_text,
    stable_id,
)

SETTLING = timedelta(minutes=10)  # of silence, after which an experiment counts as over


def from_run(run: Mapping[str, Any]) -> dict[str, Any]:
    """A dataset run of an older server in the shape of an experiment; its scores are asked for by themselves."""
    kept = {key: run.get(key) for key in ("id", "name", "description", "metadata", "datasetId")}
    return {**kept, "startTime": run.get("createdAt"), "endTime": run.get("updatedAt"), "isRun": True}


def is_run(item: Mapping[str, Any]) -> bool:
    """Whether the experiment was made of a dataset run."""
    return item.get("isRun") is True


def mark_of(item: Mapping[str, Any], *, now: datetime) -> str:
    """What changes when items or scores are added, or when silence says that it is over."""
    told = [item.get("endTime"), item.get("itemCount"), item.get("scores"), _is_fresh(item, now)]
    return stable_id(repr(told))[:12]


def read_experiment(
    item: Mapping[str, Any], items: Sequence[Any], *, datasets: Mapping[str, str], pages: str, now: datetime
) -> EvaluationRecord:
    """One experiment with its own scores and those of its items; raises UnreadableError."""
    experiment_id, name = required_text(item, "id"), required_text(item, "name")
    ended_at = from_iso(item.get("endTime"))
    cases = [object_or_empty(case) for case in items]
    state = _state(item, cases, now)
    metadata = as_labels(item.get("metadata"))
    return EvaluationRecord(
        external_id=experiment_id,
        raw=item,
        suite=datasets.get(optional_text(item, "datasetId"), "") or name,
        state=state,
        raw_state="",
        updated_at=ended_at,
        started_at=optional_iso(item.get("startTime")),
        finished_at=None if state is RunState.RUNNING else ended_at,
        subject=next((metadata[key] for key in ("prompt", "prompt_name") if key in metadata), ""),
        version=metadata.get("prompt_version", ""),
        scores=(*_scores(item.get("scores"), case=""), *_of_cases(cases)),
        url=_url(item, experiment_id, pages),
        labels={**metadata, "experiment": name},
    )


def _url(item: Mapping[str, Any], experiment_id: str, pages: str) -> str:
    if is_run(item):
        dataset = quote(optional_text(item, "datasetId"), safe="")
        return f"{pages}/datasets/{dataset}/runs/{quote(experiment_id, safe='')}"
    return f"{pages}/experiments/results?baseline={quote(experiment_id, safe='')}"


def _is_fresh(item: Mapping[str, Any], now: datetime) -> bool:
    return from_iso(item.get("endTime")) > now - SETTLING


def _state(item: Mapping[str, Any], cases: Sequence[Mapping[str, Any]], now: datetime) -> RunState:
    """Langfuse tells no state: silence says that it is over, and errors in all items that it failed."""
    if _is_fresh(item, now):
        return RunState.RUNNING
    are_all_errors = bool(cases) and all(case.get("level") == "ERROR" for case in cases)
    return RunState.FAILED if are_all_errors else RunState.SUCCEEDED


def _of_cases(cases: Sequence[Mapping[str, Any]]) -> Iterator[Score]:
    for case in cases:
        if identity := optional_text(case, "experimentItemId"):
            yield from _scores(case.get("scores"), case=identity)


def _scores(value: Any, *, case: str) -> Iterator[Score]:
    """Numbers, and booleans as verdicts (older servers write them as 1 and 0); categories and texts have no number."""
    for entry in map(object_or_empty, list_or_empty(value)):
        kind, name, told = entry.get("dataType"), optional_text(entry, "name"), entry.get("value")
        if kind in ("CATEGORICAL", "TEXT", "CORRECTION") or not isinstance(told, int | float):
            continue
        number = float(told) if isinstance(told, bool) else finite(told)
        if name and number is not None:
            passed = bool(told) if kind == "BOOLEAN" or isinstance(told, bool) else None
            yield Score(scorer=name, value=number, case=case, passed=passed, comment=first_line(entry.get("comment")))
