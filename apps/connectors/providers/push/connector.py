"""A source that is never asked: its system reports by itself, over the portal's API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from apps.connectors.base import Connector, Probe
from apps.connectors.cleaning import clean_fields
from apps.connectors.records import Batch, Kind


class PushConnector(Connector):
    """Every kind of record can be pushed; there is nothing to configure and nothing to ask."""

    key = "push"
    name = "Push"
    summary = "A system, a script or a CI job that reports by itself over the portal's API."
    kinds = frozenset(Kind)
    fields = ()
    default_interval = 3600
    is_polled = False
    docs = "docs/connectors/push.md"

    @classmethod
    def clean(cls, config: Mapping[str, Any]) -> dict[str, Any]:
        """Nothing; raises ConfigError naming what is too much."""
        return clean_fields(cls.fields, config)

    async def probe(self) -> Probe:
        """There is no address to try; the first report shows whether it works."""
        return Probe(sentence="There is nothing to test: the system reports by itself.")

    async def fetch(self, cursor: Mapping[str, Any]) -> Batch:
        """Nothing, with the cursor as it was."""
        return Batch(cursor=dict(cursor))
