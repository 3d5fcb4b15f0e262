"""What pages and pollers ask about sources."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, models
from django.db.models import DurationField, ExpressionWrapper, F, FloatField, Q, QuerySet, Value
from django.db.models.functions import Cast, Extract

from apps.catalog.models import Feature
from apps.sources.condition import Condition, judge_source
from apps.sources.freshness import FRESH_UNTIL, LATE_UNTIL
from apps.sources.models import DeadLetter, ExternalName, Heartbeat, Poll, Source, SourceState
from apps.sources.status import Outcome, SourceStatus

MOST_COUNTED = 10_000  # beyond it a page says "10,000+"; an exact count of a large table is not worth its price
RECENT_POLLS, SHOWN_POLLS, SHOWN_LETTERS = 60, 10, 5
ALIVE_SECONDS = 60  # without a sign of life for so long no worker counts as running


def database_time() -> datetime:
    """The database's clock: the only one that leases and freshness are measured with."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        row = cursor.fetchone()
    assert row is not None
    return row[0]  # type: ignore[no-any-return]  # the driver hands over an aware datetime


def get_source(*, slug: str) -> Source:
    """The source with its state; raises Source.DoesNotExist."""
    return Source.objects.select_related("state", "team", "environment").get(slug=slug)


def in_status(*, sources: QuerySet[Source], status: str, at: datetime) -> QuerySet[Source]:
    """Those of `sources` that `condition.judge_source` calls `status` at `at`; the same rule, in SQL."""
    paused, failing = Q(is_enabled=False), Q(state__failures__gt=0)
    if status == SourceStatus.PAUSED:
        return sources.filter(paused)
    if status == SourceStatus.FAILING:
        return sources.filter(failing & ~paused)
    rest = sources.filter(~paused & ~failing)
    if status == SourceStatus.UNKNOWN:
        return rest.filter(state__last_success_at=None)
    age = ExpressionWrapper(Value(at) - F("state__last_success_at"), output_field=DurationField())
    interval = Cast(F("interval_seconds"), FloatField())
    rest = rest.annotate(
        age=Cast(Extract(age, "epoch"), FloatField()),
        fresh_until=interval * Value(FRESH_UNTIL),
        late_until=interval * Value(LATE_UNTIL),
    )
    if status == SourceStatus.FRESH:
        return rest.filter(age__lte=F("fresh_until"))
    if status == SourceStatus.LATE:
        return rest.filter(age__gt=F("fresh_until"), age__lte=F("late_until"))
    return rest.filter(age__gt=F("late_until"))


@dataclass(frozen=True, slots=True)
class Brought:
    """How much of one kind of thing came from a source; `is_more` when the count stopped at its limit."""

    name: str
    count: int
    is_more: bool


def what_it_brings(*, source: Source) -> list[Brought]:
    """What would go with the source: the rows of other apps that point at it, counted up to a limit."""
    found = []
    for model, field in _children():
        rows = model._default_manager.order_by().filter(**{field: source})
        count = rows.values("pk")[: MOST_COUNTED + 1].count()
        if count:
            name = str(model._meta.verbose_name if count == 1 else model._meta.verbose_name_plural)
            found.append(Brought(name, min(count, MOST_COUNTED), count > MOST_COUNTED))
    return found


def features_behind(*, source: Source) -> list[Feature]:
    """The features that read something of this source, and so go stale with it."""
    ids: set[int] = set()
    for model, field in _children():
        if any(one.name == "feature" for one in model._meta.get_fields()):
            rows = model._default_manager.order_by().filter(**{field: source}, feature__isnull=False)
            ids |= set(rows.values_list("feature_id", flat=True).distinct())
    return list(Feature.objects.filter(pk__in=ids, is_retired=False))


def _children() -> list[tuple[type[models.Model], str]]:
    """The models of other apps that belong to a source, with the name of their key: found, for they lie above us."""
    return [
        (relation.related_model, relation.field.name)
        for relation in Source._meta.related_objects
        if relation.related_model._meta.app_label != "sources"
    ]


def polls_of(*, source: Source) -> QuerySet[Poll]:
    """The conversations with a source that are still remembered."""
    return Poll.objects.filter(source=source)


def letters_of(*, source: Source) -> QuerySet[DeadLetter]:
    """The records of a source that could not be read or stored."""
    return DeadLetter.objects.filter(source=source)


def recent_polls(*, source: Source) -> dict[str, Any]:
    """The newest polls for the table, and how long they took and what they brought for the sparklines, oldest first."""
    polls = list(polls_of(source=source)[:RECENT_POLLS])
    finished = [poll for poll in reversed(polls) if poll.outcome != Outcome.RUNNING]
    return {
        "polls": polls[:SHOWN_POLLS],
        "seconds": [poll.seconds if poll.outcome == Outcome.SUCCEEDED else None for poll in finished],
        "records": [poll.fetched if poll.outcome == Outcome.SUCCEEDED else None for poll in finished],
    }


@dataclass(frozen=True, slots=True)
class Coverage:
    """How many names a source uses, how many of them wait for a place; each counted up to a limit."""

    names: int
    waiting: int

    @property
    def matched(self) -> int:
        return max(self.names - self.waiting, 0)


def coverage_of(*, source: Source) -> Coverage:
    """How much of what the source speaks of belongs somewhere, or was set aside by people."""
    names = ExternalName.objects.order_by().filter(source=source)
    waiting = names.filter(unplaced__gt=0, is_ignored=False)
    return Coverage(names.values("pk")[:MOST_COUNTED].count(), waiting.values("pk")[:MOST_COUNTED].count())


def letter_count(*, source: Source) -> int:
    """How many records of the source are set aside, counted up to a limit."""
    return letters_of(source=source).order_by().values("pk")[:MOST_COUNTED].count()


def recent_letters(*, source: Source) -> dict[str, Any]:
    """The newest unreadable records, and whether there are more."""
    letters = list(letters_of(source=source)[: SHOWN_LETTERS + 1])
    return {"letters": letters[:SHOWN_LETTERS], "has_more_letters": len(letters) > SHOWN_LETTERS}


@dataclass(frozen=True, slots=True)
class Progress:
    """Where **Poll now** stands: waiting for a worker, polling, or over with its last poll."""

    state: str  # "waiting", "polling", "over"
    since: datetime | None
    poll: Poll | None
    has_worker: bool
    may_poll: bool
    reason: str  # why the button is off

    @property
    def is_active(self) -> bool:
        return self.state != "over"


def poll_progress(*, source: Source, at: datetime) -> Progress:
    """What the button and the line below it show at `at`."""
    state = source.state
    poll = polls_of(source=source).first()
    reason = _why_not(source, state, at)
    stage, since = "over", None
    if state.claim_id and state.claimed_at and state.claimed_until and state.claimed_until > at:
        is_begun = state.last_attempt_at is not None and state.last_attempt_at >= state.claimed_at
        stage, since = ("polling", state.last_attempt_at) if is_begun else ("waiting", state.claimed_at)
    elif state.is_poll_requested and not reason:
        stage, since = "waiting", None
    return Progress(stage, since, poll, has_worker(at=at), stage == "over" and not reason, reason)


def _why_not(source: Source, state: SourceState, at: datetime) -> str:
    if not source.is_polled:
        return "This source reports by itself; there is nothing to poll."
    if not source.is_enabled:
        return "This source is paused; resume it first."
    if state.not_before is not None and state.not_before > at:
        return "The source asked to be left alone for a while."
    return ""


def has_worker(*, at: datetime) -> bool:
    """Whether any worker gave a sign of life lately."""
    return Heartbeat.objects.filter(at__gt=at - timedelta(seconds=ALIVE_SECONDS)).exists()


def conditions(*, sources: Sequence[Source], at: datetime) -> dict[int, Condition]:
    """The judgement of each source, by id."""
    return {source.pk: judge_source(source=source, state=source.state, at=at) for source in sources}


def telemetry(*, at: datetime) -> dict[str, float]:
    """The poller's own numbers, in seconds: how late it is, how long work waits, how long no worker was seen."""
    due = SourceState.objects.filter(source__is_enabled=True, source__is_polled=True, next_poll_at__lte=at)
    free = due.filter(Q(claimed_until=None) | Q(claimed_until__lte=at), Q(not_before=None) | Q(not_before__lte=at))
    waiting = SourceState.objects.filter(claimed_until__gt=at, claim_id__isnull=False).filter(
        Q(last_attempt_at=None) | Q(last_attempt_at__lt=F("claimed_at"))
    )
    oldest_due: datetime | None = free.aggregate(at=models.Min("next_poll_at"))["at"]
    oldest_waiting: datetime | None = waiting.aggregate(at=models.Min("claimed_at"))["at"]
    heard: datetime | None = Heartbeat.objects.aggregate(at=models.Max("at"))["at"]
    numbers: dict[str, Any] = {
        "portal_poll_lag_seconds": oldest_due,
        "portal_queue_age_seconds": oldest_waiting,
        "portal_worker_alive_seconds": heard,
    }
    ages = {name: max(0.0, (at - since).total_seconds()) if since else 0.0 for name, since in numbers.items()}
    if heard is None:
        del ages["portal_worker_alive_seconds"]  # no worker yet: no number is better than a good one
    return ages
