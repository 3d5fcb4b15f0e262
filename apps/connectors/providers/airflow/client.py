"""Speaks Airflow's stable REST API: v2 of Airflow 3 and v1 of Airflow 2."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from apps.connectors.auth import auth_headers, bearer_header
from apps.connectors.errors import ErrorClass, SourceError
from apps.connectors.http import Http, Params, Response
from apps.connectors.providers.airflow.dialect import Airflow2, Airflow3, Dialect, in_path
from apps.connectors.values import (
    UnreadableError,
    expect_list,
    expect_object,
    object_or_empty,
    required_text,
    schema_error,
)

PAGE = 100  # the server's own limit unless it is configured otherwise
OPEN_STATES = ("queued", "running")
ALL = "dags/~/dagRuns"
MAX_LOG_BYTES = 2 * 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A piece of a list: `total` is how many there are in all, `is_last` whether nothing comes after it."""

    items: Sequence[Any]
    total: int
    is_last: bool


class AirflowClient:
    """One server; every method raises SourceError."""

    def __init__(self, *, http: Http, url: str, headers: Mapping[str, str], dialect: Dialect, version: str) -> None:
        self.dialect = dialect
        self.version = version
        self._http = http
        self._url = f"{url}{dialect.api}"
        self._headers = headers

    async def dags(self, *, offset: int = 0, limit: int = PAGE) -> Page:
        """DAGs that the server found in its files lately."""
        return await self._page("dags", "dags", {"order_by": "dag_id"}, offset=offset, limit=limit)

    async def runs_changed(self, *, since: datetime, offset: int, limit: int) -> Page:
        """Runs that changed, latest first and without an upper bound: a change under way only brings doubles."""
        asked = {"updated_at_gte": since.isoformat(), "order_by": "-updated_at"}
        return await self._page(ALL, "dag_runs", asked, offset=offset, limit=limit)

    async def open_runs(self, *, offset: int) -> Page:
        """Runs that are not over."""
        path = f"{ALL}?{urlencode([('state', state) for state in OPEN_STATES])}"
        return await self._page(path, "dag_runs", {"order_by": "id"}, offset=offset, limit=PAGE)

    async def runs_of(self, dag_id: str, *, offset: int = 0, limit: int = PAGE) -> Page:
        """Every run of one DAG; of all DAGs for “~”."""
        path = f"dags/{dag_id if dag_id == '~' else in_path(dag_id)}/dagRuns"
        return await self._page(path, "dag_runs", {"order_by": "id"}, offset=offset, limit=limit)

    async def run(self, dag_id: str, run_id: str) -> Any:
        """One run, or None when there is none of that id."""
        try:
            return (await self._get(f"dags/{in_path(dag_id)}/dagRuns/{in_path(run_id)}")).data
        except SourceError as error:
            if error.error_class is not ErrorClass.NOT_FOUND:
                raise
            return None

    async def task_instances(self, dag_id: str, run_id: str, *, offset: int = 0, limit: int = PAGE) -> Page:
        """The task instances of a run. GET, for a POSTed list stands in the server's audit log each time."""
        path = f"dags/{in_path(dag_id)}/dagRuns/{in_path(run_id)}/taskInstances"
        return await self._page(path, "task_instances", {}, offset=offset, limit=limit)

    async def any_task_instance(self) -> Mapping[str, Any]:
        """Some task instance, or {} when there is none."""
        page = await self._page(f"{ALL}/~/taskInstances", "task_instances", {}, offset=0, limit=1)
        return object_or_empty(page.items[0]) if page.items else {}

    async def log(self, task: Mapping[str, Any]) -> Any:
        """The log of a task instance's latest try, as JSON."""
        path = f"dags/{in_path(required_text(task, 'dag_id'))}/dagRuns/{in_path(required_text(task, 'dag_run_id'))}"
        path += f"/taskInstances/{in_path(required_text(task, 'task_id'))}/logs/{required_text(task, 'try_number')}"
        index = task.get("map_index")
        asked: Params = {"map_index": index if isinstance(index, int) else -1, "full_content": "false"}
        return (await self._get(path, asked, max_bytes=MAX_LOG_BYTES)).data

    async def import_errors(self, *, offset: int = 0, limit: int = PAGE) -> Page:
        """Files that Airflow cannot read."""
        return await self._page("importErrors", "import_errors", {}, offset=offset, limit=limit)

    async def health(self) -> Mapping[str, Any]:
        """The state of scheduler, triggerer, DAG processor and metadata database."""
        return expect_object((await self._get(self.dialect.health)).data, host_says="The health")

    async def _get(self, path: str, params: Params | None = None, *, max_bytes: int | None = None) -> Response:
        return await self._http.get_json(
            f"{self._url}/{path}", params=params, headers=self._headers, max_bytes=max_bytes
        )

    async def _page(self, path: str, key: str, params: Params, *, offset: int, limit: int) -> Page:
        """One page; one that is too large to read is asked for in a smaller piece."""
        try:
            response = await self._get(path, {**params, "offset": offset, "limit": limit})
        except SourceError as error:
            if error.error_class is not ErrorClass.TOO_LARGE or limit == 1 or self._http.is_spent(share=0.8):
                raise
            return await self._page(path, key, params, offset=offset, limit=max(limit // 8, 1))
        data = expect_object(response.data, host_says=f"The list of {key}")
        items = expect_list(data.get(key), host_says=f"The list of {key}")
        total, through = data.get("total_entries"), offset + len(items)
        if not isinstance(total, int):
            total = through if len(items) < limit else through + 1
        return Page(items=items, total=total, is_last=not items or through >= total)


async def connect(*, http: Http, config: Mapping[str, Any], secrets: Mapping[str, str]) -> AirflowClient:
    """A client that speaks the server's dialect and is signed in; raises SourceError."""
    url, is_by_password = config["url"], config["auth"] == "basic"
    headers = auth_headers(config, secrets)
    dialect, version = await _meet(http, url, {} if is_by_password else headers)
    if is_by_password and dialect.has_tokens:
        headers = await _sign_in(http, url, config["username"], secrets["password"])
    return AirflowClient(http=http, url=url, headers=headers, dialect=dialect, version=version)


async def _meet(http: Http, url: str, headers: Mapping[str, str]) -> tuple[Dialect, str]:
    """The dialect and the version: Airflow 2 does not know the address that Airflow 3 answers at."""
    dialect: Dialect = Airflow3()
    try:
        response = await http.get_json(f"{url}{dialect.api}/version", headers=headers)
    except SourceError as error:
        if error.error_class is not ErrorClass.NOT_FOUND:
            raise
        dialect = Airflow2()
        response = await http.get_json(f"{url}{dialect.api}/version", headers=headers)
    try:
        version = required_text(object_or_empty(response.data), "version")[:40]
    except UnreadableError:
        raise schema_error("The version") from None
    if version.startswith(tuple(f"2.{minor}." for minor in range(6))):
        message = f"Airflow {version} cannot say which runs changed; 2.6 is the oldest version that can be read."
        raise SourceError(ErrorClass.SCHEMA, message, is_permanent=True)
    return dialect, version


async def _sign_in(http: Http, url: str, username: str, password: str) -> dict[str, str]:
    """The header with a fresh token for this user."""
    response = await http.post_json(f"{url}/auth/token", payload={"username": username, "password": password})
    token = object_or_empty(response.data).get("access_token")
    if not isinstance(token, str) or not token:
        raise schema_error("The token")
    return bearer_header(token)
