"""A day of one series as a few bytes, without loss: what comes out is what went in, bit by bit.

Times are whole microseconds in rising order. Evenly spaced ones cost nothing; others are their distances. Values that
are decimals become whole numbers times a power of ten, and then their distances; all others stay as they are. Bytes of
one rank lie side by side ("shuffled"), so that zlib finds the many zeros among them. Pure.
"""

from __future__ import annotations

import struct
import zlib
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Times = NDArray[np.int64]
Values = NDArray[np.float64]

_HEAD: Final = struct.Struct("<BBIqq")  # bytes a whole number (0: floats), decimals, samples, first time, step
_MOST_DECIMALS: Final = 6
_LEVEL: Final = 6  # of zlib: nine gains 1 % and takes three times as long
_WHOLE: Final = float(2**53)  # beyond, floats are no longer every whole number


def pack(times: Times, values: Values) -> bytes:
    """Samples in rising order of time as bytes; at least one."""
    distances = np.diff(times.astype("<i8"))
    step = int(distances[0]) if distances.size and bool((distances == distances[0]).all()) else 0
    width, decimals, numbers = _whole_numbers(values)
    parts = [] if step else [_shuffled(distances)]
    parts.append(_shuffled(_distances(numbers)) if width else _shuffled(values.astype("<f8")))
    head = _HEAD.pack(width, decimals, len(times), int(times[0]), step)
    return head + zlib.compress(b"".join(parts), _LEVEL)


def unpack(body: bytes) -> tuple[Times, Values]:
    """The samples that `pack` was given."""
    width, decimals, count, first, step = _HEAD.unpack_from(body)
    plain = zlib.decompress(body[_HEAD.size :])
    cut = 0 if step else 8 * (count - 1)
    distances = np.full(count - 1, step, "<i8") if step else _unshuffled(plain[:cut], "<i8")
    times = np.cumsum(np.concatenate([np.array([first], "<i8"), distances]), dtype="<i8")
    if not width:
        return times, _unshuffled(plain[cut:], "<f8")
    numbers = np.cumsum(_unshuffled(plain[cut:], f"<u{width}"), dtype=f"<u{width}").view(f"<i{width}")
    return times, numbers / 10.0**decimals


def _whole_numbers(values: Values) -> tuple[int, int, NDArray[Any]]:
    """(bytes a number, decimals, the numbers), the fewest decimals that lose nothing; 0 bytes where none do."""
    largest = float(np.abs(values).max())
    for decimals in range(_MOST_DECIMALS + 1):
        if not largest * 10.0**decimals < _WHOLE:  # neither for what is not a number
            break
        numbers = np.rint(values * 10.0**decimals).astype("<i8")
        if np.array_equal((numbers / 10.0**decimals).view("<i8"), values.view("<i8")):
            width = 4 if int(np.abs(numbers).max()) < 2**31 else 8
            return width, decimals, numbers.astype(f"<i{width}")
    return 0, 0, np.empty(0)


def _distances(numbers: NDArray[Any]) -> NDArray[Any]:
    """The first number and the distance of each other from the one before; wraps around, as adding up does."""
    unsigned = numbers.view(f"<u{numbers.itemsize}")
    return np.concatenate([unsigned[:1], unsigned[1:] - unsigned[:-1]])


def _shuffled(numbers: NDArray[Any]) -> bytes:
    return numbers.view(np.uint8).reshape(-1, numbers.itemsize).T.tobytes()


def _unshuffled(plain: bytes, kind: str) -> NDArray[Any]:
    width = np.dtype(kind).itemsize
    return np.ascontiguousarray(np.frombuffer(plain, np.uint8).reshape(width, -1).T).view(kind).reshape(-1)
