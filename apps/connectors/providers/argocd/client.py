"""Speaks the REST API of an Argo CD server (2.5 and later)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode

from apps.connectors.errors import ErrorClass, SourceError
from apps.connectors.http import Http
from apps.connectors.values import expect_object, object_or_empty, optional_text, schema_error


class ArgoClient:
    """One server; every method raises SourceError."""

    def __init__(self, *, http: Http, url: str, headers: Mapping[str, str]) -> None:
        self._http = http
        self._url = url
        self._headers = headers

    async def version(self) -> str:
        """The server's version without its build ("v3.1.0+abc" is "v3.1.0"); anybody may ask."""
        response = await self._http.get_json(f"{self._url}/api/version", headers=self._headers)
        answer = expect_object(response.data, host_says="The version")
        return optional_text(answer, "Version", limit=40).partition("+")[0]

    async def applications(self, projects: Sequence[str], selector: str) -> list[Any]:
        """Every application that the token may see, at once: the API has no pages."""
        query = list_query(projects, selector)
        return await self._items(f"applications?{query}" if query else "applications", "The list of applications")

    async def applications_by_project(self, projects: Sequence[str], selector: str) -> list[Any]:
        """The same, asked project by project, for servers whose whole list is too large for one answer."""
        found: list[Any] = []
        for project in projects or await self._project_names():
            found += await self.applications([project], selector)
        return found

    async def may_read(self, project: str) -> bool | None:
        """Whether the token may read every application of a project (`*`: of all); None when the server cannot say."""
        address = f"{self._url}/api/v1/account/can-i/applications/get/{quote(project, safe='*')}/*"
        try:
            response = await self._http.get_json(address, headers=self._headers)
        except SourceError as error:
            if error.error_class is ErrorClass.NOT_FOUND:
                return None
            raise
        return object_or_empty(response.data).get("value") == "yes"

    async def _project_names(self) -> list[str]:
        items = await self._items("projects", "The list of projects")
        names = (optional_text(object_or_empty(object_or_empty(item).get("metadata")), "name") for item in items)
        return sorted(name for name in names if name)

    async def _items(self, what: str, name: str) -> list[Any]:
        response = await self._http.get_json(f"{self._url}/api/v1/{what}", headers=self._headers)
        answer = expect_object(response.data, host_says=name)
        items = answer.get("items", "")
        if items is None and "metadata" in answer:  # an empty list is written as null
            return []
        if not isinstance(items, list):
            raise schema_error(name)
        return items


def list_query(projects: Sequence[str], selector: str) -> str:
    """The query of a list; `projects` is repeated for each project."""
    return urlencode([*(("projects", name) for name in projects), *([("selector", selector)] if selector else [])])
