"""Distributions as small bars: how often durations of each size came, and how much came each day. Escaped SVG text."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Final

from apps.core.ui.formats import DAY, HOUR, MINUTE
from apps.core.ui.markup import n, named

BUCKETS: Final = (  # up to so many seconds, and the word below the bar
    (5 * MINUTE, "5 min"),
    (HOUR, "1 h"),
    (6 * HOUR, "6 h"),
    (DAY, "1 d"),
    (3 * DAY, "3 d"),
    (7 * DAY, "7 d"),
    (28 * DAY, "28 d"),
    (float("inf"), "more"),
)
_WIDTH, _HEIGHT, _STEP = 320, 48, 40


def spread(seconds: Sequence[float]) -> list[int]:
    """How many durations fall into each of `BUCKETS`."""
    counts = [0] * len(BUCKETS)
    for one in seconds:
        counts[next(place for place, (most, _) in enumerate(BUCKETS) if one <= most)] += 1
    return counts


def histogram(seconds: Sequence[float], label: str) -> str:
    """The durations by size, each bar with its number above and its bound below."""
    counts = spread(seconds)
    most = max(counts) or 1
    said = ", ".join(f"{count} up to {word}" for count, (_, word) in zip(counts, BUCKETS, strict=True) if count)
    parts = []
    for place, (count, (_, word)) in enumerate(zip(counts, BUCKETS, strict=True)):
        middle, height = place * _STEP + _STEP / 2, count / most * _HEIGHT
        parts.append(
            f'<rect x="{n(middle - 14)}" y="{n(14 + _HEIGHT - height)}" width="28" height="{n(max(height, 1))}"/>'
            f'<text x="{n(middle)}" y="{_HEIGHT + 27}">{escape(word)}</text>'
        )
        if count:
            parts.append(f'<text x="{n(middle)}" y="{n(10 + _HEIGHT - height)}">{count}</text>')
    said = f"{label}: {said or 'nothing known'}"
    return f'<svg class="hist" viewBox="0 0 {_WIDTH} {_HEIGHT + 30}" {named(said)}>{"".join(parts)}</svg>'


def daily(counts: Sequence[int], bad: Sequence[int], label: str) -> str:
    """A bar a day, oldest first; the part of it that is `bad` is drawn over it."""
    most = max(counts, default=0) or 1
    width = _WIDTH / max(1, len(counts))
    parts = []
    for place, (count, of_bad) in enumerate(zip(counts, bad, strict=True)):
        for number, css in ((count, ""), (of_bad, ' class="b"')):
            height = number / most * (_HEIGHT + 14)
            if number:
                parts.append(
                    f'<rect{css} x="{n(place * width)}" y="{n(_HEIGHT + 14 - height)}" width="{n(width * 0.8)}"'
                    f' height="{n(height)}"/>'
                )
    parts.append(f'<text class="start" x="0" y="{_HEIGHT + 27}">{len(counts)} days ago</text>')
    parts.append(
        f'<text class="end" x="{_WIDTH}" y="{_HEIGHT + 27}">now, at most {max(counts, default=0)} a day</text>'
    )
    said = f"{label}: {sum(counts)} in {len(counts)} days, {sum(bad)} of them failed"
    return f'<svg class="hist" viewBox="0 0 {_WIDTH} {_HEIGHT + 30}" {named(said)}>{"".join(parts)}</svg>'
