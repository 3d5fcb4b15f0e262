"""Langfuse: prompts with versions and labels, hourly metrics and scores, and experiments."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, TypeVar

from apps.connectors.auth import basic_header
from apps.connectors.base import Connector, Field, FieldType, Group, Probe, Scope
from apps.connectors.cleaning import ALLOWED_NETWORKS, WEBHOOK_SECRET, clean_fields, integer_between
from apps.connectors.errors import ConfigError, SourceError, check_base, check_move
from apps.connectors.merging import merge
from apps.connectors.providers.langfuse import metrics, prompts
from apps.connectors.providers.langfuse.client import REFUSALS, LangfuseClient
from apps.connectors.providers.langfuse.cursor import Memory
from apps.connectors.providers.langfuse.fetching import HOUR, Fetch
from apps.connectors.providers.langfuse.ringing import WEBHOOK
from apps.connectors.records import Batch, Kind, MoveLabel, WriteVersion
from apps.connectors.values import MAX_TEXT, optional_text
from apps.connectors.webhook import Webhook

T = TypeVar("T")


class LangfuseConnector(Connector):
    """One project of Langfuse, in its cloud or self-hosted."""

    key: ClassVar[str] = "langfuse"
    name: ClassVar[str] = "Langfuse"
    summary: ClassVar[str] = "Prompts with their labels, hourly latency, cost and scores, and experiments of a project."
    kinds: ClassVar[frozenset[Kind]] = frozenset(
        {Kind.PROMPT, Kind.PROMPT_VERSION, Kind.PROMPT_LABEL, Kind.SERIES, Kind.EVALUATION}
    )
    group: ClassVar[Group] = Group.PROMPTS
    fields: ClassVar[tuple[Field, ...]] = (
        Field(
            name="url",
            label="URL",
            type=FieldType.URL,
            placeholder="https://cloud.langfuse.com",
            help="https://cloud.langfuse.com (Europe), https://us.cloud.langfuse.com, or your own server.",
        ),
        Field(
            name="public_key",
            label="Public key",
            placeholder="pk-lf-…",
            help="From the project's settings, API keys. A key pair opens one project.",
        ),
        Field(
            name="secret_key",
            label="Secret key",
            type=FieldType.SECRET,
            help="The secret of the pair (sk-lf-…). Stored encrypted, never shown again.",
        ),
        WEBHOOK_SECRET,
        Field(
            name="backfill_days",
            label="Backfill",
            type=FieldType.INTEGER,
            default=7,
            help="How many days of hourly metrics and of experiments the first polls read.",
        ),
        Field(
            name="metrics",
            label="Read metrics",
            type=FieldType.BOOLEAN,
            default=True,
            help="Read requests, latency, tokens, cost and mean scores, by the hour.",
        ),
        Field(
            name="experiments",
            label="Read experiments",
            type=FieldType.BOOLEAN,
            default=True,
            help="Read experiments (dataset runs) and their scores as evaluations.",
        ),
        ALLOWED_NETWORKS,
    )
    default_interval: ClassVar[int] = 60
    webhook: ClassVar[Webhook | None] = WEBHOOK
    moves_labels: ClassVar[bool] = True
    writes_versions: ClassVar[bool] = True
    docs: ClassVar[str] = "docs/connectors/langfuse.md"

    @classmethod
    def clean(cls, config: Mapping[str, Any]) -> dict[str, Any]:
        """The checked configuration; raises ConfigError."""
        cleaned = clean_fields(cls.fields, config)
        integer_between(cleaned, "backfill_days", 0, 400)
        if cleaned["public_key"].startswith("sk-"):
            raise ConfigError("public_key", "This is the secret key; enter the public one (pk-lf-…) here.")
        return cleaned

    async def probe(self) -> Probe:
        """Version and project, and what may be read."""
        client = self._client()
        project = optional_text(await client.project(), "name")
        version = await _or_none(client.version()) or ""
        count = await _or_none(client.count_prompts())
        window = (datetime.now(UTC) - HOUR, datetime.now(UTC))
        metric = await self._first_metrics(client, window) if self.config["metrics"] else ""
        sentence = f"Langfuse {version}".rstrip() + f" answers; the project {project or 'of this key'} "
        sentence += "does not let us read prompts" if count is None else f"has {count} prompts"
        scopes = [Scope(name="prompts", why="read prompts, versions and labels", is_granted=count is not None)]
        if self.config["metrics"]:
            why = "read requests, latency, cost and scores"
            scopes.append(Scope(name="metrics", why=why, is_granted=bool(metric)))
            sentence += f"; metrics come from {metric}" if metric else "; it tells no metrics"
        if self.config["experiments"]:
            asked = client.experiments(fromStartTime=window[0].isoformat())
            is_granted = await _or_none(asked) is not None or await _or_none(client.datasets()) is not None
            why = "read experiments, or the dataset runs of an older server, as evaluations"
            scopes.append(Scope(name="experiments", why=why, is_granted=is_granted))
        return Probe(sentence=f"{sentence}.", version=version, scopes=tuple(scopes))

    async def fetch(self, cursor: Mapping[str, Any]) -> Batch:
        """Prompts that changed, hours that are over, and experiments that look different."""
        memory = Memory.load(cursor)
        client = self._client()
        if not memory.project:
            memory = replace(memory, project=optional_text(await client.project(), "id"))
        fetch = Fetch(
            http=self.http,
            client=client,
            pages=prompts.project_url(self.config["url"], memory.project),
            backfill=timedelta(days=self.config["backfill_days"]),
        )
        memory = await fetch.read_prompts(memory)
        if self.config["metrics"]:
            memory = await fetch.unless_limited(fetch.read_hours, memory)
        if self.config["experiments"]:
            memory = await fetch.unless_limited(fetch.read_experiments, memory)
        return Batch(
            records=merge(fetch.records),
            rejected=tuple(fetch.rejected),
            listings=tuple(fetch.listings),
            has_more=fetch.has_more,
            server_time=self.http.server_time,
            cursor=replace(memory, polls=memory.polls + 1).dump(),
        )

    async def push(self, move: MoveLabel) -> None:
        """Move a label of a prompt."""
        client, name = self._client(), move.prompt_external_id
        now = await client.labelled(name, move.label)
        if check_move(label=move.label, now=now, expected=move.from_number, wanted=move.number):
            await client.add_label(name, move.number, move.label)

    async def write(self, version: WriteVersion) -> None:
        """Add a version of a prompt."""
        client, name = self._client(), version.prompt_external_id
        now = await client.newest(name)
        for number in range(now, version.base_number, -1):
            told = await client.prompt(name, number)
            if told is not None and version.marker in optional_text(told, "commitMessage", limit=MAX_TEXT):
                return
        check_base(now=now, expected=version.base_number)
        await client.create(prompts.body_of(version))

    def _client(self) -> LangfuseClient:
        secret = self.secrets.get("secret_key", "")
        if not secret:
            raise ConfigError("secret_key", "The secret key of the pair is needed.")
        headers = basic_header(f"{self.config['public_key']}:{secret}")
        return LangfuseClient(http=self.http, url=self.config["url"], headers=headers)

    async def _first_metrics(self, client: LangfuseClient, window: tuple[datetime, datetime]) -> str:
        """The best metrics that the server has, "" for none."""
        for path in (metrics.V2, metrics.V1):
            query = metrics.questions(path, *window)[0]
            if await _or_none(client.metrics(query, path=path)) is not None:
                return path
        return "metrics/daily" if await _or_none(client.daily(fromTimestamp=window[0].isoformat())) is not None else ""


async def _or_none(answer: Awaitable[T]) -> T | None:
    """The answer, or None when the server refuses it."""
    try:
        return await answer
    except SourceError as error:
        if error.error_class in REFUSALS:
            return None
        raise
