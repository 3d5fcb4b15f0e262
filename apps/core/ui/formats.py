"""Numbers, spans and times as people say them; pure functions of values, a time and a zone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime, tzinfo
from typing import Final

NOTHING: Final = "–"
MINUTE: Final = 60
HOUR: Final = 3600
DAY: Final = 86_400
_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_CURRENCIES: Final = {"usd": "$", "eur": "€", "gbp": "£"}
_BYTES: Final = ("B", "KB", "MB", "GB", "TB", "PB")


def number(value: float | None, unit: str = "") -> tuple[str, str]:
    """(figures, unit) of a measured value, three figures that matter: (184200, "") gives ("184", "k").

    Units: "%" is already in percent, "ratio" is 0 to 1 and shown in percent, "s" and "ms" change with size, "bytes",
    "usd"/"eur"/"gbp" lead with their sign, anything else follows the figures as it is. No value is a dash.
    """
    if value is None or not math.isfinite(value):
        return NOTHING, ""
    if unit in ("ms", "s"):
        return _span_number(value / 1000 if unit == "ms" else value)
    if unit in ("%", "ratio"):
        return _percent(value * 100 if unit == "ratio" else value), "%"
    if unit == "bytes":
        return _bytes(value)
    if unit.lower() in _CURRENCIES:
        figures, scale = _compact(abs(value), decimals=2)
        return f"{'−' if value < 0 else ''}{_CURRENCIES[unit.lower()]}{figures}", scale
    figures, scale = _compact(value)
    return figures, " ".join(part for part in (scale, unit) if part)


def number_text(value: float | None, unit: str = "") -> str:
    """The same in one string, for labels and titles."""
    figures, shown = number(value, unit)
    return f"{figures}{'' if shown in ('', '%') else ' '}{shown}"


def axis_labels(values: Sequence[float], unit: str) -> list[str]:
    """Labels of one axis: spans all in the unit of the largest, everything else as it is said elsewhere."""
    if unit not in ("s", "ms"):
        return [number_text(value, unit) for value in values]
    factor = 0.001 if unit == "ms" else 1.0
    size, shown = _span_unit(max((abs(value) for value in values), default=0) * factor)
    return [f"{_figures(round(value * factor / size, 9))} {shown}" for value in values]


def series_labels(values: Sequence[float], unit: str) -> list[str]:
    """A label for each of many values: spans and percentages in one unit with four figures, cheaply."""
    if unit in ("s", "ms"):
        factor = 0.001 if unit == "ms" else 1.0
        size, shown = _span_unit(max((abs(value) for value in values), default=0) * factor)
        scale, suffix = factor / size, f" {shown}"
    elif unit in ("%", "ratio"):
        scale, suffix = 100.0 if unit == "ratio" else 1.0, "%"
    else:
        return [number_text(value, unit) for value in values]
    return [
        f"{value * scale:.4g}{suffix}" if abs(value * scale) < 9999 else number_text(value, unit) for value in values
    ]


def duration(seconds: float | None) -> str:
    """A span in its two largest parts: "320 ms", "45 s", "3 min", "1 h 47 min", "2 d 3 h"."""
    if seconds is None or not math.isfinite(seconds):
        return NOTHING
    if seconds < 0:
        return f"−{duration(-seconds)}"
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 10:
        return f"{_trim(f'{seconds:.1f}')} s"
    whole = round(seconds)
    if whole < MINUTE:
        return f"{whole} s"
    if whole < 10 * MINUTE and whole % MINUTE:
        return f"{whole // MINUTE} min {whole % MINUTE} s"
    minutes = round(whole / MINUTE)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    days, hours = divmod(round(whole / HOUR), 24)
    return f"{days} d {hours} h" if hours else f"{days} d"


def ago(at: datetime, now: datetime) -> str:
    """How long ago, in one part; a date once it is more than 30 days. The page's script says it the same way."""
    age = (now - at).total_seconds()
    if age < 0:
        return f"in {_one_part(-age)}" if age <= -5 else "now"
    if age < 5:
        return "now"
    if age > 30 * DAY:
        return date_text(at.astimezone(now.tzinfo))
    return f"{_one_part(age)} ago"


def when(at: datetime, now: datetime) -> str:
    """The shortest exact time in the zone of `now`: "10:24" today, "18 Nov 13:05" this year, else with the year."""
    local = at.astimezone(now.tzinfo)
    clock = f"{local:%H:%M}"
    if local.date() == now.date():
        return clock
    year = "" if local.year == now.year else f" {local.year}"
    return f"{local.day} {_MONTHS[local.month - 1]}{year} {clock}"


def absolute(at: datetime, zone: tzinfo) -> str:
    """The full time for titles: "Tue 24 Nov 2026, 10:24:03 CET"."""
    local = at.astimezone(zone)
    return f"{_DAYS[local.weekday()]} {date_text(local)}, {local.isoformat()[11:19]} {local.tzname()}"


def date_text(at: datetime) -> str:
    """The day alone: "24 Nov 2026"."""
    return f"{at.day} {_MONTHS[at.month - 1]} {at.year}"


def iso(at: datetime) -> str:
    """The instant for `<time datetime>`, in UTC: "2026-11-24T09:24:03Z"."""
    return f"{at.astimezone(UTC).isoformat()[:19]}Z"


def delta(value: float | None, before: float | None, unit: str = "") -> str:
    """How a value compares with the one before: "+6%", "−0.4 pts" for percentages, "same", or a dash."""
    if value is None or before is None:
        return NOTHING
    if unit in ("%", "ratio"):
        points = (value - before) * (100 if unit == "ratio" else 1)
        return "same" if abs(points) < 0.05 else f"{_signed(points, 1)} pts"
    if before == 0:
        return "same" if value == 0 else "new"
    change = (value - before) / abs(before) * 100
    return "same" if abs(change) < 0.5 else f"{_signed(change, 0)}%"


def _one_part(seconds: float) -> str:
    if seconds < MINUTE:
        return f"{int(seconds)} s"
    if seconds < HOUR:
        return f"{int(seconds // MINUTE)} min"
    if seconds < DAY:
        return f"{int(seconds // HOUR)} h"
    days = int(seconds // DAY)
    return "1 day" if days == 1 else f"{days} days"


def _span_number(seconds: float) -> tuple[str, str]:
    size, unit = _span_unit(seconds)
    return _figures(seconds / size), unit


def _span_unit(seconds: float) -> tuple[float, str]:
    """The unit a span is said in, with its seconds."""
    size = abs(seconds)
    if 0 < size < 1:
        return 0.001, "ms"
    if size < 2 * MINUTE:
        return 1.0, "s"
    return (MINUTE, "min") if size < 2 * HOUR else (HOUR, "h") if size < 2 * DAY else (DAY, "d")


def _percent(value: float) -> str:
    if 99.9 <= abs(value) < 100:
        return _trim(f"{math.floor(value * 100) / 100:.2f}")  # never round trouble away to 100
    return _figures(value) if abs(value) < 1 else _trim(f"{value:.1f}")


def _bytes(value: float) -> tuple[str, str]:
    size, power = value, 0
    while abs(size) >= 1000 and power < len(_BYTES) - 1:
        size, power = size / 1000, power + 1
    return _figures(size), _BYTES[power]


def _compact(value: float, decimals: int | None = None) -> tuple[str, str]:
    for limit, scale in ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e4, "k")):
        if abs(value) >= limit * 0.9995:
            return _figures(value / (1e3 if scale == "k" else limit)), scale
    if float(value).is_integer():
        return f"{value:,.0f}".replace("-", "−"), ""
    if decimals is not None and abs(value) >= 0.1:
        return f"{value:,.{decimals}f}", ""
    return _figures(value), ""


def _figures(value: float) -> str:
    """Three figures that matter, no exponent, no trailing zeros, a true minus sign."""
    if value == 0:
        return "0"
    decimals = max(0, 2 - math.floor(math.log10(abs(value))))
    return _trim(f"{value:,.{min(decimals, 9)}f}").replace("-", "−")


def _trim(text: str) -> str:
    return text.rstrip("0").rstrip(".") if "." in text else text


def _signed(value: float, decimals: int) -> str:
    return f"{'+' if value > 0 else '−'}{abs(value):,.{decimals}f}"


def short_revision(reference: str) -> str:
    """A revision as people say it: a commit hash or digest by its first ten characters, anything else as it is."""
    name, colon, digest = reference.rpartition(":")
    is_hash = len(digest) in (40, 64) and all(sign in "0123456789abcdef" for sign in digest.lower())
    return f"{name}{colon}{digest[:10]}" if is_hash else reference
