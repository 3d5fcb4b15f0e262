"""Speaks Dagster's GraphQL: an answer with status 200 may still be an error, so its `__typename` is always read."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from apps.connectors.errors import ErrorClass, SourceError
from apps.connectors.http import Http
from apps.connectors.providers.dagster import questions
from apps.connectors.providers.dagster.failures import error_text
from apps.connectors.values import list_or_empty, object_or_empty, optional_text, schema_error

PAGE = 200  # runs; the server has no limit of its own
ID_PAGE = 2_000
EVENT_PAGE = 1_000
OPEN_STATUSES = ("QUEUED", "NOT_STARTED", "MANAGED", "STARTING", "STARTED", "SUSPENDED", "CANCELING")

Filter = Mapping[str, Any]


class DagsterClient:
    """One webserver, or one deployment of Dagster+; every method raises SourceError."""

    def __init__(self, *, http: Http, url: str, headers: Mapping[str, str], secrets: Iterable[str] = ()) -> None:
        self._http = http
        self._url = f"{url}/graphql"
        self._headers = headers
        self._hidden = [value for value in (*secrets, *_credentials(headers)) if len(value) >= 4]

    async def version(self) -> str:
        """The server's version; "" when it does not tell."""
        return optional_text(await self._ask(questions.VERSION), "version")[:40]

    async def locations(self) -> list[Any]:
        """Every code location with its repositories, or with the error that keeps it from loading."""
        return await self._list(questions.WORKSPACE, "workspaceOrError", "Workspace", "locationEntries")

    async def daemons(self) -> list[Any]:
        """The daemons and their health."""
        instance = object_or_empty((await self._ask(questions.DAEMONS)).get("instance"))
        found = object_or_empty(instance.get("daemonHealth")).get("allDaemonStatuses")
        if not isinstance(found, list):
            raise schema_error("The list of daemons")
        return found

    async def run_count(self) -> int:
        """How many runs the server keeps."""
        count = self._member(await self._ask(questions.RUN_COUNT), "runsOrError", "Runs").get("count")
        if not isinstance(count, int):
            raise schema_error("The count of runs")
        return count

    async def runs(self, filters: Filter, *, limit: int = PAGE) -> list[Any]:
        """At most `limit` runs, newest first."""
        return await self._list(questions.RUNS, "runsOrError", "Runs", "results", filter=filters, limit=limit)

    async def pages(
        self, filters: Filter, *, cursor: str | None = None, limit: int = PAGE
    ) -> AsyncIterator[tuple[list[Any], str | None, bool]]:
        """(runs, cursor for the next page, is this the last page); a page too large to read is asked for smaller."""
        while True:
            try:
                items = await self._list(
                    questions.RUNS, "runsOrError", "Runs", "results", filter=filters, cursor=cursor, limit=limit
                )
            except SourceError as error:
                if error.error_class is not ErrorClass.TOO_LARGE or limit == 1 or self._http.is_spent(share=0.8):
                    raise
                limit = max(limit // 8, 1)
                continue
            if not items and cursor and not await self.run_ids({"runIds": [cursor]}, most=1):
                cursor = None  # the run that marked the place was deleted: after it, the server finds nothing
                continue
            identities = [optional_text(object_or_empty(item), "runId") for item in items]
            cursor = next(filter(None, reversed(identities)), None)
            is_last = len(items) < limit or cursor is None
            yield items, cursor, is_last
            if is_last:
                return

    async def run_ids(self, filters: Filter, *, most: int, after: str | None = None) -> list[str]:
        """The ids of at most `most` runs, newest first, from the one before `after`; all must be texts."""
        found = await self._list(
            questions.RUN_IDS, "runIdsOrError", "RunIds", "results", filter=filters, cursor=after, limit=most
        )
        if not all(isinstance(run_id, str) and run_id for run_id in found):
            raise schema_error("The list of run ids")
        return found

    async def steps(self, run_ids: Sequence[str]) -> list[Any]:
        """These runs with the figures of their steps and the plan that says which step waits for which."""
        return await self._list(
            questions.STEPS, "runsOrError", "Runs", "results", filter={"runIds": list(run_ids)}, limit=len(run_ids)
        )

    async def first_events(self, run_ids: Sequence[str]) -> list[Any]:
        """These runs with their first events, of which only failures carry more than a name."""
        return await self._list(
            questions.FAILURES,
            "runsOrError",
            "Runs",
            "results",
            filter={"runIds": list(run_ids)},
            limit=len(run_ids),
            events=EVENT_PAGE,
        )

    async def more_events(self, run_id: str, *, after: str) -> Mapping[str, Any]:
        """A run with its next events; {} when it was deleted meanwhile."""
        data = await self._ask(questions.EVENTS_AFTER, run=run_id, after=after, events=EVENT_PAGE)
        if object_or_empty(data.get("runOrError")).get("__typename") == "RunNotFoundError":
            return {}
        return self._member(data, "runOrError", "Run")

    async def _list(self, question: str, field: str, typename: str, key: str, **variables: Any) -> list[Any]:
        found = self._member(await self._ask(question, **variables), field, typename).get(key)
        if not isinstance(found, list):
            raise schema_error(f"The answer to {field}")
        return found

    async def _ask(self, question: str, **variables: Any) -> Mapping[str, Any]:
        """The `data` of an answer without errors."""
        payload = {"query": question, "variables": variables}
        answer = (await self._http.post_json(self._url, payload=payload, headers=self._headers)).data
        if errors := list_or_empty(object_or_empty(answer).get("errors")):
            said = self._quoted(optional_text(object_or_empty(errors[0]), "message"))
            raise SourceError(ErrorClass.UPSTREAM, f"Dagster cannot answer a question completely.{said}")
        data = object_or_empty(answer).get("data")
        if not isinstance(data, Mapping):
            raise schema_error("The answer of GraphQL")
        return data

    def _member(self, data: Mapping[str, Any], field: str, typename: str) -> Mapping[str, Any]:
        """What stands in `field` when it is of the wanted type; Dagster's own errors are other members of a union."""
        found = object_or_empty(data.get(field))
        kind = found.get("__typename")
        if kind == typename:
            return found
        if not isinstance(kind, str):
            raise schema_error(f"The answer to {field}")
        said = self._quoted(error_text(found))
        if kind == "PythonError":
            raise SourceError(ErrorClass.UPSTREAM, f"Dagster fails to answer {field}.{said}")
        if kind == "UnauthorizedError":
            message = f"Dagster refuses to answer {field}; grant the token the right to read it.{said}"
            raise SourceError(ErrorClass.AUTH, message, is_permanent=True)
        raise SourceError(ErrorClass.REJECTED, f"Dagster answers {field} with {kind[:60]}.{said}")

    def _quoted(self, text: str) -> str:
        """Dagster's own words for a message, without the credentials it may echo."""
        for value in self._hidden:
            text = text.replace(value, "•••")
        return f" It says: {text[:200]}" if text else ""


def _credentials(headers: Mapping[str, str]) -> list[str]:
    """What the headers carry, without the word before it ("Bearer", "Basic")."""
    return [value.rpartition(" ")[2] for value in headers.values()]


def open_runs() -> dict[str, Any]:
    """Runs that are not over."""
    return {"statuses": list(OPEN_STATUSES)}


def updated_after(at: datetime) -> dict[str, Any]:
    """Runs that changed since."""
    return {"updatedAfter": at.timestamp()}
