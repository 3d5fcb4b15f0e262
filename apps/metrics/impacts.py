"""From the effects of a change on each measure to one verdict and one sentence. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from apps.core.ui import formats
from apps.metrics.effects import LEVEL, Effect, Verdict
from apps.metrics.families import Measure

_WORST_FIRST: Final = (Verdict.WORSE, Verdict.CHANGED, Verdict.BETTER, Verdict.UNCLEAR, Verdict.TOO_LITTLE_DATA)


@dataclass(frozen=True, slots=True)
class Impact:
    """What came of a change for one measure; minutes outside the promise before and after it, None without one."""

    measure: Measure
    unit: str
    series_id: int
    effect: Effect
    outside_before: float | None = None
    outside_after: float | None = None

    @property
    def expected(self) -> float:
        """What was to be expected after the change: the mean before it, moved by what last week did."""
        return self.effect.after_mean - self.effect.difference

    @property
    def difference_text(self) -> str:
        """ "+420 ms, +18%"."""
        effect = self.effect
        told = _signed(effect.difference, self.unit)
        return told if effect.relative is None else f"{told}, {effect.relative * 100:+.3g}%".replace("-", "−")

    @property
    def interval_text(self) -> str:
        """ "from +300 ms to +540 ms", "" without one."""
        effect = self.effect
        if effect.verdict is Verdict.TOO_LITTLE_DATA:
            return ""
        return f"from {_signed(effect.low, self.unit)} to {_signed(effect.high, self.unit)}"

    @property
    def level_text(self) -> str:
        """How sure one can be that it moved at all; never 100 %."""
        return f"{min(self.effect.confidence, 0.999) * 100:.3g}%"


def shared_level(count: int) -> float:
    """The level for each of `count` measures at which all of them together are wrong in 5 % (Bonferroni)."""
    return 1.0 - (1.0 - LEVEL) / max(1, count)


def worst_first(impacts: Sequence[Impact]) -> list[Impact]:
    """Worse ones first, the surest of them on top."""
    return sorted(impacts, key=lambda one: (_WORST_FIRST.index(one.effect.verdict), -one.effect.confidence))


def overall(impacts: Sequence[Impact]) -> Verdict:
    """The verdict on the change: worse as soon as one measure is."""
    found = {one.effect.verdict for one in impacts}
    for verdict in (Verdict.WORSE, Verdict.BETTER, Verdict.CHANGED, Verdict.UNCLEAR):
        if verdict in found:
            return verdict
    return Verdict.TOO_LITTLE_DATA


def sentence(impacts: Sequence[Impact], *, collisions: int) -> str:
    """What to tell people first."""
    verdict = overall(impacts)
    moved = [one for one in worst_first(impacts) if one.effect.verdict is verdict]
    match verdict:
        case Verdict.TOO_LITTLE_DATA:
            return "There are too few numbers around this change to say anything."
        case Verdict.UNCLEAR:
            return "No number moved more than it does by itself."
    told = f"{moved[0].measure.label} is {verdict} ({moved[0].difference_text})"
    if verdict is Verdict.CHANGED:
        told = f"{moved[0].measure.label} changed ({moved[0].difference_text})"
    more = f", and {len(moved) - 1} more" if len(moved) > 1 else ""
    doubt = " Other changes fell into the same time: they cannot be told apart." if collisions else ""
    return f"{told}{more}.{doubt}"


def _signed(value: float, unit: str) -> str:
    text = formats.number_text(abs(value), unit)
    if unit in ("ratio", "%"):
        text = f"{abs(value) * (100 if unit == 'ratio' else 1):.3g} points"
    return f"{'−' if value < 0 else '+'}{text}"
