"""GitLab: pipelines with their jobs, deployments and releases of chosen projects."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, ClassVar

from apps.connectors.base import Connector, Field, Group, Probe
from apps.connectors.cleaning import clean_fields, integer_between
from apps.connectors.errors import ConfigError
from apps.connectors.merging import merge
from apps.connectors.providers.gitlab import probing, rollouts, runs
from apps.connectors.providers.gitlab.client import GitlabClient
from apps.connectors.providers.gitlab.cursor import Memory
from apps.connectors.providers.gitlab.fetching import Fetch
from apps.connectors.providers.gitlab.settings import FIELDS, clean_projects, kinds_read
from apps.connectors.providers.gitlab.webhook import WEBHOOK
from apps.connectors.records import Batch, Kind
from apps.connectors.rounds import Part, read_round
from apps.connectors.webhook import Webhook

# kind -> how its list is read, and what is forgotten when it is refused; in the order of a round
PARTS = {
    Kind.RUN: (runs.read_run_list, runs.give_up_runs),
    Kind.DEPLOYMENT: (rollouts.read_deployment_list, rollouts.give_up_deployments),
    Kind.CHANGE: (rollouts.read_release_list, rollouts.give_up_releases),
}


class GitlabConnector(Connector):
    """Some projects of gitlab.com or of one self-managed GitLab."""

    key: ClassVar[str] = "gitlab"
    name: ClassVar[str] = "GitLab"
    summary: ClassVar[str] = "CI/CD pipelines with their jobs, deployments and releases."
    kinds: ClassVar[frozenset[Kind]] = frozenset({Kind.PIPELINE, Kind.RUN, Kind.TASK_RUN, Kind.DEPLOYMENT, Kind.CHANGE})
    group: ClassVar[Group] = Group.DEPLOYMENTS
    fields: ClassVar[tuple[Field, ...]] = FIELDS
    default_interval: ClassVar[int] = 60
    webhook: ClassVar[Webhook | None] = WEBHOOK
    docs: ClassVar[str] = "docs/connectors/gitlab.md"

    @classmethod
    def clean(cls, config: Mapping[str, Any]) -> dict[str, Any]:
        """The checked configuration; a pasted API address loses its /api/v4. Raises ConfigError."""
        cleaned = clean_fields(cls.fields, config)
        cleaned["url"] = cleaned["url"].removesuffix("/api/v4").rstrip("/")
        cleaned["projects"] = clean_projects(cleaned["projects"])
        integer_between(cleaned, "backfill_days", 0, 400)
        kinds_read(cleaned)
        return cleaned

    async def probe(self) -> Probe:
        """The version, what the token may do, and what it may read in each project."""
        kinds = kinds_read(self.config)
        return await probing.probe(self._client(), projects=self.config["projects"], kinds=kinds)

    async def fetch(self, cursor: Mapping[str, Any]) -> Batch:
        """What is new in each list of each project, as far as this fetch gets."""
        kinds, client, memory = kinds_read(self.config), self._client(), Memory.load(cursor)
        fetch = Fetch(
            http=self.http,
            client=client,
            backfill=timedelta(days=self.config["backfill_days"]),
            group_by=self.config["group_by"],
            with_runs=Kind.RUN in kinds,
            with_jobs=Kind.TASK_RUN in kinds,
        )
        projects, wanted = self.config["projects"], [kind for kind in PARTS if kind in kinds]
        parts = [_part(fetch, memory, name, kind) for name in projects for kind in wanted]
        reading = await read_round(parts, position=memory.position, must_stop=lambda: fetch.must_stop)
        memory.close(reading, projects)
        return Batch(
            records=merge(fetch.records),
            rejected=(*fetch.rejected, *reading.rejected),
            listings=tuple(fetch.listings),
            has_more=memory.is_going_on,
            server_time=self.http.server_time,
            cursor=memory.dump(),
            pause_seconds=reading.pause or (client.budget.resets_in if client.budget and client.is_short else None),
        )

    def _client(self) -> GitlabClient:
        token = self.secrets.get("token", "").strip()
        if not token:
            raise ConfigError("token", "The token is needed; make one with the scope read_api.")
        if not token.isascii() or not token.isprintable() or " " in token:
            raise ConfigError("token", "The token holds blanks, line breaks or odd characters; paste it again.")
        return GitlabClient(http=self.http, url=self.config["url"], token=token)


def _part(fetch: Fetch, memory: Memory, project: str, kind: Kind) -> Part:
    read, give_up = PARTS[kind]
    own = memory.of(project)
    return Part(
        kind=kind,
        subject=project,
        read=lambda: read(fetch, project, own),
        give_up=lambda: give_up(own),
    )
