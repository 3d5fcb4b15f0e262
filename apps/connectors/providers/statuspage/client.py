"""Speaks the public API v2 of status pages, as Atlassian Statuspage made it and others serve it too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from apps.connectors.errors import ErrorClass, SourceError
from apps.connectors.http import Http
from apps.connectors.values import expect_object, schema_error


@dataclass(frozen=True, slots=True)
class Recent:
    """The 50 newest of one kind; `etag` for the next question. Empty when nothing changed since the last one."""

    items: list[Any] = field(default_factory=list)
    etag: str = ""
    is_served: bool = True


class StatuspageClient:
    """One page; every method raises SourceError. Nothing here has further pages."""

    def __init__(self, *, http: Http, url: str, headers: Mapping[str, str]) -> None:
        self._http = http
        self._base = f"{url}/api/v2"
        self._headers = headers

    async def summary(self) -> Mapping[str, Any]:
        """The page, its components, incidents that are not over, maintenance that is planned or under way."""
        response = await self._http.get_json(f"{self._base}/summary.json", headers=self._headers)
        summary = expect_object(response.data, host_says="The summary")
        if not all(isinstance(summary.get(key), list) for key in ("components", "incidents")):
            raise schema_error("The summary")
        return summary

    async def incidents(self, *, etag: str) -> Recent:
        """The newest incidents with their updates, those that are over too."""
        return await self._recent("incidents", "incidents", etag)

    async def maintenances(self, *, etag: str) -> Recent:
        """The newest maintenances, finished ones too; not every imitation of the API has them."""
        try:
            return await self._recent("scheduled-maintenances", "scheduled_maintenances", etag)
        except SourceError as error:
            if error.error_class is not ErrorClass.NOT_FOUND:
                raise
            return Recent(is_served=False)

    async def _recent(self, path: str, key: str, etag: str) -> Recent:
        response = await self._http.get_json(f"{self._base}/{path}.json", headers=self._headers, etag=etag)
        if response.status == 304:
            return Recent(etag=etag)
        items = expect_object(response.data, host_says=f"The list of {path}").get(key)
        if not isinstance(items, list):
            raise schema_error(f"The list of {path}")
        return Recent(items, response.headers.get("etag", ""))
