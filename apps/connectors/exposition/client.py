"""Scrapes one endpoint that speaks OpenMetrics or the classic Prometheus text format."""

from __future__ import annotations

from collections.abc import Mapping

from apps.connectors.http import Http, Response

ACCEPT = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"

BEGINNING = 50_000  # characters


class ScrapeClient:
    """One endpoint; raises SourceError."""

    def __init__(self, *, http: Http, url: str, headers: Mapping[str, str]) -> None:
        self._http = http
        self._url = url
        self._headers = headers

    async def scrape(self) -> Response:
        """The exposition as text, with its headers."""
        return await self._http.get_text(self._url, accept=ACCEPT, headers=self._headers)


def looks_like_metrics(text: str) -> bool:
    """Whether there is metadata at the beginning, as every exposition of more than a few lines has it."""
    return any(line.startswith(("# TYPE ", "# HELP ")) for line in text[:BEGINNING].splitlines())


def is_openmetrics(response: Response) -> bool:
    """Whether the answer is OpenMetrics; otherwise it is the classic text format."""
    return "openmetrics" in response.headers.get("content-type", "").lower()
