"""The demo as a process of its own, and the portal's own connectors in conversation with it."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction

from apps.connectors.address import AddressRule, parse_networks
from apps.connectors.http import Http
from apps.connectors.merging import merge
from apps.connectors.records import Batch, Kind, Record, SeriesRecord
from apps.connectors.registry import get_connector
from apps.demo.server import create_app
from apps.demo.services import load_demo
from apps.demo.sources import DemoSource, demo_sources
from apps.demo.world.company import FEATURES
from apps.demo.world.systems import pipelines_of, prompts_in, rolled_out_by
from apps.deployments.models import Deployment
from apps.events.models import Event
from apps.metrics.models import Series
from apps.pipelines.models import Pipeline
from apps.prompts.models import Prompt
from apps.sources.identity.naming import note_names
from apps.sources.identity.queries import unmatched
from apps.sources.models import Source
from apps.sync.store import store_batch
from tests.demo.asking import ask

LEFT_PIPELINES = {"gdpr_erasure", "warehouse_smoke_test", "ARCHIVE7", "PRICELIST"}  # so that there is work to do
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def base() -> Iterator[str]:
    """Where a freshly started demo process answers."""
    process = subprocess.Popen(
        [sys.executable, "-m", "apps.demo.server", "--port", "0", "--seed", "11"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout
        line = process.stdout.readline()
        assert line.startswith("Demo systems ready on http://127.0.0.1:"), line
        assert line.endswith(" (seed 11)\n")
        yield line.split()[4]
    finally:
        process.terminate()
        process.communicate(timeout=10)


def converse(source: DemoSource, **changes: Any) -> tuple[str, list[Record], Batch]:
    """What the probe says, and everything that fetches bring until there is no more."""
    kind = get_connector(source.connector)
    config = kind.clean(source.config | changes)
    rule = AddressRule().plus(parse_networks(["127.0.0.0/8"]))

    async def talk() -> tuple[str, list[Record], Batch]:
        async with Http(rule=rule) as http:
            probe = await kind(config=config, secrets=source.secrets, http=http).probe()
        records: list[Record] = []
        cursor: dict[str, Any] = {}
        for _ in range(30):
            async with Http(rule=rule) as http:
                batch = await kind(config=config, secrets=source.secrets, http=http).fetch(cursor)
            records += batch.records
            cursor = dict(batch.cursor)
            assert batch.rejected == ()
            if not batch.has_more:
                return probe.sentence, records, batch
        raise AssertionError("the source never came to an end")

    return asyncio.run(talk())


def kinds(records: list[Record]) -> Counter[Kind]:
    seen = {(record.kind, record.external_id) for record in records}  # type: ignore[attr-defined]  # every record has one
    return Counter(kind for kind, _ in seen)


def test_the_prometheus_connector_reads_series_and_deployments(base: str) -> None:
    prometheus = demo_sources(base)[0]
    sentence, records, _ = converse(prometheus, backfill_days=2)
    assert sentence.startswith("Prometheus ")
    found = kinds(records)
    assert found[Kind.SERIES] == 98
    assert found[Kind.DEPLOYMENT] >= 2 * len(rolled_out_by("prometheus"))
    series = [record for record in records if isinstance(record, SeriesRecord)]
    assert {record.labels["feature"] for record in series} == {feature.slug for feature in FEATURES}
    assert sum(len(record.samples) for record in series) > 98 * 2 * 288 * 0.95


def test_the_prefect_connector_reads_runs_and_steps(base: str) -> None:
    prefect = demo_sources(base)[1]
    sentence, records, _ = converse(prefect, backfill_days=1)
    assert f"{len(pipelines_of('prefect'))} flows" in sentence
    found = kinds(records)
    assert found[Kind.PIPELINE] == len(pipelines_of("prefect"))
    assert found[Kind.RUN] >= 25
    assert found[Kind.TASK_RUN] > 75


def test_the_mlflow_connector_reads_prompts_and_evaluations(base: str) -> None:
    mlflow = demo_sources(base)[2]
    _, records, _ = converse(mlflow, backfill_days=5)
    found = kinds(records)
    assert found[Kind.PROMPT] == len(prompts_in("mlflow"))
    assert found[Kind.PROMPT_LABEL] == 2 * len(prompts_in("mlflow"))
    assert found[Kind.PROMPT_VERSION] > 50
    assert found[Kind.RUN] > 12


def test_the_front_page_says_what_this_is() -> None:
    data = ask(create_app(seed=3), "/").data
    assert data["seed"] == 3
    assert "does not exist" in data["about"]


@pytest.mark.django_db
def test_everything_it_says_finds_its_place_in_the_catalog(base: str) -> None:
    load_demo(base=base)
    for source in demo_sources(base):
        known = {field.name for field in get_connector(source.connector).fields}
        _, records, _ = converse(source, **({"backfill_days": 1} if "backfill_days" in known else {}))
        row = Source.objects.get(name=source.name)
        with transaction.atomic():
            stored = store_batch(source=row, batch=Batch(records=tuple(merge(records))), at=datetime.now(UTC))
            note_names(batches=stored.names, at=datetime.now(UTC))
        assert stored.rejected == []
    assert not Series.objects.filter(source__connector="prometheus", feature=None).exists()
    assert not Deployment.objects.filter(component=None).exists()
    assert not Deployment.objects.filter(environment=None).exists()
    assert set(Pipeline.objects.filter(component=None).values_list("name", flat=True)) == LEFT_PIPELINES
    assert set(unmatched().values_list("name", flat=True)) == {*LEFT_PIPELINES, "queue depth labels"}
    assert not Prompt.objects.filter(feature=None).exists()
    assert Series.objects.filter(is_primary=True, measure="latency_p95").count() == len(FEATURES)
    assert set(Event.objects.values_list("is_demo", flat=True)) <= {True}
