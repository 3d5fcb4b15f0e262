"""What every page needs around its content; read lazily, so fragments pay nothing."""

from __future__ import annotations

from datetime import datetime
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone

from apps.core.nav import MAIN, SETTINGS, Places, address, links


class Portal:
    """The frame of a page: title, navigation, the reader's choices and the addresses the scripts need."""

    def __init__(self, request: HttpRequest) -> None:
        self._request = request
        self._user: Any = getattr(request, "user", None)

    @property
    def title(self) -> str:
        """The line under the brand: whose portal this is."""
        return str(getattr(settings, "TITLE", ""))

    @cached_property
    def places(self) -> Places:
        """Where this reader may go from here."""
        match = self._request.resolver_match
        view_name = match.view_name if match else ""
        role = "admin" if getattr(self._user, "is_superuser", False) else getattr(self._user, "role", "")
        may = {"is_admin": role == "admin", "is_hands_on": role not in ("", "viewer")}
        return Places(*(links(part, view_name=view_name, **may) for part in (MAIN, SETTINGS)))

    @property
    def theme(self) -> str:
        """The reader's theme, "" for the system's."""
        chosen = str(getattr(self._user, "theme", ""))
        return chosen if chosen in ("light", "dark") else ""

    @property
    def density(self) -> str:
        return "compact" if getattr(self._user, "density", "") == "compact" else ""

    @property
    def has_shortcuts(self) -> bool:
        return bool(getattr(self._user, "has_shortcuts", True))

    @property
    def zone(self) -> str:
        """The name of the zone this page shows times in."""
        zone = timezone.get_current_timezone()
        return zone.key if isinstance(zone, ZoneInfo) else "UTC"

    @property
    def zone_place(self) -> str:
        """The zone as people say it: "Berlin"."""
        return self.zone.rpartition("/")[2].replace("_", " ")

    @property
    def now(self) -> datetime:
        return timezone.localtime()

    @property
    def is_signed_in(self) -> bool:
        return bool(getattr(self._user, "is_authenticated", False))

    @cached_property
    def urls(self) -> dict[str, str]:
        """Addresses that may be missing where a part is not installed."""
        names = {
            "overview": "portal:overview",
            "live": "portal:live",
            "search": "portal:search",
            "counts": "portal:nav-counts",
            "profile": "accounts:profile",
            "sign_in": "accounts:sign-in",
            "sign_out": "accounts:sign-out",
        }
        return {key: address(name) for key, name in names.items()}


def portal(request: HttpRequest) -> dict[str, Portal]:
    """`portal` in every template."""
    return {"portal": Portal(request)}
