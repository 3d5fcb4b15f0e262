"""A difference with what people said between its lines: where each thread stands, and where one is being written."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from apps.core.ui.worddiff import DiffLine, side_by_side
from apps.prompts.comparison import Part, compare, parts_of, show
from apps.prompts.models import Comment, PromptVersion

WHOLE = 1_000_000  # lines of context: all of them
Spot = tuple[str, int]  # a part, and the line under which something stands


@dataclass(frozen=True, slots=True)
class Stretch:
    """Rows as the layout draws them, then the threads under the last one; `ask` is its line if one writes there."""

    rows: Sequence[Any]
    threads: Sequence[Comment] = ()
    ask: int | None = None


@dataclass(frozen=True, slots=True)
class DiscussedPart:
    """One file of a comparison, cut where people speak."""

    name: str
    added: int
    removed: int
    stretches: list[Stretch]


@dataclass(frozen=True, slots=True)
class Discussion:
    """The parts with their threads; `elsewhere` are those on the whole change or on words that are not there now."""

    parts: list[DiscussedPart]
    elsewhere: list[Comment]
    inside: list[Comment]


def discuss(
    *,
    old: PromptVersion | None,
    new: PromptVersion,
    threads: Sequence[Comment],
    layout: str,
    asked: Spot | None = None,
    is_whole: bool = False,
) -> Discussion:
    """The difference with its threads; all of the text is shown where one of them stands on a line far from it."""
    text = {name: words.splitlines() for name, words in parts_of(new)}
    spots = {thread.pk: spot for thread in threads if (spot := spot_of(thread, text))}
    wanted = {*spots.values(), *([asked] if asked else [])}
    parts = _compared(old, new, is_whole=is_whole)
    if not wanted <= _lines(parts):
        parts = _compared(old, new, is_whole=True)
    shown = _lines(parts)
    below: dict[Spot, list[Comment]] = {}
    for thread in threads:
        if (spot := spots.get(thread.pk)) in shown and spot:
            below.setdefault(spot, []).append(thread)
    inside = [thread for found in below.values() for thread in found]
    return Discussion(
        parts=[_cut(part, layout if old else "", below, asked) for part in parts],
        elsewhere=[thread for thread in threads if thread not in inside],
        inside=inside,
    )


def spot_of(thread: Comment, text: Mapping[str, Sequence[str]]) -> Spot | None:
    """Where the words that a thread quotes stand now, the nearest to where they stood; None once they are gone."""
    if not thread.part or thread.first_line is None:
        return None
    quote, lines = thread.quote.split("\n"), text.get(thread.part, ())
    starts = [n for n in range(len(lines) - len(quote) + 1) if list(lines[n : n + len(quote)]) == quote]
    if not starts:
        return None
    first = min(starts, key=lambda n: abs(n + 1 - (thread.first_line or 0)))
    return thread.part, first + len(quote)


def _compared(old: PromptVersion | None, new: PromptVersion, *, is_whole: bool) -> list[Part]:
    if old is None:
        return show(version=new)
    return compare(old=old, new=new, context=WHOLE) if is_whole else compare(old=old, new=new)


def _lines(parts: Sequence[Part]) -> set[Spot]:
    return {(part.name, row.new) for part in parts for row in part.rows if row.new is not None and row.kind != "hunk"}


def _cut(part: Part, layout: str, below: Mapping[Spot, list[Comment]], asked: Spot | None) -> DiscussedPart:
    """The rows in stretches that end where something stands; removals stay beside what replaced them."""
    ends = {line for name, line in [*below, *([asked] if asked else [])] if name == part.name}
    rows: Sequence[Any] = list(side_by_side(part.rows)) if layout == "split" else part.rows
    stretches, begun = [], 0
    for n, row in enumerate(rows):
        if (line := _new_line(row)) in ends and line is not None:
            ask = line if asked == (part.name, line) else None
            stretches.append(Stretch(rows[begun : n + 1], below.get((part.name, line), ()), ask))
            begun = n + 1
    return DiscussedPart(part.name, part.added, part.removed, [*stretches, Stretch(rows[begun:])])


def _new_line(row: DiffLine | tuple[DiffLine | None, DiffLine | None]) -> int | None:
    right = row[1] if isinstance(row, tuple) else row
    return right.new if right is not None and right.kind != "hunk" else None


def asked_spot(line: str, names: Collection[str]) -> Spot | None:
    """("Text", 5) out of "Text-5"; None for anything else."""
    name, _, number = line.rpartition("-")
    return (name, int(number)) if name in names and number.isdecimal() and 0 < len(number) < 7 else None
