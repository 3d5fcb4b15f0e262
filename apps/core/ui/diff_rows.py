"""Draws difference rows for the `.diff` table: sign, tint, marked words, and the same in words for the ear."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html import escape
from typing import Final

from apps.core.ui.worddiff import DiffLine, side_by_side

Pair = tuple[DiffLine | None, DiffLine | None]  # the old and the new text of a row in two columns

_VARIABLE: Final = re.compile(r"(\{\{[^{}]*\}\})")
_SPOKEN: Final = {"del": '<span class="sr">Removed: </span>', "add": '<span class="sr">Added: </span>'}
_MARKS: Final = {"del": "del", "add": "ins"}


def unified_row(row: DiffLine, prefix: str, ask: str = "") -> str:
    """One `<tr>`; `prefix` begins the ids of the new line numbers, so a link can point at a line.

    With `ask`, the beginning of an address ("?line="), each new line number leads to where one can remark on the line.
    """
    if row.kind == "hunk":
        return f'<tr class="hunk"><td colspan="3">{escape(row.text)}</td></tr>'
    css = "" if row.kind == "same" else f' class="{row.kind}"'
    old = "" if row.old is None else str(row.old)
    return f'<tr{css}><td class="ln">{old}</td><td class="ln">{_anchor(row, prefix, ask)}</td>{_code(row)}</tr>'


def unified_rows(rows: Sequence[DiffLine], prefix: str, ask: str = "") -> str:
    """Every row of a unified difference."""
    return "".join(unified_row(row, prefix, ask) for row in rows)


def split_rows(rows: Sequence[DiffLine], prefix: str, ask: str = "") -> str:
    """Every row with the old text on the left and the new one on the right."""
    return pair_rows(side_by_side(rows), prefix, ask)


def pair_rows(pairs: Iterable[Pair], prefix: str, ask: str = "") -> str:
    """The same of rows that stand beside each other already."""
    parts = []
    for old, new in pairs:
        if old is not None and old.kind == "hunk":
            parts.append(f'<tr class="hunk"><td colspan="4">{escape(old.text)}</td></tr>')
            continue
        left, right = _half(old, "" if old is None else str(old.old or "")), _half(new, _anchor(new, prefix, ask))
        parts.append(f"<tr>{left}{right}</tr>")
    return "".join(parts)


def _half(row: DiffLine | None, number: str) -> str:
    if row is None:
        return '<td class="ln"></td><td class="code none"></td>'
    return f'<td class="ln">{number}</td>{_code(row, cell=row.kind)}'


def _anchor(row: DiffLine | None, prefix: str, ask: str) -> str:
    if row is None or row.new is None:
        return ""
    name = escape(f"{prefix}L{row.new}")
    if not ask:
        return f'<a href="#{name}" id="{name}">{row.new}</a>'
    href = escape(f"{ask}{prefix}-{row.new}#remark-new")
    return f'<a href="{href}" id="{name}" aria-label="Remark on line {row.new}">{row.new}</a>'


def _code(row: DiffLine, cell: str = "") -> str:
    mark = _MARKS.get(row.kind, "")
    text = "".join(
        f"<{mark}>{_highlighted(part.text)}</{mark}>" if part.is_changed and mark else _highlighted(part.text)
        for part in row.words
    )
    css = f"code {cell}" if cell in ("add", "del") else "code"
    return f'<td class="{css}">{_SPOKEN.get(row.kind, "")}{text}</td>'


def _highlighted(text: str) -> str:
    """Escaped, with {{variables}} in the accent color."""
    return _VARIABLE.sub(r'<span class="var">\1</span>', escape(text))
