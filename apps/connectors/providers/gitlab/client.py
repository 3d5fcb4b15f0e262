"""Speaks GitLab's REST API (v4): paging by Link, and the budget of questions that is left."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from apps.connectors.budget import Budget, read_budget
from apps.connectors.http import Http, Response
from apps.connectors.paging import next_page
from apps.connectors.values import expect_list, expect_object

PAGE = 100  # the server gives no more
RESERVE = 50  # questions a minute that belong to others

Query = Mapping[str, str | int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page of a list; `following` asks for the next one."""

    items: list[Any]
    following: Query | None = None


class GitlabClient:
    """One server; every method raises SourceError. `budget` is what the latest answer said about rate limits."""

    def __init__(self, *, http: Http, url: str, token: str) -> None:
        self._http = http
        self._url = f"{url}/api/v4"
        self._headers = {"PRIVATE-TOKEN": token}
        self.budget: Budget | None = None

    @property
    def is_short(self) -> bool:
        """Whether the rest of the budget belongs to others."""
        return self.budget is not None and self.budget.is_below(RESERVE)

    async def item(self, path: str) -> Mapping[str, Any]:
        """One object."""
        return expect_object((await self._get(path)).data, host_says=f"What is at /{path}")

    async def page(self, path: str, query: Query) -> Page:
        """One page of a list."""
        response = await self._get(path, query)
        items = expect_list(response.data, host_says=f"The list at /{path}")
        return Page(items=items, following=next_page(response.headers))

    async def everything(self, path: str, query: Query, *, most_pages: int) -> tuple[list[Any], bool]:
        """All items of up to `most_pages` pages, and whether that is all there is."""
        found: list[Any] = []
        upcoming: Query | None = query
        for _ in range(most_pages):
            if upcoming is None:
                break
            page = await self.page(path, upcoming)
            found += page.items
            upcoming = page.following
        return found, upcoming is None

    async def _get(self, path: str, query: Query | None = None) -> Response:
        response = await self._http.get_json(f"{self._url}/{path}", params=query, headers=self._headers)
        self.budget = read_budget(response.headers, server_time=response.server_time) or self.budget
        return response
