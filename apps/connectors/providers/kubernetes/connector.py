"""Kubernetes: what image runs where since when, which jobs ran, and what cannot start."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, ClassVar

from apps.connectors.auth import bearer_header
from apps.connectors.base import Connector, Field, FieldType, Group, Probe, Scope
from apps.connectors.cleaning import ALLOWED_NETWORKS, clean_fields, integer_between
from apps.connectors.errors import ConfigError
from apps.connectors.merging import merge
from apps.connectors.providers.kubernetes.client import KubernetesClient
from apps.connectors.providers.kubernetes.cursor import Memory, Round
from apps.connectors.providers.kubernetes.fetching import Look
from apps.connectors.providers.kubernetes.normalize import Reading, page_url
from apps.connectors.records import Batch, Kind, Listing, Record

ALL = ""  # every namespace
MOST_NAMESPACES = 30
SHARE = 0.3  # of time and questions after which no other namespace is begun: one may take a dozen questions
MOST_REVIEWS = 40  # questions of one probe
_NAMESPACE = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_RIGHTS = {
    "deployments": "see what runs where",
    "replicasets": "see the history of deployments",
    "statefulsets": "see what runs where",
    "daemonsets": "see what runs where",
    "controllerrevisions": "see the history of stateful sets and daemon sets",
}
_JOB_RIGHTS = {"cronjobs": "see schedules", "jobs": "see runs and how they ended"}
_POD_RIGHTS = {"pods": "tell why pods cannot start and why jobs failed"}


class KubernetesConnector(Connector):
    """One cluster, or some namespaces of it."""

    key: ClassVar[str] = "kubernetes"
    name: ClassVar[str] = "Kubernetes"
    summary: ClassVar[str] = "Rollouts as deployments, cron jobs with their runs, and pods that cannot start."
    kinds: ClassVar[frozenset[Kind]] = frozenset({Kind.DEPLOYMENT, Kind.PIPELINE, Kind.RUN, Kind.ALERT})
    group: ClassVar[Group] = Group.DEPLOYMENTS
    fields: ClassVar[tuple[Field, ...]] = (
        Field(
            name="url",
            label="API server",
            type=FieldType.URL,
            placeholder="https://k8s.example.com:6443",
            help="The address of the API server, as `kubectl cluster-info` tells it.",
        ),
        Field(
            name="token",
            label="Token",
            type=FieldType.SECRET,
            help="Of a service account that may list workloads. Stored encrypted, never shown again.",
        ),
        Field(
            name="namespaces",
            label="Namespaces",
            type=FieldType.LINES,
            required=False,
            help="Read only these, one a line; empty reads all, which needs a ClusterRole.",
        ),
        Field(
            name="selector",
            label="Label selector",
            required=False,
            default="",
            placeholder="team=search,tier!=test",
            help="Read only workloads and jobs with these labels, written as for kubectl -l.",
        ),
        Field(
            name="environment_from",
            label="Environment",
            type=FieldType.CHOICE,
            default="none",
            choices=(
                ("none", "The environment of this source"),
                ("namespace", "The namespace"),
                ("label", "A label of the workload"),
            ),
            help="What names the environment a workload runs in.",
        ),
        Field(
            name="environment_label",
            label="Environment label",
            required=False,
            default="",
            placeholder="example.com/environment",
            help="The key of that label, when the environment comes from a label.",
        ),
        Field(
            name="read_jobs",
            label="Read jobs",
            type=FieldType.BOOLEAN,
            default=True,
            help="Read CronJobs as pipelines and Jobs as runs.",
        ),
        Field(
            name="read_pods",
            label="Look at pods",
            type=FieldType.BOOLEAN,
            default=True,
            help="Look at the pods of workloads in trouble and of failed jobs, to tell why.",
        ),
        Field(
            name="page",
            label="Page of an object",
            required=False,
            default="",
            placeholder="https://dashboard.example.com/#/{kind}/{namespace}/{name}",
            help="Where people look at an object: the address in your dashboard, with {namespace}, {kind} and {name}.",
        ),
        Field(
            name="backfill_days",
            label="Backfill",
            type=FieldType.INTEGER,
            default=30,
            help="How many days of past rollouts and jobs the first polls tell; what runs is told in any case.",
        ),
        ALLOWED_NETWORKS,
    )
    docs: ClassVar[str] = "docs/connectors/kubernetes.md"

    @classmethod
    def clean(cls, config: Mapping[str, Any]) -> dict[str, Any]:
        """The checked configuration, namespaces in order and each once. Raises ConfigError."""
        cleaned = clean_fields(cls.fields, config)
        integer_between(cleaned, "backfill_days", 0, 400)
        cleaned["namespaces"] = sorted(set(cleaned["namespaces"]))
        for name in cleaned["namespaces"]:
            if not _NAMESPACE.fullmatch(name):
                raise ConfigError("namespaces", f"“{name[:60]}” is no name of a namespace.")
        if len(cleaned["namespaces"]) > MOST_NAMESPACES:
            raise ConfigError("namespaces", f"List at most {MOST_NAMESPACES} namespaces, or make several sources.")
        if cleaned["environment_from"] == "label" and not cleaned["environment_label"]:
            raise ConfigError("environment_label", "Enter the label that names the environment.")
        if cleaned["page"] and not page_url(cleaned["page"], namespace="a", kind="b", name="c"):
            raise ConfigError("page", "Enter an address that begins with https:// or http://.")
        return cleaned

    async def probe(self) -> Probe:
        """Version, and every right in every namespace, as far as forty questions go."""
        client = self._client()
        version = await client.version()
        rights = dict(_RIGHTS)
        if self.config["read_jobs"]:
            rights |= _JOB_RIGHTS
        if self.config["read_pods"]:
            rights |= _POD_RIGHTS
        namespaces = self._namespaces()[: MOST_REVIEWS // len(rights)]
        scopes = [
            await self._scope(client, resource, namespace, why)
            for namespace in namespaces
            for resource, why in rights.items()
        ]
        granted = sum(scope.is_granted for scope in scopes)
        sentence = f"Kubernetes {version} answers; {granted} of {len(scopes)} rights are granted."
        if len(namespaces) < len(self._namespaces()):
            sentence = f"{sentence[:-1]}, asked for the first {len(namespaces)} namespaces."
        return Probe(sentence=sentence, version=version, scopes=tuple(scopes))

    async def fetch(self, cursor: Mapping[str, Any]) -> Batch:
        """What is new in the next namespaces; with the last of them the list of everything that is there."""
        namespaces = self._namespaces()
        memory = Memory.load(cursor, namespaces)
        look = self._look()
        places, position = dict(memory.places), memory.round.position
        while position < len(namespaces):
            name = namespaces[position]
            places[name] = await look.read(name, places[name])
            if look.has_rest:
                break
            position += 1
            if look.http.is_spent(share=SHARE):
                break
        is_over = position >= len(namespaces)
        going_on = self._seen(memory.round, look, position)
        return Batch(
            records=merge(look.records),
            rejected=tuple(look.rejected),
            listings=self._listings(going_on) if is_over and going_on.is_complete else (),
            has_more=not is_over,
            server_time=self.http.server_time,
            cursor=Memory(places=places, round=Round() if is_over else going_on).dump(namespaces),
        )

    def _seen(self, before: Round, look: Look, position: int) -> Round:
        return Round(
            position=position,
            alerts=before.alerts | _identities(look.records, Kind.ALERT),
            pipelines=before.pipelines | _identities(look.records, Kind.PIPELINE),
            is_complete=before.is_complete and look.is_listed and look.has_looked_everywhere,
        )

    def _listings(self, seen: Round) -> tuple[Listing, ...]:
        alerts = Listing(kind=Kind.ALERT, external_ids=seen.alerts)
        if not self.config["read_jobs"]:
            return (alerts,)
        return (alerts, Listing(kind=Kind.PIPELINE, external_ids=seen.pipelines))

    def _namespaces(self) -> list[str]:
        return self.config["namespaces"] or [ALL]

    def _look(self) -> Look:
        namespaces, way = self._namespaces(), self.config["environment_from"]
        reading = Reading(
            environment_from=way,
            environment_label=self.config["environment_label"],
            is_qualified=way != "namespace" and (len(namespaces) > 1 or ALL in namespaces),
            page=self.config["page"],
        )
        return Look(
            http=self.http,
            client=self._client(),
            reading=reading,
            selector=self.config["selector"],
            with_jobs=self.config["read_jobs"],
            with_pods=self.config["read_pods"],
            backfill=timedelta(days=self.config["backfill_days"]),
        )

    async def _scope(self, client: KubernetesClient, resource: str, namespace: str, why: str) -> Scope:
        where = f"in {namespace}" if namespace else "in all namespaces"
        is_granted = await client.may_list(resource, namespace)
        return Scope(name=f"list {resource} {where}", why=why, is_granted=is_granted)

    def _client(self) -> KubernetesClient:
        token = self.secrets.get("token", "")
        if not token:
            raise ConfigError("token", "A token is needed; make one for a service account that may list workloads.")
        return KubernetesClient(http=self.http, url=self.config["url"], headers=bearer_header(token))


def _identities(records: list[Record], kind: Kind) -> frozenset[str]:
    return frozenset(record.external_id for record in records if record.kind is kind)  # type: ignore[attr-defined]
