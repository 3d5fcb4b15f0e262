"""Keeping the names that sources use: what was told in a batch, and where it was put."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from apps.core import bulk
from apps.core.bulk import Upsert
from apps.core.fitting import fit, fit_json

MOST_NAMES = 2_000  # of one batch
LONGEST_NAME = 512

_NAMES = Upsert(
    table="sources_externalname",
    key={"source_id": "bigint", "kind": "text", "name": "text"},
    columns={
        "variants": "integer",
        "unplaced": "integer",
        "component_id": "bigint",
        "feature_id": "bigint",
        "environment_id": "bigint",
    },
    fixed={
        "labels": "jsonb",
        "is_ignored": "boolean",
        "first_seen_at": "timestamptz",
        "last_seen_at": "timestamptz",
    },
    also_set={"labels": "excluded.labels", "last_seen_at": "excluded.last_seen_at"},
    also_when="kept.last_seen_at < excluded.last_seen_at - interval '1 day'",
)


@dataclass(slots=True)
class Seen:
    """One name in one batch: its label sets, and the place of the last one that was looked at."""

    kind: str
    name: str
    labels: Mapping[str, str]
    place: tuple[int | None, int | None, int | None]  # component, feature, environment
    variants: int = 1
    unplaced: int = 0


@dataclass(slots=True)
class SeenNames:
    """The names of one source in one batch."""

    source_id: int
    seen: dict[tuple[str, str], Seen] = field(default_factory=dict)

    def add(self, kind: str, name: str, labels: Mapping[str, str], place: tuple[int | None, ...]) -> None:
        """Count one label set of a name; an unplaced one is what people will be shown."""
        is_unplaced = place[0] is None and place[1] is None
        known = self.seen.get((kind, name))
        if known is None:
            if len(self.seen) < MOST_NAMES and name:
                self.seen[kind, name] = Seen(kind, name, labels, place, 1, int(is_unplaced))  # type: ignore[arg-type]
            return
        known.variants += 1
        if is_unplaced and not known.unplaced:
            known.labels, known.place = labels, place  # type: ignore[assignment]  # three of them, as before
        known.unplaced += int(is_unplaced)


def note_names(*, batches: Iterable[SeenNames], at: datetime) -> None:
    """Write what is new about the names; one statement for all sources, and no row where nothing is new."""
    rows: dict[tuple[int, str, str], dict[str, Any]] = {}
    for batch in batches:
        for seen in batch.seen.values():
            row = _row(batch.source_id, seen, at)
            rows[row["source_id"], row["kind"], row["name"]] = row
    _NAMES.run(list(rows.values()))


def _row(source_id: int, seen: Seen, at: datetime) -> dict[str, Any]:
    component, feature, environment = seen.place
    return {
        "source_id": source_id,
        "kind": str(seen.kind)[:20],
        "name": fit(seen.name, LONGEST_NAME),
        "labels": fit_json(dict(seen.labels)),
        "variants": seen.variants,
        "unplaced": seen.unplaced,
        "component_id": component,
        "feature_id": feature,
        "environment_id": environment,
        "is_ignored": False,
        "first_seen_at": at,
        "last_seen_at": at,
    }


def place_again(*, rows: Sequence[tuple[int, tuple[int | None, int | None, int | None]]]) -> None:
    """Note where names lie now that the rules have changed: (id, place) pairs."""
    bulk.fetch(
        _PLACE_AGAIN,
        {
            "ids": [pk for pk, _ in rows],
            "components": [place[0] for _, place in rows],
            "features": [place[1] for _, place in rows],
            "environments": [place[2] for _, place in rows],
        },
    )


_PLACE_AGAIN = b"""
UPDATE sources_externalname AS kept
   SET component_id = news.component_id, feature_id = news.feature_id, environment_id = news.environment_id,
       unplaced = CASE WHEN news.component_id IS NULL AND news.feature_id IS NULL
                       THEN greatest(kept.unplaced, 1) ELSE 0 END
  FROM unnest(%(ids)b::bigint[], %(components)b::bigint[], %(features)b::bigint[], %(environments)b::bigint[])
       AS news (id, component_id, feature_id, environment_id)
 WHERE kept.id = news.id
"""
