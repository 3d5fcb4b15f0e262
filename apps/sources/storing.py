"""What an app answers when it is handed records to store."""

from __future__ import annotations

from dataclasses import dataclass, field

from apps.connectors.records import Kind, Rejected
from apps.events.services import NewEvent
from apps.sources.identity.naming import SeenNames


@dataclass(slots=True)
class Stored:
    """The outcome of one upsert: rows truly changed, events they cause, features touched, records refused,
    and under which names things went.

    The caller records the events and dead letters in the same transaction.
    """

    changed: int = 0
    events: list[NewEvent] = field(default_factory=list)
    feature_ids: set[int] = field(default_factory=set)
    set_ids: set[int] = field(default_factory=set)  # of these features: what they are made of may have changed
    topics: set[str] = field(default_factory=set)
    rejected: list[Rejected] = field(default_factory=list)
    names: list[SeenNames] = field(default_factory=list)
    changed_ids: set[tuple[Kind, str]] = field(default_factory=set)  # external ids of the records behind `changed`

    def add(self, other: Stored) -> None:
        """Fold `other` into this one."""
        self.changed += other.changed
        self.events += other.events
        self.feature_ids |= other.feature_ids
        self.set_ids |= other.set_ids
        self.topics |= other.topics
        self.rejected += other.rejected
        self.names += other.names
        self.changed_ids |= other.changed_ids
