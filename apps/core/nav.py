"""The main navigation: one table, of which only the parts that are installed and allowed are shown."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from django.urls import NoReverseMatch, get_script_prefix, get_urlconf, reverse


@dataclass(frozen=True, slots=True)
class Place:
    """One entry: `pages` are the beginnings of view names that belong to it, `keys` its shortcut after "g"."""

    key: str
    label: str
    icon: str
    url_name: str
    pages: tuple[str, ...]
    keys: str = ""
    tab: str = ""  # its word in the phone's tab bar; empty ones stand under "More"
    is_admin_only: bool = False
    is_hands_on: bool = False  # not for those who only look


@dataclass(frozen=True, slots=True)
class Link:
    """A place with its address, as a template draws it."""

    place: Place
    url: str
    is_current: bool


@dataclass(frozen=True, slots=True)
class Places:
    """Everything the navigation of one page shows; equal for all readers who may go to the same places."""

    nav: tuple[Link, ...]
    settings_nav: tuple[Link, ...]

    @property
    def tabs(self) -> list[Link]:
        """The first four places of the phone's tab bar."""
        return [link for link in self.nav if link.place.tab]

    @property
    def shortcuts(self) -> list[Link]:
        """Every place with a key, for the script and for the help dialog."""
        return [link for link in (*self.nav, *self.settings_nav) if link.place.keys]


@dataclass(frozen=True, slots=True)
class NavCount:
    """A number beside a place, such as 2 "waiting for you"; tone "bad", "accent" or none."""

    key: str
    number: int
    label: str
    tone: str = ""

    @property
    def prefixes(self) -> tuple[str, ...]:
        """Where the number stands: sidebar, phone menu and, for some places, the tab bar."""
        return ("nav", "more", "tab") if any(place.tab for place in MAIN if place.key == self.key) else ("nav", "more")


_FEATURES: Final = (
    "portal:feature",
    "health:reasons",
    "health:strip",
    "health:news",
    "health:map",
    "health:readiness",
    "health:ann",
)
_DEPLOYMENTS: Final = ("deployments:", "health:consistency", "health:bundle")
MAIN: Final = (
    Place("overview", "Overview", "overview", "portal:overview", ("portal:overview",), "o", "Overview"),
    Place("features", "Features", "features", "portal:feature-list", _FEATURES, "f", "Features"),
    Place("changes", "Changes", "changes", "events:event-list", ("events:",), "c", "Changes"),
    Place("alerts", "Alerts", "alerts", "monitors:alert-list", ("monitors:",), "a", "Alerts"),
    Place("incidents", "Incidents", "incidents", "incidents:incident-list", ("incidents:",), "i"),
    Place("pipelines", "Pipelines", "pipelines", "pipelines:pipeline-list", ("pipelines:", "health:data"), "p"),
    Place("deployments", "Deployments", "deployments", "deployments:deployment-list", _DEPLOYMENTS, "d"),
    Place("prompts", "Prompts", "prompts", "prompts:prompt-list", ("prompts:",), "r"),
    Place("evaluations", "Evaluations", "evals", "evaluations:run-list", ("evaluations:",), "e"),
    Place("metrics", "Metrics", "metrics", "metrics:series-list", ("metrics:",), "m"),
    Place("sources", "Sources", "sources", "sources:source-list", ("sources:",), "s"),
)
SETTINGS: Final = (
    Place("catalog", "Catalog", "catalog", "catalog:index", ("catalog:",), "k"),
    Place("tokens", "API tokens", "key", "accounts:token-list", ("accounts:token", "api-pages:")),
    Place(
        "outbound",
        "Outbound events",
        "external",
        "notifications:subscription-list",
        ("notifications:",),
        is_hands_on=True,
    ),
    Place("people", "People", "people", "accounts:user-list", ("accounts:user",), is_admin_only=True),
    Place("audit", "Audit log", "audit", "accounts:audit-list", ("accounts:audit",), is_admin_only=True),
)


def links(places: tuple[Place, ...], *, view_name: str, is_admin: bool, is_hands_on: bool = True) -> tuple[Link, ...]:
    """The places this reader may see, the one of the current page marked."""
    return tuple(
        Link(place, url, view_name.startswith(place.pages))
        for place in places
        if (is_admin or not place.is_admin_only)
        and (is_hands_on or not place.is_hands_on)
        and (url := address(place.url_name))
    )


def address(url_name: str) -> str:
    """The address of a page, or "" where that part of the portal is not installed."""
    return _address(url_name, get_urlconf(), get_script_prefix())


@lru_cache(maxsize=256)
def _address(url_name: str, _urlconf: Any, _prefix: str) -> str:
    try:
        return reverse(url_name)
    except NoReverseMatch:
        return ""
