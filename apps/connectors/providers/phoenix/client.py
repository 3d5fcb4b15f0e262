"""Speaks to Phoenix: GraphQL for what only it tells (times, numbers, tags, metrics), REST for the rest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from apps.connectors.errors import ErrorClass, SourceError
from apps.connectors.http import Http
from apps.connectors.values import (
    UnreadableError,
    expect_list,
    expect_object,
    list_or_empty,
    object_or_empty,
    optional_text,
)

PAGE = 100
MAX_PAGES = 20
# A proxy that lets only the REST API through, or a server whose schema is older than the question.
REFUSALS = frozenset(
    {ErrorClass.AUTH, ErrorClass.AUTH_OR_PROXY, ErrorClass.NOT_FOUND, ErrorClass.REJECTED, ErrorClass.SCHEMA}
)


class PhoenixClient:
    """One Phoenix server; every method raises SourceError."""

    def __init__(self, *, http: Http, url: str, headers: Mapping[str, str]) -> None:
        self._http = http
        self._url = url
        self._headers = headers
        self.version = ""  # as the latest answer said it

    async def ask(self, query: str, variables: Mapping[str, Any] | None = None) -> Mapping[str, Any]:
        """The `data` of a GraphQL answer; an answer with errors is none, though its status is 200."""
        payload = {"query": query, "variables": dict(variables or {})}
        response = await self._http.post_json(f"{self._url}/graphql", payload=payload, headers=self._headers)
        self._note_version(response.headers)
        body = expect_object(response.data, host_says="The GraphQL answer")
        data = body.get("data")
        if body.get("errors"):
            raise _refusal(body["errors"], is_partial=isinstance(data, Mapping))
        return expect_object(data, host_says="The GraphQL answer")

    async def connection(self, query: str, field: str, variables: Mapping[str, Any] | None = None) -> list[Any]:
        """Every node of the connection `field`; the query takes `$after`."""
        found: list[Any] = []
        after: str | None = None
        for _ in range(MAX_PAGES):
            data = await self.ask(query, {**(variables or {}), "after": after})
            page = expect_object(data.get(field), host_says=f"The GraphQL list of {field}")
            edges = expect_list(page.get("edges"), host_says=f"The GraphQL list of {field}")
            found += [object_or_empty(edge).get("node") for edge in edges]
            info = object_or_empty(page.get("pageInfo"))
            cursor = optional_text(info, "endCursor")
            if info.get("hasNextPage") is not True:
                return found
            if not cursor or cursor == after:
                raise SourceError(ErrorClass.SCHEMA, "The server hands out the same page again and again.")
            after = cursor
        raise _endless(field)

    async def prompts(self) -> list[Any]:
        """Every prompt: id, name, description and metadata; REST tells no times."""
        return await self._pages("prompts")

    async def versions(self, prompt_id: str) -> list[Any]:
        """Every version of one prompt with its content, newest first; [] for a prompt that is gone."""
        return await self._pages(f"prompts/{quote(prompt_id, safe='')}/versions")

    async def tags(self, version_id: str) -> list[Any]:
        """The tags that point at one version."""
        return await self._pages(f"prompt_versions/{quote(version_id, safe='')}/tags")

    async def set_tag(self, version_id: str, name: str) -> None:
        """Put a tag onto a version; Phoenix takes it off any other one of the prompt."""
        url = f"{self._url}/v1/prompt_versions/{version_id}/tags"
        await self._http.change("POST", url, payload={"name": name}, headers=self._headers)

    async def create(self, body: Mapping[str, Any]) -> None:
        """Add a version to the prompt of that name."""
        await self._http.change("POST", f"{self._url}/v1/prompts", payload=body, headers=self._headers)

    async def _pages(self, path: str) -> list[Any]:
        found: list[Any] = []
        cursor, size = "", PAGE
        for _ in range(MAX_PAGES):
            params: dict[str, str | int] = {"limit": size, **({"cursor": cursor} if cursor else {})}
            try:
                response = await self._http.get_json(f"{self._url}/v1/{path}", params=params, headers=self._headers)
            except SourceError as error:
                if error.error_class is not ErrorClass.TOO_LARGE or size == 1 or self._http.is_spent(share=0.9):
                    raise
                size = max(size // 8, 1)
                continue
            self._note_version(response.headers)
            body = expect_object(response.data, host_says=f"The list at {path}")
            found += expect_list(body.get("data"), host_says=f"The list at {path}")
            following = optional_text(body, "next_cursor")
            if not following:
                return found
            if following == cursor:
                raise SourceError(ErrorClass.SCHEMA, "The server hands out the same page again and again.")
            cursor = following
        raise _endless(path)

    def _note_version(self, headers: Mapping[str, str]) -> None:
        self.version = headers.get("x-phoenix-server-version", "")[:40] or self.version


def nodes(connection: Any) -> list[Any]:
    """The nodes of a GraphQL connection inside an item; raises UnreadableError when it is none."""
    edges = object_or_empty(connection).get("edges")
    if not isinstance(edges, list):
        raise UnreadableError("what belongs to it is no list")
    return [object_or_empty(edge).get("node") for edge in edges]


def _refusal(errors: Any, *, is_partial: bool) -> SourceError:
    """Without any data the question itself was refused; with some of it, answering failed."""
    first = object_or_empty(list_or_empty(errors)[0] if list_or_empty(errors) else None)
    said = " ".join(optional_text(first, "message", limit=200).split()) or "no reason"
    if is_partial:
        return SourceError(ErrorClass.UPSTREAM, f"Phoenix could not answer a GraphQL question: {said.rstrip('.')}.")
    return SourceError(ErrorClass.REJECTED, f"Phoenix refuses a GraphQL question: {said.rstrip('.')}.")


def _endless(what: str) -> SourceError:
    return SourceError(ErrorClass.TOO_LARGE, f"{what} has more than {MAX_PAGES} pages, which this connector reads.")
