"""Keeping of a vendor's answer only what is read: the rest is large, and may hold what nobody should store."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Shape = Mapping[str, Any] | None  # name -> the shape of what lies there; None keeps everything


def prune(value: Any, shape: Shape) -> Any:
    """`value` with only the keys of `shape`, at every depth; each item of a list has the shape of the list."""
    if shape is None:
        return value
    if isinstance(value, list):
        return [prune(item, shape) for item in value]
    if isinstance(value, Mapping):
        return {name: prune(value[name], inner) for name, inner in shape.items() if name in value}
    return value


def leaves(*names: str) -> dict[str, Any]:
    """The shape of an object of which these entries are kept whole."""
    return dict.fromkeys(names)
