"""What a status page's source remembers between fetches: how far changes are told, and the components' last levels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from apps.connectors.providers.statuspage.normalize import Component
from apps.connectors.values import UnreadableError, from_iso, object_or_empty

OVERLAP = timedelta(minutes=15)  # pages come out of caches that are filled apart
SAMPLE_EVERY = timedelta(minutes=5)  # a component that stays as it is


@dataclass(slots=True)
class Memory:
    """`told_at`: the last fetch. `sampled_at`: when every component was told. `key`: the filter all this is about."""

    key: str = ""
    told_at: datetime | None = None
    sampled_at: datetime | None = None
    levels: dict[str, int] = field(default_factory=dict)
    etags: dict[str, str] = field(default_factory=dict)

    @classmethod
    def load(cls, cursor: Mapping[str, Any], *, key: str) -> Memory:
        """The memory in a stored cursor; unreadable parts, and all of another filter, are forgotten."""
        if cursor.get("key") != key:
            return cls(key=key)
        levels, etags = object_or_empty(cursor.get("levels")), object_or_empty(cursor.get("etags"))
        return cls(
            key=key,
            told_at=_time(cursor.get("told_at")),
            sampled_at=_time(cursor.get("sampled_at")),
            levels={name: level for name, level in levels.items() if isinstance(level, int)},
            etags={name: etag for name, etag in etags.items() if isinstance(etag, str) and etag.isprintable()},
        )

    def dump(self) -> dict[str, Any]:
        """JSON types for the cursor."""
        times = {"told_at": self.told_at, "sampled_at": self.sampled_at}
        written = {name: at.isoformat() for name, at in times.items() if at is not None}
        return {"key": self.key, "levels": self.levels, "etags": self.etags, **written}

    def since(self, *, now: datetime, backfill: timedelta) -> datetime:
        """From when on changes are told."""
        return now - backfill if self.told_at is None else self.told_at - OVERLAP

    def to_tell(self, components: Sequence[Component], *, now: datetime) -> list[Component]:
        """Those that changed, or all when it is time again; remembers them."""
        is_time = self.sampled_at is None or not timedelta(0) <= now - self.sampled_at < SAMPLE_EVERY
        told = [one for one in components if is_time or self.levels.get(one.external_id) != one.level]
        self.levels = {one.external_id: one.level for one in components}
        if is_time:
            self.sampled_at = now
        return told


def _time(value: Any) -> datetime | None:
    try:
        return from_iso(value)
    except UnreadableError:
        return None
