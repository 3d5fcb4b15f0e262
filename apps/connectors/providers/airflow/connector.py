"""Airflow: DAGs, runs and task instances, incrementally, and what is wrong with Airflow itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from apps.connectors.auth import AUTH_FIELDS, clean_auth
from apps.connectors.base import Backfill, Connector, Field, FieldType, Group, Probe
from apps.connectors.cleaning import ALLOWED_NETWORKS, clean_fields, integer_between
from apps.connectors.errors import ConfigError
from apps.connectors.merging import merge
from apps.connectors.providers.airflow.client import connect
from apps.connectors.providers.airflow.cursor import Memory
from apps.connectors.providers.airflow.fetching import Fetch
from apps.connectors.providers.airflow.missing import keep_open, look_up_lost, sweep
from apps.connectors.providers.airflow.normalize import Reading
from apps.connectors.providers.airflow.probing import probe
from apps.connectors.records import Batch, Kind
from apps.connectors.values import utc_text

_API_PATHS = ("/api/v2", "/api/v1", "/api")
_AUTH, *_CREDENTIALS = AUTH_FIELDS


class AirflowConnector(Connector):
    """One Airflow server, of generation 3 or 2."""

    key: ClassVar[str] = "airflow"
    name: ClassVar[str] = "Airflow"
    summary: ClassVar[str] = "DAGs as pipelines, with their runs and tasks; broken files and sick parts as alerts."
    kinds: ClassVar[frozenset[Kind]] = frozenset({Kind.PIPELINE, Kind.RUN, Kind.TASK_RUN, Kind.ALERT})
    group: ClassVar[Group] = Group.PIPELINES
    fields: ClassVar[tuple[Field, ...]] = (
        Field(
            name="url",
            label="URL",
            type=FieldType.URL,
            placeholder="https://airflow.example.com",
            help="The address of Airflow's pages, without /api; the API is below it.",
        ),
        replace(
            _AUTH,
            help="Airflow 3 gives a token for user and password by itself, Airflow 2 needs its basic_auth backend. "
            "A bearer token is one that you made, or that of a hosted Airflow.",
        ),
        *_CREDENTIALS,
        Field(
            name="backfill_days",
            label="Backfill",
            type=FieldType.INTEGER,
            default=30,
            help="How many days of past runs the first polls read.",
        ),
        Field(
            name="dags",
            label="DAGs",
            type=FieldType.LINES,
            required=False,
            placeholder="search_*",
            help="Only DAGs whose id matches one of these patterns, one a line, with * for anything. Empty: all.",
        ),
        Field(
            name="time_zone",
            label="Time zone of schedules",
            required=False,
            default="",
            placeholder="Europe/Berlin",
            help="Airflow does not tell it; with it a schedule shows its zone, else its present difference to UTC.",
        ),
        Field(
            name="include_task_runs",
            label="Read task instances",
            type=FieldType.BOOLEAN,
            default=True,
            help="Read the tasks of every run too, one more question a run; without them nobody sees why a run failed.",
        ),
        Field(
            name="include_errors",
            label="Read error lines",
            type=FieldType.BOOLEAN,
            default=True,
            help="Look for the reason in the log of the first tasks that failed; switch off if reading logs is slow.",
        ),
        ALLOWED_NETWORKS,
    )
    docs: ClassVar[str] = "docs/connectors/airflow.md"

    @classmethod
    def clean(cls, config: Mapping[str, Any]) -> dict[str, Any]:
        """The checked configuration; the API's path is taken off the URL. Raises ConfigError."""
        cleaned = clean_fields(cls.fields, config)
        clean_auth(cleaned)
        integer_between(cleaned, "backfill_days", 0, 400)
        _check_zone(cleaned["time_zone"])
        for path in _API_PATHS:
            cleaned["url"] = cleaned["url"].removesuffix(path)
        return cleaned

    @classmethod
    def progress(cls, cursor: Mapping[str, Any]) -> Backfill | None:
        """From when on runs are being read, news before history."""
        memory = Memory.load(cursor)
        going_on = memory.news or memory.history
        if going_on is None:
            return None
        begin = utc_text(going_on.after)
        return Backfill(sentence=f"Runs that changed since {begin} are being read; {going_on.offset} so far.")

    async def probe(self) -> Probe:
        """Version, how many DAGs and runs may be read, and which rights are missing."""
        client = await connect(http=self.http, config=self.config, secrets=self.secrets)
        return await probe(client, with_tasks=self.config["include_task_runs"])

    async def fetch(self, cursor: Mapping[str, Any]) -> Batch:
        """DAGs, alerts and open runs as they are now, and the runs that changed since the last fetch."""
        before, backfill = Memory.load(cursor), timedelta(days=self.config["backfill_days"])
        client = await connect(http=self.http, config=self.config, secrets=self.secrets)
        now = self.http.server_time or datetime.now(UTC)
        fetch = Fetch(
            http=self.http,
            client=client,
            reading=Reading(
                dialect=client.dialect,
                ui=self.config["url"],
                as_of=max(now, before.watermark or now),
                zone=self.config["time_zone"],
            ),
            patterns=self.config["dags"],
            has_tasks=self.config["include_task_runs"],
            has_reasons=self.config["include_errors"],
        )
        await fetch.read_dags()
        await fetch.read_alerts()
        memory = await fetch.read_open(before)
        memory = await fetch.read_news(memory, now=now, backfill=backfill)
        memory = await _look_back(fetch, memory, now=now, backfill=backfill)
        return Batch(
            records=merge(fetch.records),
            rejected=tuple(fetch.rejected),
            listings=tuple(fetch.listings),
            has_more=memory.news is not None or memory.history not in (None, before.history),
            server_time=self.http.server_time,
            cursor=memory.dump(),
        )


async def _look_back(fetch: Fetch, memory: Memory, *, now: datetime, backfill: timedelta) -> Memory:
    """What is left once all news is read: lost runs, history, and the sweep."""
    if memory.news is not None:
        return keep_open(fetch, memory)
    memory = await look_up_lost(fetch, memory)
    memory = await fetch.read_history(memory, now=now, backfill=backfill)
    return memory if memory.history is not None else await sweep(fetch, memory)


def _check_zone(zone: str) -> None:
    try:
        if zone:
            ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ConfigError("time_zone", "There is no such time zone; write it like Europe/Berlin.") from None
