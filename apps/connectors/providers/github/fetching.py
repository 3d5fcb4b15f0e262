"""One fetch from GitHub on its way: what it has brought so far, and what all its parts need."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from apps.connectors.http import Http
from apps.connectors.providers.github.client import GithubClient
from apps.connectors.providers.github.cursor import OVERLAP
from apps.connectors.records import Listing, Record, Rejected
from apps.connectors.values import UnreadableError, object_or_empty, optional_iso

SHARE = 0.7  # of the fetch's time and questions; the rest is for the part under way


@dataclass(slots=True)
class Fetch:
    """What this fetch has brought so far."""

    http: Http
    client: GithubClient
    web: str
    backfill: timedelta
    with_jobs: bool
    records: list[Record] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    listings: list[Listing] = field(default_factory=list)

    @property
    def now(self) -> datetime:
        """The server's clock; ours only until its first answer."""
        return self.http.server_time or datetime.now(UTC)

    @property
    def must_stop(self) -> bool:
        """Whether the rest waits for another fetch, or for a fresh budget."""
        return self.client.is_short or self.http.is_spent(share=SHARE)

    def add(self, read: tuple[Sequence[Record], Sequence[Rejected]]) -> None:
        """Keep what a normalizer made."""
        self.records += read[0]
        self.rejected += read[1]


def changed_at(item: Any, *keys: str) -> datetime | None:
    """The latest of these times of an item; None when it cannot be read, and then the normalizer must see it."""
    try:
        times = [optional_iso(object_or_empty(item).get(key)) for key in keys]
    except UnreadableError:
        return None
    return max((at for at in times if at is not None), default=None)


def is_since(at: datetime | None, told: datetime | None) -> bool:
    """Whether news of this time may not have been told yet."""
    return told is None or at is None or at >= told - OVERLAP


def identity(item: Any) -> str:
    """The id of an item as text, "" without one."""
    value = object_or_empty(item).get("id")
    return str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""


def path_of(repository: str, *rest: str) -> str:
    """The API's path of something in a repository."""
    return "/".join(("repos", repository, *rest))
