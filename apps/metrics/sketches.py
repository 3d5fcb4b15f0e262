"""A sketch of many observations from which any percentile can be read, and which adds up: the p95 of a day is right.

DDSketch (Masson, Rim and Lee 2019): a value falls into the bin ceil(log_γ |value|), and a percentile is off by 1 % at
most. A sketch is two arrays side by side, keys in rising order and counts. A key carries the sign, so that keys are
ordered as values are; key 0 holds what is nearly zero. The database builds and adds sketches with the same formula
(KEY_SQL). Pure.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

ACCURACY: Final = 0.01  # of a value
_GAMMA: Final = (1 + ACCURACY) / (1 - ACCURACY)
LOG_GAMMA: Final = math.log(_GAMMA)
SMALLEST: Final = 1e-9  # less is zero
_SHIFT: Final = 100_000  # keeps the keys of small values, whose logarithm is negative, on their side of zero
KEY_SQL: Final = (
    f"CASE WHEN abs({{value}}) < {SMALLEST!r} THEN 0"
    f" ELSE sign({{value}})::int * (ceil(ln(abs({{value}})) / {LOG_GAMMA!r})::int + {_SHIFT}) END"
)


@dataclass(frozen=True, slots=True)
class Sketch:
    """Keys in rising order, and how many values each holds."""

    keys: tuple[int, ...] = ()
    counts: tuple[int, ...] = ()

    @property
    def count(self) -> int:
        """How many values it has seen."""
        return sum(self.counts)

    def quantile(self, share: float) -> float | None:
        """The value that `share` (0 to 1) of all values do not exceed, 1 % off at most; None when it is empty."""
        rank, seen = share * (self.count - 1), 0
        for key, count in zip(self.keys, self.counts, strict=True):
            seen += count
            if seen > rank:
                return value_of(key)
        return None


def key_of(value: float) -> int:
    """The bin that a value falls into."""
    if abs(value) < SMALLEST:
        return 0
    return int(math.copysign(math.ceil(math.log(abs(value)) / LOG_GAMMA) + _SHIFT, value))


def value_of(key: int) -> float:
    """The value that stands for a bin: no value in it is further away than ACCURACY."""
    if not key:
        return 0.0
    return math.copysign(2 * _GAMMA ** (abs(key) - _SHIFT) / (_GAMMA + 1), key)


def sketch_of(values: Iterable[float]) -> Sketch:
    """The sketch of some values."""
    return _from(Counter(map(key_of, values)))


def merged(sketches: Iterable[Sketch]) -> Sketch:
    """One sketch of all that the others have seen; the same however they were cut."""
    total: Counter[int] = Counter()
    for sketch in sketches:
        for key, count in zip(sketch.keys, sketch.counts, strict=True):
            total[key] += count
    return _from(total)


def from_row(keys: Sequence[int] | None, counts: Sequence[int] | None) -> Sketch:
    """What the database keeps of an hour or a day."""
    return Sketch(tuple(keys or ()), tuple(counts or ()))


def _from(counted: Counter[int]) -> Sketch:
    ordered = sorted(counted.items())
    return Sketch(tuple(key for key, _ in ordered), tuple(count for _, count in ordered))
