"""A set of revisions as one thing: its stable id, a name that people can say, and how two sets differ. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

_HOW: Final = ("amber", "bold", "brisk", "calm", "clear", "crisp", "eager", "fair", "fresh", "gentle", "glad", "keen",
               "lively", "mellow", "neat", "proud")  # fmt: skip
_WHAT: Final = ("alder", "badger", "birch", "crane", "falcon", "fern", "heron", "juniper", "lark", "maple", "otter",
                "pine", "raven", "sorrel", "tern", "wren")  # fmt: skip


@dataclass(frozen=True, slots=True, order=True)
class Member:
    """One revision of a set. `kind` is that of a revision (code, model, index …) or "prompt"; `name` says of what."""

    kind: str
    name: str
    reference: str

    @property
    def key(self) -> tuple[str, str]:
        """What stays the same when its revision changes."""
        return self.kind, self.name


@dataclass(frozen=True, slots=True)
class Difference:
    """One part that differs; "" where a set lacks it."""

    kind: str
    name: str
    before: str
    after: str


def set_hash(members: Iterable[Member]) -> str:
    """SHA-256 of the sorted members as canonical JSON; the order in which they are told does not matter."""
    told = sorted({(one.kind, one.name, one.reference) for one in members})
    text = json.dumps(told, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def alias(digest: str) -> str:
    """ "calm-otter-4f2a": easier to say than a hash, always the same for the same set."""
    number = int(digest[:4], 16)
    return f"{_HOW[number % 16]}-{_WHAT[number // 16 % 16]}-{digest[4:8]}"


def members_of(stored: Iterable[Mapping[str, str]]) -> list[Member]:
    """The members out of a bundle's JSON."""
    return [Member(one["kind"], one["name"], one["reference"]) for one in stored]


def differences(before: Iterable[Member], after: Iterable[Member]) -> list[Difference]:
    """The parts that differ, in the order of their kinds and names; empty when both sets are the same."""
    old, new = {one.key: one.reference for one in before}, {one.key: one.reference for one in after}
    return [
        Difference(*key, old.get(key, ""), new.get(key, ""))
        for key in sorted(old.keys() | new.keys())
        if old.get(key) != new.get(key)
    ]
