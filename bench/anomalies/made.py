"""Series of many kinds with one planted fault each, all from a seed: what was planted, and where, is known exactly."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Array = NDArray[np.float64]
ROWS: Final = 4000
WINDOW: Final = ROWS // 20  # rows after the beginning of a fault in which to find it
_START: Final = 1_700_000_000


@dataclass(frozen=True, slots=True)
class Labelled:
    """One series: times in seconds, values (NaN is missing) and windows [first row, last row] of what was planted."""

    name: str
    kind: str
    fault: str
    at: Array
    values: Array
    windows: list[tuple[int, int]]


def _day(at: Array) -> Array:
    return np.sin(2 * np.pi * (at % 86_400) / 86_400)


def _daily(dice: Generator, at: Array) -> Array:
    return 100 + 30 * _day(at) + dice.normal(0, 4, len(at))


def _office(dice: Generator, at: Array) -> Array:
    hour, weekday = at % 86_400 / 3600, at // 86_400 % 7
    busy = np.exp(-(((hour - 13) / 4) ** 2)) * np.where(weekday < 5, 1.0, 0.25)
    return dice.poisson(5 + 200 * busy).astype(float)


def _latency(dice: Generator, at: Array) -> Array:
    return np.exp(dice.normal(0, 0.25, len(at))) * (300 + 60 * _day(at))


def _idle(dice: Generator, at: Array) -> Array:
    bursts = (dice.random(len(at)) < 0.01) * dice.exponential(20, len(at))
    return np.clip(2 + dice.normal(0, 0.2, len(at)) + bursts, 0, 100)


def _counts(dice: Generator, at: Array) -> Array:
    return dice.negative_binomial(2, 0.1, len(at)).astype(float)


def _wander(dice: Generator, at: Array) -> Array:
    value, found = 0.0, np.empty(len(at))
    for row, push in enumerate(dice.normal(0, 1, len(at))):
        value = 0.98 * value + push
        found[row] = value
    return 70 + found


def _jobs(dice: Generator, at: Array) -> Array:
    rows = np.arange(len(at))
    return np.where(rows % 40 < 6, 80.0, 10.0) + dice.normal(0, 1.5, len(at))


def _share(dice: Generator, at: Array) -> Array:
    return np.clip(0.97 + 0.01 * _day(at) + dice.normal(0, 0.006, len(at)), 0, 1)


KINDS: Final[dict[str, tuple[Callable[[Generator, Array], Array], int]]] = {
    "daily": (_daily, 300),
    "office": (_office, 900),
    "latency": (_latency, 300),
    "idle": (_idle, 60),
    "counts": (_counts, 300),
    "wander": (_wander, 3600),
    "jobs": (_jobs, 300),
    "share": (_share, 600),
}


def _spread(values: Array) -> float:
    return float(np.percentile(values, 90) - np.percentile(values, 10))


def _spike_up(values: Array, first: int, _dice: Generator) -> None:
    values[first : first + 3] += 3 * _spread(values)


def _spike_down(values: Array, first: int, _dice: Generator) -> None:
    values[first : first + 3] -= 3 * _spread(values)


def _level(values: Array, first: int, _dice: Generator) -> None:
    values[first:] += 1.5 * _spread(values)


def _drift(values: Array, first: int, _dice: Generator) -> None:
    values[first:] += 3 * _spread(values) * np.minimum(np.arange(len(values) - first) / WINDOW, 1.0)


def _noise(values: Array, first: int, dice: Generator) -> None:
    values[first : first + WINDOW] += dice.normal(0, 0.8 * _spread(values), WINDOW)


def _frozen(values: Array, first: int, _dice: Generator) -> None:
    values[first : first + WINDOW] = values[first]


def _still(values: Array, first: int, dice: Generator) -> None:
    """The rhythm and the noise are gone, though it is not quite constant."""
    values[first : first + WINDOW] = np.median(values) + dice.normal(0, 0.02 * _spread(values), WINDOW)


def _missing(values: Array, first: int, _dice: Generator) -> None:
    values[first : first + 40] = np.nan


FAULTS: Final[dict[str, Callable[[Array, int, Generator], None]]] = {
    "spike up": _spike_up,
    "spike down": _spike_down,
    "level shift": _level,
    "slow drift": _drift,
    "more noise": _noise,
    "frozen": _frozen,
    "rhythm lost": _still,
    "missing": _missing,
}


def made_series(*, seed: int) -> Iterator[Labelled]:
    """Every kind clean and with every fault; two seeds share no number."""
    for kind_place, (kind, (make, step)) in enumerate(KINDS.items()):
        for fault_place, fault in enumerate(["none", *FAULTS]):
            dice = np.random.default_rng([seed, kind_place, fault_place])
            at = _START + step * np.arange(ROWS, dtype=float)
            values = make(dice, at)
            windows = []
            if fault != "none":
                first = int(dice.integers(ROWS // 2, ROWS - 2 * WINDOW))
                FAULTS[fault](values, first, dice)
                windows.append((first, first + WINDOW - 1))
            yield Labelled(f"{kind}, {fault}", kind, fault, at, values, windows)
