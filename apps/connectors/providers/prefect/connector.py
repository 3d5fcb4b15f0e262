"""Prefect: flows, flow runs and task runs, incrementally, with a sweep that notices deleted runs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar
from urllib.parse import urlsplit

from apps.connectors.auth import basic_header, bearer_header
from apps.connectors.base import Backfill, Connector, Field, FieldType, Group, Probe, Scope
from apps.connectors.cleaning import ALLOWED_NETWORKS, clean_fields, integer_between
from apps.connectors.errors import ConfigError, ErrorClass, SourceError
from apps.connectors.merging import merge
from apps.connectors.providers.prefect.client import PrefectClient
from apps.connectors.providers.prefect.cursor import Memory
from apps.connectors.providers.prefect.fetching import Fetch
from apps.connectors.providers.prefect.missing import look_up_lost, sweep
from apps.connectors.providers.prefect.normalize import ui_base
from apps.connectors.records import Batch, Kind
from apps.connectors.values import utc_text


class PrefectConnector(Connector):
    """One Prefect server or Cloud workspace."""

    key: ClassVar[str] = "prefect"
    name: ClassVar[str] = "Prefect"
    summary: ClassVar[str] = "Flows as pipelines, with their runs, task runs and schedules."
    kinds: ClassVar[frozenset[Kind]] = frozenset({Kind.PIPELINE, Kind.RUN, Kind.TASK_RUN})
    group: ClassVar[Group] = Group.PIPELINES
    fields: ClassVar[tuple[Field, ...]] = (
        Field(
            name="url",
            label="API URL",
            type=FieldType.URL,
            placeholder="https://prefect.example.com/api",
            help="The API's address, ending in /api; for Prefect Cloud with account and workspace, as PREFECT_API_URL.",
        ),
        Field(
            name="auth",
            label="Authentication",
            type=FieldType.CHOICE,
            default="none",
            choices=(("none", "None"), ("basic", "Server auth string"), ("bearer", "API key")),
            help="A server takes the string of PREFECT_SERVER_API_AUTH_STRING, Prefect Cloud an API key.",
        ),
        Field(
            name="auth_string",
            label="Auth string",
            type=FieldType.SECRET,
            required=False,
            help="user:password, as in PREFECT_API_AUTH_STRING. Stored encrypted, never shown again.",
        ),
        Field(
            name="api_key",
            label="API key",
            type=FieldType.SECRET,
            required=False,
            help="For Prefect Cloud; a service account's key is best. Stored encrypted, never shown again.",
        ),
        Field(
            name="backfill_days",
            label="Backfill",
            type=FieldType.INTEGER,
            default=30,
            help="How many days of past runs the first polls read.",
        ),
        Field(
            name="include_task_runs",
            label="Read task runs",
            type=FieldType.BOOLEAN,
            default=True,
            help="Read the steps of every run too; switch off for servers with very many small tasks.",
        ),
        ALLOWED_NETWORKS,
    )
    docs: ClassVar[str] = "docs/connectors/prefect.md"

    @classmethod
    def clean(cls, config: Mapping[str, Any]) -> dict[str, Any]:
        """The checked configuration; a URL without a path gets its /api. Raises ConfigError."""
        cleaned = clean_fields(cls.fields, config)
        integer_between(cleaned, "backfill_days", 0, 400)
        if urlsplit(cleaned["url"]).path in ("", "/"):
            cleaned["url"] = f"{cleaned['url'].rstrip('/')}/api"
        return cleaned

    @classmethod
    def progress(cls, cursor: Mapping[str, Any]) -> Backfill | None:
        """Which span of runs is being read; a pass reads a span twice, by two times."""
        going_on = Memory.load(cursor).going_on
        if going_on is None:
            return None
        begin, end = utc_text(going_on.after), utc_text(going_on.before)
        return Backfill(sentence=f"Runs from {begin} to {end} are being read; {going_on.offset} so far in this pass.")

    async def probe(self) -> Probe:
        """Version, and how many flows and runs may be read."""
        client = self._client()
        version = await client.version()
        flows = await client.count("flows", {})
        runs = await client.count("flow_runs", {})
        scopes = [
            Scope(name="flows", why="read flows and their schedules", is_granted=True),
            Scope(name="flow runs", why="read runs and their states", is_granted=True),
        ]
        if self.config["include_task_runs"]:
            scopes.append(await self._task_scope(client))
        name = f"Prefect {version}" if version else "Prefect"
        sentence = f"{name} answers; it has {flows} flows and {runs} runs."
        return Probe(sentence=sentence, version=version, scopes=tuple(scopes))

    async def fetch(self, cursor: Mapping[str, Any]) -> Batch:
        """Flows and open runs as they are now, and the runs that ended or were due since the last fetch."""
        fetch = Fetch(
            http=self.http,
            client=self._client(),
            ui=ui_base(self.config["url"]),
            with_tasks=self.config["include_task_runs"],
        )
        await fetch.read_flows()
        now = self.http.server_time or datetime.now(UTC)
        memory = await fetch.read_runs(
            Memory.load(cursor), now=now, backfill=timedelta(days=self.config["backfill_days"])
        )
        if memory.going_on is None:
            memory = await sweep(fetch, await look_up_lost(fetch, memory), now=now)
        return Batch(
            records=merge(fetch.records),
            rejected=tuple(fetch.rejected),
            listings=tuple(fetch.listings),
            has_more=memory.going_on is not None,
            server_time=self.http.server_time,
            cursor=memory.dump(),
        )

    def _client(self) -> PrefectClient:
        return PrefectClient(http=self.http, url=self.config["url"], headers=self._headers())

    def _headers(self) -> dict[str, str]:
        way = self.config["auth"]
        if way == "basic":
            if ":" not in self.secrets.get("auth_string", ""):
                raise ConfigError("auth_string", "The auth string is needed, written as user:password.")
            return basic_header(self.secrets["auth_string"])
        if way == "bearer":
            if not self.secrets.get("api_key"):
                raise ConfigError("api_key", "The API key is needed for the chosen authentication.")
            return bearer_header(self.secrets["api_key"], field="api_key")
        return {}

    async def _task_scope(self, client: PrefectClient) -> Scope:
        why = "read the steps of a run"
        try:
            await client.page("task_runs", {}, offset=0, limit=1)
        except SourceError as error:
            if error.error_class is not ErrorClass.AUTH:
                raise
            return Scope(name="task runs", why=why, is_granted=False)
        return Scope(name="task runs", why=why, is_granted=True)
