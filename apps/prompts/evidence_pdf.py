"""The evidence of a change on paper. Characters outside Latin-1 become question marks; the JSON file has them all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from fpdf import FPDF
from fpdf.enums import XPos, YPos

_PLAIN: Final = str.maketrans({"“": '"', "”": '"', "’": "'", "‘": "'", "–": "-", "—": "-", "…": "...", "−": "-"})
_HIDDEN: Final = ("change", "title", "difference")


def evidence_pdf(evidence: Mapping[str, Any]) -> bytes:
    """The file: the facts, the votes with their hashes, the evaluation, the difference, what followed."""
    pdf = FPDF()
    pdf.set_auto_page_break(auto=True, margin=15)
    pdf.add_page()
    _line(pdf, f"Change {evidence['change']}: {evidence['title']}", size=16, style="B")
    for name, value in evidence.items():
        if name not in _HIDDEN and value not in (None, [], ""):
            _line(pdf, name.replace("_", " ").capitalize(), size=11, style="B", above=2)
            for text in _texts(value):
                _line(pdf, text)
    _line(pdf, "Difference", size=11, style="B", above=2)
    for part in evidence["difference"]:
        _line(pdf, part["part"], style="B")
        for text in part["lines"]:
            _line(pdf, text, family="Courier", size=8)
    return bytes(pdf.output())


def _texts(value: Any) -> list[str]:
    """Plain lines for a value out of JSON."""
    if isinstance(value, Mapping):
        return [
            f"{name.replace('_', ' ')}: {text}" for name, inner in value.items() for text in _texts(inner) or ["none"]
        ]
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [
            ", ".join(_texts(inner)) if isinstance(inner, Mapping) else text
            for inner in value
            for text in (["" if isinstance(inner, Mapping) else str(inner)])
        ]
    return [] if value is None else [str(value)]


def _line(pdf: FPDF, text: str, *, family: str = "Helvetica", size: int = 9, style: str = "", above: float = 0) -> None:
    if above:
        pdf.ln(above)
    pdf.set_font(family, style, size)
    plain = text.translate(_PLAIN).encode("latin-1", "replace").decode("latin-1")
    pdf.multi_cell(0, size * 0.5, plain, new_x=XPos.LMARGIN, new_y=YPos.NEXT, wrapmode="CHAR")  # type: ignore[arg-type]
