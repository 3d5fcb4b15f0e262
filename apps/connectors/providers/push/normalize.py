"""From pushed items to records, purely. One bad item is refused with what to mend, and its neighbours go on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from apps.connectors.providers.push.fields import Item
from apps.connectors.records import Kind, Record, Rejected
from apps.connectors.values import MAX_NAME

MOST_REASONS = 3
OVER = frozenset({"succeeded", "failed", "crashed", "cancelled", "skipped"})

Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class ReadItem:
    """One item read: its records, of which the last is the thing itself, or why it cannot be read."""

    external_id: str
    records: tuple[Record, ...] = ()
    rejected: Rejected | None = None


@dataclass(frozen=True, slots=True)
class Reader:
    """How one kind of item is read: its class, and from an item and the time of the report to records."""

    kind: Kind
    item: type[Item]
    records: Callable[[Any, datetime, Mapping[str, Any]], tuple[Record, ...]]
    id_field: str = "external_id"


def key_of(item: Any) -> Key:
    """What an item is about, as far as it says so: the run of a step, and its own id (of a version: the prompt's)."""
    said = item if isinstance(item, Mapping) else {}
    return str(said.get("run", "")), str(said.get("external_id", said.get("prompt", "")))


def read_items(
    reader: Reader, items: Sequence[Any], *, at: datetime, known: Mapping[Key, Mapping[str, Any]] | None = None
) -> list[ReadItem]:
    """Every item read, in order. `at` stands for times that were left out.

    `known` holds, by `key_of`, what is stored of a thing already: an item that leaves a field out means that value.
    """
    return [_read(reader, item, at, (known or {}).get(key_of(item), {})) for item in items]


def _read(reader: Reader, item: Any, at: datetime, stored: Mapping[str, Any]) -> ReadItem:
    raw = item if isinstance(item, Mapping) else {"value": item}
    try:
        if not isinstance(item, Mapping):
            raise ValueError("it is not an object")
        read = reader.item.model_validate({**_still_true(stored, item), **item})
        records = reader.records(read, at, raw)
    except ValidationError as error:
        reason = "; ".join(_reason(detail, reader.item) for detail in error.errors(include_url=False)[:MOST_REASONS])
        return _refused(reader, raw, reason)
    except (ValueError, OverflowError) as error:
        return _refused(reader, raw, str(error))
    return ReadItem(records[-1].external_id, records)


def _still_true(stored: Mapping[str, Any], item: Mapping[str, Any]) -> dict[str, Any]:
    """What is stored without its state; what was over and runs again has new times."""
    begins_anew = stored.get("state") in OVER and item.get("state") in ("queued", "running")
    gone = {"state", "started_at", "finished_at"} if begins_anew else {"state"}
    return {name: value for name, value in stored.items() if name not in gone}


def _refused(reader: Reader, raw: Mapping[str, Any], reason: str) -> ReadItem:
    found = raw.get(reader.id_field, "")
    external_id = str(found)[:MAX_NAME] if isinstance(found, str | int) else ""
    sentence = reason[:500] + ("" if reason.endswith("?") else ".")
    return ReadItem(external_id, rejected=Rejected(kind=reader.kind, external_id=external_id, reason=sentence, raw=raw))


def _reason(error: ErrorDetails, item: type[Item]) -> str:
    """What is wrong with one field, in words."""
    where = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error["loc"]).lstrip(".")
    name = str(error["loc"][-1]) if error["loc"] else ""
    match error["type"]:
        case "missing":
            text = "is missing"
        case "extra_forbidden":
            near = get_close_matches(name, item.model_fields, n=1)
            text = "there is no such field" + (f"; did you mean {near[0]}?" if near else "")
        case "literal_error":
            text = f"choose one of {error['ctx']['expected'].replace(' or ', ', ')}"
        case "value_error":
            text = str(error["ctx"]["error"])
        case _:
            text = error["msg"][:1].lower() + error["msg"][1:]
    return f"{where}: {text}".lstrip(": ").rstrip(".")


def whole(cost: Decimal | None) -> Decimal | None:
    """A cost as its column keeps it."""
    return None if cost is None else round(cost, 4)
