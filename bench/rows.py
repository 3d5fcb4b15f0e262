"""A company to measure: features with their metrics, and pipelines with as many runs as wanted, written with COPY."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any, cast

import psycopg

from bench.stage import Stage

FEATURES = 8
MEASURES = {
    "requests_rate": 40.0,
    "answered_ratio": 0.97,
    "latency_p95": 1.4,
    "thumbs_up_ratio": 0.9,
    "cost_rate": 0.01,
}
SAMPLE_EVERY, SAMPLED = timedelta(minutes=5), timedelta(days=8)
RUNS_OVER = timedelta(days=30)
STATES = ("failed", *("succeeded",) * 15, "cancelled")  # a prime number, so that every pipeline meets every state

RUN_COLUMNS = (
    "source_id, pipeline_id, external_id, name, state, raw_state, at, started_at, finished_at, trigger, triggered_by,"
    " parameters, revision, partition_key, error, attempts, url, labels, upstream_at, first_seen_at, absences"
)
FOLLOW = """
UPDATE pipelines_pipeline pipeline
   SET last_run_id = run.id, last_run_at = run.at, last_state = run.state, active_at = run.at
  FROM (SELECT DISTINCT ON (pipeline_id) id, pipeline_id, at, state FROM pipelines_run
         ORDER BY pipeline_id, at DESC, id DESC) run
 WHERE run.pipeline_id = pipeline.id
"""
_INDEXES = """
SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index
 WHERE indrelid = %(table)s::regclass AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)
"""
_FOREIGN_KEYS = """
SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = %(table)s::regclass AND contype = 'f'
"""


def connection() -> psycopg.Connection[Any]:
    """Psycopg's own connection under Django's, in autocommit."""
    from django.db import connection

    connection.ensure_connection()
    assert connection.connection is not None
    return cast("psycopg.Connection[Any]", connection.connection)


def copy(target: str, lines: Iterable[str]) -> None:
    """Write lines in PostgreSQL's text format into `table (columns)`."""
    with connection().cursor().copy(f"COPY {target} FROM STDIN") as into:
        for line in lines:
            into.write(line)


def world(stage: Stage, *, pipelines: int, runs: int) -> str:
    """The name of a database with so many pipelines and runs, made if there is none yet; it is in use afterwards."""
    name = f"p{pipelines}_r{runs}"
    if stage.use(name):
        fill_runs(pipelines=pipelines, runs=runs, at=datetime.now(UTC))
    return name


def fill_world(*, at: datetime) -> None:
    """Eight features with health, changes and five measures each; one source."""
    from apps.catalog.models import Feature
    from apps.events.models import Event
    from apps.health.models import FeatureHealth, HealthSpan
    from apps.metrics import services as metrics
    from apps.metrics.models import Series
    from apps.sources.models import Source, SourceState

    source = Source.objects.create(slug="bench", name="Bench", connector="prefect")
    SourceState.objects.create(source=source, last_success_at=at)
    features = Feature.objects.bulk_create(
        [Feature(slug=f"feature-{n}", name=f"Feature {n}", summary="Measured") for n in range(FEATURES)]
    )
    since = at - SAMPLED
    judged = {"status": "healthy", "sentence": "Everything is as promised."}
    FeatureHealth.objects.bulk_create(
        [FeatureHealth(feature=f, since=since, evaluated_at=at, **judged) for f in features]
    )
    HealthSpan.objects.bulk_create([HealthSpan(feature=f, started_at=since, **judged) for f in features])
    Event.objects.bulk_create(
        [
            Event(
                at=at - timedelta(hours=n), kind="prompts:label:moved", title=f"Change {n}", is_change=True, feature=one
            )
            for n, one in enumerate(features * 25)
        ]
    )
    common: dict[str, Any] = {
        "source": source,
        "is_primary": True,
        "first_seen_at": since,
        "first_at": since,
        "last_at": at,
    }
    series = Series.objects.bulk_create(
        [
            Series(external_id=f"{f.slug}-{name}", name=name, measure=name, feature=f, last_value=value, **common)
            for f, (name, value) in product(features, MEASURES.items())
        ]
    )
    metrics.ensure_partitions(days={(since + timedelta(days=n)).date() for n in range(SAMPLED.days + 1)})
    times = [(at - SAMPLE_EVERY * n).isoformat() for n in range(int(SAMPLED / SAMPLE_EVERY))]
    lines = (f"{s.pk}\t{when}\t{s.last_value}\n" for s, when in product(series, times))
    copy("metrics_sample (series_id, at, value)", lines)
    metrics.roll_up_hours(at=at, seconds=60)
    connection().execute("VACUUM ANALYZE")


def fill_runs(*, pipelines: int, runs: int, at: datetime) -> None:
    """`runs` runs in turn over so many pipelines, the newest a minute old, spread over thirty days."""
    from apps.catalog.models import Feature
    from apps.pipelines.models import Pipeline
    from apps.sources.models import Source

    source, features = Source.objects.get(slug="bench"), list(Feature.objects.values_list("pk", flat=True))
    common: dict[str, Any] = {"source": source, "first_seen_at": at, "active_at": at, "schedule": "0 * * * *"}
    made = Pipeline.objects.bulk_create(
        [
            Pipeline(external_id=f"p{n}", name=f"Pipeline {n}", feature_id=features[n % FEATURES], **common)
            for n in range(pipelines)
        ]
    )
    with _without_indexes("pipelines_run"):
        copy(f"pipelines_run ({RUN_COLUMNS})", _run_lines(source.pk, [one.pk for one in made], runs, at))
    connection().execute(FOLLOW)
    connection().execute("VACUUM ANALYZE")


@contextmanager
def _without_indexes(table: str) -> Iterator[None]:
    """Make the indexes and foreign keys of a table afterwards: many times faster than to keep them row by row."""
    database = connection()
    indexes = database.execute(_INDEXES, {"table": table}).fetchall()
    keys = database.execute(_FOREIGN_KEYS, {"table": table}).fetchall()
    for name, _ in keys:
        database.execute(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"')
    for name, _ in indexes:
        database.execute(f'DROP INDEX "{name}"')
    yield
    database.execute("SET maintenance_work_mem = '512MB'")
    for _, definition in indexes:
        database.execute(definition)
    for name, definition in keys:
        database.execute(f'ALTER TABLE {table} ADD CONSTRAINT "{name}" {definition}')


def _run_lines(source_id: int, pipelines: list[int], runs: int, at: datetime) -> Iterator[str]:
    step, newest = RUNS_OVER.total_seconds() / runs, at.timestamp() - 60
    for n in range(runs):
        state = STATES[n % len(STATES)]
        began = newest - (runs - n) * step
        start, end = (datetime.fromtimestamp(began + took, UTC).isoformat() for took in (0, 30 + n % 60))
        place = f"{source_id}\t{pipelines[n % len(pipelines)]}\trun-{n}\trun {n}\t{state}\t{state.upper()}"
        rest = f"schedule\t\t{{}}\tabc123\t\t{'It broke.' if state == 'failed' else ''}\t1\t\t{{}}"
        yield f"{place}\t{start}\t{start}\t{end}\t{rest}\t{end}\t{end}\t0\n"
