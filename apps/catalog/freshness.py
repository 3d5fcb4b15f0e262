"""How old the data of a component may be, as people write it: two ages, or a time by which it is to be new. Pure.

Kept whole, as JSON: {"warn_after_hours": 6.0, "fail_after_hours": 24.0, "due_by": "", "time_zone": "UTC"}.
Without `due_by` the hours count from when it was last refreshed; with it, from a due time that passed in vain.
"""

from __future__ import annotations

import math
import zoneinfo
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from cronsim import CronSim, CronSimError

Limits = Mapping[str, Any]
MOST_HOURS: Final = 24.0 * 366 * 5


def whole_limits(said: Limits | None) -> dict[str, Any] | None:
    """The limits with every default said, so that two of them can be compared; None stays None."""
    if not said:
        return None
    due_by = " ".join(str(said.get("due_by") or "").split())
    warn = _hours(said.get("warn_after_hours"))
    return {
        "warn_after_hours": 0.0 if due_by and warn is None else warn,
        "fail_after_hours": _hours(said.get("fail_after_hours")),
        "due_by": due_by,
        "time_zone": str(said.get("time_zone") or "UTC"),
    }


def limits_problem(said: Limits) -> str:
    """What is wrong with the limits, or ""."""
    limits = whole_limits(said) or {}
    warn, fail = limits.get("warn_after_hours"), limits.get("fail_after_hours")
    ages = [age for age in (warn, fail) if age is not None]
    if not ages:
        return "Say after how many hours data are old (“warn_after_hours”, “fail_after_hours”), or when they are due."
    if not all(math.isfinite(age) and 0 <= age <= MOST_HOURS for age in ages):
        return "Hours are ordinary numbers, from 0 to five years."
    if len(ages) == 2 and ages[1] < ages[0]:
        return f"“fail_after_hours” ({ages[1]:g}) comes before “warn_after_hours” ({ages[0]:g})."
    if limits["due_by"]:
        return _cron_problem(limits["due_by"], limits["time_zone"])
    return "" if min(ages) > 0 else "Data cannot be new for 0 hours; write a longer time."


def limits_text(limits: Limits | None) -> str:
    """ "warn after 6 h, fail after 24 h", "due by 0 6 * * * (Europe/Berlin), fail 2 h later", "" for none."""
    if not limits:
        return ""
    warn, fail = limits["warn_after_hours"], limits["fail_after_hours"]
    if limits["due_by"]:
        parts = [f"due by {limits['due_by']} ({limits['time_zone']})"]
        parts += [f"warn {warn:g} h later"] if warn else []
        parts += [f"fail {fail:g} h later"] if fail is not None else []
    else:
        parts = [f"warn after {warn:g} h"] if warn is not None else []
        parts += [f"fail after {fail:g} h"] if fail is not None else []
    return ", ".join(parts)


def _hours(value: Any) -> float | None:
    return None if value in (None, "") else float(value)


def _cron_problem(expression: str, zone: str) -> str:
    if zone not in zoneinfo.available_timezones():
        return f"“{zone}” is not a time zone; write a name such as Europe/Berlin."
    if len(expression.split()) != 5:
        return "A cron expression has five fields: minute, hour, day, month, weekday."
    try:
        next(CronSim(expression, datetime(2024, 1, 1, tzinfo=UTC)))
    except (CronSimError, StopIteration):
        return f"“{expression}” is no cron expression that ever comes."
    return ""
