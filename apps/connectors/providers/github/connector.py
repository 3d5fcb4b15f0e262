"""GitHub: workflows with their runs and jobs, deployments and releases of chosen repositories."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, ClassVar

from apps.connectors.auth import bearer_header
from apps.connectors.base import Backfill, Connector, Field, Group, Probe
from apps.connectors.cleaning import clean_fields, integer_between
from apps.connectors.errors import ConfigError
from apps.connectors.gating import GateAnswer, GateQuestion
from apps.connectors.merging import merge
from apps.connectors.providers.github import gate, probing, rollouts, runs
from apps.connectors.providers.github.client import GithubClient
from apps.connectors.providers.github.cursor import Memory
from apps.connectors.providers.github.fetching import Fetch
from apps.connectors.providers.github.normalize import web_base
from apps.connectors.providers.github.settings import FIELDS, api_url, clean_repositories, kinds_read
from apps.connectors.providers.github.webhook import WEBHOOK
from apps.connectors.records import Batch, Kind
from apps.connectors.rounds import Part, read_round
from apps.connectors.values import utc_text
from apps.connectors.webhook import Webhook

# kind -> how its list is read, and what is forgotten when it is refused; in the order of a round
PARTS = {
    Kind.PIPELINE: (runs.read_workflow_list, runs.give_up_workflows),
    Kind.RUN: (runs.read_run_list, runs.give_up_runs),
    Kind.DEPLOYMENT: (rollouts.read_deployment_list, rollouts.give_up_deployments),
    Kind.CHANGE: (rollouts.read_release_list, rollouts.give_up_releases),
}


class GithubConnector(Connector):
    """Some repositories of github.com, of a ghe.com subdomain or of one GitHub Enterprise Server."""

    key: ClassVar[str] = "github"
    name: ClassVar[str] = "GitHub"
    summary: ClassVar[str] = "Actions workflows with runs and jobs, deployments and releases."
    kinds: ClassVar[frozenset[Kind]] = frozenset({Kind.PIPELINE, Kind.RUN, Kind.TASK_RUN, Kind.DEPLOYMENT, Kind.CHANGE})
    group: ClassVar[Group] = Group.DEPLOYMENTS
    fields: ClassVar[tuple[Field, ...]] = FIELDS
    default_interval: ClassVar[int] = 60
    webhook: ClassVar[Webhook | None] = WEBHOOK
    docs: ClassVar[str] = "docs/connectors/github.md"

    @classmethod
    def clean(cls, config: Mapping[str, Any]) -> dict[str, Any]:
        """The checked configuration, with the address of the API. Raises ConfigError."""
        cleaned = clean_fields(cls.fields, config)
        cleaned["url"] = api_url(cleaned["url"])
        cleaned["repositories"] = clean_repositories(cleaned["repositories"])
        integer_between(cleaned, "backfill_days", 0, 400)
        integer_between(cleaned, "reserve", 0, 100_000)
        kinds_read(cleaned)
        return cleaned

    @classmethod
    def progress(cls, cursor: Mapping[str, Any]) -> Backfill | None:
        """How much of the span under way was read, newest runs first, of the repository that is furthest behind."""
        spans = [item.runs.span for item in Memory.load(cursor).repositories.values() if item.runs.span is not None]
        if not spans:
            return None
        span = min(spans, key=lambda span: span.share)
        back_to = utc_text(span.before or span.began)
        return Backfill(sentence=f"Runs are read back to {back_to}, of {utc_text(span.floor)}.", share=span.share)

    async def probe(self) -> Probe:
        """What the token may read in each repository, and how many requests are left."""
        kinds = kinds_read(self.config)
        return await probing.probe(self._client(), repositories=self.config["repositories"], kinds=kinds)

    async def fetch(self, cursor: Mapping[str, Any]) -> Batch:
        """What is new in each part of each repository, as far as this fetch gets."""
        kinds, client, memory = kinds_read(self.config), self._client(), Memory.load(cursor)
        fetch = Fetch(
            http=self.http,
            client=client,
            web=web_base(self.config["url"]),
            backfill=timedelta(days=self.config["backfill_days"]),
            with_jobs=Kind.TASK_RUN in kinds,
        )
        parts = [
            _part(fetch, memory, name, kind) for name in self.config["repositories"] for kind in PARTS if kind in kinds
        ]
        reading = await read_round(parts, position=memory.position, must_stop=lambda: fetch.must_stop)
        listings = memory.close(reading, self.config["repositories"])
        return Batch(
            records=merge(fetch.records),
            rejected=(*fetch.rejected, *reading.rejected),
            listings=(*fetch.listings, *listings),
            has_more=memory.is_going_on,
            server_time=self.http.server_time,
            cursor=memory.dump(),
            pause_seconds=reading.pause or (client.budget.resets_in if client.budget and client.is_short else None),
        )

    async def answer(self, question: GateQuestion, told: GateAnswer, *, at: datetime) -> None:
        """Tell a deployment protection rule; the token of the form is not used, for only an App may answer."""
        app_id, key = self.config.get("app_id") or "", self.secrets.get("app_private_key", "")
        if not app_id or not key:
            raise ConfigError("app_id", "A deployment asks for leave, but the GitHub App and its key are not entered.")
        url = self.config["url"].rstrip("/")
        gate.check_callback(question, url=url, repositories=self.config["repositories"])
        await gate.answer(self.http, question, told, url=url, app_id=app_id, private_key=key, at=at)

    def _client(self) -> GithubClient:
        token = self.secrets.get("token", "")
        if not token.strip():
            raise ConfigError("token", "The token is needed; without one GitHub answers 60 questions an hour.")
        return GithubClient(
            http=self.http, url=self.config["url"], headers=bearer_header(token), reserve=self.config["reserve"]
        )


def _part(fetch: Fetch, memory: Memory, repository: str, kind: Kind) -> Part:
    read, give_up = PARTS[kind]
    own = memory.of(repository)
    return Part(
        kind=kind,
        subject=repository,
        read=lambda: read(fetch, repository, own),
        give_up=lambda: give_up(own),
    )
