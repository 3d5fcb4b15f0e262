"""Speaks Langfuse's public API: prompts, metrics and experiments of the one project that a key pair belongs to."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from apps.connectors.errors import ErrorClass, SourceError
from apps.connectors.http import Http
from apps.connectors.values import expect_list, expect_object, list_or_empty, object_or_empty, optional_text

PAGE = 100
MAX_PAGES = 20
# What a server says of an API that its version does not have (yet, or any more), or that a key may not use.
REFUSALS = frozenset({ErrorClass.AUTH, ErrorClass.NOT_FOUND, ErrorClass.REJECTED, ErrorClass.SCHEMA})


class LangfuseClient:
    """One project; every method raises SourceError."""

    def __init__(self, *, http: Http, url: str, headers: Mapping[str, str]) -> None:
        self._http = http
        self._base = f"{url}/api/public"
        self._headers = headers

    async def version(self) -> str:
        """The server's version, which it tells everybody."""
        return optional_text(expect_object(await self._get("health"), host_says="The health"), "version", limit=40)

    async def project(self) -> Mapping[str, Any]:
        """The project of the key: its id and name."""
        body = expect_object(await self._get("projects"), host_says="The project")
        found = expect_list(body.get("data"), host_says="The project")
        return object_or_empty(found[0]) if found else {}

    async def prompts(self, **filters: str) -> list[Any]:
        """Prompts by name with the versions, labels and last update of what passes the filters."""
        return await self._numbered("v2/prompts", filters)

    async def count_prompts(self) -> int:
        """How many prompts there are."""
        body = expect_object(await self._get("v2/prompts", limit=1, page=1), host_says="The list of prompts")
        count = object_or_empty(body.get("meta")).get("totalItems")
        return count if isinstance(count, int) else len(list_or_empty(body.get("data")))

    async def prompt(self, name: str, number: int) -> Mapping[str, Any] | None:
        """One version as it was written, or None when it is gone.

        Without `resolve=false` the prompts that it refers to stand in its text, and that changes when they do.
        """
        try:
            body = await self._get(f"v2/prompts/{quote(name, safe='')}", version=number, resolve="false")
        except SourceError as error:
            if error.error_class is ErrorClass.NOT_FOUND:
                return None
            raise
        return expect_object(body, host_says="The prompt")

    async def labelled(self, name: str, label: str) -> int | None:
        """The number of the version that a label points at, or None where it points at none."""
        try:
            body = await self._get(f"v2/prompts/{quote(name, safe='')}", label=label, resolve="false")
        except SourceError as error:
            if error.error_class is ErrorClass.NOT_FOUND:
                return None
            raise
        number = expect_object(body, host_says="The prompt").get("version")
        return number if isinstance(number, int) else None

    async def add_label(self, name: str, number: int, label: str) -> None:
        """Put a label onto a version; Langfuse takes it off any other one and leaves the version's other labels."""
        url = f"{self._base}/v2/prompts/{quote(name, safe='')}/versions/{number}"
        await self._http.change("PATCH", url, payload={"newLabels": [label]}, headers=self._headers)

    async def newest(self, name: str) -> int:
        """The highest version number of a prompt, 0 where there is none."""
        (found, *_) = await self.prompts(name=name) or [None]
        numbers = list_or_empty(object_or_empty(found).get("versions"))
        return max((number for number in numbers if isinstance(number, int)), default=0)

    async def create(self, body: Mapping[str, Any]) -> None:
        """Add a version; Langfuse numbers it, and puts no label on it but "latest"."""
        await self._http.change("POST", f"{self._base}/v2/prompts", payload=body, headers=self._headers)

    async def metrics(self, query: Mapping[str, Any], *, path: str) -> list[Any]:
        """The rows that answer a metrics query, at `v2/metrics` or the older `metrics`."""
        body = expect_object(await self._get(path, query=json.dumps(query)), host_says="The metrics")
        return expect_list(body.get("data"), host_says="The metrics")

    async def daily(self, **filters: str) -> list[Any]:
        """The days of servers that have nothing better."""
        return await self._numbered("metrics/daily", filters)

    async def datasets(self) -> list[Any]:
        """Every dataset with its id and name."""
        return await self._numbered("v2/datasets", {})

    async def experiments(self, **filters: str) -> list[Any]:
        """Experiments, latest activity first."""
        return await self._cursored("experiments", filters)

    async def items(self, **filters: str) -> list[Any]:
        """The items of experiments."""
        return await self._cursored("experiment-items", filters)

    async def runs(self, dataset: str) -> list[Any]:
        """The runs of one dataset, on servers that are older than experiments."""
        return await self._numbered(f"datasets/{quote(dataset, safe='')}/runs", {})

    async def scores_of_run(self, run_id: str) -> list[Any]:
        """The scores of a dataset run as a whole, on the same servers."""
        return await self._numbered("v2/scores", {"datasetRunId": run_id, "fields": "score"})

    async def _numbered(self, path: str, filters: Mapping[str, str]) -> list[Any]:
        found: list[Any] = []
        for page in range(1, MAX_PAGES + 1):
            body = expect_object(
                await self._get(path, **filters, page=page, limit=PAGE), host_says=f"The list at {path}"
            )
            items = expect_list(body.get("data"), host_says=f"The list at {path}")
            found += items
            pages = object_or_empty(body.get("meta")).get("totalPages")
            if not items or not isinstance(pages, int) or page >= pages:
                return found
        raise _endless(path)

    async def _cursored(self, path: str, filters: Mapping[str, str]) -> list[Any]:
        found: list[Any] = []
        cursor: dict[str, str] = {}
        for _ in range(MAX_PAGES):
            body = expect_object(
                await self._get(path, **filters, limit=PAGE, **cursor), host_says=f"The list at {path}"
            )
            found += expect_list(body.get("data"), host_says=f"The list at {path}")
            following = object_or_empty(body.get("meta")).get("cursor")
            if not isinstance(following, str) or not following:
                return found
            if following == cursor.get("cursor"):
                raise SourceError(ErrorClass.SCHEMA, "The server hands out the same page again and again.")
            cursor = {"cursor": following}
        raise _endless(path)

    async def _get(self, path: str, **params: str | int) -> Any:
        response = await self._http.get_json(f"{self._base}/{path}", params=params, headers=self._headers)
        return response.data


def _endless(path: str) -> SourceError:
    return SourceError(ErrorClass.TOO_LARGE, f"{path} has more than {MAX_PAGES} pages, which this connector reads.")
