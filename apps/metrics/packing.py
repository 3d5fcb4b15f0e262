"""A day of one series as a few bytes, without loss: what comes out is what went in, bit by bit.

Times are whole microseconds in rising order; evenly spaced ones cost nothing. Values that are decimals become whole
numbers times a power of ten; of all others the bits are taken for whole numbers. Of both the distances are kept, small
ones near zero whatever their sign ("zigzag"), and bytes of one rank lie side by side ("shuffled"): zlib finds the many
zeros among them. Pure.
"""

from __future__ import annotations

import struct
import zlib
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Times = NDArray[np.int64]
Values = NDArray[np.float64]

_HEAD: Final = struct.Struct("<BBIqq")  # bytes a number, decimals or _BITS, samples, first time, step
_BITS: Final = 255
_MOST_DECIMALS: Final = 6
_LEVEL: Final = 6  # of zlib: nine gains 1 % and takes three times as long
_WHOLE: Final = float(2**53)  # beyond, floats are no longer every whole number


def pack(times: Times, values: Values) -> bytes:
    """Samples in rising order of time as bytes; at least one."""
    distances = np.diff(times.astype("<i8"))
    step = int(distances[0]) if distances.size and bool((distances == distances[0]).all()) else 0
    decimals, numbers = _whole_numbers(values)
    plain = _shuffled(_distances(numbers)) if step else _shuffled(distances) + _shuffled(_distances(numbers))
    head = _HEAD.pack(numbers.itemsize, decimals, len(times), int(times[0]), step)
    return head + zlib.compress(plain, _LEVEL)


def unpack(body: bytes) -> tuple[Times, Values]:
    """The samples that `pack` was given."""
    width, decimals, count, first, step = _HEAD.unpack_from(body)
    plain = zlib.decompress(body[_HEAD.size :])
    cut = 0 if step else 8 * (count - 1)
    distances = np.full(count - 1, step, "<i8") if step else _unshuffled(plain[:cut], "<i8")
    times = np.cumsum(np.concatenate([np.array([first], "<i8"), distances]), dtype="<i8")
    numbers = _added_up(_unshuffled(plain[cut:], f"<u{width}"))
    return times, numbers.view("<f8") if decimals == _BITS else numbers / 10.0**decimals


def _whole_numbers(values: Values) -> tuple[int, NDArray[Any]]:
    """(decimals, the numbers), the fewest decimals that lose nothing; the bits where all do."""
    largest = float(np.abs(values).max())
    for decimals in range(_MOST_DECIMALS + 1):
        if not largest * 10.0**decimals < _WHOLE:  # neither for what is not a number
            break
        numbers = np.rint(values * 10.0**decimals).astype("<i8")
        if np.array_equal((numbers / 10.0**decimals).view("<i8"), values.view("<i8")):
            width = 4 if int(np.abs(numbers).max()) < 2**31 else 8
            return decimals, numbers.astype(f"<i{width}")
    return _BITS, values.astype("<f8").view("<i8")


def _distances(numbers: NDArray[Any]) -> NDArray[Any]:
    """The first number and the distance of each other from the one before, 0, -1, 1, -2 … as 0, 1, 2, 3 …

    All of it wraps around, as adding up does.
    """
    unsigned = numbers.view(f"<u{numbers.itemsize}")
    signed = np.concatenate([unsigned[:1], unsigned[1:] - unsigned[:-1]]).view(numbers.dtype)
    folded: NDArray[Any] = (signed << 1) ^ (signed >> (8 * numbers.itemsize - 1))
    return folded


def _added_up(distances: NDArray[Any]) -> NDArray[Any]:
    """The numbers again, from unsigned distances."""
    unfolded = (distances >> 1) ^ (~(distances & 1) + 1)
    return np.cumsum(unfolded, dtype=distances.dtype).view(f"<i{distances.itemsize}")


def _shuffled(numbers: NDArray[Any]) -> bytes:
    return numbers.view(np.uint8).reshape(-1, numbers.itemsize).T.tobytes()


def _unshuffled(plain: bytes, kind: str) -> NDArray[Any]:
    width = np.dtype(kind).itemsize
    return np.ascontiguousarray(np.frombuffer(plain, np.uint8).reshape(width, -1).T).view(kind).reshape(-1)
