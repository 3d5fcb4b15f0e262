"""What a mapping may fill: the fields of the record classes, each with the reader that its type asks for.

Nothing here names a field of a single record class, so a new field can be mapped as soon as it exists.
"""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from functools import cache
from typing import Any, Union, get_args, get_origin, get_type_hints

from apps.connectors import records
from apps.connectors.providers.http import reading
from apps.connectors.records import Kind, Record, Score
from apps.connectors.values import from_iso

_BY_ITSELF = frozenset({"raw", "raw_state", "labels"})  # the item, the state's own word; labels have their own key
_SAMPLE = ("at", "value")  # one sample a series, for sources that list numbers


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """How one mapping writes times and words: `words` are (field -> the source's word -> ours)."""

    time: Callable[[Any], datetime] = from_iso
    words: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


Reader = Callable[[Any, Dialect], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One field of a record class; `read` turns what an expression found into its value or raises Unreadable."""

    name: str
    type: Any
    read: Reader
    is_required: bool

    @property
    def vocabulary(self) -> type[StrEnum] | None:
        """The words that may stand here, for a state, a trigger and the like."""
        return self.type if isinstance(self.type, type) and issubclass(self.type, StrEnum) else None


@cache
def record_class(kind: Kind) -> type[Record]:
    """The record class of a kind, by its name in the module: subclasses are there twice, with and without slots."""
    classes = (one for one in vars(records).values() if isinstance(one, type) and issubclass(one, Record))
    return next(one for one in classes if getattr(one, "kind", None) is kind)


@cache
def targets_of(kind: Kind) -> Mapping[str, Target]:
    """Every field of a kind that a mapping may fill, by name."""
    hints = get_type_hints(record_class(kind))
    found = {
        one.name: _target(one.name, hints[one.name], is_required=_has_no_default(one))
        for one in dataclasses.fields(record_class(kind))
        if one.name not in _BY_ITSELF
    }
    if kind is Kind.SERIES:
        found |= {
            name: _target(name, hint, is_required=False) for name, hint in zip(_SAMPLE, (datetime, float), strict=True)
        }
    return types.MappingProxyType(found)


@cache
def carries(kind: Kind, name: str) -> bool:
    """Whether records of this kind have the field, also one that no mapping fills directly."""
    return name in {one.name for one in dataclasses.fields(record_class(kind))}


def _has_no_default(one: dataclasses.Field[Any]) -> bool:
    return one.default is dataclasses.MISSING and one.default_factory is dataclasses.MISSING


def _target(name: str, hint: Any, *, is_required: bool) -> Target:
    plain = _without_none(hint)
    return Target(name=name, type=plain, read=_reader(name, plain), is_required=is_required)


def _without_none(hint: Any) -> Any:
    if get_origin(hint) in (Union, types.UnionType):
        return next(part for part in get_args(hint) if part is not type(None))
    return hint


def _reader(name: str, plain: Any) -> Reader:
    if isinstance(plain, type) and issubclass(plain, StrEnum):
        return lambda value, dialect: reading.word(value, plain, dialect.words.get(name, {}))
    if plain is datetime:
        return lambda value, dialect: dialect.time(value)
    if plain is str:
        return lambda value, _dialect: reading.text_for(name)(value)
    if plain == tuple[tuple[datetime, float], ...]:
        return lambda value, dialect: reading.samples(value, dialect.time)
    simple = _SIMPLE[plain]
    return lambda value, _dialect: simple(value)


_SIMPLE: dict[Any, Callable[[Any], Any]] = {
    int: reading.whole,
    float: reading.number,
    bool: reading.yes_or_no,
    Decimal: reading.money,
    Mapping[str, str]: reading.labels,
    Mapping[str, Any]: reading.obj,
    tuple[str, ...]: reading.texts,
    tuple[Mapping[str, str], ...]: reading.messages,
    tuple[Score, ...]: reading.scores,
}
