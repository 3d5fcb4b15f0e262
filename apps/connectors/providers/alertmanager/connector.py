"""Alertmanager: alerts by complete listing, and silences as changes."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar

from apps.connectors.auth import auth_headers
from apps.connectors.base import Connector, Field, Group, Probe, Scope
from apps.connectors.errors import ConfigError, ErrorClass, SourceError
from apps.connectors.merging import merge
from apps.connectors.providers.alertmanager import settings
from apps.connectors.providers.alertmanager.client import AlertmanagerClient
from apps.connectors.providers.alertmanager.normalize import complete_listing, knows_all_alerts, read_alerts
from apps.connectors.providers.alertmanager.silences import OVERLAP, read_silences
from apps.connectors.providers.alertmanager.webhook import WEBHOOK
from apps.connectors.records import Batch, Kind
from apps.connectors.values import UnreadableError, from_iso, object_or_empty, optional_text
from apps.connectors.webhook import Webhook

_NOT_FOR_US = (ErrorClass.AUTH, ErrorClass.NOT_FOUND)


class AlertmanagerConnector(Connector):
    """One Alertmanager, or one member of a cluster."""

    key: ClassVar[str] = "alertmanager"
    name: ClassVar[str] = "Alertmanager"
    summary: ClassVar[str] = "Alerts that fire, what keeps them quiet, and silences as changes."
    kinds: ClassVar[frozenset[Kind]] = frozenset({Kind.ALERT, Kind.CHANGE})
    group: ClassVar[Group] = Group.METRICS
    fields: ClassVar[tuple[Field, ...]] = settings.FIELDS
    webhook: ClassVar[Webhook | None] = WEBHOOK
    docs: ClassVar[str] = "docs/connectors/alertmanager.md"

    @classmethod
    def clean(cls, config: Mapping[str, Any]) -> dict[str, Any]:
        """The checked configuration; raises ConfigError."""
        return settings.clean(config)

    async def probe(self) -> Probe:
        """Version, state of the cluster, how many alerts match, and which of the three questions may be asked."""
        client = self._client()
        alerts = await self._alerts_in_words(client)
        status, knows_status = await _allowed(client.status())
        version = optional_text(object_or_empty(object_or_empty(status).get("versionInfo")), "version")
        scopes = [
            Scope(name="alerts", why="read alerts that fire", is_granted=True),
            Scope(
                name="status", why="notice a restart, after which missing alerts mean nothing", is_granted=knows_status
            ),
        ]
        if self.config["silences"]:
            _, knows_silences = await _allowed(client.silences())
            scopes.append(Scope(name="silences", why="tell who silenced what", is_granted=knows_silences))
        cluster = optional_text(object_or_empty(object_or_empty(status).get("cluster")), "status")
        return Probe(sentence=_sentence(version, alerts, cluster), version=version, scopes=tuple(scopes))

    async def fetch(self, cursor: Mapping[str, Any]) -> Batch:
        """Every alert as it is now, and what happened to silences since the last fetch."""
        client, base = self._client(), self.config["url"]
        items = await self._alerts(client)
        status, _ = await _allowed(client.status())  # after the alerts: a restart in between must be seen
        now = self.http.server_time or datetime.now(UTC)
        records, rejected = read_alerts(items, base=base)
        is_complete = knows_all_alerts(object_or_empty(status), now=now)
        silences, knows_silences = await _allowed(client.silences()) if self.config["silences"] else (None, False)
        changes, bad = read_silences(silences or [], since=_since(cursor), base=base)
        return Batch(
            records=merge([*records, *changes]),
            rejected=(*rejected, *bad),
            listings=complete_listing(items) if is_complete else (),
            server_time=self.http.server_time,
            cursor={"silences_read_at": now.isoformat()} if knows_silences else dict(cursor),
        )

    def _client(self) -> AlertmanagerClient:
        headers = auth_headers(self.config, self.secrets)
        return AlertmanagerClient(http=self.http, url=self.config["url"], headers=headers)

    async def _alerts(self, client: AlertmanagerClient) -> list[Any]:
        return await client.alerts(matchers=self.config["matchers"], receiver=self.config["receiver"])

    async def _alerts_in_words(self, client: AlertmanagerClient) -> int:
        """How many alerts match; a filter that the server refuses is named."""
        try:
            return len(await self._alerts(client))
        except SourceError as error:
            if error.error_class is ErrorClass.REJECTED and (self.config["matchers"] or self.config["receiver"]):
                field = "matchers" if self.config["matchers"] else "receiver"
                raise ConfigError(field, error.message) from None
            raise


async def _allowed(question: Awaitable[Any]) -> tuple[Any, bool]:
    """The answer and True; None and False when this is closed or unknown there."""
    try:
        return await question, True
    except SourceError as error:
        if error.error_class not in _NOT_FOR_US:
            raise
        return None, False


def _since(cursor: Mapping[str, Any]) -> datetime | None:
    try:
        return from_iso(cursor.get("silences_read_at")) - OVERLAP
    except UnreadableError:
        return None


def _sentence(version: str, alerts: int, cluster: str) -> str:
    name = f"Alertmanager {version}" if version else "Alertmanager"
    sentence = f"{name} answers; {alerts} alert{'' if alerts == 1 else 's'} firing"
    if cluster and cluster != "disabled":
        sentence += f", its cluster is {cluster}"
    return f"{sentence}."
