"""Speaks the Prometheus HTTP API v1, as Prometheus, Thanos, Mimir and VictoriaMetrics serve it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from apps.connectors.http import Http, Response
from apps.connectors.providers.prometheus.counting import read_type
from apps.connectors.values import expect_object, list_or_empty, object_or_empty, optional_text, schema_error

LONG_QUERY = 1500  # characters; longer ones are posted, because proxies cut long addresses


@dataclass(frozen=True, slots=True)
class Answer:
    """`items` of the result; `is_partial` when the server warned that something may be missing."""

    items: list[Any]
    is_partial: bool
    response: Response


class PrometheusClient:
    """One server; every method raises SourceError."""

    def __init__(self, *, http: Http, url: str, headers: Mapping[str, str]) -> None:
        self._http = http
        self._base = f"{url}/api/v1"
        self._headers = headers

    async def version(self) -> str:
        """The server's version, or "" when it does not say."""
        data = await self._data(f"{self._base}/status/buildinfo", {}, "The build information")
        return optional_text(object_or_empty(data.data), "version")

    async def count(self, query: str) -> int:
        """How many series the expression has now."""
        answer = await self._data(f"{self._base}/query", {"query": query}, "The query")
        result = object_or_empty(answer.data)
        return len(list_or_empty(result.get("result"))) if result.get("resultType") == "vector" else 1

    async def query_range(self, query: str, *, start: float, end: float, step: int) -> Answer:
        """The matrix of an expression from `start` to `end`, both included."""
        params = {"query": query, "start": f"{start:g}" if start % 1 else f"{start:.0f}", "end": f"{end:.0f}"}
        answer = await self._data(f"{self._base}/query_range", {**params, "step": str(step)}, "The range query")
        result = object_or_empty(answer.data)
        items = result.get("result")
        if result.get("resultType") != "matrix" or not isinstance(items, list):
            raise schema_error("The range query")
        return Answer(items, answer.is_partial, answer.response)

    async def metric_type(self, name: str) -> str:
        """What the server calls a metric (counter, gauge, histogram, …), "" when it does not say."""
        answer = await self._data(f"{self._base}/metadata", {"metric": name, "limit": "1"}, "The metadata")
        return read_type(answer.data, name)

    async def alerts(self) -> Answer:
        """Every alert that is pending or firing now; a resolved one is simply absent."""
        answer = await self._data(f"{self._base}/alerts", {}, "The list of alerts")
        items = object_or_empty(answer.data).get("alerts")
        if not isinstance(items, list):
            raise schema_error("The list of alerts")
        return Answer(items, answer.is_partial, answer.response)

    async def _data(self, url: str, params: Mapping[str, str], what: str) -> _Data:
        if len(params.get("query", "")) > LONG_QUERY:
            response = await self._http.post_json(url, form=params, headers=self._headers)
        else:
            response = await self._http.get_json(url, params=params, headers=self._headers)
        body = expect_object(response.data, host_says=what)
        if body.get("status") != "success" or "data" not in body:
            raise schema_error(what)
        return _Data(body["data"], bool(body.get("warnings")), response)


@dataclass(frozen=True, slots=True)
class _Data:
    data: Any
    is_partial: bool
    response: Response
