"""Any address that answers with JSON or CSV: for the tool nobody foresaw, and for what was there before."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, ClassVar

from apps.connectors.base import Connector, Field, Preview, Probe, Scope
from apps.connectors.errors import ConfigError
from apps.connectors.http import Http
from apps.connectors.merging import merge
from apps.connectors.providers.http import settings
from apps.connectors.providers.http.authentication import credentials, extra_headers
from apps.connectors.providers.http.client import HttpClient, Page
from apps.connectors.providers.http.fetching import Fetch
from apps.connectors.providers.http.looking import look_at, summarise
from apps.connectors.providers.http.memory import Memory
from apps.connectors.records import Batch, Kind


class HttpConnector(Connector):
    """One address, asked by the settings of its form; what its answers mean is a mapping that people write."""

    key: ClassVar[str] = "http"
    name: ClassVar[str] = "HTTP (JSON or CSV)"
    summary: ClassVar[str] = "Any address that answers with JSON or CSV, by a mapping you write and test here."
    kinds: ClassVar[frozenset[Kind]] = frozenset(Kind)
    fields: ClassVar[tuple[Field, ...]] = settings.FIELDS
    default_interval: ClassVar[int] = 60
    has_preview: ClassVar[bool] = True
    docs: ClassVar[str] = "docs/connectors/http.md"

    def __init__(self, *, config: Mapping[str, Any], secrets: Mapping[str, str], http: Http) -> None:
        super().__init__(config=config, secrets=secrets, http=http)
        self.mappings = settings.mappings_of(self.config)

    @classmethod
    def clean(cls, config: Mapping[str, Any]) -> dict[str, Any]:
        """The checked configuration; its own tests have passed. Raises ConfigError."""
        return settings.clean(config)

    async def probe(self) -> Probe:
        """What one page has, in numbers, and whether there is another page."""
        sentence = await asyncio.to_thread(summarise, await self._first_page(), self.mappings, self.config)
        scope = Scope(name="read", why="read what the address gives", is_granted=True)
        return Probe(sentence=sentence, scopes=(scope,))

    async def preview(self) -> Preview:
        """One page, mapped as far as it can be."""
        return await asyncio.to_thread(look_at, await self._first_page(), self.mappings, self.config)

    async def fetch(self, cursor: Mapping[str, Any]) -> Batch:
        """What is new, or everything where the source cannot tell; a long list goes on in the next fetch."""
        if not self.mappings:
            raise ConfigError("mapping", "Nothing is mapped yet; write into the mapping what becomes which record.")
        memory = Memory.load(cursor)
        fetch = await self._begin()
        ended = await fetch.run(memory.begin(config=self.config, now=datetime.now(UTC)))
        memory = replace(memory, going_on=ended) if fetch.has_more else memory.after(ended, config=self.config)
        return Batch(
            records=merge(fetch.read.records),
            rejected=tuple(fetch.read.rejected),
            listings=tuple(fetch.listings()),
            cursor=memory.dump(),
            has_more=fetch.has_more,
            server_time=fetch.server_time,
        )

    async def _begin(self) -> Fetch:
        secret = await credentials(self.http, self.config, self.secrets)
        client = HttpClient(
            http=self.http,
            config=self.config,
            headers={**extra_headers(self.config), **secret},
            secrets=[*self.secrets.values(), *secret.values()],
        )
        return Fetch(self.http, client, self.config, self.mappings)

    async def _first_page(self) -> Page:
        begun = Memory().begin(config=self.config, now=datetime.now(UTC))
        return await (await self._begin()).ask(begun)
