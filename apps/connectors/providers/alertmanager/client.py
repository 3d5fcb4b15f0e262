"""Speaks the Alertmanager API v2, as Alertmanager itself and Mimir serve it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode

from apps.connectors.http import Http
from apps.connectors.values import expect_list, expect_object


class AlertmanagerClient:
    """One server; every method raises SourceError. Nothing here has pages."""

    def __init__(self, *, http: Http, url: str, headers: Mapping[str, str]) -> None:
        self._http = http
        self._base = f"{url}/api/v2"
        self._headers = headers

    async def status(self) -> Mapping[str, Any]:
        """Version, cluster and the time of the start (`uptime`); it holds the whole configuration too."""
        response = await self._http.get_json(f"{self._base}/status", headers=self._headers)
        return expect_object(response.data, host_says="The status")

    async def alerts(self, *, matchers: Sequence[str], receiver: str) -> list[Any]:
        """Every alert that has not ended, silenced and inhibited ones too; one that has ended is simply absent."""
        asked = [("filter", matcher) for matcher in matchers] + ([("receiver", receiver)] if receiver else [])
        query = f"?{urlencode(asked, quote_via=quote)}" if asked else ""
        response = await self._http.get_json(f"{self._base}/alerts{query}", headers=self._headers)
        return expect_list(response.data, host_says="The list of alerts")

    async def silences(self) -> list[Any]:
        """Every silence: pending, active, and expired ones until the server forgets them (after five days)."""
        response = await self._http.get_json(f"{self._base}/silences", headers=self._headers)
        return expect_list(response.data, host_says="The list of silences")
