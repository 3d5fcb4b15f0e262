"""Scrapes one endpoint that speaks OpenMetrics or the classic Prometheus text format."""

from __future__ import annotations

from collections.abc import Mapping

from apps.connectors.http import Http, Response

ACCEPT = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"


class ScrapeClient:
    """One endpoint; raises SourceError."""

    def __init__(self, *, http: Http, url: str, headers: Mapping[str, str]) -> None:
        self._http = http
        self._url = url
        self._headers = headers

    async def scrape(self) -> Response:
        """The exposition as text, with its headers."""
        return await self._http.get_text(self._url, accept=ACCEPT, headers=self._headers)


def is_openmetrics(response: Response) -> bool:
    """Whether the answer is OpenMetrics; otherwise it is the classic text format."""
    return "openmetrics" in response.headers.get("content-type", "").lower()
