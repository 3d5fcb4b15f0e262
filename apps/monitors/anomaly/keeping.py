"""A detector as text and back, so that the next evaluation goes on where this one stopped.

Numbers are kept in single precision: ranks and tails need no more, and a month of history fits into a few hundred
kilobytes.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections import deque
from math import isfinite
from typing import Any, Final

import numpy as np

from apps.monitors.anomaly.detector import Detector, Rest
from apps.monitors.anomaly.experts import Change, Distance, Position, Rhythm, Spread, Views
from apps.monitors.anomaly.faults import Gaps, Runs, Stillness
from apps.monitors.anomaly.season import Season
from apps.monitors.anomaly.tails import Ordered, Tails

_KINDS: Final = {
    kind.__name__: kind
    for kind in (
        *(
            Change,
            Detector,
            Distance,
            Gaps,
            Ordered,
            Position,
            Rest,
            Rhythm,
            Runs,
            Season,
            Spread,
            Stillness,
            Tails,
            Views,
        ),
    )
}
_AS_NUMBERS: Final = 16  # shorter lists stay readable


def freeze(thing: Any) -> Any:
    """`thing` as JSON, which has no word for infinity."""
    if isinstance(thing, float) and not isfinite(thing):
        return {"kind": "float", "text": str(thing)}
    if isinstance(thing, Ordered):
        return {"kind": "Ordered", "size": thing.size, "numbers": _packed(thing.queue)}
    if isinstance(thing, deque):
        if len(thing) > _AS_NUMBERS and all(isinstance(one, float) for one in thing):
            return {"kind": "deque", "most": thing.maxlen, "numbers": _packed(thing)}
        return {"kind": "deque", "most": thing.maxlen, "things": [freeze(one) for one in thing]}
    if isinstance(thing, dict):
        return {"kind": "dict", "pairs": [[key, freeze(value)] for key, value in thing.items()]}
    if isinstance(thing, list | tuple):
        return {"kind": type(thing).__name__, "things": [freeze(one) for one in thing]}
    if type(thing).__name__ in _KINDS:
        return {"kind": type(thing).__name__, "fields": {name: freeze(getattr(thing, name)) for name in _names(thing)}}
    return thing


def thaw(frozen: Any) -> Any:
    """The thing again; KeyError for what `freeze` did not write."""
    if not isinstance(frozen, dict):
        return frozen
    match frozen["kind"]:
        case "float":
            return float(frozen["text"])
        case "Ordered":
            return Ordered(frozen["size"], _unpacked(frozen["numbers"]))
        case "deque":
            things = _unpacked(frozen["numbers"]) if "numbers" in frozen else map(thaw, frozen["things"])
            return deque(things, maxlen=frozen["most"])
        case "dict":
            return {key: thaw(value) for key, value in frozen["pairs"]}
        case "list" | "tuple" as kind:
            things = [thaw(one) for one in frozen["things"]]
            return things if kind == "list" else tuple(things)
    made = object.__new__(_KINDS[frozen["kind"]])
    for name, value in frozen["fields"].items():
        setattr(made, name, thaw(value))
    return made


def _names(thing: Any) -> list[str]:
    return list(vars(thing)) if hasattr(thing, "__dict__") else list(type(thing).__slots__)


def _packed(numbers: deque[float]) -> str:
    with np.errstate(over="ignore"):
        return b64encode(np.asarray(numbers, dtype="<f4").tobytes()).decode()


def _unpacked(text: str) -> list[float]:
    return [float(one) for one in np.frombuffer(b64decode(text), dtype="<f4")]
