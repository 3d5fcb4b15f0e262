"""From the samples of a record to what may be stored: finite, at a sane time, one value a time, oldest first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from math import isfinite
from statistics import median
from typing import Final

from apps.connectors.records import Kind, Rejected, SeriesRecord

FUTURE: Final = timedelta(days=1)
_STEPS_LOOKED_AT: Final = 10
_LONGEST: Final = 512  # characters of a name
_LONGEST_MEASURE: Final = 60

Pair = tuple[datetime, float]


@dataclass(frozen=True, slots=True)
class Window:
    """The times that are believed."""

    oldest: datetime
    newest: datetime

    @classmethod
    def around(cls, at: datetime, kept_days: int) -> Window:
        """From the oldest day that is kept to a day ahead of `at`, for clocks that run fast."""
        return cls(at - timedelta(days=kept_days), at + FUTURE)

    def refusal(self, at: datetime, value: float) -> str:
        """Why a sample is not stored, "" when it is."""
        if at.tzinfo is None:
            return "its time has no zone"
        if not isfinite(value):
            return "its value is not a finite number"
        if at < self.oldest:
            return f"it is older than {(self.newest - FUTURE - self.oldest).days} days"
        return "it lies more than a day in the future" if at > self.newest else ""


def unusable(record: SeriesRecord) -> str:
    """Why a whole record cannot be stored, "" when it can."""
    if not record.external_id or not record.name:
        return "A series needs an id and a name; this one lacks them."
    if len(record.external_id) > _LONGEST or len(record.name) > _LONGEST:
        return f"The id and the name of a series may have {_LONGEST} characters; shorten its query or labels."
    if len(record.measure) > _LONGEST_MEASURE or len(record.unit) > 20:
        return "The measure may have 60 characters and the unit 20; shorten them in the source's queries."
    texts = (record.external_id, record.name, record.measure, record.unit)
    if "\x00" in "".join((*texts, *map(str, record.labels), *map(str, record.labels.values()))):
        return "It contains the character U+0000, which cannot be stored."
    return ""


def clean_samples(record: SeriesRecord, window: Window, factor: float) -> tuple[list[Pair], Rejected | None]:
    """(samples to store, what was refused and why), values multiplied by `factor`."""
    samples = record.samples
    if not samples:
        return [], None
    refused = [] if _are_all_fine(samples, window) else list(_refused(samples, window))
    bad = {place for place, _ in refused}
    kept = [pair for place, pair in enumerate(samples) if place not in bad] if bad else samples
    pairs = _ordered(kept)
    if factor != 1.0:
        pairs = [(at, value * factor) for at, value in pairs]
    return pairs, _rejection(record, refused) if refused else None


def usual_step(samples: list[Pair]) -> float | None:
    """Seconds between the newest samples, None for fewer than three."""
    if len(samples) < 3:
        return None
    newest = samples[-_STEPS_LOOKED_AT:]
    return median((later[0] - earlier[0]).total_seconds() for earlier, later in pairwise(newest))


def _are_all_fine(samples: tuple[Pair, ...], window: Window) -> bool:
    """The quick look that nearly every record passes."""
    times, values = zip(*samples, strict=True)
    try:
        return min(times) >= window.oldest and max(times) <= window.newest and all(map(isfinite, values))
    except TypeError:  # a time without a zone cannot be compared
        return False


def _refused(samples: tuple[Pair, ...], window: Window) -> Iterator[tuple[int, str]]:
    for place, (at, value) in enumerate(samples):
        if reason := window.refusal(at, value):
            yield place, reason


def _ordered(samples: list[Pair] | tuple[Pair, ...]) -> list[Pair]:
    """Oldest first and one value a time; of two values for one time the later in the record holds."""
    is_ordered = all(map(_is_before, samples, samples[1:]))
    return list(samples) if is_ordered else sorted(dict(samples).items())


def _is_before(one: Pair, other: Pair) -> bool:
    return one[0] < other[0]


def _rejection(record: SeriesRecord, refused: list[tuple[int, str]]) -> Rejected:
    reasons = dict.fromkeys(reason for _, reason in refused)
    first_at, first_value = record.samples[refused[0][0]]
    count = f"{len(refused)} samples were" if len(refused) > 1 else "One sample was"
    return Rejected(
        kind=Kind.SERIES,
        external_id=record.external_id,
        reason=f"{count} refused: {', or '.join(reasons)}.",
        raw={"name": record.name, "refused": len(refused), "first": [first_at.isoformat(), repr(first_value)]},
    )
