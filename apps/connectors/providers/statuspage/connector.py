"""Status pages: incidents as alerts, components as series, updates and maintenance as changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from apps.connectors.auth import auth_headers
from apps.connectors.base import Connector, Field, Group, Probe, Scope
from apps.connectors.merging import merge
from apps.connectors.providers.statuspage import settings
from apps.connectors.providers.statuspage.changes import read_maintenances, read_updates
from apps.connectors.providers.statuspage.client import StatuspageClient
from apps.connectors.providers.statuspage.cursor import Memory
from apps.connectors.providers.statuspage.normalize import (
    OVER,
    complete_listing,
    open_items,
    read_components,
    read_incidents,
    series_of,
)
from apps.connectors.providers.statuspage.page import Page
from apps.connectors.records import Batch, Kind, Record, Rejected
from apps.connectors.values import UnreadableError, from_iso, list_or_empty, object_or_empty, optional_text, stable_id


class StatuspageConnector(Connector):
    """One public status page, of a model vendor for instance."""

    key: ClassVar[str] = "statuspage"
    name: ClassVar[str] = "Status page"
    summary: ClassVar[str] = "A vendor's public status page: incidents, components, maintenance. Needs no credentials."
    kinds: ClassVar[frozenset[Kind]] = frozenset({Kind.ALERT, Kind.SERIES, Kind.CHANGE})
    group: ClassVar[Group] = Group.VENDORS
    fields: ClassVar[tuple[Field, ...]] = settings.FIELDS
    default_interval: ClassVar[int] = 60
    docs: ClassVar[str] = "docs/connectors/statuspage.md"

    @classmethod
    def clean(cls, config: Mapping[str, Any]) -> dict[str, Any]:
        """The checked configuration; raises ConfigError."""
        return settings.clean(config)

    async def probe(self) -> Probe:
        """Whose page it is, what it says now, and whether it tells incidents and maintenance."""
        client = self._client()
        summary = await client.summary()
        page = self._page(summary)
        await client.incidents(etag="")
        maintenances = await client.maintenances(etag="")
        components, _ = read_components(list_or_empty(summary.get("components")), page=page)
        says = optional_text(object_or_empty(summary.get("status")), "description") or "nothing about its state"
        sentence = f"The page of {page.name} says: {says}; {_count(len(components), 'component')} followed, "
        sentence += f"{_count(len(open_items(summary)), 'open incident')}."
        if self.config["components"] and not components:
            sentence += " None of the configured components is on the page; check their names."
        return Probe(
            sentence=sentence,
            scopes=(
                Scope(name="summary", why="read components and open incidents", is_granted=True),
                Scope(name="incidents", why="tell the updates of incidents", is_granted=True),
                Scope(name="maintenance", why="tell finished maintenance", is_granted=maintenances.is_served),
            ),
        )

    async def fetch(self, cursor: Mapping[str, Any]) -> Batch:
        """Open incidents and components as they are now, and what the page announced since the last fetch."""
        client = self._client()
        memory = Memory.load(cursor, key=stable_id(self.config["url"], *self.config["components"]))
        summary = await client.summary()
        incidents = await client.incidents(etag=memory.etags.get("incidents", ""))
        maintenances = await client.maintenances(etag=memory.etags.get("maintenances", ""))
        now = self.http.server_time or datetime.now(UTC)
        page, since = self._page(summary), memory.since(now=now, backfill=timedelta(days=self.config["backfill_days"]))
        is_open = open_items(summary)
        components, bad_components = read_components(list_or_empty(summary.get("components")), page=page)
        planned = list_or_empty(summary.get("scheduled_maintenances"))
        parts: list[tuple[Sequence[Record], Sequence[Rejected]]] = [
            read_incidents([*_over(incidents.items, is_open, since=since), *is_open], page=page),
            read_updates(incidents.items, page=page, since=since),
            read_maintenances([*planned, *maintenances.items], page=page, since=since),
            ([series_of(one, page=page, at=now) for one in memory.to_tell(components, now=now)], bad_components),
        ]
        memory.told_at, memory.etags = now, {"incidents": incidents.etag, "maintenances": maintenances.etag}
        return Batch(
            records=merge(record for records, _ in parts for record in records),
            rejected=tuple(item for _, rejected in parts for item in rejected),
            listings=complete_listing(is_open, page=page),
            server_time=self.http.server_time,
            cursor=memory.dump(),
        )

    def _client(self) -> StatuspageClient:
        headers = auth_headers(self.config, self.secrets)
        return StatuspageClient(http=self.http, url=self.config["url"], headers=headers)

    def _page(self, summary: Mapping[str, Any]) -> Page:
        return Page.of(summary, url=self.config["url"], components=self.config["components"])


def _over(items: Sequence[Any], is_open: Sequence[Any], *, since: datetime) -> list[Any]:
    """The incidents that ended since; what the summary still calls open is open, for the lists are cached apart."""
    identities = {optional_text(object_or_empty(item), "id") for item in is_open}
    found = [item for item in map(object_or_empty, items) if optional_text(item, "id") not in identities]
    return [item for item in found if item.get("status") in OVER and _was_touched(item, since)]


def _was_touched(item: Mapping[str, Any], since: datetime) -> bool:
    try:
        return from_iso(item.get("updated_at") or item.get("resolved_at")) >= since
    except UnreadableError:
        return True


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
