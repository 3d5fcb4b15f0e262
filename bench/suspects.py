"""What changed before this: 90 days, 50 features, 100,000 events, samples every minute."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from time import perf_counter

from django.db import connection

from apps.catalog.models import Component, Dependency, Environment, Feature
from apps.incidents.models import Incident
from apps.incidents.queries.suspects import suspects_of
from apps.sources.models import Source, SourceState
from bench.results import Result
from bench.stage import Stage
from bench.timing import Options, alternate

FEATURES, EVENTS, DAYS, SAMPLED_DAYS = 50, 100_000, 90, 12  # the ranking reads ten days of samples
MEASURES = ("latency_p95", "answered_ratio", "groundedness", "cost_rate")
LIMIT = 300.0  # ms

_EVENTS = """
INSERT INTO events_event (at, kind, tone, is_change, is_demo, title, detail, actor, feature_id, component_id,
                          environment_id, source_id, subject_kind, subject_id, dedupe_key, url, data, request_id)
SELECT now() - random() * make_interval(days => %(days)s),
       CASE WHEN n %% 3 = 0 THEN 'source:change:reported' ELSE 'deployments:deployment:succeeded' END,
       'info', true, false, 'change ' || n, '', 'ann', part.feature_id, part.id, %(environment)s, %(source)s,
       CASE WHEN n %% 3 = 0 THEN 'source' ELSE 'deployment' END, n, 'bench-' || n, '',
       jsonb_build_object('what', 'config', 'component', part.slug, 'revision', n::text, 'previous', (n - 1)::text), ''
FROM generate_series(1, %(events)s) AS n
JOIN LATERAL (SELECT * FROM catalog_component WHERE id = %(first)s + n %% %(parts)s) AS part ON true
"""
_SAMPLES = """
INSERT INTO metrics_sample (series_id, at, value)
SELECT series.id, at, 2 + 0.3 * sin(extract(epoch FROM at) / 13750) + 0.05 * random()
                        + CASE WHEN at > now() - interval '90 minutes' AND series.feature_id = %(feature)s
                          THEN 0.6 ELSE 0 END
FROM metrics_series AS series,
     generate_series(now() - make_interval(days => %(days)s), now(), interval '1 minute') AS at
"""


def measure(stage: Stage, options: Options) -> Iterator[Result]:
    """The whole answer, queries and ranking; wall time of the median call, and the processor's share of it."""
    if stage.use("suspects"):
        _fill()
    incident = Incident.objects.get()

    def ask() -> None:
        suspects_of(incident=incident, at=datetime.now(UTC))

    walls = []
    for _ in range(options.pairs):
        begun = perf_counter()
        ask()
        walls.append(1e3 * (perf_counter() - begun))
    costs = alternate({"ours": ask}, pairs=options.pairs, calls=2, database_pid=stage.database_pid)["ours"]
    what = f"suspects over {DAYS} days, {FEATURES} features, {EVENTS:,} events"
    found = {"CPU": costs.all_cpu * 1e3, "database CPU": costs.database * 1e3, "wall time": min(walls)}
    for name, value in found.items():
        yield Result(what=f"{what}: {name}", ours=value, against="the goal", theirs=LIMIT, unit="ms", goal=1.0)


def _fill() -> None:
    at = datetime.now(UTC)
    place = Environment.objects.filter(is_production=True).first()
    source = Source.objects.create(slug="bench-world", name="World", connector="push", is_polled=False)
    SourceState.objects.create(source=source)
    parts = _catalog()
    with connection.cursor() as cursor:
        values = {"days": DAYS, "environment": place.pk if place else None, "source": source.pk, "events": EVENTS}
        cursor.execute(_EVENTS, values | {"first": parts[0].pk, "parts": len(parts)})
        feature = parts[0].feature_id
        for number, measure_name in enumerate(MEASURES):
            cursor.execute(
                "INSERT INTO metrics_series (source_id, external_id, name, measure, unit, kind, labels, feature_id,"
                " is_primary, first_seen_at, last_at, step_seconds) SELECT %s, id || '-' || %s, %s, %s, 's', 'gauge',"
                " '{}', id, true, now(), now(), 60 FROM catalog_feature WHERE slug LIKE 'bench-%%'",
                [source.pk, number, measure_name, measure_name],
            )
        cursor.execute(_SAMPLES, {"feature": feature, "days": SAMPLED_DAYS})
        cursor.execute("ANALYZE")
    incident = Incident.objects.create(
        title="Slow", impact_started_at=at - timedelta(minutes=60), detected_at=at - timedelta(minutes=60),
        declared_at=at, declared_by="bench", updated_at=at,
    )  # fmt: skip
    incident.features.set([feature])


def _catalog() -> list[Component]:
    """Fifty features of three parts each, all on ten shared ones."""
    rows = [Feature(slug=f"bench-{n}", name=f"Bench {n}") for n in range(FEATURES)]
    features = Feature.objects.bulk_create(rows)
    parts = Component.objects.bulk_create(
        Component(slug=f"bench-{n}", name=f"Part {n}", kind="service", feature=features[n // 3] if n < 150 else None)
        for n in range(160)
    )
    Dependency.objects.bulk_create(
        Dependency(consumer=parts[n], provider=parts[150 + step]) for n in range(150) for step in (n % 10, (n + 3) % 10)
    )
    return parts
