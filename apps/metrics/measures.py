"""The glossary of measures: what each number means, in which direction it is good, and what to do about it.

Pure: no framework. A series carries the slug of its measure; one that nobody described still gets a readable entry.
"""

from __future__ import annotations

from typing import Final

from apps.metrics.entries import ENTRIES
from apps.metrics.families import FAMILY_LABELS, Family, Measure

__all__ = ["FAMILY_LABELS", "MEASURES", "OBSERVED", "Family", "Measure", "conversion", "measure", "of_family"]

MEASURES: Final[dict[str, Measure]] = {entry.slug: entry for entry in ENTRIES}
OBSERVED: Final = tuple(entry.slug for entry in ENTRIES if entry.is_observed)
_CONVERSIONS: Final[dict[tuple[str, str], float]] = {
    ("ms", "s"): 0.001,
    ("milliseconds", "s"): 0.001,
    ("seconds", "s"): 1.0,
    ("us", "s"): 1e-6,
    ("min", "s"): 60.0,
    ("%", "ratio"): 0.01,
    ("percent", "ratio"): 0.01,
}


def measure(slug: str) -> Measure:
    """The entry of the glossary; a plain one made from the slug when nobody wrote it."""
    found = MEASURES.get(slug)
    if found:
        return found
    label = slug.replace("_", " ").strip().capitalize() or "Not described"
    return Measure(
        slug=slug,
        label=label,
        expert_label=slug,
        family=Family.OTHER,
        unit="",
        better="neutral",
        meaning="Nobody has described this number yet.",
        what_to_do="Give the query of its source a measure; the glossary lists the names.",
    )


def conversion(slug: str, unit: str) -> tuple[float, str]:
    """(factor, unit) that bring a series' values into the measure's unit; (1, unit) when nothing has to be done."""
    known = MEASURES.get(slug)
    if known is None or not known.unit or unit == known.unit:
        return 1.0, unit
    factor = _CONVERSIONS.get((unit.lower(), known.unit))
    return (1.0, unit) if factor is None else (factor, known.unit)


def of_family(family: Family) -> list[Measure]:
    """The entries of one family in the order of the glossary."""
    return [entry for entry in ENTRIES if entry.family is family]
