"""From Phoenix's experiments to evaluations: pure, and a bad item is rejected alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote

from apps.connectors.providers.phoenix.client import nodes
from apps.connectors.records import EvaluationRecord, RunState, Score
from apps.connectors.values import (
    as_labels,
    as_object,
    finite,
    first_line,
    from_iso,
    latest,
    list_or_empty,
    object_or_empty,
    optional_iso,
    optional_text,
    required_text,
    stable_id,
)

_CORE = """
        id name updatedAt createdAt runCount expectedRunCount errorRate
        annotationSummaries { annotationName meanScore scoreCount count }
"""
OUTLINE = f"""
query ($after: String) {{
  datasets(first: 50, after: $after) {{
    pageInfo {{ hasNextPage endCursor }}
    edges {{ node {{ id name experiments(first: 50) {{ edges {{ node {{ {_CORE} }} }} }} }} }}
  }}
}}
"""
DETAIL = f"""
query ($id: ID!) {{
  node(id: $id) {{ ... on Experiment {{ {_CORE}
        description sequenceNumber projectName metadata job {{ status }} costSummary {{ total {{ cost }} }}
        runs(first: 500) {{ edges {{ node {{
          startTime endTime error repetitionNumber example {{ id }}
          annotations(first: 50) {{ edges {{ node {{ name label score explanation }} }} }}
        }} }} }}
  }} }}
}}
"""
_STATES = {
    "RUNNING": RunState.RUNNING,
    "COMPLETED": RunState.SUCCEEDED,
    "STOPPED": RunState.CANCELLED,
    "ERROR": RunState.FAILED,
}
_VERDICTS = {"true": True, "pass": True, "passed": True, "false": False, "fail": False, "failed": False}
_SUBJECTS, _VERSIONS = ("prompt", "prompt_name"), ("prompt_version", "version")


def in_dataset(dataset: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The outlines of a dataset's experiments; none when it does not tell them."""
    return [object_or_empty(node) for node in nodes(dataset.get("experiments") or {"edges": []})]


def mark_of(item: Mapping[str, Any]) -> str:
    """What changes when runs or annotations are added: an experiment has no time of its last annotation."""
    told = [item.get("updatedAt"), item.get("runCount"), item.get("annotationSummaries")]
    return stable_id(repr(told))[:12]


def changed_at(item: Mapping[str, Any]) -> datetime:
    """The time Phoenix keeps for the experiment itself."""
    return from_iso(item.get("updatedAt") or item.get("createdAt"))


def read_experiment(item: Mapping[str, Any], *, dataset: Mapping[str, Any], ui: str) -> EvaluationRecord:
    """One experiment with its mean scores and the scores of its cases; raises UnreadableError."""
    experiment_id, dataset_id = required_text(item, "id"), required_text(dataset, "id")
    runs = [as_object(node) for node in nodes(item.get("runs"))]
    ends = [optional_iso(run.get("endTime")) for run in runs]
    metadata = as_labels(item.get("metadata"))
    state, raw_state = _state(item)
    labels = {"experiment": optional_text(item, "name"), "project": optional_text(item, "projectName")}
    return EvaluationRecord(
        external_id=experiment_id,
        raw={key: value for key, value in item.items() if key != "runs"},
        suite=required_text(dataset, "name"),
        state=state,
        raw_state=raw_state,
        updated_at=latest([changed_at(item), *ends]) or changed_at(item),
        started_at=optional_iso(item.get("createdAt")),
        finished_at=None if state is RunState.RUNNING else latest(ends),
        subject=next((metadata[key] for key in _SUBJECTS if key in metadata), ""),
        version=next((metadata[key] for key in _VERSIONS if key in metadata), ""),
        scores=(*_means(item), *_cases(runs)),
        url=f"{ui}/datasets/{quote(dataset_id, safe='')}/compare?experimentId={quote(experiment_id, safe='')}",
        labels={**metadata, **{key: text for key, text in labels.items() if text}},
    )


def _state(item: Mapping[str, Any]) -> tuple[RunState, str]:
    """Experiments run by the server have a job with a state; those run by a client are counted."""
    raw = optional_text(object_or_empty(item.get("job")), "status")
    if raw:
        return _STATES.get(raw, RunState.UNKNOWN), raw
    done, expected = finite(item.get("runCount")), finite(item.get("expectedRunCount"))
    if done is None or expected is None:
        return RunState.UNKNOWN, ""
    if done < expected:
        return RunState.RUNNING, ""
    return (RunState.FAILED if item.get("errorRate") == 1 else RunState.SUCCEEDED), ""


def _means(item: Mapping[str, Any]) -> Iterator[Score]:
    for entry in map(object_or_empty, list_or_empty(item.get("annotationSummaries"))):
        name, mean = optional_text(entry, "annotationName"), finite(entry.get("meanScore"))
        count = entry.get("scoreCount")
        if name and mean is not None:
            yield Score(scorer=name, value=mean, count=count if isinstance(count, int) else 1)


def _cases(runs: list[Mapping[str, Any]]) -> Iterator[Score]:
    for run in runs:
        example = optional_text(object_or_empty(run.get("example")), "id")
        repetition = run.get("repetitionNumber")
        case = f"{example}#{repetition}" if isinstance(repetition, int) and repetition > 1 else example
        for entry in map(object_or_empty, nodes(run.get("annotations"))):
            name, value = optional_text(entry, "name"), finite(entry.get("score"))
            if case and name and value is not None:
                yield Score(
                    scorer=name,
                    value=value,
                    case=case,
                    passed=_VERDICTS.get(optional_text(entry, "label").lower()),
                    comment=first_line(entry.get("explanation")),
                )
