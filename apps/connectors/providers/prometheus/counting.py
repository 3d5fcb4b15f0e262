"""Which series of a Prometheus count up: what the server says of a metric, else the ending of its name. Pure.

Only a series that still carries its name can be a counter: functions and arithmetic drop the name with the meaning.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from apps.connectors.records import SeriesKind
from apps.connectors.values import object_or_empty, optional_text

NAME: Final = "__name__"
ENDINGS: Final = ("_total", "_count", "_sum", "_bucket")  # of what counts, by convention
_COUNTING: Final = {"counter": ENDINGS, "histogram": ("_count", "_sum", "_bucket"), "summary": ("_count", "_sum")}


def kind_of(name: str, types: Mapping[str, str]) -> SeriesKind:
    """Counter or gauge. `types`: family or metric -> what the server calls it, as far as it said anything."""
    base, ending = _parts(name)
    own, of_family = types.get(name, ""), types.get(base, "")
    if own in ("counter", "gauge"):
        counts = own == "counter"
    elif of_family in _COUNTING or of_family in ("gauge", "gaugehistogram"):
        counts = ending in _COUNTING.get(of_family, ())
    else:
        counts = bool(ending)
    return SeriesKind.COUNTER if counts else SeriesKind.GAUGE


def families(name: str) -> tuple[str, ...]:
    """The names under which a server may tell of a metric, the likeliest first."""
    base, ending = _parts(name)
    return (name, base) if ending else (name,)


def names_of(items: Iterable[Any]) -> set[str]:
    """The metrics in an answer that still carry their names."""
    metrics = (object_or_empty(object_or_empty(item).get("metric")) for item in items)
    return {name for metric in metrics if isinstance(name := metric.get(NAME), str) and name}


def read_type(data: Any, name: str) -> str:
    """What the metadata call says of a metric, "" for nothing; of several targets the first speaks."""
    entries = object_or_empty(data).get(name)
    first = entries[0] if isinstance(entries, list) and entries else None
    return optional_text(object_or_empty(first), "type")


def _parts(name: str) -> tuple[str, str]:
    ending = next((one for one in ENDINGS if name.endswith(one)), "")
    return name.removesuffix(ending), ending
