"""Objectives: hours that are over are counted once, what a person takes out is left out, the rest is arithmetic."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction
from django.db.models import F, Q, Sum

from apps.accounts.models import User
from apps.accounts.services import record_audit
from apps.events.services import NewEvent, record_events, ring
from apps.events.status import Tone
from apps.monitors import queries
from apps.monitors.models import Slo, SloCorrection, SloHour
from apps.monitors.rules.burn import budget_left, burn_rate
from apps.monitors.services.guarding import tell_rollouts_of_slo
from apps.monitors.status import SloState
from apps.pipelines.status import TROUBLE_STATES

HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)
EVERY: Final = timedelta(seconds=60)
_TERMS: Final = {"objective": "promise in percent", "days": "days", "limit": "limit", "is_bad_above": "bad when"}
_WATCHED: Final = ("series", "pipeline", "good_series", "total_series")
_MEASURED: Final = (
    "good", "total", "budget_left", "burn_hour", "burn_day", "state", "measured_at", "rolled_until",
)  # fmt: skip
_BURNING: Final = 1.0  # faster than this and the budget ends before its period


def create_slo(*, actor: User | None, at: datetime, is_demo: bool = False, **fields: Any) -> Slo:
    """A new objective, measured over the past that is known."""
    with transaction.atomic():
        by = str(actor) if actor else "the portal"
        slo = Slo.objects.create(created_by=by, created_at=at, is_demo=is_demo, **fields)
        if actor:
            record_audit(actor=actor, action="slo:create", subject=slo, after=_facts(slo))
        _tell(slo, "monitors:slo:created", f"The objective “{slo.name[:120]}” was set", by, at)
        measure_slo(slo=slo, at=at)
    return slo


def change_slo(*, slo_id: int, actor: User, reason: str, at: datetime, **fields: Any) -> bool:
    """Another promise, limit or period; False when nothing differs.

    Hours that are over stay as they were counted, so nobody's past is rewritten; only a longer period is counted anew,
    as far back as is known.
    """
    with transaction.atomic():
        slo = Slo.objects.select_for_update(of=("self",)).select_related(*_WATCHED).get(pk=slo_id)
        before = _facts(slo)
        if not any(before[name] != value for name, value in fields.items()):
            return False
        for name, value in fields.items():
            setattr(slo, name, value)
        if slo.days > before["days"]:
            slo.rolled_until = None
        slo.save(update_fields=list(fields))
        record_audit(actor=actor, action="slo:change", subject=slo, before=before, after=_facts(slo), reason=reason)
        title = f"{str(actor)[:60]} changed the objective “{slo.name[:100]}”: {_difference(before, _facts(slo))}"
        _tell(slo, "monitors:slo:changed", title[:300], str(actor), at, reason)
        measure_slo(slo=slo, at=at)
    return True


def remove_slo(*, slo_id: int, actor: User, at: datetime) -> None:
    """Gone with its history."""
    with transaction.atomic():
        slo = Slo.objects.select_for_update().get(pk=slo_id)
        record_audit(actor=actor, action="slo:remove", subject=slo, before=_facts(slo))
        _tell(slo, "monitors:slo:removed", f"The objective “{slo.name[:120]}” was removed", str(actor), at)
        slo.delete()


def correct_slo(
    *, slo: Slo, actor: User, starts_at: datetime, ends_at: datetime, reason: str, at: datetime
) -> SloCorrection:
    """A stretch that does not count, whole hours; everybody sees why."""
    with transaction.atomic():
        made = SloCorrection.objects.create(
            slo=slo, starts_at=starts_at, ends_at=ends_at, reason=reason, created_by=str(actor), created_at=at
        )
        record_audit(actor=actor, action="slo:correct", subject=slo, reason=reason)
        title = f"{str(actor)[:60]} took a stretch out of the objective “{slo.name[:100]}”"
        _tell(slo, "monitors:slo:corrected", title, str(actor), at, reason)
        measure_slo(slo=slo, at=at)
    return made


def measure_due(*, at: datetime) -> int:
    """Measure the objectives that were not measured for a minute; returns how many."""
    due = Q(measured_at=None) | Q(measured_at__lte=at - EVERY)
    ids = list(Slo.objects.filter(due).order_by(F("measured_at").asc(nulls_first=True)).values_list("pk", flat=True))
    for slo_id in ids:
        with transaction.atomic():
            rows = Slo.objects.select_for_update(skip_locked=True, of=("self",)).select_related(*_WATCHED)
            slo = rows.filter(due, pk=slo_id).first()
            if slo:
                measure_slo(slo=slo, at=at)
    return len(ids)


def measure_slo(*, slo: Slo, at: datetime) -> None:
    """Count the hours since last time, then say what is left of the budget; the caller holds its row."""
    before = slo.state
    _count_pipeline(slo, at) if slo.pipeline_id else _count_samples(slo, at)
    objective = slo.objective / 100
    good, total = _sums(slo, at - timedelta(days=slo.days), at)
    slo.good, slo.total, slo.measured_at = good, total, at
    slo.budget_left = budget_left(bad=total - good, total=total, objective=objective) if total else None
    slo.burn_hour, slo.burn_day = (_burn(slo, at - span, at, objective) for span in (HOUR, DAY))
    slo.state = _state(slo)
    slo.save(update_fields=_MEASURED)  # never what somebody promises meanwhile
    tell_rollouts_of_slo(slo=slo, at=at)
    if slo.state != before:
        ring(topics={"slos", f"slo-{slo.pk}"})
        if slo.state == SloState.EXHAUSTED:
            title = f"The error budget of “{slo.name[:120]}” is used up"
            _tell(slo, "monitors:slo:exhausted", title, "", at, tone=Tone.BAD)


def _state(slo: Slo) -> SloState:
    if slo.budget_left is None:
        return SloState.NOT_MEASURED
    if slo.budget_left <= 0:
        return SloState.EXHAUSTED
    is_burning = (slo.burn_day or 0) > _BURNING and (slo.burn_hour or 0) > _BURNING
    return SloState.BURNING if is_burning else SloState.WITHIN


def _count_samples(slo: Slo, at: datetime) -> None:
    """Hours from the last one counted on: it may have been running then, or have got late samples."""
    start = slo.rolled_until - HOUR if slo.rolled_until else at - timedelta(days=slo.days)
    start = start.replace(minute=0, second=0, microsecond=0)
    counts = _counts(slo, start, at)
    SloHour.objects.bulk_create(
        [SloHour(slo=slo, at=begin, good=good, total=total) for begin, good, total in counts],
        update_conflicts=True,
        unique_fields=["slo", "at"],
        update_fields=["good", "total"],
    )
    SloHour.objects.filter(slo=slo, at__lt=at - timedelta(days=2 * slo.days)).delete()
    slo.rolled_until = at.replace(minute=0, second=0, microsecond=0)


def _counts(slo: Slo, start: datetime, end: datetime) -> Sequence[tuple[datetime, float, float]]:
    """(hour, good, all)."""
    if slo.good_series and slo.total_series:
        return queries.event_counts(good=slo.good_series, total=slo.total_series, start=start, end=end)
    assert slo.series_id is not None
    assert slo.limit is not None
    return queries.stretch_counts(
        series_id=slo.series_id, limit=slo.limit, is_bad_above=slo.is_bad_above, start=start, end=end
    )


def _count_pipeline(slo: Slo, at: datetime) -> None:
    """One look a minute at whether the pipeline is in time; a pipeline that nobody can judge is not counted."""
    judged = getattr(slo.pipeline, "punctuality", None)
    if judged is None or judged.state in ("", "unknown"):
        return
    hour = at.replace(minute=0, second=0, microsecond=0)
    row, _ = SloHour.objects.get_or_create(slo=slo, at=hour, defaults={"good": 0, "total": 0})
    row.good += judged.state not in TROUBLE_STATES
    row.total += 1
    row.save(update_fields=["good", "total"])


def _burn(slo: Slo, start: datetime, end: datetime, objective: float) -> float | None:
    good, total = _sums(slo, start, end)
    return burn_rate(bad=total - good, total=total, objective=objective) if total else None


def _sums(slo: Slo, start: datetime, end: datetime) -> tuple[float, float]:
    """(good, all) of the hours that reach into a stretch and that nobody took out."""
    hours = SloHour.objects.filter(slo=slo, at__gt=start - HOUR, at__lte=end)
    for one in slo.corrections.all():
        hours = hours.exclude(at__gt=one.starts_at - HOUR, at__lt=one.ends_at)
    found = hours.aggregate(good=Sum("good"), total=Sum("total"))
    return found["good"] or 0.0, found["total"] or 0.0


def _tell(
    slo: Slo,
    kind: str,
    title: str,
    actor: str,
    at: datetime,
    detail: str = "",
    *,
    tone: Tone = Tone.INFO,
) -> None:
    event = NewEvent(
        kind=kind,
        at=at,
        title=title,
        tone=tone,
        detail=detail,
        actor=actor,
        is_change=False,  # of what is watched, not of what runs
        is_demo=slo.is_demo,
        feature_id=slo.feature_id,
        subject_kind="slo",
        subject_id=slo.pk,
        topics=("slos",),
    )
    record_events(events=[event])


def _facts(slo: Slo) -> dict[str, Any]:
    watched = ("series_id", "good_series_id", "total_series_id", "pipeline_id")
    return {name: getattr(slo, name) for name in ("name", "feature_id", *watched, *_TERMS)}


def _difference(before: dict[str, Any], after: dict[str, Any]) -> str:
    """What differs, in words."""
    told = [
        f"{label} {_word(before[name])} became {_word(after[name])}"
        for name, label in (("name", "name"), *_TERMS.items())
        if before[name] != after[name]
    ]
    return ", ".join(told)


def _word(value: Any) -> str:
    if isinstance(value, bool):
        return "above" if value else "below"
    return f"{value:g}" if isinstance(value, int | float) else f"“{str(value)[:60]}”"
