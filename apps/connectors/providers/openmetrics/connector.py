"""OpenMetrics: one endpoint scraped, for services that no Prometheus watches."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar

from apps.connectors.auth import auth_headers
from apps.connectors.base import Connector, Field, Group, Probe, Scope
from apps.connectors.errors import ErrorClass, SourceError
from apps.connectors.exposition.client import ScrapeClient, is_openmetrics, looks_like_metrics
from apps.connectors.exposition.memory import Memory
from apps.connectors.providers.openmetrics import settings
from apps.connectors.providers.openmetrics.normalize import read_scrape
from apps.connectors.records import Batch, Kind

LONG_TEXT = 50_000  # characters; longer scrapes are parsed in a thread, so that other sources go on


class OpenMetricsConnector(Connector):
    """One endpoint in the OpenMetrics or the classic Prometheus text format."""

    key: ClassVar[str] = "openmetrics"
    name: ClassVar[str] = "OpenMetrics endpoint"
    summary: ClassVar[str] = "Metrics straight from a service's /metrics, without a Prometheus in between."
    kinds: ClassVar[frozenset[Kind]] = frozenset({Kind.SERIES})
    group: ClassVar[Group] = Group.METRICS
    fields: ClassVar[tuple[Field, ...]] = settings.FIELDS
    default_interval: ClassVar[int] = 60
    docs: ClassVar[str] = "docs/connectors/openmetrics.md"

    @classmethod
    def clean(cls, config: Mapping[str, Any]) -> dict[str, Any]:
        """The checked configuration; raises ConfigError."""
        return settings.clean(config)

    async def probe(self) -> Probe:
        """How many series one scrape has, and which configured metrics are not among them."""
        batch = await self.fetch({})
        text_format = batch.cursor["format"]
        names = {str(record.raw.get("metric", "")) for record in batch.records}
        histograms = len(batch.cursor["buckets"])
        sentence = f"The endpoint answers in the {text_format} format; {len(batch.records)} series can be read"
        sentence += f", and {histograms} histograms from the second scrape on." if histograms else "."
        if not names and not histograms and not batch.cursor["counters"]:
            sentence += " None of the configured metrics is among them; check their names."
        return Probe(
            sentence=sentence,
            version=text_format,
            scopes=(Scope(name="scrape", why="read the metrics", is_granted=True),),
        )

    async def fetch(self, cursor: Mapping[str, Any]) -> Batch:
        """One sample for every series; rates and histogram percentiles from the second scrape on."""
        headers = auth_headers(self.config, self.secrets)
        response = await ScrapeClient(http=self.http, url=self.config["url"], headers=headers).scrape()
        at = response.server_time or datetime.now(UTC)
        before, wanted = Memory.load(cursor), settings.read_wanted(self.config)
        openmetrics = is_openmetrics(response)

        def read() -> Batch:
            series, rejected, after = read_scrape(
                response.text, is_openmetrics=openmetrics, wanted=wanted, before=before, at=at
            )
            text_format = "OpenMetrics" if openmetrics else "Prometheus text"
            return Batch(
                records=tuple(series),
                rejected=tuple(rejected),
                cursor={**after.dump(), "format": text_format},
                server_time=response.server_time,
            )

        batch = await asyncio.to_thread(read) if len(response.text) > LONG_TEXT else read()
        if not batch.records and len(batch.rejected) > 0 and not looks_like_metrics(response.text):
            raise SourceError(ErrorClass.SCHEMA, "The answer is text, but not metrics; is this the right address?")
        return batch
