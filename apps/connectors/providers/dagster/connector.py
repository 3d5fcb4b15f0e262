"""Dagster: jobs, runs and their steps, incrementally, with a sweep for deleted runs; and what is broken in Dagster."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any, ClassVar

from apps.connectors.auth import AUTH_FIELDS, auth_headers, bearer_header, clean_auth
from apps.connectors.base import Backfill, Connector, Field, FieldType, Group, Probe
from apps.connectors.cleaning import ALLOWED_NETWORKS, clean_fields, integer_between
from apps.connectors.errors import ConfigError
from apps.connectors.merging import merge
from apps.connectors.providers.dagster.client import DagsterClient
from apps.connectors.providers.dagster.cursor import Memory
from apps.connectors.providers.dagster.fetching import Fetch
from apps.connectors.providers.dagster.missing import look_up_lost, sweep
from apps.connectors.providers.dagster.probing import Tried, describe
from apps.connectors.records import Batch, Kind
from apps.connectors.values import utc_text

PLUS = "dagster_plus"
_AUTH = replace(AUTH_FIELDS[0], choices=(*AUTH_FIELDS[0].choices, (PLUS, "Dagster+ API token")))
_TOKEN = replace(
    AUTH_FIELDS[3],
    help="A bearer token without the word “Bearer”, or an API token of Dagster+. Stored encrypted, never shown again.",
)


class DagsterConnector(Connector):
    """One Dagster webserver, or one deployment of Dagster+."""

    key: ClassVar[str] = "dagster"
    name: ClassVar[str] = "Dagster"
    summary: ClassVar[str] = "Jobs with schedules, their runs and steps; daemons and code locations as alerts."
    kinds: ClassVar[frozenset[Kind]] = frozenset({Kind.PIPELINE, Kind.RUN, Kind.TASK_RUN, Kind.ALERT})
    group: ClassVar[Group] = Group.PIPELINES
    fields: ClassVar[tuple[Field, ...]] = (
        Field(
            name="url",
            label="URL",
            type=FieldType.URL,
            placeholder="https://dagster.example.com",
            help="Where Dagster's pages open; for Dagster+ with the deployment, https://team.dagster.cloud/prod.",
        ),
        _AUTH,
        *AUTH_FIELDS[1:3],
        _TOKEN,
        Field(
            name="backfill_days",
            label="Backfill",
            type=FieldType.INTEGER,
            default=30,
            help="How many days of past runs the first polls read.",
        ),
        Field(
            name="include_steps",
            label="Read steps",
            type=FieldType.BOOLEAN,
            default=True,
            help="Read the steps of every run too; switch off for servers with very many small steps.",
        ),
        Field(
            name="alerts",
            label="Watch Dagster itself",
            type=FieldType.BOOLEAN,
            default=True,
            help="Report code locations that do not load and daemons that are not healthy as alerts.",
        ),
        ALLOWED_NETWORKS,
    )
    docs: ClassVar[str] = "docs/connectors/dagster.md"

    @classmethod
    def clean(cls, config: Mapping[str, Any]) -> dict[str, Any]:
        """The checked configuration; a URL may end in /graphql, which is left out. Raises ConfigError."""
        cleaned = clean_fields(cls.fields, config)
        clean_auth(cleaned)
        integer_between(cleaned, "backfill_days", 0, 400)
        cleaned["url"] = cleaned["url"].removesuffix("/graphql").rstrip("/")
        return cleaned

    @classmethod
    def progress(cls, cursor: Mapping[str, Any]) -> Backfill | None:
        """From when on runs are being read."""
        going_on = Memory.load(cursor).going_on
        if going_on is None:
            return None
        return Backfill(sentence=f"Runs that changed since {utc_text(going_on.after)} are being read, newest first.")

    async def probe(self) -> Probe:
        """Version, how much may be read, and which rights are missing."""
        client = self._client()
        version = await client.version()
        tried = Tried()
        locations = await tried.ask("code locations", "read jobs, schedules and sensors", client.locations())
        runs = await tried.ask("runs", "read runs and why they failed", client.run_count())
        if self.config["include_steps"]:
            await tried.ask("steps", "read the steps of a run", self._try_steps(client))
        if self.config["alerts"]:
            await tried.ask("daemons", "see whether schedules, sensors and queues work", client.daemons())
        return Probe(sentence=describe(version, locations, runs), version=version, scopes=tuple(tried.scopes))

    async def fetch(self, cursor: Mapping[str, Any]) -> Batch:
        """Jobs, alerts and open runs as they are now, and the runs that changed since the last fetch."""
        fetch = Fetch(
            http=self.http, client=self._client(), ui=self.config["url"], with_steps=self.config["include_steps"]
        )
        now = await fetch.read_workspace(with_alerts=self.config["alerts"])
        backfill = timedelta(days=self.config["backfill_days"])
        memory = await fetch.read_runs(Memory.load(cursor), now=now, backfill=backfill)
        if memory.going_on is None:
            memory = await sweep(fetch, await look_up_lost(fetch, memory))
        return Batch(
            records=merge(fetch.records),
            rejected=tuple(fetch.rejected),
            listings=tuple(fetch.listings),
            has_more=memory.going_on is not None,
            server_time=self.http.server_time,
            cursor=memory.dump(),
        )

    def _client(self) -> DagsterClient:
        return DagsterClient(
            http=self.http, url=self.config["url"], headers=self._headers(), secrets=self.secrets.values()
        )

    def _headers(self) -> dict[str, str]:
        if self.config["auth"] != PLUS:
            return auth_headers(self.config, self.secrets)
        if not (token := self.secrets.get("token", "")):
            raise ConfigError("token", "Token is needed for the chosen authentication.")
        return {"Dagster-Cloud-Api-Token": bearer_header(token)["Authorization"].removeprefix("Bearer ")}

    async def _try_steps(self, client: DagsterClient) -> None:
        """Ask for the steps of the newest run, if there is one."""
        if run_ids := await client.run_ids({}, most=1):
            await client.steps(run_ids)
