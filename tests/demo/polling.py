"""The portal's own connectors in conversation with the demo, which answers here at a time of our choosing."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, TypeVar

import uvicorn

from apps.connectors.address import AddressRule, parse_networks
from apps.connectors.base import Probe
from apps.connectors.http import Http
from apps.connectors.records import Batch, Kind, Record
from apps.connectors.registry import get_connector
from apps.demo.server import create_app
from apps.demo.sources import DemoSource, demo_sources

MOST_FETCHES = 60
RULE = AddressRule().plus(parse_networks(["127.0.0.0/8"]))
R = TypeVar("R")


class Town:
    """The demo's server on loopback in a thread; `at` is what its clock shows."""

    def __init__(self, at: int, *, seed: int = 7) -> None:
        self.at = at
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.base = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self.app = create_app(seed=seed, clock=lambda: self.at)
        self._server = uvicorn.Server(uvicorn.Config(self.app, log_level="warning", date_header=False))
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._socket]}, daemon=True)
        self._thread.start()
        while not self._server.started and self._thread.is_alive():
            time.sleep(0.01)

    def close(self) -> None:
        self._server.should_exit = True
        self._thread.join(5)

    def source(self, name: str) -> DemoSource:
        return next(source for source in demo_sources(self.base) if source.name == name)

    def probe(self, name: str) -> Probe:
        return asyncio.run(_probe(self.source(name)))

    def poll(self, name: str, cursor: Any = None, **changes: Any) -> Told:
        """Everything that fetches bring until there is no more; the cursor goes through JSON, as when it is stored."""
        told = Told(cursor=json.loads(json.dumps(cursor or {})))
        while True:
            batch = asyncio.run(_fetch(self.source(name), told.cursor, changes))
            assert batch.rejected == ()
            told.batches.append(batch)
            told.cursor = json.loads(json.dumps(dict(batch.cursor)))
            if not batch.has_more:
                return told
            assert len(told.batches) < MOST_FETCHES, "the source never comes to an end"


@dataclass
class Told:
    """What one or several fetches brought, and the cursor after them."""

    cursor: Any
    batches: list[Batch] = field(default_factory=list)

    @property
    def records(self) -> list[Record]:
        return [record for batch in self.batches for record in batch.records]

    @property
    def kinds(self) -> Counter[Kind]:
        seen = {(record.kind, record.external_id) for record in self.records}  # type: ignore[attr-defined]
        return Counter(kind for kind, _ in seen)

    def of(self, kind: type[R]) -> dict[str, R]:
        """The records of a class by their id, the latest told of each."""
        return {r.external_id: r for r in self.records if isinstance(r, kind)}

    def listed(self, kind: Kind) -> frozenset[str]:
        """The identities of the last complete list of a kind."""
        found = [listing for batch in self.batches for listing in batch.listings if listing.kind == kind]
        return found[-1].external_ids


async def _probe(source: DemoSource) -> Probe:
    kind = get_connector(source.connector)
    async with Http(rule=RULE) as http:
        return await kind(config=kind.clean(source.config), secrets=source.secrets, http=http).probe()


async def _fetch(source: DemoSource, cursor: Any, changes: dict[str, Any]) -> Batch:
    kind = get_connector(source.connector)
    async with Http(rule=RULE) as http:
        config = kind.clean(source.config | changes)
        return await kind(config=config, secrets=source.secrets, http=http).fetch(cursor)
