"""From one answer to records, by a mapping: pure; a bad item is rejected alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from jmespath.parser import ParsedResult

from apps.connectors.errors import ErrorClass, SourceError
from apps.connectors.providers.http.expressions import search
from apps.connectors.providers.http.mapping import RecordMapping
from apps.connectors.providers.http.reading import found, is_nothing, own_word, plain
from apps.connectors.providers.http.targets import Target, carries, record_class
from apps.connectors.records import Kind, Record, Rejected, SeriesRecord
from apps.connectors.values import MAX_NAME, UnreadableError, as_labels

PARENT = "parent"
_MOST_NAMED = 12  # keys of an answer that a message names


@dataclass(slots=True)
class Read:
    """What one answer gave. `items` counts what was found before mapping: a page without any ends a list."""

    records: list[Record] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    items: int = 0

    def add(self, other: Read) -> None:
        """Fold `other` into this one."""
        self.records += other.records
        self.rejected += other.rejected
        self.items += other.items


def read_answer(answer: Any, mappings: Sequence[RecordMapping], *, at: datetime) -> Read:
    """Every mapping applied to the answer; `at` stands for a sample's time where none is mapped.

    Raises SourceError (schema) when there is nothing where a mapping looks for its items: that is never read as
    “nothing there”.
    """
    whole = Read()
    for mapping in mappings:
        whole.add(read_items(items_of(answer, mapping), mapping, at=at))
    return whole


def items_of(answer: Any, mapping: RecordMapping) -> list[Any]:
    """The items of one mapping; raises SourceError (schema)."""
    try:
        value = search(mapping.items, answer)
    except UnreadableError as error:
        raise SourceError(ErrorClass.SCHEMA, f"{mapping.where}: `items` cannot be read: {error}.") from None
    if isinstance(value, Mapping):
        return [value]
    if isinstance(value, list):
        return value
    where = f"at `{mapping.items.expression}`"
    said = f"nothing {where}" if value is None else f"no list and no object {where}, but {found(value)}"
    raise SourceError(ErrorClass.SCHEMA, f"{mapping.where}: there is {said}; the answer is {describe(answer)}.")


def describe(answer: Any) -> str:
    """What an answer looks like, for whoever writes a path into it."""
    if isinstance(answer, Mapping):
        keys = ", ".join(str(key)[:40] for key in list(answer)[:_MOST_NAMED])
        return f"an object with {keys}{' …' if len(answer) > _MOST_NAMED else ''}" if answer else "an empty object"
    if isinstance(answer, list):
        first = f"; the first is {describe(answer[0])}" if answer else ""
        return f"a list of {len(answer)}{first}"
    return "null" if answer is None else f"the value {found(answer)}"


def read_items(items: Sequence[Any], mapping: RecordMapping, *, at: datetime) -> Read:
    """The records of these items, and what cannot be read."""
    read = Read()
    for item in _with_children(items, mapping, read):
        read.items += 1
        try:
            read.records.append(_record(item, mapping, at))
        except UnreadableError as error:
            read.rejected.append(_rejected(item, mapping, str(error)))
    return read


def _with_children(items: Sequence[Any], mapping: RecordMapping, read: Read) -> Iterator[Any]:
    """The items, or with `children` the children of every item, which know their `parent` without its lists."""
    if mapping.children is None:
        yield from items
        return
    for item in items:
        try:
            children = search(mapping.children, item)
            if children is not None and not isinstance(children, list):
                raise UnreadableError(f"children: {found(children)} is no list")
        except UnreadableError as error:
            read.items += 1
            read.rejected.append(_rejected(item, mapping, str(error)))
            continue
        parent = (
            {key: value for key, value in item.items() if not isinstance(value, list)} if _is_object(item) else item
        )
        yield from ({**child, PARENT: parent} if _is_object(child) else child for child in children or ())


def _is_object(item: Any) -> bool:
    return isinstance(item, Mapping)


def _record(item: Any, mapping: RecordMapping, at: datetime) -> Record:
    values = dict(mapping.constants)
    if mapping.constant_state:
        values["raw_state"] = mapping.constant_state
    for name, (target, expression) in mapping.fields.items():
        value = _found(name, expression, item)
        if name == "state":
            values |= _own_word(mapping.kind, value)
        elif is_nothing(value):
            if target.is_required:
                raise UnreadableError(f"{name}: nothing at `{expression.expression}`")
            continue
        values[name] = _read_value(target, value, mapping)
    if mapping.labels:
        values["labels"] = as_labels({name: _label(name, one, item) for name, one in mapping.labels.items()})
    if mapping.kind is Kind.SERIES:
        _take_sample(values, at)
    return record_class(mapping.kind)(raw=item if _is_object(item) else {"value": item}, **values)


def _own_word(kind: Kind, value: Any) -> dict[str, str]:
    """The source's word for a state, of kinds that keep it."""
    is_word = carries(kind, "raw_state") and not isinstance(value, Mapping | list)
    return {"raw_state": own_word(value)} if is_word else {}


def _found(name: str, expression: ParsedResult, item: Any) -> Any:
    try:
        return search(expression, item)
    except UnreadableError as error:
        raise UnreadableError(f"{name}: {error}") from None


def _read_value(target: Target, value: Any, mapping: RecordMapping) -> Any:
    try:
        return target.read(value, mapping.dialect)
    except UnreadableError as error:
        raise UnreadableError(f"{target.name}: {error}") from None


def _label(name: str, expression: ParsedResult, item: Any) -> str | None:
    """The text of a label; None, which leaves it out, for nothing and for what is no text."""
    value = _found(f"labels.{name}", expression, item)
    return None if is_nothing(value) or isinstance(value, Mapping | list) else plain(value)


def _take_sample(values: dict[str, Any], at: datetime) -> None:
    """One sample from `at` and `value`, beside those that came as a list."""
    moment, value = values.pop("at", at), values.pop("value", None)
    if value is not None:
        values["samples"] = tuple(sorted({**dict(values.get("samples", ())), moment: value}.items()))
    if not values.get("samples"):
        raise UnreadableError("value: there is no number")


def _rejected(item: Any, mapping: RecordMapping, reason: str) -> Rejected:
    """The dead letter, with the identity if at least that can be read."""
    identity = mapping.constants.get("external_id", "")
    if "external_id" in mapping.fields:
        try:
            value = search(mapping.fields["external_id"][1], item)
            identity = "" if is_nothing(value) else plain(value)[:MAX_NAME]
        except UnreadableError:
            identity = ""
    raw = item if isinstance(item, Mapping) else {"value": item}
    return Rejected(kind=mapping.kind, external_id=identity, reason=reason[:500], raw=raw)


def time_of(record: Record) -> datetime | None:
    """The time by which news about a record are ordered, None for kinds that have none."""
    if isinstance(record, SeriesRecord):
        return record.samples[-1][0] if record.samples else None
    return next(
        (found for name in ("updated_at", "at", "created_at", "started_at") if (found := getattr(record, name, None))),
        None,
    )
