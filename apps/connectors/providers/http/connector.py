"""Any address that answers with JSON or CSV: for the tool nobody foresaw, and for what was there before."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, ClassVar

from apps.connectors.base import Connector, Field, Preview, Probe, Scope
from apps.connectors.errors import ConfigError, SourceError
from apps.connectors.http import Http
from apps.connectors.merging import merge
from apps.connectors.providers.http import settings
from apps.connectors.providers.http.authentication import credentials, extra_headers
from apps.connectors.providers.http.client import HttpClient, Page
from apps.connectors.providers.http.fetching import Fetch
from apps.connectors.providers.http.memory import Memory, Round
from apps.connectors.providers.http.normalize import Read, describe, read_answer
from apps.connectors.providers.http.paging import next_position
from apps.connectors.providers.http.veil import veiled
from apps.connectors.records import Batch, Kind, Rejected


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
        fetch, page, _ = await self._first_page()
        read = await asyncio.to_thread(read_answer, page.answer, self.mappings, at=self._at(page))
        more = " More pages follow." if self._has_next(page, read) else ""
        unreadable = len(read.rejected) + len(page.bad)
        said = f"Of the first page {_counted(len(read.records), 'record')} can be read"
        said += f", {_counted(unreadable, 'item')} cannot; the preview says why." if unreadable else "."
        if not fetch.mappings:
            said = f"It sends {describe(page.answer)}. Nothing is mapped yet."
        scope = Scope(name="read", why="read what the address gives", is_granted=True)
        return Probe(sentence=f"The source answers. {said}{more}", scopes=(scope,))

    async def preview(self) -> Preview:
        """One page, mapped; every secret in it is veiled before a mapping sees it, so none can bring it to light."""
        _, page, headers = await self._first_page()
        page = replace(page, answer=veiled(page.answer, [*self.secrets.values(), *headers.values()]))
        read, said = Read(), ""
        for mapping in self.mappings:
            try:
                read.add(await asyncio.to_thread(read_answer, page.answer, [mapping], at=self._at(page)))
            except SourceError as error:
                said += f" {error.message}"
        if not self.mappings:
            said = f" Nothing is mapped yet; the answer is {describe(page.answer)}."
        kind = self.mappings[0].kind if self.mappings else Kind.RUN
        bad = tuple(Rejected(kind=kind, external_id="", reason=reason, raw=row) for reason, row in page.bad)
        raws = [one.raw for one in read.records[:1]] + [one.raw for one in read.rejected[:1]]
        batch = Batch(records=merge(read.records), rejected=(*read.rejected, *bad), server_time=page.server_time)
        return Preview(
            batch=batch,
            sample=raws[0] if raws else page.answer,
            remark=said.strip(),
            has_more=self._has_next(page, read),
        )

    async def fetch(self, cursor: Mapping[str, Any]) -> Batch:
        """What is new, or everything where the source cannot tell; a long list goes on in the next fetch."""
        if not self.mappings:
            raise ConfigError("mapping", "Nothing is mapped yet; write into the mapping what becomes which record.")
        memory = Memory.load(cursor)
        fetch, _ = await self._begin()
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

    async def _begin(self) -> tuple[Fetch, dict[str, str]]:
        """The fetch, and the headers that carry its credentials."""
        secret = await credentials(self.http, self.config, self.secrets)
        client = HttpClient(http=self.http, config=self.config, headers={**extra_headers(self.config), **secret})
        return Fetch(self.http, client, self.config, self.mappings), secret

    async def _first_page(self) -> tuple[Fetch, Page, dict[str, str]]:
        fetch, secret = await self._begin()
        begun: Round = Memory().begin(config=self.config, now=datetime.now(UTC))
        return fetch, await fetch.ask(begun), secret

    def _has_next(self, page: Page, read: Read) -> bool:
        """Whether the source speaks of another page; of page numbers nobody knows before asking."""
        if self.config["paging"] in ("none", "page", "offset"):
            return False
        return next_position(self.config, None, page, items=read.items) is not None

    @staticmethod
    def _at(page: Page) -> datetime:
        return page.server_time or datetime.now(UTC)


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
