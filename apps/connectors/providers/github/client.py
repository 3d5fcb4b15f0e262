"""Speaks GitHub's REST API: conditional questions, paging by Link, and the budget of questions that is left."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from apps.connectors.budget import Budget, read_budget
from apps.connectors.errors import ErrorClass, SourceError
from apps.connectors.http import Http, Response
from apps.connectors.paging import next_page
from apps.connectors.values import expect_list, expect_object, object_or_empty, schema_error

PAGE = 100  # the server gives no more
VERSION = "2022-11-28"

Query = Mapping[str, str | int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page of a list: `following` asks for the next one; `is_unchanged` means nothing new since the ETag."""

    items: list[Any]
    following: Query | None = None
    total: int = 0
    is_unchanged: bool = False


class GithubClient:
    """One API; every method raises SourceError. `budget` is what the latest answer said about rate limits."""

    def __init__(self, *, http: Http, url: str, headers: Mapping[str, str], reserve: int = 0) -> None:
        self._http = http
        self._url = url
        self._headers = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": VERSION, **headers}
        self._reserve = reserve
        self.budget: Budget | None = None

    @property
    def is_short(self) -> bool:
        """Whether the rest of the budget belongs to others."""
        return self.budget is not None and self.budget.is_below(self._reserve)

    async def item(self, path: str) -> Mapping[str, Any]:
        """One object."""
        return expect_object((await self._get(path)).data, host_says=f"What is at /{path}")

    async def describe(self, path: str, query: Query | None = None) -> Response:
        """One answer with its headers."""
        return await self._get(path, query)

    async def page(self, path: str, query: Query, *, key: str = "", etags: dict[str, str] | None = None) -> Page:
        """One page of a list, which stands under `key` of the answer or is the answer itself.

        With `etags` (address -> ETag of a list that had one page) the question is conditional, and the ETag of the new
        answer is remembered there, unless there are more pages: then an unchanged first one would prove nothing.
        A page too large to read is asked for in smaller ones.
        """
        try:
            return await self._page(path, query, key, etags)
        except SourceError as error:
            if error.error_class is not ErrorClass.TOO_LARGE or self._http.is_spent(share=0.8):
                raise
            smaller = _in_smaller_pages(query)
            if smaller is None:
                raise
            return await self.page(path, smaller, key=key, etags=etags)

    async def _page(self, path: str, query: Query, key: str, etags: dict[str, str] | None) -> Page:
        address = f"{path}?{urlencode(sorted(query.items()))}"
        known = etags.get(address, "") if etags is not None else ""
        response = await self._get(path, query, etag=known)
        if response.status == 304:
            return Page(items=[], is_unchanged=True)
        following = next_page(response.headers)
        if etags is not None:
            forget(etags, path)
            if following is None and (etag := response.headers.get("etag", "")):
                etags[address] = etag[:200]
        total = object_or_empty(response.data).get("total_count")
        return Page(
            items=_items(response.data, key, path),
            following=following,
            total=total if isinstance(total, int) else 0,
        )

    async def everything(self, path: str, query: Query, *, key: str = "", most_pages: int) -> tuple[list[Any], bool]:
        """All items of up to `most_pages` pages, and whether that is all there is."""
        found: list[Any] = []
        upcoming: Query | None = query
        for _ in range(most_pages):
            assert upcoming is not None
            page = await self.page(path, upcoming, key=key)
            found += page.items
            upcoming = page.following
            if upcoming is None:
                return found, True
        return found, False

    async def _get(self, path: str, query: Query | None = None, *, etag: str = "") -> Response:
        url = f"{self._url}/{path}" if path else self._url
        response = await self._http.get_json(url, params=query, headers=self._headers, etag=etag)
        self.budget = read_budget(response.headers, server_time=response.server_time) or self.budget
        return response


def forget(etags: dict[str, str], path: str) -> None:
    """Ask for the list at `path` unconditionally next time."""
    for address in [address for address in etags if address.partition("?")[0] == path]:
        del etags[address]


def _in_smaller_pages(query: Query) -> Query | None:
    """The same place in the list with pages of a fifth, or None when they are as small as can be."""
    size, number = int(query.get("per_page", 1)), int(query.get("page", 1))
    if size % 5:
        return None
    return {**query, "per_page": size // 5, "page": (number - 1) * 5 + 1}


def _items(data: Any, key: str, path: str) -> list[Any]:
    what = f"The list at /{path}"
    if not key:
        return expect_list(data, host_says=what)
    found = expect_object(data, host_says=what).get(key)
    if not isinstance(found, list):
        raise schema_error(what)
    return found
