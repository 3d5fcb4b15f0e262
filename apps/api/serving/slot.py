"""What Django's answer tells the memory in front of it: who asked, and what the address serves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest

from apps.accounts.models import ApiToken
from apps.prompts.serving import Offer, is_within

SLOT = "opsportal.prompts"  # where in the ASGI scope it lies


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What a checked token opens, until when (seconds since 1970)."""

    token_id: int
    expires_at: float
    folders: tuple[str, ...]
    sources: tuple[str, ...]

    @classmethod
    def of(cls, token: ApiToken) -> Grant:
        """The grant of a token that was let in with the scope for prompts."""
        return cls(
            token_id=token.pk,
            expires_at=token.expires_at.timestamp(),
            folders=tuple(token.folders),
            sources=tuple(token.sources),
        )

    def opens(self, offer: Offer) -> bool:
        """Whether the token is for prompts like this one."""
        return self.opens_place(folder=offer.folder, source=offer.source)

    def opens_place(self, *, folder: str, source: str) -> bool:
        """The same for where a prompt lies; a token for some sources opens no other's, and not the portal's own."""
        if self.sources and source not in self.sources:
            return False
        return is_within(folders=self.folders, folder=folder)


@dataclass(slots=True)
class Slot:
    """Filled by the view that answers, read by the memory."""

    grant: Grant | None = None
    offer: Offer | None = None
    names: frozenset[str] = frozenset()  # of the prompts whose change changes the answer
    key: str = ""


def fill(request: HttpRequest, *, grant: Grant, offer: Offer, names: frozenset[str], key: str) -> None:
    """Leave word for the memory, if one asked."""
    scope: dict[str, Any] = getattr(request, "scope", {})
    slot = scope.get(SLOT)
    if isinstance(slot, Slot):
        slot.grant, slot.offer, slot.names, slot.key = grant, offer, names, key
