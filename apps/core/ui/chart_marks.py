"""Letters for changes: A, B, C in time order, and one badge for those that would lie on top of each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from apps.core.ui.charts import Mark

TOO_CLOSE = 0.035  # of the width: a badge is 17 px wide, a chart about 500
TOO_CLOSE_ON_PHONES = 0.11  # there a chart is about 300 px wide


@dataclass(frozen=True, slots=True)
class Letter:
    """A mark with its letter and its place, 0 at the left edge and 1 at the right."""

    mark: Mark
    letter: str
    x: float

    @property
    def text(self) -> str:
        """What the badge says: "C", or "C↩" for a rollback."""
        return f"{self.letter}↩" if self.mark.is_back else self.letter


@dataclass(frozen=True, slots=True)
class Badge:
    """What stands above the chart: one letter, or "A–C" for several in a row."""

    text: str
    x: float
    kind: str
    title: str


def letters(marks: Sequence[Mark], start: float, end: float) -> list[Letter]:
    """The marks inside the window in time order, each with its letter: A to Z, then AA, AB and so on."""
    inside = sorted((mark for mark in marks if start <= mark.at <= end), key=lambda mark: mark.at)
    span = max(1.0, end - start)
    return [Letter(mark, _letter(index), (mark.at - start) / span) for index, mark in enumerate(inside)]


def badges(lettered: Sequence[Letter], too_close: float = TOO_CLOSE) -> list[Badge]:
    """One badge a mark, or one for each group whose members stand too close to be read."""
    groups: list[list[Letter]] = []
    for one in lettered:
        if groups and one.x - groups[-1][-1].x < too_close:
            groups[-1].append(one)
        else:
            groups.append([one])
    return [_badge(group) for group in groups]


def _badge(group: list[Letter]) -> Badge:
    first, last = group[0], group[-1]
    text = first.text if len(group) == 1 else f"{first.letter}–{last.letter}"
    if len(group) > 1 and any(one.mark.is_back for one in group):
        text += "↩"
    kinds = {one.mark.kind for one in group}
    kind = first.mark.kind if len(kinds) == 1 else ("prompt" if "prompt" in kinds else "deploy")
    title = "; ".join(f"{one.letter} {one.mark.label}" for one in group)
    return Badge(text, (first.x + last.x) / 2, kind, title)


def _letter(index: int) -> str:
    text = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        text = chr(ord("A") + rest) + text
    return text
