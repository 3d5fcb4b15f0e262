"""Phoenix: prompts with versions and tags, hourly numbers of projects, and experiments with their scores."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, ClassVar

from apps.connectors.auth import AUTH_FIELDS, auth_headers, clean_auth
from apps.connectors.base import Connector, Field, FieldType, Group, Probe, Scope
from apps.connectors.cleaning import ALLOWED_NETWORKS, clean_fields, integer_between
from apps.connectors.errors import SourceError, check_base
from apps.connectors.merging import merge
from apps.connectors.providers.phoenix.client import REFUSALS, PhoenixClient
from apps.connectors.providers.phoenix.cursor import Memory
from apps.connectors.providers.phoenix.fetching import Fetch
from apps.connectors.providers.phoenix.writing import body_of, has_marker
from apps.connectors.records import Batch, Kind, MoveLabel, WriteVersion
from apps.connectors.values import object_or_empty

_COUNTS = "{ projects(first: 1) { pageInfo { hasNextPage } } datasetCount }"


class PhoenixConnector(Connector):
    """One Arize Phoenix server or space."""

    key: ClassVar[str] = "phoenix"
    name: ClassVar[str] = "Arize Phoenix"
    summary: ClassVar[str] = "Prompts with their tags, hourly latency, cost and scores of projects, and experiments."
    kinds: ClassVar[frozenset[Kind]] = frozenset(
        {Kind.PROMPT, Kind.PROMPT_VERSION, Kind.PROMPT_LABEL, Kind.SERIES, Kind.EVALUATION}
    )
    group: ClassVar[Group] = Group.PROMPTS
    fields: ClassVar[tuple[Field, ...]] = (
        Field(
            name="url",
            label="URL",
            type=FieldType.URL,
            placeholder="https://phoenix.example.com",
            help="Where Phoenix's pages open; the APIs are found below it.",
        ),
        *AUTH_FIELDS,
        Field(
            name="backfill_days",
            label="Backfill",
            type=FieldType.INTEGER,
            default=7,
            help="How many days of hourly numbers and of experiments the first polls read.",
        ),
        Field(
            name="metrics",
            label="Read metrics",
            type=FieldType.BOOLEAN,
            default=True,
            help="Read requests, failures, latency, tokens, cost and scores of projects, by the hour.",
        ),
        Field(
            name="projects",
            label="Projects",
            type=FieldType.LINES,
            required=False,
            help="Names of the projects whose metrics are read, one a line, * stands for anything; empty reads all.",
        ),
        Field(
            name="experiments",
            label="Read experiments",
            type=FieldType.BOOLEAN,
            default=True,
            help="Read the experiments of datasets as evaluations.",
        ),
        ALLOWED_NETWORKS,
    )
    moves_labels: ClassVar[bool] = True
    writes_versions: ClassVar[bool] = True
    docs: ClassVar[str] = "docs/connectors/phoenix.md"

    @classmethod
    def clean(cls, config: Mapping[str, Any]) -> dict[str, Any]:
        """The checked configuration; raises ConfigError."""
        cleaned = clean_fields(cls.fields, config)
        clean_auth(cleaned)
        integer_between(cleaned, "backfill_days", 0, 400)
        return cleaned

    async def probe(self) -> Probe:
        """Version, and what may be read."""
        client = self._client()
        count = len(await client.prompts())
        sentence = f"Phoenix {client.version}".rstrip() + f" answers; it has {count} prompts"
        datasets = await self._count_datasets(client)
        sentence += ", but refuses GraphQL questions" if datasets is None else f" and {datasets} datasets"
        why = "read times and tags of all prompts at once, hourly metrics, and experiments"
        scopes = (
            Scope(name="prompts", why="read prompts and their versions", is_granted=True),
            Scope(name="GraphQL", why=why, is_granted=datasets is not None),
        )
        return Probe(sentence=f"{sentence}.", version=client.version, scopes=scopes)

    async def fetch(self, cursor: Mapping[str, Any]) -> Batch:
        """Prompts as they are now, versions that are new, hours that are over, and experiments that changed."""
        fetch = Fetch(
            http=self.http,
            client=self._client(),
            ui=self.config["url"],
            backfill=timedelta(days=self.config["backfill_days"]),
        )
        memory = await fetch.read_prompts(Memory.load(cursor))
        if self.config["metrics"]:
            memory = await fetch.read_hours(memory, self.config["projects"])
        if self.config["experiments"]:
            memory = await fetch.read_experiments(memory)
        return Batch(
            records=merge(fetch.records),
            rejected=tuple(fetch.rejected),
            listings=tuple(fetch.listings),
            has_more=fetch.has_more,
            server_time=self.http.server_time,
            cursor=memory.dump(),
        )

    async def push(self, move: MoveLabel) -> None:
        """Move a tag of a prompt; Phoenix does not say cheaply where it is now, so the last poll must do."""
        await self._client().set_tag(move.version_external_id, move.label)

    async def write(self, version: WriteVersion) -> None:
        """Add a version of a prompt; its number there is its place among all of them."""
        client, body = self._client(), body_of(version)
        versions = await client.versions(version.prompt_external_id)
        if has_marker(versions, version.marker):
            return
        check_base(now=len(versions), expected=version.base_number)
        await client.create(body)

    def _client(self) -> PhoenixClient:
        return PhoenixClient(http=self.http, url=self.config["url"], headers=auth_headers(self.config, self.secrets))

    async def _count_datasets(self, client: PhoenixClient) -> int | None:
        try:
            count = object_or_empty(await client.ask(_COUNTS)).get("datasetCount")
        except SourceError as error:
            if error.error_class in REFUSALS:
                return None
            raise
        return count if isinstance(count, int) else 0
