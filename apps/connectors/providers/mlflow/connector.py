"""MLflow: experiments and runs with their metrics, and the prompt registry with versions and aliases."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from apps.connectors.auth import AUTH_FIELDS, auth_headers, clean_auth
from apps.connectors.base import Backfill, Connector, Field, FieldType, Group, Probe, Scope
from apps.connectors.cleaning import ALLOWED_NETWORKS, clean_fields, integer_between
from apps.connectors.errors import ConfigError, ErrorClass, SourceError, check_base, check_move
from apps.connectors.merging import merge
from apps.connectors.providers.mlflow.client import MlflowClient
from apps.connectors.providers.mlflow.cursor import Memory
from apps.connectors.providers.mlflow.fetching import Fetch
from apps.connectors.providers.mlflow.normalize import Meaning
from apps.connectors.providers.mlflow.prompts import aliases_of, body_of, find_marker, newest_of
from apps.connectors.records import Batch, Kind, MoveLabel, WriteVersion
from apps.connectors.values import utc_text


class MlflowConnector(Connector):
    """One MLflow tracking server."""

    key: ClassVar[str] = "mlflow"
    name: ClassVar[str] = "MLflow"
    summary: ClassVar[str] = "Experiment runs and their metrics, and the prompt registry with its aliases."
    kinds: ClassVar[frozenset[Kind]] = frozenset(
        {Kind.PIPELINE, Kind.RUN, Kind.SERIES, Kind.PROMPT, Kind.PROMPT_VERSION, Kind.PROMPT_LABEL}
    )
    group: ClassVar[Group] = Group.PROMPTS
    fields: ClassVar[tuple[Field, ...]] = (
        Field(
            name="url",
            label="URL",
            type=FieldType.URL,
            placeholder="https://mlflow.example.com",
            help="Where MLflow's pages open; the API is found below it.",
        ),
        *AUTH_FIELDS,
        Field(
            name="experiments",
            label="Experiments",
            type=FieldType.LINES,
            required=False,
            help="Names of the experiments to read, one a line, * stands for anything; empty reads all.",
        ),
        Field(
            name="backfill_days",
            label="Backfill",
            type=FieldType.INTEGER,
            default=30,
            help="How many days of ended runs the first polls read.",
        ),
        Field(
            name="prompts",
            label="Read prompts",
            type=FieldType.BOOLEAN,
            default=True,
            help="Read registered prompts, their versions and aliases.",
        ),
        Field(
            name="measures",
            label="Measures",
            type=FieldType.YAML,
            required=False,
            default={},
            placeholder="f1: {measure: quality_score, unit: ratio}\nlatency: latency_p95",
            help="What metric keys mean: `key: measure`, or `key: {measure: …, unit: …}`.",
        ),
        ALLOWED_NETWORKS,
    )
    moves_labels: ClassVar[bool] = True
    writes_versions: ClassVar[bool] = True
    docs: ClassVar[str] = "docs/connectors/mlflow.md"

    @classmethod
    def clean(cls, config: Mapping[str, Any]) -> dict[str, Any]:
        """The checked configuration; raises ConfigError."""
        cleaned = clean_fields(cls.fields, config)
        clean_auth(cleaned)
        integer_between(cleaned, "backfill_days", 0, 400)
        _meanings(cleaned["measures"])
        return cleaned

    @classmethod
    def progress(cls, cursor: Mapping[str, Any]) -> Backfill | None:
        """Up to when ended runs were read."""
        memory = Memory.load(cursor)
        if memory.watermark is None or not memory.is_going_on:
            return None
        read = datetime.fromtimestamp(memory.watermark / 1000, UTC)
        return Backfill(sentence=f"Runs that ended up to {utc_text(read)} are read.")

    async def probe(self) -> Probe:
        """Version, and what may be read."""
        client = self._client()
        version = await client.version()
        experiments = await client.experiments()
        scopes = [Scope(name="experiments", why="read experiments and runs", is_granted=True)]
        name = f"MLflow {version}" if version else "MLflow"
        sentence = f"{name} answers; it has {len(experiments)} experiments"
        if self.config["prompts"]:
            prompts = await self._count_prompts(client)
            scopes.append(Scope(name="prompts", why="read prompts and aliases", is_granted=prompts is not None))
            sentence += f" and {prompts} prompts" if prompts is not None else ", but does not let us read prompts"
        return Probe(sentence=f"{sentence}.", version=version, scopes=tuple(scopes))

    async def fetch(self, cursor: Mapping[str, Any]) -> Batch:
        """Experiments, open runs, runs that ended since, and prompts as they are now."""
        memory = Memory.load(cursor)
        memory = replace(memory, polls=memory.polls + 1)
        fetch = Fetch(
            http=self.http,
            client=self._client(),
            ui=self.config["url"],
            meanings=_meanings(self.config["measures"]),
        )
        await fetch.read_experiments(self.config["experiments"])
        memory = await fetch.read_runs(memory, backfill=timedelta(days=self.config["backfill_days"]))
        if self.config["prompts"]:
            memory = await fetch.read_prompts(memory)
        return Batch(
            records=merge(fetch.records),
            rejected=tuple(fetch.rejected),
            listings=tuple(fetch.listings),
            has_more=memory.is_going_on or fetch.has_unread_prompts,
            server_time=self.http.server_time,
            cursor=memory.dump(),
        )

    async def push(self, move: MoveLabel) -> None:
        """Move an alias of a registered prompt."""
        client = self._client()
        prompt = await client.prompt(move.prompt_external_id)
        if prompt is None:
            raise SourceError(ErrorClass.NOT_FOUND, "The prompt is gone from MLflow.", is_permanent=True)
        now = aliases_of(prompt).get(move.label)
        if check_move(label=move.label, now=now, expected=move.from_number, wanted=move.number):
            await client.set_alias(move.prompt_external_id, move.label, move.number)

    async def write(self, version: WriteVersion) -> None:
        """Add a version of a registered prompt."""
        client = self._client()
        versions = await client.prompt_versions(version.prompt_external_id)
        if find_marker(versions, version.marker):
            return
        check_base(now=newest_of(versions), expected=version.base_number)
        await client.create_version(body_of(version))

    def _client(self) -> MlflowClient:
        return MlflowClient(http=self.http, url=self.config["url"], headers=auth_headers(self.config, self.secrets))

    async def _count_prompts(self, client: MlflowClient) -> int | None:
        try:
            return len(await client.prompts())
        except SourceError as error:
            if error.error_class in (ErrorClass.AUTH, ErrorClass.NOT_FOUND, ErrorClass.REJECTED):
                return None
            raise


def _meanings(value: Any) -> dict[str, Meaning]:
    """Metric keys and what they mean; raises ConfigError."""
    if not isinstance(value, Mapping):
        raise ConfigError("measures", "Measures must be a mapping; write “key: measure” on each line.")
    return {str(key): _meaning(str(key), entry) for key, entry in value.items()}


def _meaning(key: str, entry: Any) -> Meaning:
    if isinstance(entry, str):
        return Meaning(measure=entry.strip())
    if not isinstance(entry, Mapping) or set(entry) - {"measure", "unit"}:
        raise ConfigError("measures", f"“{key}” must be followed by a measure, or by {{measure: …, unit: …}}.")
    if not all(isinstance(text, str) for text in entry.values()):
        raise ConfigError("measures", f"Measure and unit of “{key}” must be texts; put them in quotes.")
    return Meaning(measure=entry.get("measure", ""), unit=entry.get("unit", ""))
