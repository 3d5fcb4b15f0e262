"""What one web process remembers of prompts and tokens: bounded, and never believed once the database said otherwise.

An entry counts while its `round` is the running one. The database names what changed (`drop`); when it may have spoken
without being heard, a new round begins and everything is asked again. What does not count any more is still there as
the last that was known, for the time in which the database does not answer.
"""

from __future__ import annotations

import hashlib
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

from apps.api.serving.asked import Asked
from apps.api.serving.slot import Grant, Slot
from apps.prompts.serving import Document, Offer

MOST_BYTES = 64 * 2**20
MOST_TOKENS = 10_000
TRUSTED_FOR = 3600.0  # seconds that a token opens something while nobody can tell whether it was revoked
OVER = -1  # the round of what was named


@dataclass(slots=True)
class _Kept:
    offer: Offer
    names: frozenset[str]
    round: int


@dataclass(slots=True)
class _Let:
    grant: Grant
    round: int


class Memory:
    """Answers of one process; used in its event loop only."""

    def __init__(self) -> None:
        self.round = 0
        self.lost_at: float | None = None  # monotonic; None while the database is heard
        self.is_heard = False
        self.used: set[int] = set()  # tokens that opened something since this was last written down
        self._bytes = 0
        self._offers: OrderedDict[bytes, _Kept] = OrderedDict()
        self._addresses: dict[str, set[bytes]] = {}
        self._tokens: OrderedDict[bytes, _Let] = OrderedDict()
        self._asking: dict[Any, set[str]] = {}  # questions under way, and what was named meanwhile

    def recall(self, asked: Asked) -> Document | None:
        """The answer that counts now, else None."""
        if not self.is_heard:
            return None
        let = self._tokens.get(_digest(asked.authorization))
        kept = self._offers.get(asked.address)
        if let is None or kept is None or let.round != self.round or kept.round != self.round:
            return None
        if let.grant.expires_at <= time.time() or not let.grant.opens(kept.offer):
            return None
        self._offers.move_to_end(asked.address)
        self.used.add(let.grant.token_id)
        return kept.offer.for_key(asked.key)

    def last_known(self, asked: Asked) -> Document | None:
        """The answer that counted last, for a token that opened it then and has not expired; else None."""
        let, kept = self._tokens.get(_digest(asked.authorization)), self._offers.get(asked.address)
        if let is None or kept is None or let.grant.expires_at <= time.time() or not let.grant.opens(kept.offer):
            return None
        return kept.offer.for_key(asked.key) if self.silent_for <= TRUSTED_FOR else None

    @property
    def silent_for(self) -> float:
        """Seconds since the database was heard; 0 while it is."""
        return 0.0 if self.lost_at is None else time.monotonic() - self.lost_at

    def begin(self) -> object:
        """A question is on its way to the database; hand the mark to `keep` with the answer."""
        mark = object()
        self._asking[mark] = set()
        return mark

    def keep(self, mark: object, asked: Asked, slot: Slot) -> bool:
        """Remember an answer, unless it may be older than what was named meanwhile; says whether it did."""
        named = self._asking.pop(mark, {"*"})
        if slot.grant is None or slot.offer is None or slot.key != asked.key or not self.is_heard:
            return False
        if named & {"*", "tokens", *(f"prompt:{name}" for name in slot.names)}:
            return False
        self._tokens[_digest(asked.authorization)] = _Let(slot.grant, self.round)
        if len(self._tokens) > MOST_TOKENS:
            self._tokens.popitem(last=False)
        self._put(asked.address, _Kept(slot.offer, slot.names, self.round))
        return True

    def forget(self, mark: object) -> None:
        """The question brought nothing."""
        self._asking.pop(mark, None)

    def drop(self, topic: str) -> None:
        """The database named something that changed: "prompt:<name>", "tokens", or "*" for everything."""
        for named in self._asking.values():
            named.add(topic)
        if topic == "*":
            self._begin_round()
        elif topic == "tokens":
            self._tokens.clear()
        for address in self._addresses.get(topic.removeprefix("prompt:"), ()):
            self._offers[address].round = OVER

    def heard(self) -> None:
        """The database is heard from now on; what it said before that is not known."""
        self._begin_round()
        self.is_heard, self.lost_at = True, None

    def lost(self) -> None:
        """The database is not heard any more."""
        if self.is_heard:
            self.is_heard, self.lost_at = False, time.monotonic()
        for named in self._asking.values():
            named.add("*")

    def _begin_round(self) -> None:
        self.round += 1
        for named in self._asking.values():
            named.add("*")

    def _put(self, address: bytes, kept: _Kept) -> None:
        self._remove(address)
        self._offers[address] = kept
        for name in kept.names:
            self._addresses.setdefault(name, set()).add(address)
        self._bytes += kept.offer.size
        while self._bytes > MOST_BYTES and len(self._offers) > 1:
            self._remove(next(iter(self._offers)))

    def _remove(self, address: bytes) -> None:
        old = self._offers.pop(address, None)
        if old is None:
            return
        self._bytes -= old.offer.size
        for name in old.names:
            addresses = self._addresses[name]
            addresses.discard(address)
            if not addresses:
                del self._addresses[name]


def _digest(authorization: bytes) -> bytes:
    return hashlib.sha256(authorization).digest()
