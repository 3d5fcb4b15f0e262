"""Two versions of a prompt set side by side, or one alone, as rows for the difference table."""

from __future__ import annotations

from dataclasses import dataclass

from apps.core.ui.worddiff import DiffLine, Words, diff_lines, diff_stat
from apps.prompts.content import as_text, config_text
from apps.prompts.models import PromptVersion

LAYOUTS = ("unified", "split")
CONTEXT = 4  # unchanged lines around a change


@dataclass(frozen=True, slots=True)
class Part:
    """One file of a comparison: the text, or the settings of the model."""

    name: str
    rows: list[DiffLine]
    added: int = 0
    removed: int = 0


def compare(*, old: PromptVersion, new: PromptVersion, context: int = CONTEXT) -> list[Part]:
    """What differs between two versions, part by part; parts that are equal are left out."""
    pairs = zip(parts_of(old), parts_of(new), strict=True)
    found = []
    for (name, before), (_, after) in pairs:
        if before != after:
            rows = diff_lines(before, after, context)
            found.append(Part(name, rows, *diff_stat(rows)))
    return found


def show(*, version: PromptVersion) -> list[Part]:
    """One version alone, its lines numbered."""
    return [Part(name, _plain(text)) for name, text in parts_of(version) if text and name != "Variables"]


def parts_of(version: PromptVersion) -> list[tuple[str, str]]:
    """(name, text) of everything that is compared; lines of it can be commented on."""
    return [
        ("Text", as_text(template=version.template, messages=version.messages)),
        ("Variables", "\n".join(version.variables)),
        ("Settings", config_text(model_config=version.model_config, response_format=version.response_format)),
    ]


def _plain(text: str) -> list[DiffLine]:
    lines = text.splitlines()
    return [DiffLine("same", None, n, (Words(line, is_changed=False),)) for n, line in enumerate(lines, 1)]
