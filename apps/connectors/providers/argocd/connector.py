"""Argo CD: what every Application deployed, what is wrong with it, and what it was made to follow."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from apps.connectors.auth import bearer_header
from apps.connectors.base import Connector, Field, FieldType, Group, Probe, Scope
from apps.connectors.cleaning import ALLOWED_NETWORKS, WEBHOOK_SECRET, clean_fields, integer_between
from apps.connectors.errors import ConfigError, ErrorClass, SourceError
from apps.connectors.merging import merge
from apps.connectors.providers.argocd.client import ArgoClient
from apps.connectors.providers.argocd.cursor import Memory
from apps.connectors.providers.argocd.fetching import Poll
from apps.connectors.providers.argocd.normalize import Reading
from apps.connectors.providers.argocd.ringing import WEBHOOK
from apps.connectors.records import Batch, Kind
from apps.connectors.webhook import Webhook

MOST_PROJECTS = 20


class ArgoCdConnector(Connector):
    """One Argo CD server."""

    key: ClassVar[str] = "argocd"
    name: ClassVar[str] = "Argo CD"
    summary: ClassVar[str] = "Syncs of applications as deployments, with their health and drift as alerts."
    kinds: ClassVar[frozenset[Kind]] = frozenset({Kind.DEPLOYMENT, Kind.ALERT, Kind.CHANGE})
    group: ClassVar[Group] = Group.DEPLOYMENTS
    fields: ClassVar[tuple[Field, ...]] = (
        Field(
            name="url",
            label="Server URL",
            type=FieldType.URL,
            placeholder="https://argocd.example.com",
            help="The address of the Argo CD server, as in the browser but without /applications.",
        ),
        Field(
            name="token",
            label="Token",
            type=FieldType.SECRET,
            help="Of an account with the capability apiKey, or of a project role. Stored encrypted, never shown again.",
        ),
        Field(
            name="projects",
            label="Projects",
            type=FieldType.LINES,
            required=False,
            help="Read only applications of these projects, one a line; empty reads every application it may see.",
        ),
        Field(
            name="selector",
            label="Label selector",
            required=False,
            default="",
            placeholder="team=search,tier!=test",
            help="Read only applications with these labels, written as for kubectl -l.",
        ),
        Field(
            name="environment_from",
            label="Environment",
            type=FieldType.CHOICE,
            default="none",
            choices=(
                ("none", "The environment of this source"),
                ("namespace", "Destination namespace"),
                ("cluster", "Destination cluster"),
                ("project", "Argo CD project"),
                ("label", "A label of the application"),
            ),
            help="What names the environment an application runs in.",
        ),
        Field(
            name="environment_label",
            label="Environment label",
            required=False,
            default="",
            placeholder="env",
            help="The key of that label, when the environment comes from a label.",
        ),
        Field(
            name="drift_alerts",
            label="Alert on drift",
            type=FieldType.BOOLEAN,
            default=True,
            help="Show applications that are out of sync as alerts; switch off where people sync by hand and late.",
        ),
        Field(
            name="backfill_days",
            label="Backfill",
            type=FieldType.INTEGER,
            default=30,
            help="How many days of past deployments the first poll tells; the live one is told in any case.",
        ),
        WEBHOOK_SECRET,
        ALLOWED_NETWORKS,
    )
    webhook: ClassVar[Webhook | None] = WEBHOOK
    docs: ClassVar[str] = "docs/connectors/argocd.md"

    @classmethod
    def clean(cls, config: Mapping[str, Any]) -> dict[str, Any]:
        """The checked configuration; the API's path is cut off the URL. Raises ConfigError."""
        cleaned = clean_fields(cls.fields, config)
        integer_between(cleaned, "backfill_days", 0, 400)
        cleaned["url"] = cleaned["url"].removesuffix("/api/v1").removesuffix("/applications")
        if cleaned["environment_from"] == "label" and not cleaned["environment_label"]:
            raise ConfigError("environment_label", "Enter the label that names the environment.")
        if len(cleaned["projects"]) > MOST_PROJECTS:
            raise ConfigError("projects", f"List at most {MOST_PROJECTS} projects, or make several sources.")
        return cleaned

    async def probe(self) -> Probe:
        """Version, how many applications can be seen, and whether the token may read what is asked for."""
        client = self._client()
        version = await client.version()
        items, _ = await self._list(client, Memory())
        scopes = [await self._scope(client, project, len(items)) for project in self.config["projects"] or ["*"]]
        name = f"Argo CD {version}" if version else "Argo CD"
        sentence = f"{name} answers; {len(items)} applications can be seen."
        return Probe(sentence=sentence, version=version, scopes=tuple(scopes))

    async def fetch(self, cursor: Mapping[str, Any]) -> Batch:
        """Alerts as they are now, and every deployment and change that is new or changed since the last fetch."""
        client = self._client()
        items, memory = await self._list(client, Memory.load(cursor))
        if not items and memory.apps:
            await self._check_emptiness(client)
        poll = Poll(
            reading=self._reading(),
            now=self.http.server_time or datetime.now(UTC),
            backfill=timedelta(days=self.config["backfill_days"]),
            with_sync_alerts=self.config["drift_alerts"],
        )
        memory = poll.read(items, memory)
        return Batch(
            records=merge(poll.records),
            rejected=tuple(poll.rejected),
            listings=tuple(poll.listings),
            has_more=poll.has_more,
            server_time=self.http.server_time,
            cursor=memory.dump(),
        )

    async def _list(self, client: ArgoClient, memory: Memory) -> tuple[list[Any], Memory]:
        """Every application; by project from the day on which the whole list was too large."""
        projects, selector = self.config["projects"], self.config["selector"]
        if not memory.by_project:
            try:
                return await client.applications(projects, selector), memory
            except SourceError as error:
                if error.error_class is not ErrorClass.TOO_LARGE or len(projects) == 1:
                    raise
        items = await client.applications_by_project(projects, selector)
        return items, Memory(apps=memory.apps, by_project=True)

    async def _check_emptiness(self, client: ArgoClient) -> None:
        """Raises SourceError when nothing is listed because nothing may be read: Argo CD leaves out in silence."""
        for project in self.config["projects"] or ["*"]:
            if await client.may_read(project) is False:
                message = "Argo CD shows this token no application any more; give its account the right to get them."
                raise SourceError(ErrorClass.AUTH, message, is_permanent=True)

    async def _scope(self, client: ArgoClient, project: str, seen: int) -> Scope:
        may_read = await client.may_read(project)
        where = "every project" if project == "*" else f"the project {project}"
        is_enough = bool(seen) and project == "*"  # a role of some projects is fine: it sees theirs
        why = "read deployments, health and drift; what may not be read is left out in silence"
        return Scope(name=f"get applications of {where}", why=why, is_granted=may_read is not False or is_enough)

    def _reading(self) -> Reading:
        return Reading(
            ui=self.config["url"],
            environment_from=self.config["environment_from"],
            environment_label=self.config["environment_label"],
        )

    def _client(self) -> ArgoClient:
        token = self.secrets.get("token", "")
        if not token:
            raise ConfigError("token", "A token is needed; make one for an account that may read applications.")
        return ArgoClient(http=self.http, url=self.config["url"], headers=bearer_header(token))
