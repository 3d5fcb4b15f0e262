"""**Preview**: what a source would bring, as tables of its first page; nothing is stored and nobody is told.

Whatever a connector returns can be shown: the columns are the fields of its records that say something.
"""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Any

from apps.connectors.base import Preview
from apps.connectors.records import Batch, Kind, Record, Rejected
from apps.sources.asking import Failure, ask_source
from apps.sources.services import SourceDraft

MOST_ROWS = 20
MOST_CHARACTERS = 160  # of one cell
MOST_SAMPLE = 6_000  # characters of the source's own item
_MOST_ENTRIES = 3  # of a list inside the sample
_HIDDEN = frozenset({"raw", "raw_state"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One value: a time `at`, a state with the source's `own_word` for it, or a text."""

    column: str
    text: str = ""
    at: datetime | None = None
    own_word: str = ""
    vocabulary: str = ""
    is_number: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """The first records of one kind; `count` is how many there are."""

    kind: str
    columns: tuple[Cell, ...]  # the cells of the first row: their names, and how they are aligned
    rows: tuple[tuple[Cell, ...], ...]
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What the page shows: tables and refused items when `is_good`, else why there is nothing."""

    is_good: bool
    sentence: str
    remark: str = ""
    tables: tuple[Table, ...] = ()
    rejected: tuple[Rejected, ...] = ()
    rejected_count: int = 0
    sample: str = ""
    error_class: str = ""
    field: str = ""

    @property
    def is_clean(self) -> bool:
        """Whether there is something, and nothing that cannot be read."""
        return bool(self.tables) and not self.rejected


def preview_source(*, draft: SourceDraft) -> Shown:
    """One page of the source as the form is typed, mapped; never raises, never shows a secret."""
    found = ask_source(draft=draft, question=lambda connector: connector.preview())
    if isinstance(found, Failure):
        return Shown(is_good=False, sentence=found.sentence, error_class=found.error_class, field=found.field)
    return _shown(found)


def _shown(preview: Preview) -> Shown:
    batch = preview.batch
    by_kind: dict[Kind, list[Record]] = {}
    for record in batch.records:
        by_kind.setdefault(record.kind, []).append(record)  # type: ignore[attr-defined]  # every class names its kind
    return Shown(
        is_good=True,
        sentence=_sentence(batch, has_more=preview.has_more),
        remark=" ".join(filter(None, (preview.remark, _unknown_words(batch)))),
        tables=tuple(_table(kind, records) for kind, records in by_kind.items()),
        rejected=batch.rejected[:MOST_ROWS],
        rejected_count=len(batch.rejected),
        sample=json.dumps(_excerpt(preview.sample), indent=2, ensure_ascii=False, default=str)[:MOST_SAMPLE],
    )


def _sentence(batch: Batch, *, has_more: bool) -> str:
    counts = Counter(_word(record.kind) for record in batch.records)  # type: ignore[attr-defined]
    parts = [f"{count} {_plural(kind, count)}" for kind, count in counts.items()]
    what = " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts) or "no record"
    refused = f"; {len(batch.rejected)} cannot be read" if batch.rejected else ""
    return f"The first page gives {what}{refused}.{' More pages follow.' if has_more else ''}"


def _unknown_words(batch: Batch) -> str:
    """The source's words for states that mean nothing to us yet, most frequent first."""
    words = Counter(str(getattr(r, "raw_state", "")) for r in batch.records if getattr(r, "state", "") == "unknown")
    if not words:
        return ""
    named = ", ".join(f"“{word}”" for word, _ in words.most_common(10))
    return f"No state of ours stands for {named} yet; these records count as unknown."


def _word(kind: Kind) -> str:
    return kind.value.replace("_", " ")


def _plural(kind: str, count: int) -> str:
    return kind if count == 1 or kind == "series" else f"{kind}s"


def _table(kind: Kind, records: Sequence[Record]) -> Table:
    first = records[:MOST_ROWS]
    names = [one.name for one in dataclasses.fields(first[0]) if one.name not in _HIDDEN and _says(one, first)]
    numeric = {name for name in names if any(_is_number(getattr(record, name)) for record in first)}
    rows = tuple(tuple(_cell(record, name, is_number=name in numeric) for name in names) for record in first)
    return Table(kind=_plural(_word(kind), 2), columns=rows[0], rows=rows, count=len(records))


def _says(one: dataclasses.Field[Any], records: Sequence[Record]) -> bool:
    """Whether a field differs from its default in one of the records; a required one always says something."""
    if one.default is dataclasses.MISSING and one.default_factory is dataclasses.MISSING:
        return True
    default = one.default if one.default_factory is dataclasses.MISSING else one.default_factory()
    return any(getattr(record, one.name) != default for record in records)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


def _cell(record: Record, name: str, *, is_number: bool) -> Cell:
    value = getattr(record, name)
    if isinstance(value, datetime):
        return Cell(column=name, at=value)
    if name == "state" and isinstance(value, Enum):
        own_word = str(getattr(record, "raw_state", ""))
        return Cell(column=name, text=value.value, own_word=own_word, vocabulary=type(value).__name__)
    return Cell(column=name, text=_text(value)[:MOST_CHARACTERS], is_number=is_number)


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%SZ")
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {_text(entry)}" for name, entry in value.items())
    if isinstance(value, tuple) and len(value) == 2 and isinstance(value[0], datetime):
        return f"{value[1]} at {_text(value[0])}"
    if isinstance(value, tuple | list):
        more = f" … and {len(value) - _MOST_ENTRIES} more" if len(value) > _MOST_ENTRIES else ""
        return "; ".join(map(_text, value[:_MOST_ENTRIES])) + more
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        said = {one.name: getattr(value, one.name) for one in dataclasses.fields(value)}
        return _text({name: entry for name, entry in said.items() if entry not in ("", None)})
    return str(value)


def _excerpt(value: Any) -> Any:
    """The same JSON with long lists and texts cut, so that its shape fits on a page."""
    if isinstance(value, Mapping):
        return {str(name): _excerpt(entry) for name, entry in value.items()}
    if isinstance(value, list):
        more = [f"… {len(value) - _MOST_ENTRIES} more"] if len(value) > _MOST_ENTRIES else []
        return [*map(_excerpt, value[:_MOST_ENTRIES]), *more]
    return value[:300] + "…" if isinstance(value, str) and len(value) > 300 else value
