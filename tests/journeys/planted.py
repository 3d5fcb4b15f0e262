"""Falsifications of the portal's tables, each of which the comparison has to find: its silence must mean something."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Falsehood:
    """A statement that changes one row, and the difference that follows: its kind begins so, its sentence says so."""

    statement: str
    kind: str
    says: str


def _first(table: str, connector: str, condition: str = "true") -> str:
    """The oldest row of a source of one kind."""
    return (
        f"(SELECT min(row.id) FROM {table} row JOIN sources_source source ON source.id = row.source_id"
        f" WHERE source.connector = '{connector}' AND {condition})"
    )


_LONG_OVER = "finished_at < now() - interval '3 days'"
_SERIES = _first("metrics_series", "prometheus")
_UNUSED_VERSION = """
(SELECT min(version.id) FROM prompts_promptversion version JOIN prompts_prompt prompt ON prompt.id = version.prompt_id
   JOIN sources_source source ON source.id = prompt.source_id
  WHERE source.connector = 'mlflow' AND NOT EXISTS (SELECT FROM prompts_promptlabel WHERE version_id = version.id)
    AND NOT EXISTS (SELECT FROM prompts_labelmove WHERE version.id IN (from_version_id, to_version_id)))
"""
_EVENT = "at, kind, tone, is_change, is_demo, title, detail, actor, subject_kind, subject_id, url, data, request_id"


def _sample(days: int) -> str:
    """One sample of so many days ago."""
    return (
        f"(series_id, at) = (SELECT series_id, at FROM metrics_sample WHERE series_id = {_SERIES}"
        f" AND at < now() - interval '{days} days' ORDER BY at DESC LIMIT 1)"
    )


FALSEHOODS = (
    Falsehood(f"DELETE FROM metrics_sample WHERE {_sample(9)}", "samples of", "is there ("),
    Falsehood(f"UPDATE metrics_sample SET value = value + 1 WHERE {_sample(5)}", "samples of", " here and "),
    Falsehood(
        f"INSERT INTO metrics_sample VALUES ({_SERIES}, now() - interval '3 days', 1)", "samples of", "is here ("
    ),
    Falsehood(
        "UPDATE pipelines_run SET finished_at = finished_at + interval '1 second' WHERE id = "
        + _first("pipelines_run", "prefect", f"state = 'succeeded' AND {_LONG_OVER}"),
        "flow runs of",
        "finished_at is",
    ),
    Falsehood(
        "UPDATE pipelines_run SET external_id = 'nobody' WHERE id = "
        + _first("pipelines_run", "prefect", f"state = 'failed' AND {_LONG_OVER}"),
        "flow runs of",
        "nobody is here and not there",
    ),
    Falsehood(
        "DELETE FROM pipelines_taskrun WHERE id = (SELECT min(step.id) FROM pipelines_taskrun step"
        " JOIN pipelines_run run ON run.id = step.run_id"
        " JOIN sources_source source ON source.id = run.source_id"
        " WHERE source.connector = 'prefect' AND run.state = 'succeeded'"
        f" AND run.{_LONG_OVER})",
        "task runs of",
        "is there and not here",
    ),
    Falsehood(
        "UPDATE pipelines_run SET state = 'failed' WHERE id = "
        + _first("pipelines_run", "mlflow", f"state = 'succeeded' AND {_LONG_OVER}"),
        "runs of",
        "state is 'failed' here",
    ),
    Falsehood(
        "UPDATE prompts_promptlabel label SET version_id = (SELECT min(id) FROM prompts_promptversion version"
        " WHERE version.prompt_id = label.prompt_id) WHERE id = (SELECT min(row.id) FROM prompts_promptlabel row"
        " JOIN prompts_prompt prompt ON prompt.id = row.prompt_id"
        " JOIN sources_source source ON source.id = prompt.source_id WHERE source.connector = 'mlflow')",
        "aliases of",
        "version is 1 here",
    ),
    Falsehood(
        f"DELETE FROM prompts_promptversion WHERE id = {_UNUSED_VERSION}", "prompt versions of", "is there and not here"
    ),
    Falsehood(
        "UPDATE deployments_deployment SET started_at = started_at - interval '1 hour' WHERE id = "
        + _first("deployments_deployment", "prometheus", "row.started_at > now() - interval '9 days'"),
        "deployments of",
        "is here and not there",
    ),
    Falsehood(
        "INSERT INTO sources_deadletter (source_id, kind, external_id, reason, payload, first_seen_at, last_seen_at,"
        " count) SELECT min(id), 'run', 'x', 'planted', '{}', now(), now(), 1 FROM sources_source"
        " WHERE connector = 'prefect'",
        "dead letters",
        "planted",
    ),
    Falsehood(
        f"INSERT INTO events_event ({_EVENT}) SELECT {_EVENT} FROM events_event WHERE subject_kind = 'deployment'"
        " AND source_id = (SELECT min(id) FROM sources_source WHERE connector = 'prometheus') ORDER BY id LIMIT 1",
        "events about deployments of",
        "told 2 times",
    ),
    Falsehood(
        "UPDATE health_featurehealth SET status = 'paused' WHERE feature_id = (SELECT min(feature_id)"
        " FROM health_featurehealth WHERE status <> 'paused')",
        "rules of the tables",
        "health is not what its open stretch says",
    ),
)
