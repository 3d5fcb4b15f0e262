"""One fetch on its way: page after page, until the list ends, a limit is reached or the fetch has cost enough."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from apps.connectors.http import Http
from apps.connectors.providers.http.client import HttpClient, Page
from apps.connectors.providers.http.mapping import RecordMapping
from apps.connectors.providers.http.memory import Round, written
from apps.connectors.providers.http.normalize import Read, read_answer, time_of
from apps.connectors.providers.http.paging import fingerprint, next_position, question
from apps.connectors.records import Kind, Listing, Rejected
from apps.connectors.values import latest

SHARE = 0.7  # of the fetch's time and questions; the rest is for the page under way


@dataclass(slots=True)
class Fetch:
    """What this fetch has brought so far. `is_whole`: the list was read to its end, here and without a doubt."""

    http: Http
    client: HttpClient
    config: Mapping[str, Any]
    mappings: Sequence[RecordMapping]
    read: Read = field(default_factory=Read)
    server_time: datetime | None = None
    is_whole: bool = False
    has_more: bool = False

    async def ask(self, current: Round) -> Page:
        """The page at the round's position."""
        address, parameters = question(self.config, current.position)
        if current.since and address == self.config["url"]:
            since = written(current.since, self.config["since_format"])
            parameters[self.config["since_parameter"]] = self.config["since_template"].replace("{since}", since)
        page = await self.client.ask(address, parameters)
        self.server_time = page.server_time or self.server_time
        return page

    async def run(self, current: Round) -> Round:
        """The round read on; `has_more` says that it is not at its end."""
        seen = {current.position}
        while True:
            page = await self.ask(current)
            mark = fingerprint(page) if self.config["paging"] != "none" else ""
            if mark and mark == current.seen:
                return current  # the same page again: an end, but not one to call things gone by
            found = await self.take(page)
            at = next_position(self.config, current.position, page, items=found.items)
            current = replace(
                current,
                clock=current.clock or page.server_time,
                newest=latest([current.newest, *map(time_of, found.records)]),
                pages=current.pages + 1,
                seen=mark,
            )
            if at is None:
                self.is_whole = not current.is_split
                return current
            if at in seen:
                self.note("the source leads from page to page in a circle; reading stopped there")
                return current
            if current.pages >= self.config["max_pages"]:
                self._note_cut()
                return current
            seen.add(at)
            current = replace(current, position=at)
            if self.http.is_spent(share=SHARE):
                self.has_more = True
                return current

    async def take(self, page: Page) -> Read:
        """Map one page and keep what it gave."""
        at = page.server_time or datetime.now(UTC)
        found = await asyncio.to_thread(read_answer, page.answer, self.mappings, at=at)
        for reason, row in page.bad:
            found.rejected.append(Rejected(kind=self.mappings[0].kind, external_id="", reason=reason, raw=row))
        found.items += len(page.bad)
        self.read.add(found)
        return found

    def note(self, reason: str) -> None:
        """Say something about the reading where people look for what is missing."""
        self.read.rejected.append(Rejected(kind=self.mappings[0].kind, external_id="pages", reason=reason))

    def _note_cut(self) -> None:
        """A limit somebody set is silent, unless something is lost by it."""
        most = self.config["max_pages"]
        if self.config["since_parameter"]:
            self.note(f"there are more than {most} pages of news, and the rest is not read; raise “Most pages”")
        elif any(mapping.is_complete for mapping in self.mappings):
            self.note(f"the list goes on after {most} pages, so nothing of it is called gone; raise “Most pages”")

    def listings(self) -> list[Listing]:
        """The complete enumerations, of kinds whose every item shows an identity."""
        if not self.is_whole:
            return []
        return [listing for kind in self._complete_kinds() if (listing := self._listing(kind)) is not None]

    def _complete_kinds(self) -> list[Kind]:
        """Kinds of which every mapping is complete: a list in two parts is whole when both are."""
        kinds = dict.fromkeys(mapping.kind for mapping in self.mappings)
        return [kind for kind in kinds if all(one.is_complete for one in self.mappings if one.kind is kind)]

    def _listing(self, kind: Kind) -> Listing | None:
        known = [record.external_id for record in self.read.records if getattr(record, "kind", None) is kind]
        known += [item.external_id for item in self.read.rejected if item.kind is kind]
        return Listing(kind=kind, external_ids=frozenset(known)) if all(known) else None
