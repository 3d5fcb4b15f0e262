"""LiteLLM: cost, requests, failures, fallbacks, cache and latency of a proxy, from its metrics."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar

from apps.connectors.base import Connector, Field, Group, Probe, Scope
from apps.connectors.errors import ErrorClass, SourceError
from apps.connectors.exposition.client import is_openmetrics, looks_like_metrics
from apps.connectors.exposition.memory import Memory
from apps.connectors.http import Response
from apps.connectors.providers.litellm import settings
from apps.connectors.providers.litellm.client import LitellmClient
from apps.connectors.providers.litellm.normalize import read_interval
from apps.connectors.providers.litellm.reading import SPLITS, Sums, read_sums
from apps.connectors.records import Batch, Kind

MAX_GROUPS = 300  # what each of them counted is kept for the next scrape
LONG_TEXT = 50_000  # characters; longer scrapes are parsed in a thread, so that other sources go on


class LitellmConnector(Connector):
    """One LiteLLM proxy."""

    key: ClassVar[str] = "litellm"
    name: ClassVar[str] = "LiteLLM"
    summary: ClassVar[str] = "Cost, tokens, requests, failures, fallbacks, cache hits and latency of a LiteLLM proxy."
    kinds: ClassVar[frozenset[Kind]] = frozenset({Kind.SERIES})
    group: ClassVar[Group] = Group.METRICS
    fields: ClassVar[tuple[Field, ...]] = settings.FIELDS
    default_interval: ClassVar[int] = 60
    docs: ClassVar[str] = "docs/connectors/litellm.md"

    @classmethod
    def clean(cls, config: Mapping[str, Any]) -> dict[str, Any]:
        """The checked configuration; raises ConfigError."""
        return settings.clean(config)

    async def probe(self) -> Probe:
        """Whether the proxy tells metrics, and how many models, teams and keys they speak of."""
        client = self._client()
        response, _ = await client.scrape(whole=False)
        sums, version = await self._read(response), await client.version()
        scope = Scope(name="metrics", why="read /metrics", is_granted=True)
        return Probe(sentence=_sentence(version, sums), version=version, scopes=(scope,))

    async def fetch(self, cursor: Mapping[str, Any]) -> Batch:
        """Gauges at once; rates, shares and percentiles from the second scrape on."""
        split = self.config["split"]
        response, is_whole = await self._client().scrape(whole=cursor.get("is_whole") is True)
        at = response.server_time or datetime.now(UTC)
        before = Memory.load(cursor) if cursor.get("split") == split else Memory()
        sums = await self._read(response)
        series, after = read_interval(sums, before=before, at=at)
        return Batch(
            records=tuple(series),
            rejected=tuple(sums.rejected),
            cursor={**after.dump(), "split": split, "is_whole": is_whole and bool(sums.counters)},
            server_time=response.server_time,
        )

    def _client(self) -> LitellmClient:
        return LitellmClient(http=self.http, url=self.config["url"], headers=settings.headers(self.secrets))

    async def _read(self, response: Response) -> Sums:
        text, split_by = response.text, SPLITS[self.config["split"]]
        if text.strip() and not looks_like_metrics(text):
            raise SourceError(ErrorClass.SCHEMA, "The answer is text, but not metrics; is this a LiteLLM proxy?")

        def read() -> Sums:
            return read_sums(text, is_openmetrics=is_openmetrics(response), split_by=split_by)

        sums = await asyncio.to_thread(read) if len(text) > LONG_TEXT else read()
        if sums.groups > MAX_GROUPS:
            message = f"The numbers fall into {sums.groups} parts, at most {MAX_GROUPS} are read; tell less apart."
            raise SourceError(ErrorClass.TOO_LARGE, message)
        return sums


def _sentence(version: str, sums: Sums) -> str:
    name = f"LiteLLM {version}" if version else "The proxy"
    if sums.needs_licence:
        return f"{name} answers, but gives metrics only with an enterprise licence; a newer version needs none."
    if not sums.counters:
        return f"{name} answers and has counted no call of a model yet; numbers come with the first ones."
    parts = "1 part" if sums.groups == 1 else f"{sums.groups} parts"
    return f"{name} answers; its numbers fall into {parts}, rates come from the second scrape on."
