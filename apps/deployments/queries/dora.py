"""The DORA measures of a period, with every change, every link, and the same by team, feature and kind."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from apps.deployments.asking import Question
from apps.deployments.dora import Change, Link, Measures, Trouble, infer, measure, recovered_in
from apps.deployments.failing import ChangeFailure
from apps.deployments.queries.changes import (
    MOST,
    change_events,
    changes_of,
    key_of,
    rollbacks_of,
    troubles_of,
)
from apps.deployments.status import ChangeKind
from apps.events.models import Event


@dataclass(frozen=True, slots=True)
class Blame:
    """One link as people read it; `event` is None for trouble that another app told."""

    link: Link
    title: str
    url: str
    event: Event | None
    row: ChangeFailure | None


@dataclass(frozen=True, slots=True)
class Row:
    """One change with what followed it."""

    change: Change
    event: Event
    blames: tuple[Blame, ...]

    @property
    def has_failed(self) -> bool:
        return any(one.link.counts for one in self.blames)

    @property
    def kind_text(self) -> str:
        return ChangeKind(self.change.kind).label

    @property
    def recovery(self) -> timedelta | None:
        """From the first sign of its failure to the end of the last; None for none, and while it lasts."""
        return recovered_in(self.change, [one.link.trouble for one in self.blames if one.link.counts])


@dataclass(frozen=True, slots=True)
class Group:
    """The measures of one team, feature or kind of change."""

    name: str
    measures: Measures


@dataclass(frozen=True, slots=True)
class Delivery:
    """The whole answer; rows are newest first. `is_cut`: there were more changes than are read at once."""

    question: Question
    start: datetime
    end: datetime
    measures: Measures
    rows: tuple[Row, ...]
    links: tuple[Link, ...]
    is_cut: bool

    @property
    def failed(self) -> list[Row]:
        """The changes with a link, also where all of them are cut: a person may take that back."""
        return [row for row in self.rows if row.blames]

    @property
    def by_kind(self) -> list[Group]:
        return self._grouped(lambda row: row.kind_text)

    @property
    def by_feature(self) -> list[Group]:
        return self._grouped(lambda row: row.event.feature.name if row.event.feature else "no feature")

    @property
    def by_team(self) -> list[Group]:
        return self._grouped(lambda row: str(row.event.feature.team or "no team") if row.event.feature else "no team")

    @property
    def days(self) -> list[int]:
        """How many changes went live on each day, oldest first."""
        return _a_day((row for row in self.rows if not row.change.is_rollback), self)

    @property
    def failed_days(self) -> list[int]:
        """How many of them failed."""
        return _a_day((row for row in self.rows if row.has_failed), self)

    def _grouped(self, name_of: Callable[[Row], str]) -> list[Group]:
        names: dict[str, list[Change]] = {}
        for row in self.rows:
            names.setdefault(name_of(row), []).append(row.change)
        found = [Group(name, measure(own, self.links, days=self.question.days)) for name, own in names.items()]
        return sorted(found, key=lambda group: (-group.measures.changes, group.name))


def delivery(*, question: Question, at: datetime) -> Delivery:
    """What went live in the period up to `at` and what became of it; about eight queries, however much there is."""
    start = at - timedelta(days=question.days)
    found = change_events(question=question, start=start, end=at)
    events = found[:MOST]
    changes = changes_of(events)
    troubles, named = troubles_of(question=question, start=start, end=at)
    named |= {key_of(event): event for event in events}
    troubles += rollbacks_of(changes)
    rows = {(row.change_id, row.reference): row for row in ChangeFailure.objects.filter(change__in=events)}
    known = {one.key for one in troubles}
    troubles += [_trouble(row) for row in rows.values() if row.reference not in known]
    verdicts = {key: row.state for key, row in rows.items()}
    links = infer(changes, troubles, within=question.within, verdicts=verdicts)
    if question.what:
        kept = [one for one in zip(events, changes, strict=True) if one[1].kind == question.what]
        events, changes = [event for event, _ in kept], [change for _, change in kept]
    blamed = [_blame(link, named, rows) for link in links]
    return Delivery(
        question=question,
        start=start,
        end=at,
        measures=measure(changes, links, days=question.days),
        rows=_rows(events, changes, blamed),
        links=tuple(links),
        is_cut=len(found) > MOST,
    )


def _rows(events: Sequence[Event], changes: Sequence[Change], blamed: Sequence[Blame]) -> tuple[Row, ...]:
    of: dict[int, list[Blame]] = {}
    for one in blamed:
        of.setdefault(one.link.change_id, []).append(one)
    pairs = zip(events, changes, strict=True)
    return tuple(Row(change, event, tuple(of.get(change.id, ()))) for event, change in pairs)


def _trouble(row: ChangeFailure) -> Trouble:
    return Trouble(row.reference, row.cause_kind, None, row.began_at, row.ended_at)


def _blame(link: Link, named: dict[str, Event], rows: dict[tuple[int, str], ChangeFailure]) -> Blame:
    event, row = named.get(link.trouble.key), rows.get((link.change_id, link.trouble.key))
    title = event.title if event else row.title if row else link.trouble.key
    url = event.get_absolute_url() if event else row.url if row else ""
    return Blame(link, title, url, event, row)


def _a_day(rows: Iterable[Row], told: Delivery) -> list[int]:
    counts = [0] * told.question.days
    for row in rows:
        place = int((row.change.at - told.start) / timedelta(days=1))
        counts[min(place, len(counts) - 1)] += 1
    return counts
