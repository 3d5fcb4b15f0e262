"""Asks a LiteLLM proxy for its metrics, and only for those that we read."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote, urlencode

from apps.connectors.errors import ErrorClass, SourceError
from apps.connectors.exposition.client import ScrapeClient
from apps.connectors.http import Http, Response
from apps.connectors.providers.litellm.families import sample_names
from apps.connectors.values import object_or_empty, optional_text

_NOT_THERE = "This proxy has no metrics; add “prometheus” to `callbacks` in its `litellm_settings`, or check the URL."


class LitellmClient:
    """One proxy; every method raises SourceError."""

    def __init__(self, *, http: Http, url: str, headers: Mapping[str, str]) -> None:
        self._http = http
        self._url = url
        self._headers = headers

    async def scrape(self, *, whole: bool) -> tuple[Response, bool]:
        """The metrics that we read, and whether it had to be all there is.

        A proxy with several workers answers nothing when it is asked by name.
        """
        if not whole:
            query = urlencode([("name[]", name) for name in sample_names()], quote_via=quote)
            response = await self._ask(f"?{query}")
            if _has_samples(response.text):
                return response, False
        return await self._ask(""), True

    async def version(self) -> str:
        """The version, where the proxy tells it; "" otherwise."""
        try:
            response = await self._http.get_json(f"{self._url}/health/readiness", headers=self._headers)
        except SourceError:
            return ""  # it is only for the probe's sentence
        return optional_text(object_or_empty(response.data), "litellm_version", limit=40)

    async def _ask(self, query: str) -> Response:
        # With its last slash: without it the proxy redirects, and redirects are not followed.
        client = ScrapeClient(http=self._http, url=f"{self._url}/metrics/{query}", headers=self._headers)
        try:
            return await client.scrape()
        except SourceError as error:
            if error.error_class is ErrorClass.NOT_FOUND:
                raise SourceError(ErrorClass.NOT_FOUND, _NOT_THERE) from None
            raise


def _has_samples(text: str) -> bool:
    return any(line and not line.startswith("#") for line in text.splitlines())
