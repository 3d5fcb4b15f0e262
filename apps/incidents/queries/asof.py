"""The portal as it was at a moment, read out of the ledger: what ran where, labels, open alerts, health."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

from apps.core import bulk

_NEWEST: Final = b"""
SELECT DISTINCT ON (event.source_id, event.data ->> 'component', event.environment_id)
       event.id AS event_id, event.at, event.data ->> 'component' AS what, event.data ->> 'revision' AS version,
       event.actor, environment.name AS place, feature.name AS feature
FROM events_event AS event
LEFT JOIN catalog_environment AS environment ON environment.id = event.environment_id
LEFT JOIN catalog_feature AS feature ON feature.id = event.feature_id
WHERE event.kind IN ('deployments:deployment:succeeded', 'deployments:deployment:rolled-back') AND event.at <= %(at)b
ORDER BY event.source_id, event.data ->> 'component', event.environment_id, event.at DESC, event.id DESC
"""
_LABELS: Final = b"""
SELECT DISTINCT ON (event.data ->> 'prompt_id', event.data ->> 'label')
       event.id AS event_id, event.at, split_part(event.title, ' prompt: ', 1) AS what, event.data ->> 'to' AS version,
       event.actor, event.data ->> 'label' AS place, feature.name AS feature
FROM events_event AS event LEFT JOIN catalog_feature AS feature ON feature.id = event.feature_id
WHERE event.kind = 'prompts:label:moved' AND event.at <= %(at)b
ORDER BY event.data ->> 'prompt_id', event.data ->> 'label', event.at DESC, event.id DESC
"""
_ALERTS: Final = b"""
SELECT opened.id AS event_id, opened.at, opened.title AS what, opened.data ->> 'severity' AS version,
       '' AS actor, '' AS place, feature.name AS feature
FROM events_event AS opened LEFT JOIN catalog_feature AS feature ON feature.id = opened.feature_id
WHERE opened.kind = 'monitors:alert:opened' AND opened.at <= %(at)b
  AND NOT EXISTS (
    SELECT FROM events_event AS ended
    WHERE ended.subject_kind = 'alert' AND ended.subject_id = opened.subject_id
      AND ended.kind = 'monitors:alert:resolved' AND ended.at <= %(at)b
  )
ORDER BY opened.at DESC, opened.id DESC
"""
_HEALTH: Final = b"""
SELECT DISTINCT ON (event.feature_id)
       event.id AS event_id, event.at, event.title AS what, split_part(event.kind, ':', 3) AS version,
       '' AS actor, '' AS place, feature.name AS feature
FROM events_event AS event JOIN catalog_feature AS feature ON feature.id = event.feature_id
WHERE event.kind LIKE 'health:feature:%%' AND event.at <= %(at)b
ORDER BY event.feature_id, event.at DESC, event.id DESC
"""
_HEALTHY: Final = frozenset({"recovered", "heard"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One thing as it stood: `version` is a revision, a number, a severity or a status; `at` says since when."""

    event_id: int
    at: datetime
    what: str
    version: str
    place: str
    feature: str
    actor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Portal:
    """The portal at a moment."""

    at: datetime
    running: list[Standing]
    labels: list[Standing]
    alerts: list[Standing]
    health: list[Standing]

    def as_json(self) -> dict[str, Any]:
        """JSON types, for the snapshot of an incident and for the API."""
        found = {
            name: [_plain(one) for one in getattr(self, name)] for name in ("running", "labels", "alerts", "health")
        }
        return {"at": self.at.isoformat()} | found


def portal_at(*, at: datetime) -> Portal:
    """What the ledger says of `at`; four queries. Labels that were removed and alerts that had ended are left out."""
    labels = [one for one in _read(_LABELS, at) if one.version]
    return Portal(
        at=at,
        running=sorted(_read(_NEWEST, at), key=lambda one: (one.feature, one.what, one.place)),
        labels=sorted(labels, key=lambda one: (one.feature, one.what, one.place)),
        alerts=_read(_ALERTS, at),
        health=sorted(_read(_HEALTH, at), key=lambda one: one.feature),
    )


def _read(statement: bytes, at: datetime) -> list[Standing]:
    rows = bulk.fetch(statement, {"at": at})
    return [_healthy(_standing(row)) for row in rows]


def _standing(row: bulk.Row) -> Standing:
    """The row with "" for what the ledger does not say."""
    said: dict[str, Any] = {name: value if value is not None else "" for name, value in row.items()}
    return Standing(**said)


def _healthy(one: Standing) -> Standing:
    """Recovered and heard again both mean healthy."""
    if one.version not in _HEALTHY:
        return one
    return Standing(**asdict(one) | {"version": "healthy"})


def _plain(one: Standing) -> dict[str, Any]:
    return asdict(one) | {"at": one.at.isoformat()}
