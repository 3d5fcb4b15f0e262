"""What people do by hand while the world runs: a bad prompt put live, a label moved, an embedder swapped.

Everything else in the world follows from seed and clock; these deeds are all that the demo server remembers, and only
while it runs. A deed never lies in the past, so nothing that was told changes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

Doing = Literal["publish", "move", "embedder"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """`subject` is a prompt, or the environment of the embedder; `value` a flaw, a label, or the embedder's name."""

    doing: Doing
    subject: str
    value: str
    at: int
    number: int = 0  # of the version that a label moved to
    by: str = ""


@dataclass(slots=True)
class Stage:
    """The deeds, in the order in which they were done."""

    deeds: list[Deed] = field(default_factory=list)

    def add(self, deed: Deed) -> None:
        """Do it."""
        self.deeds.append(deed)

    def done(self, doing: Doing, subject: str, at: int) -> Iterator[Deed]:
        """The deeds of one kind about one thing up to a time."""
        return (deed for deed in self.deeds if deed.doing == doing and deed.subject == subject and deed.at <= at)
