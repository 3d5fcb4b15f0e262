"""Asks one page of a generic source: JSON or CSV, by GET or by a POST with a JSON body."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from apps.connectors.body import parse_json
from apps.connectors.http import Http, Response, check_url
from apps.connectors.providers.http.rows import read_rows
from apps.connectors.providers.http.veil import veiled

BODY = "body."  # a parameter that begins with this goes into the JSON body
_CSV = ("text/csv", "application/csv", "octet-stream", "ms-excel")
_JSON_TEXT = ("json", "octet-stream", "javascript")
LONG_TEXT = 50_000  # characters; longer texts are parsed in a thread, so that other sources go on

Parameters = Mapping[str, str | int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One answer: JSON types, or the rows of a CSV. `bad` are (reason, row) of rows that do not fit."""

    answer: Any
    bad: tuple[tuple[str, Mapping[str, Any]], ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    server_time: datetime | None = None


class HttpClient:
    """One configured address; `headers` are what every question carries. Raises SourceError.

    Of every answer the `secrets` are veiled before anybody reads it, so that no mapping, message or stored item can
    bring to light what a server echoes.
    """

    def __init__(
        self, *, http: Http, config: Mapping[str, Any], headers: Mapping[str, str], secrets: Collection[str]
    ) -> None:
        self._http = http
        self._config = config
        self._headers = headers
        self._secrets = secrets

    async def ask(self, address: str, parameters: Parameters) -> Page:
        """The page at the address, with the parameters in its query or in the body."""
        query = {name: str(value) for name, value in parameters.items() if not name.startswith(BODY)}
        url = str(check_url(address).update_query(query)) if query else address
        if self._config["method"] == "POST":
            payload = _filled(self._config["body"], parameters)
            return self._page(await self._http.post_json(url, payload=payload, headers=self._headers))
        if self._config["format"] == "json":
            return self._page(await self._http.get_json(url, headers=self._headers))
        return await self._ask_text(url)

    async def _ask_text(self, url: str) -> Page:
        is_csv = self._config["format"] == "csv"
        accept = "text/csv, text/plain;q=0.5" if is_csv else "application/json, text/plain;q=0.5"
        response = await self._http.get_text(
            url, accept=accept, headers=self._headers, may_be=_CSV if is_csv else _JSON_TEXT
        )
        read = self._rows if is_csv else self._json
        return await asyncio.to_thread(read, response) if len(response.text) > LONG_TEXT else read(response)

    def _page(self, response: Response) -> Page:
        answer = veiled(response.data, self._secrets)
        return Page(answer=answer, headers=response.headers, server_time=response.server_time)

    def _json(self, response: Response) -> Page:
        answer = veiled(parse_json(response.text.encode()), self._secrets)
        return Page(answer=answer, headers=response.headers, server_time=response.server_time)

    def _rows(self, response: Response) -> Page:
        found = read_rows(veiled(response.text, self._secrets), self._config)
        return Page(answer=found.rows, bad=tuple(found.bad), headers=response.headers, server_time=response.server_time)


def _filled(body: Any, parameters: Parameters) -> Any:
    """The body with the parameters that belong into it: `body.page.size` goes to {"page": {"size": …}}."""
    payload = deepcopy(body) if body is not None else {}
    for name, value in parameters.items():
        if name.startswith(BODY):
            *path, last = name.removeprefix(BODY).split(".")
            place = payload
            for step in path:
                inner = place.get(step)
                place[step] = place = inner if isinstance(inner, dict) else {}
            place[last] = value
    return payload
