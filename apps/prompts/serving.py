"""What an address serves: one version for everybody, or another one for a growing share of the callers. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

STEPS = 10_000  # a hundredth of a percent
LATEST = "latest"  # where nobody set such a label, the newest version
PRODUCTION = "production"  # what is served when nobody says which


@dataclass(frozen=True, slots=True)
class Document:
    """An answer as it goes over the wire, and the strong ETag of exactly these bytes, quotes included."""

    body: bytes
    etag: bytes

    @classmethod
    def of(cls, body: bytes) -> Document:
        """The document with its tag."""
        return cls(body, f'"{hashlib.sha256(body).hexdigest()[:32]}"'.encode())


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What one address serves. `salt` tells one rollout from the next, so that not the same callers are always first.

    `source` is the short name of the prompt's source, "" for one that the portal owns.
    """

    folder: str
    source: str
    usual: Document
    other: Document | None = None
    percent: int = 0
    salt: str = ""

    def for_key(self, key: str) -> Document:
        """The document for the caller `key`; who names no key gets the usual one."""
        if self.other is None or not key or not is_chosen(salt=self.salt, key=key, percent=self.percent):
            return self.usual
        return self.other

    @property
    def size(self) -> int:
        """Bytes that keeping it takes, about."""
        return 500 + len(self.usual.body) + (len(self.other.body) if self.other else 0)


def is_chosen(*, salt: str, key: str, percent: int) -> bool:
    """Whether `key` is among the first `percent` of 100: always the same answer, and a yes stays when percent grows."""
    digest = hashlib.blake2b(f"{salt}\0{key}".encode(errors="replace"), digest_size=8).digest()
    return int.from_bytes(digest, "big") % STEPS < percent * (STEPS // 100)


def is_within(*, folders: Sequence[str], folder: str) -> bool:
    """Whether a prompt in `folder` lies in one of `folders` or below; no folders means all of them."""
    return not folders or any(folder == one or folder.startswith(f"{one}/") for one in folders)
