"""Monitors that are due: each goes on from what it remembers, so an evaluation costs what came since the last one."""

from __future__ import annotations

import logging
import zlib
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any, Final

import orjson
from django.db import transaction
from django.db.models import Q

from apps.core.ui.formats import duration
from apps.events.services import NewEvent, record_events, ring
from apps.events.status import Tone
from apps.metrics.models import SeriesKind
from apps.monitors import queries
from apps.monitors.judging import read_samples
from apps.monitors.models import Monitor, MonitorCondition, Silencing
from apps.monitors.rules import KINDS, Level, ParameterError, Reading, Rule, make_rule
from apps.monitors.services.guarding import tell_rollouts, tell_unknown
from apps.monitors.services.monitor_alerts import open_alert, resolve_alert
from apps.monitors.status import MonitorState

log = logging.getLogger(__name__)

SHORTEST: Final = 15.0  # seconds between two evaluations
LONGEST: Final = 300.0
_FRESH_STEPS: Final = 3
_LARGE: Final = 50_000  # bytes of memory that are written down only
_RARELY: Final = timedelta(hours=1)  # what came since is read again until then
_STATES: Final = {Level.OK: MonitorState.FINE, Level.WARN: MonitorState.WARNING, Level.ALERT: MonitorState.ALERTING}


def evaluate_due(*, at: datetime, seconds: float = 20.0) -> int:
    """Evaluate what is due, for at most so many seconds; returns how many. Two at once share the work."""
    ends, done = monotonic() + seconds, 0
    while monotonic() < ends and _evaluate_next(at):
        done += 1
    return done


def _evaluate_next(at: datetime) -> bool:
    with transaction.atomic():
        rows = MonitorCondition.objects.select_for_update(skip_locked=True, of=("self",))
        rows = rows.select_related("monitor__series__source", "monitor__series__feature")
        condition = rows.filter(monitor__is_enabled=True, due_at__lte=at).order_by("due_at").first()
        if condition is None:
            return False
        try:
            with transaction.atomic():
                evaluate(condition=condition, at=at)
        except Exception:  # one that fails must not keep the others from their turn
            log.exception("Monitor %s could not be evaluated", condition.monitor_id)
            why = "It could not be evaluated; the log of the worker says why."
            MonitorCondition.objects.filter(pk=condition.pk).update(
                state=MonitorState.NOT_EVALUATED, why=why, due_at=at + timedelta(seconds=LONGEST)
            )
            tell_unknown(monitor=condition.monitor, why=why, at=at)
        return True


def evaluate(*, condition: MonitorCondition, at: datetime) -> None:
    """Judge one monitor and keep what it remembers; the caller holds its row."""
    monitor, before = condition.monitor, condition.state
    reading: Reading | None = None
    try:
        rule = _rule(condition)
        reading = _read(condition, rule, at)
    except ParameterError as error:
        condition.state, condition.value, condition.why = MonitorState.MISCONFIGURED, None, str(error)
    condition.evaluated_at = at
    condition.due_at = at + timedelta(seconds=min(max(monitor.series.interval, SHORTEST), LONGEST))
    condition.save()
    _follow(monitor, condition, reading, before, at)


def _rule(condition: MonitorCondition) -> Rule:
    monitor = condition.monitor
    if monitor.series.kind == SeriesKind.COUNTER:
        raise ParameterError("Its series counts up for ever; watch a rate or a mean of it instead.")
    memory = orjson.loads(zlib.decompress(condition.memory)) if condition.memory else {}
    return make_rule(monitor.kind, monitor.parameters, memory)


def _read(condition: MonitorCondition, rule: Rule, at: datetime) -> Reading | None:
    """The judgement now, with `condition` brought up to date; None where there is none."""
    series = condition.monitor.series
    start = condition.seen_until or at - timedelta(days=KINDS[condition.monitor.kind].history_days)
    found = read_samples(rule, queries.samples_between(series_id=series.pk, after=start, until=at))
    reading = rule.tick(at.timestamp()) or found
    newest = queries.last_sample_at(series_id=series.pk, until=at)
    _remember(condition, rule, newest, at)
    fresh_for = timedelta(seconds=max(_FRESH_STEPS * series.interval, 2 * LONGEST))
    if condition.monitor.kind != "no_data" and (newest is None or at - newest > fresh_for):
        age = f"no news for {duration((at - newest).total_seconds())}" if newest else "it was never measured"
        condition.state, condition.why = MonitorState.NOT_EVALUATED, f"Nothing to judge: {age}."
        return None
    if reading is None:
        if condition.state in (MonitorState.NOT_EVALUATED, MonitorState.MISCONFIGURED):
            condition.state, condition.why = MonitorState.NOT_EVALUATED, "It has not seen enough samples yet."
        return None
    condition.state, condition.value, condition.why = _STATES[reading.level], reading.value, reading.why
    return reading


def _remember(condition: MonitorCondition, rule: Rule, newest: datetime | None, at: datetime) -> None:
    is_early = condition.memory_at is not None and at - condition.memory_at < _RARELY
    if newest is None or newest == condition.seen_until or (is_early and len(condition.memory) > _LARGE):
        return
    condition.memory = zlib.compress(orjson.dumps(rule.memory()), 1)
    condition.seen_until, condition.memory_at = newest, at


def _follow(monitor: Monitor, condition: MonitorCondition, reading: Reading | None, before: str, at: datetime) -> None:
    """Alert and tell as the judgement asks; without one an open alert is held, for nobody knows whether it is over."""
    is_muted = reading is not None and reading.level == Level.ALERT and _is_silenced(monitor, at)
    if reading is not None:
        if reading.level == Level.ALERT and not is_muted:
            open_alert(monitor=monitor, reading=reading, at=at)
        else:
            resolve_alert(monitor=monitor, at=at)
    tell_rollouts(condition=condition, is_muted=is_muted, at=at)
    if condition.state == before:
        return
    ring(topics={"monitors", monitor.topic})
    if condition.state in (MonitorState.WARNING, MonitorState.MISCONFIGURED):
        record_events(events=[_warned(monitor, condition, at)])


def _is_silenced(monitor: Monitor, at: datetime) -> bool:
    mine = Q(monitor=monitor)
    if monitor.series.feature_id:
        mine |= Q(feature_id=monitor.series.feature_id)
    rows = Silencing.objects.filter(mine, lifted_at=None, starts_at__lte=at, ends_at__gt=at)
    return any(one.holds(at) for one in rows)


def _warned(monitor: Monitor, condition: MonitorCondition, at: datetime) -> NewEvent:
    is_wrong = condition.state == MonitorState.MISCONFIGURED
    kind = "monitors:monitor:misconfigured" if is_wrong else "monitors:monitor:warned"
    verb = "cannot judge" if is_wrong else "warns"
    facts: dict[str, Any] = {"feature_id": monitor.series.feature_id, "is_demo": monitor.is_demo}
    return NewEvent(
        kind=kind,
        at=at.astimezone(UTC),
        title=f"{monitor.name[:120]} {verb}: {condition.why[:160]}",
        tone=Tone.WARN,
        subject_kind="monitor",
        subject_id=monitor.pk,
        topics=("monitors",),
        **facts,
    )
