"""The few parts every drawing shares: escaped text, numbers for attributes, icons and status glyphs."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from html import escape

from apps.core.ui.glyphs import GLYPHS
from apps.core.ui.icons import ICONS
from apps.core.ui.status import StatusLook


def n(value: float) -> str:
    """A coordinate for an SVG attribute: at most two decimals, no trailing zeros."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def named(label: str) -> str:
    """The attributes that make a drawing speak its label, or hide it where the words stand beside it."""
    return f'role="img" aria-label="{escape(label)}"' if label else 'aria-hidden="true"'


@lru_cache(maxsize=512)
def icon(name: str, cls: str = "") -> str:
    """An icon out of the sprite; KeyError for a name that was never drawn."""
    ICONS[name]
    return f'<svg class="{escape(f"icon {cls}".strip())}" aria-hidden="true"><use href="#i-{name}"/></svg>'


def glyph(name: str, cls: str = "", label: str = "") -> str:
    """A status glyph out of the sprite, with a label where no word stands beside it."""
    GLYPHS[name]
    return f'<svg class="{escape(f"glyph {cls}".strip())}" {named(label)}><use href="#g-{name}"/></svg>'


def glyphs(looks: Iterable[StatusLook]) -> str:
    """Many status glyphs in a row, without words: what stands around them must say them."""
    return "".join(f'<svg class="glyph {look.tone} tone-solid"><use href="#g-{look.glyph}"/></svg>' for look in looks)


def pill(look: StatusLook, text: str = "", cls: str = "") -> str:
    """The status badge: shape, word and tone together."""
    css = " ".join(part for part in ("pill", look.tone, escape(cls)) if part)
    return f'<span class="{css}">{glyph(look.glyph)}{escape(text or look.label)}</span>'


@lru_cache(maxsize=1)
def sprite() -> str:
    """Every icon and glyph once, hidden, for `<use>` to point at."""
    icons = "".join(f'<symbol id="i-{name}" viewBox="0 0 24 24">{body}</symbol>' for name, body in ICONS.items())
    glyphs = "".join(f'<symbol id="g-{name}" viewBox="0 0 16 16">{body}</symbol>' for name, body in GLYPHS.items())
    return f'<svg class="sprite" aria-hidden="true" focusable="false">{icons}{glyphs}</svg>'
