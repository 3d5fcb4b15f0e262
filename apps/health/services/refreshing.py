"""Judging features and keeping the answer: what people read changes once, by whoever comes first."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction

from apps.catalog.models import Feature
from apps.events import services as events
from apps.events.services import NewEvent
from apps.health import queries, telling
from apps.health.facts import Status
from apps.health.models import FeatureHealth
from apps.health.queries import Gathered
from apps.health.rollup import Judgement, roll_up
from apps.health.services import locks, rows, spans
from apps.health.services.behind_events import data_event
from apps.health.services.consistency import refresh_consistency
from apps.health.services.replaying import backfill_health

REPLAYS_A_ROUND: Final = 2
SLEPT_FOR: Final = timedelta(minutes=15)  # nobody judged for so long: the time between is not known


@dataclass(frozen=True, slots=True)
class _Next:
    """What is to be stored for one feature, beside what was."""

    feature: Feature
    row: FeatureHealth
    before: FeatureHealth | None

    @property
    def has_new_status(self) -> bool:
        """Whether a new stretch begins."""
        return self.before is None or self.before.status != self.row.status

    @property
    def has_slept(self) -> bool:
        """Whether nobody looked for a while, so that the stretch cannot go on unseen."""
        return self.before is not None and self.row.evaluated_at - self.before.evaluated_at > SLEPT_FOR

    @property
    def turn(self) -> spans.Turn:
        """The stretch that begins."""
        return spans.Turn(self.row, self.before.evaluated_at if self.before and self.has_slept else None)

    @property
    def is_read_anew(self) -> bool:
        """Whether people read something else than before; numbers in reasons alone do not count."""
        return self.before is None or _read(self.before) != _read(self.row)


def refresh_health(*, feature_ids: Collection[int], at: datetime) -> int:
    """Judge the features at `at` and keep the answers; returns for how many people read something new.

    A version that somebody else has moved since the facts were read, or a judgement of a later time, stands.
    """
    gathered = queries.gather(feature_ids=feature_ids, at=at)
    coming = [_next(one, roll_up(one.facts, at), at) for one in gathered]
    if not coming:
        return 0
    with transaction.atomic():
        written = _write(coming)
        spans.turn(turns=[one.turn for one in written if one.has_new_status or one.has_slept])
        told = [event for one in written for event in (_event(one), data_event(one.feature, one.row, one.before))]
        events.record_events(events=[event for event in told if event])
        changed = [one for one in written if one.is_read_anew]
        events.ring(topics=_topics(changed))
    return len(changed)


def refresh_due(*, at: datetime) -> str:
    """Judge what is due, staleness included, and replay the past of a few features; returns a sentence."""
    refresh_consistency(feature_ids=queries.due_consistency(at=at), at=at)
    due = queries.due_features(at=at)
    changed = refresh_health(feature_ids=due, at=at) if due else 0
    past = queries.features_to_replay(at=at, limit=REPLAYS_A_ROUND)
    replayed = [backfill_health(feature_id=pk, at=at) for pk in past]
    return f"{len(due)} features judged, {changed} changed, {sum(map(bool, replayed))} replayed"


def _next(one: Gathered, judged: Judgement, at: datetime) -> _Next:
    """The row to come."""
    before = one.previous
    row = FeatureHealth(
        feature_id=one.feature.pk,
        status=str(judged.status),
        sentence=judged.sentence,
        since=_since(before, judged, at),
        reasons=[reason.to_json() for reason in judged.reasons],
        oldest_input_at=judged.oldest_input_at,
        evaluated_at=at,
        stale_at=judged.stale_at,
        version=before.version if before else 0,
        data_because=judged.behind.because if judged.behind else "",
        data_as_of=judged.behind.as_of if judged.behind else None,
        data_since=judged.behind.since if judged.behind else None,
    )
    coming = _Next(one.feature, row, before)
    row.version += coming.is_read_anew
    return coming


def _since(before: FeatureHealth | None, judged: Judgement, at: datetime) -> datetime:
    """When the status began: unchanged while it lasts, else by the facts, but never before what it followed."""
    if before and before.status == judged.status:
        return before.since
    began = min(judged.since_hint or at, at)
    return began if before is None or began > before.since else at


def _write(coming: Sequence[_Next]) -> list[_Next]:
    """Store in one statement; returns those whose row was still as their facts saw it."""
    ids = [one.row.pk for one in coming]
    locks.hold(feature_ids=ids)
    now = FeatureHealth.objects.in_bulk(ids)
    written = [one for one in coming if _still_stands(one, now.get(one.row.pk))]
    for one in written:
        if one.before and not one.has_slept:  # after a sleep the hole is filled from samples, so the past is not done
            one.row.history_from = now[one.row.pk].history_from
    rows.write([one.row for one in written])
    return written


def _still_stands(one: _Next, now: FeatureHealth | None) -> bool:
    if now is None or one.before is None:
        return now is one.before
    return now.version == one.before.version and now.evaluated_at <= one.row.evaluated_at


def _read(row: FeatureHealth) -> tuple[object, ...]:
    return row.status, row.sentence, _told(row.reasons), row.data_because, row.data_as_of


def _told(reasons: Iterable[dict[str, Any]]) -> list[tuple[str, str, str]]:
    """What of the reasons is read before anything is opened, without their numbers."""
    return sorted((reason["key"], reason["rule"], reason["effect"]) for reason in reasons)


def _topics(changed: Iterable[_Next]) -> set[str]:
    topics = {f"feature-{one.row.pk}" for one in changed}
    return topics | {"overview"} if topics else topics


def _event(one: _Next) -> NewEvent | None:
    """The news of a moved status; a feature that is heard of for the first time is news only when it is in trouble."""
    before = Status(one.before.status) if one.before else None
    after = Status(one.row.status)
    if not one.has_new_status or (before is None and after not in (Status.DEGRADED, Status.DOWN)):
        return None
    kind, tone = telling.kind_and_tone(before, after)
    return NewEvent(
        kind=kind,
        at=one.row.since,
        title=telling.title(one.feature.name, before, after, one.row.sentence),
        tone=tone,
        detail=one.row.sentence,
        is_demo=one.feature.is_demo,
        feature_id=one.feature.pk,
        subject_kind="feature",
        subject_id=one.feature.pk,
        dedupe_key=f"health:{one.feature.pk}:{one.row.version}",
        data={"from": str(before) if before else "", "to": str(after), "version": one.row.version},
        topics=("overview",),
    )
