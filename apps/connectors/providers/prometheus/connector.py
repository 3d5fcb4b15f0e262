"""Prometheus: series by range queries, alerts by complete listing, deployments from an info metric."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from apps.connectors.auth import auth_headers
from apps.connectors.base import Backfill, Connector, Field, Group, Probe, Scope
from apps.connectors.errors import ConfigError, ErrorClass, SourceError
from apps.connectors.merging import merge
from apps.connectors.providers.prometheus import rollouts, settings
from apps.connectors.providers.prometheus.client import PrometheusClient
from apps.connectors.providers.prometheus.fetching import Fetch, Job
from apps.connectors.providers.prometheus.normalize import Query
from apps.connectors.providers.prometheus.progress import Progress
from apps.connectors.records import Batch, Kind
from apps.connectors.values import object_or_empty, utc_text


class PrometheusConnector(Connector):
    """One Prometheus, Thanos, Mimir or VictoriaMetrics."""

    key: ClassVar[str] = "prometheus"
    name: ClassVar[str] = "Prometheus"
    summary: ClassVar[str] = "Metrics by PromQL, firing alerts, and deployments seen in an info metric."
    kinds: ClassVar[frozenset[Kind]] = frozenset({Kind.SERIES, Kind.ALERT, Kind.DEPLOYMENT})
    group: ClassVar[Group] = Group.METRICS
    fields: ClassVar[tuple[Field, ...]] = settings.FIELDS
    docs: ClassVar[str] = "docs/connectors/prometheus.md"

    @classmethod
    def clean(cls, config: Mapping[str, Any]) -> dict[str, Any]:
        """The checked configuration; raises ConfigError."""
        return settings.clean(config)

    @classmethod
    def progress(cls, cursor: Mapping[str, Any]) -> Backfill | None:
        """Up to when the query that is furthest behind was read."""
        saved = [object_or_empty(item).get("until") for item in object_or_empty(cursor.get("queries")).values()]
        read = [until for until in saved if isinstance(until, int)]
        if not read:
            return None
        behind = datetime.fromtimestamp(min(read), UTC)
        return Backfill(sentence=f"Numbers up to {utc_text(behind)} are read of the query that is furthest behind.")

    async def probe(self) -> Probe:
        """Version, and how many series every query has now; a query that Prometheus refuses is named."""
        client = self._client()
        version = await self._version(client)
        series = 0
        queries = settings.read_queries(self.config)
        for query in queries:
            try:
                series += await client.count(query.query)
            except SourceError as error:
                if error.error_class is ErrorClass.REJECTED:
                    raise ConfigError("queries", f"“{query.name}”: {error.message}") from None
                raise
        scopes = [Scope(name="query", why="read series by PromQL", is_granted=True)]
        if self.config["alerts"]:
            scopes.append(await self._alerts_scope(client))
        name = f"Prometheus {version}" if version else "The server"
        sentence = f"{name} answers; {series} series match {len(queries)} queries." if queries else f"{name} answers."
        return Probe(sentence=sentence, version=version, scopes=tuple(scopes))

    async def fetch(self, cursor: Mapping[str, Any]) -> Batch:
        """Alerts as they are now, and the next windows of every query, furthest behind first."""
        own_now = datetime.now(UTC)
        skew = cursor.get("skew")
        now = own_now + timedelta(seconds=skew if isinstance(skew, int | float) and abs(skew) < 10 * 86_400 else 0)
        fetch = Fetch(self.http, self._client(), self._jobs(cursor, now), int(now.timestamp()), self.config)
        fetch.rollouts = rollouts.read_rollouts(cursor.get("rollouts"), key=self._rollouts_query().key)
        fetch.types = {str(name): str(told) for name, told in object_or_empty(cursor.get("types")).items()}
        if self.config["alerts"]:
            await fetch.read_alerts()
        await fetch.read_queries()
        if fetch.failures and not fetch.answers:
            raise fetch.failures[0]
        server_time = self.http.server_time
        return Batch(
            records=merge(fetch.records),
            rejected=tuple(fetch.rejected),
            listings=fetch.listings,
            has_more=fetch.has_more,
            server_time=server_time,
            cursor={
                "skew": round((server_time - own_now).total_seconds(), 1) if server_time else 0,
                "queries": {job.query.key: job.progress.to_json() for job in fetch.jobs},
                "types": fetch.types,
                "rollouts": rollouts.write_rollouts(fetch.rollouts, key=self._rollouts_query().key),
            },
        )

    def _client(self) -> PrometheusClient:
        headers = auth_headers(self.config, self.secrets)
        return PrometheusClient(http=self.http, url=self.config["url"], headers=headers)

    async def _version(self, client: PrometheusClient) -> str:
        try:
            return await client.version()
        except SourceError as error:
            if error.error_class in (ErrorClass.NOT_FOUND, ErrorClass.REJECTED):
                return ""  # Thanos and some gateways have no build information
            raise

    async def _alerts_scope(self, client: PrometheusClient) -> Scope:
        try:
            await client.alerts()
        except SourceError as error:
            if error.error_class not in (ErrorClass.AUTH, ErrorClass.NOT_FOUND):
                raise
            return Scope(name="alerts", why="read alerts that fire", is_granted=False)
        return Scope(name="alerts", why="read alerts that fire", is_granted=True)

    def _jobs(self, cursor: Mapping[str, Any], now: datetime) -> list[Job]:
        """Every query with its progress; a new one begins `backfill_days` ago."""
        saved = object_or_empty(cursor.get("queries"))
        begin = int((now - timedelta(days=self.config["backfill_days"])).timestamp())
        queries = [(query, False) for query in settings.read_queries(self.config)]
        if self.config["deployments_query"]:
            queries.append((self._rollouts_query(), True))
        return [
            Job(query, Progress.resume(saved.get(query.key), step=query.step, begin=begin), is_rollouts)
            for query, is_rollouts in queries
        ]

    def _rollouts_query(self) -> Query:
        """The deployments query; its key changes with the labels, so that other labels start anew."""
        names = settings.read_label_names(self.config)
        name = f"deployments of {names.component} by {names.version} in {names.environment}"
        return Query(query=self.config["deployments_query"], name=name, step=self.config["step"])
