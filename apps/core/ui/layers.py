"""Nodes in columns from left to right, so that what needs something stands left of it. Pure.

A longest-path layering without the edges that would close a circle; then some sweeps that put every node near the
middle of its neighbours (the barycenter rule of Sugiyama), which is enough for a few hundred nodes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import Final

Edge = tuple[str, str]

SWEEPS: Final = 4


def layers(keys: Sequence[str], edges: Collection[Edge], *, first: Collection[str] = ()) -> list[list[str]]:
    """The keys in columns: an edge (a, b) goes to the right unless it closes a circle; only `first` may begin.

    A key that nothing leads to stands in the first column if it is among `first`, else in the second.
    """
    known = set(keys)
    after: dict[str, list[str]] = {key: [] for key in keys}
    for left, right in edges:
        if left in known and right in known:
            after[left].append(right)
    order, forward = _sorted_out(keys, after)
    column = {key: 0 if key in first or not first else 1 for key in keys}
    for key in order:
        for right in forward[key]:
            column[right] = max(column[right], column[key] + 1)
    found = [[key for key in keys if column[key] == place] for place in range(max(column.values(), default=-1) + 1)]
    return _uncrossed([one for one in found if one], [(a, b) for a in keys for b in forward[a]])


def _sorted_out(keys: Sequence[str], after: dict[str, list[str]]) -> tuple[list[str], dict[str, list[str]]]:
    """(the keys so that every edge goes forward, the edges): a depth-first walk that drops what closes a circle."""
    forward: dict[str, list[str]] = defaultdict(list)
    finished: list[str] = []
    open_keys: set[str] = set()
    seen: set[str] = set()
    for root in keys:
        if root in seen:
            continue
        stack = [(root, iter(after[root]))]
        seen.add(root)
        open_keys.add(root)
        while stack:
            key, rest = stack[-1]
            right = next(rest, None)
            if right is None:
                stack.pop()
                open_keys.discard(key)
                finished.append(key)
            elif right not in open_keys:
                forward[key].append(right)
                if right not in seen:
                    seen.add(right)
                    open_keys.add(right)
                    stack.append((right, iter(after[right])))
    return finished[::-1], forward


def _uncrossed(columns: list[list[str]], edges: Collection[Edge]) -> list[list[str]]:
    neighbours: dict[str, list[str]] = defaultdict(list)
    for left, right in edges:
        neighbours[left].append(right)
        neighbours[right].append(left)
    for sweep in range(SWEEPS):
        place = {key: _share(index, len(column)) for column in columns for index, key in enumerate(column)}
        for column in columns[:: 1 if sweep % 2 == 0 else -1]:
            column.sort(key=lambda key: _middle([place[one] for one in neighbours[key]], place[key]))
            place |= {key: _share(index, len(column)) for index, key in enumerate(column)}
    return columns


def _share(index: int, count: int) -> float:
    return (index + 0.5) / count


def _middle(places: Sequence[float], own: float) -> float:
    return sum(places) / len(places) if places else own
