"""Who needs whom, as a drawing: boxes that are links, in columns from left to right."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final, Literal

from apps.core.ui.layers import Edge, layers
from apps.core.ui.markup import n
from apps.core.ui.status import StatusLook

WIDTH: Final = 188
HEIGHT: Final = 44
GAP_X: Final = 40
GAP_Y: Final = 12
LETTERS: Final = 20  # of a name that fit into a box

Part = Literal["", "chosen", "touched", "needed", "aside"]


@dataclass(frozen=True, slots=True)
class Node:
    """One box: its name, what it is, how it does, where it leads, and its part in what is being asked."""

    key: str
    label: str
    note: str
    look: StatusLook
    url: str
    part: Part = ""


@dataclass(frozen=True, slots=True)
class Graph:
    """Boxes and who needs whom; `first` are those that may stand in the first column."""

    nodes: Sequence[Node]
    edges: Collection[Edge]
    first: Collection[str]
    label: str


def draw(graph: Graph) -> str:
    """The drawing; "" without nodes. Every box is a link with its name, kind, state and part in words."""
    columns = layers([node.key for node in graph.nodes], graph.edges, first=graph.first)
    if not columns:
        return ""
    tallest = max(len(column) for column in columns)
    height = tallest * (HEIGHT + GAP_Y) + GAP_Y
    width = len(columns) * (WIDTH + GAP_X) - GAP_X + 4
    at = {
        key: (2 + place * (WIDTH + GAP_X), (index + 0.5) * height / len(column) - HEIGHT / 2)
        for place, column in enumerate(columns)
        for index, key in enumerate(column)
    }
    nodes = {node.key: node for node in graph.nodes}
    lines = [_line(at[a], at[b], nodes[a].part, nodes[b].part) for a, b in graph.edges if a in at and b in at]
    boxes = [_box(nodes[key], *at[key]) for column in columns for key in column]
    return (
        f'<svg class="graph" width="{n(width)}" height="{n(height)}" viewBox="0 0 {n(width)} {n(height)}" '
        f'role="group" aria-label="{escape(graph.label)}">{"".join(sorted(lines))}{"".join(boxes)}</svg>'
    )


def _line(start: tuple[float, float], end: tuple[float, float], left: Part, right: Part) -> str:
    """A curve from the box that needs to the one that is needed; strong where both belong to what is asked."""
    x1, y1, x2, y2 = start[0] + WIDTH, start[1] + HEIGHT / 2, end[0], end[1] + HEIGHT / 2
    bend = max(GAP_X / 2, abs(x2 - x1) / 2)
    is_hit = left == "touched" and right in ("touched", "chosen")
    css = "graph__line graph__line--hit" if is_hit else "graph__line"
    return f'<path class="{css}" d="M{n(x1)} {n(y1)}C{n(x1 + bend)} {n(y1)} {n(x2 - bend)} {n(y2)} {n(x2)} {n(y2)}"/>'


def _box(node: Node, x: float, y: float) -> str:
    said = {"chosen": ", chosen", "touched": ", touched if it fails", "needed": ", needed by it"}.get(node.part, "")
    name = f"{node.label}, {node.note}, {node.look.label}{said}"
    css = " ".join(part for part in ("graph__node", node.look.tone, node.part and f"is-{node.part}") if part)
    current = ' aria-current="true"' if node.part == "chosen" else ""
    short = node.label if len(node.label) <= LETTERS else f"{node.label[: LETTERS - 1]}…"
    texts = (("graph__name", short, 19), ("graph__note", f"{node.note} · {node.look.label}", 34))
    words = "".join(
        f'<text class="{kind}" x="{n(x + 34)}" y="{n(y + down)}">{escape(text)}</text>' for kind, text, down in texts
    )
    return (
        f'<a class="{css}" href="{escape(node.url)}" aria-label="{escape(name)}"{current}>'
        f"<title>{escape(name)}</title>"
        f'<rect x="{n(x)}" y="{n(y)}" width="{WIDTH}" height="{HEIGHT}" rx="6"/>'
        f'<svg class="glyph" x="{n(x + 10)}" y="{n(y + 14)}" width="16" height="16">'
        f'<use href="#g-{node.look.glyph}"/></svg>{words}</a>'
    )
