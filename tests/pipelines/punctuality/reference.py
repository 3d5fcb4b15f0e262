"""The same judgement, slow and obvious: every minute is looked at, one after the other. Only for starts by a clock.

It knows nothing of cron, of searching or of pairs: a slot is a minute whose local time the schedule names.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from apps.pipelines.punctuality.facts import Pause, Seen

MINUTE = timedelta(minutes=1)


def due_minutes(
    hours: set[int], minutes: set[int], weekdays: set[int], zone: str, start: datetime, end: datetime
) -> list[datetime]:
    """Every minute from `start` to `end` at which the wall clock first shows one of these times on such a day."""
    found, shown, at = [], set(), start - timedelta(hours=4)
    while at <= end:
        local = at.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
        if local.hour in hours and local.minute in minutes and local.weekday() in weekdays and local not in shown:
            shown.add(local)
            if at >= start:
                found.append(at)
        at += MINUTE
    return found


def state_of(
    dues: Sequence[datetime],
    runs: Sequence[Seen],
    pauses: Sequence[Pause],
    *,
    grace: timedelta,
    now: datetime,
    jump: timedelta,
    zone: str,
) -> str:
    """What the newest decided slot says; `jump` of slack where the wall clock jumps within three hours of a slot."""
    said = "waiting"
    resumed = max([pause.end for pause in pauses if pause.end], default=datetime.min.replace(tzinfo=now.tzinfo))
    if any(pause.end is None for pause in pauses):
        return "paused"
    is_missed = False  # whether the slot before was
    for due in dues:
        following = min((other for other in dues if other > due), default=None)
        before = max((other for other in dues if other < due), default=None)
        early = min(MINUTE, (due - before) / 4) if before else MINUTE
        early_next = min(MINUTE, (following - due) / 4) if following else MINUTE
        own = []
        for run in runs:
            if run.trigger == "backfill" or run.started_at is None:
                continue
            is_by_hand = run.trigger == "manual"
            opens = due if is_by_hand else due - early
            closes = (following - (timedelta(0) if is_by_hand else early_next)) if following else None
            if opens <= run.started_at and (closes is None or run.started_at < closes):
                own.append(run)
        slack = jump if _jumps_near(due, zone) else timedelta(0)
        deadline = due + grace + slack
        first = min((run.started_at for run in own if run.started_at), default=None)
        was_missed = is_missed
        if first is not None and first <= deadline:
            is_missed, said = False, "on_time"
        elif first is not None and any(run.state == "succeeded" for run in own):
            is_missed, said = False, "recovered"
        elif first is not None:
            is_missed, said = False, "waiting" if due < resumed else "late"
        elif now <= deadline or any(_covers(pause, due - early, min(deadline, now)) for pause in pauses):
            continue
        elif due < resumed:
            is_missed, said = False, "waiting"
        elif (following and now >= following) or now >= deadline + timedelta(hours=24):
            is_missed, said = True, "missed"
        else:
            is_missed, said = False, "missed" if was_missed else "late"
    return said


def _covers(pause: Pause, start: datetime, end: datetime) -> bool:
    return pause.start <= end and (pause.end is None or pause.end > start)


def _jumps_near(due: datetime, zone: str) -> bool:
    local = ZoneInfo(zone)
    shifts = (timedelta(hours=-3), timedelta(hours=3))
    return len({(due + shift).astimezone(local).utcoffset() for shift in shifts}) > 1
