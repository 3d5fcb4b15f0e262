"""What the records of one status page have in common: its name, its address, and the components we follow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from apps.connectors.values import list_or_empty, object_or_empty, optional_text, safe_url


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """`wanted` are lowercase patterns of component names; none means all."""

    name: str
    url: str
    wanted: tuple[str, ...] = ()

    @classmethod
    def of(cls, summary: Mapping[str, Any], *, url: str, components: Sequence[str]) -> Page:
        """The page that a summary describes; `url` is the configured address."""
        found = object_or_empty(summary.get("page"))
        name = optional_text(found, "name", limit=120) or url.partition("://")[2]
        return cls(
            name=name,
            url=safe_url(found.get("url")).rstrip("/") or url,
            wanted=tuple(pattern.lower() for pattern in components),
        )

    def follows(self, name: str) -> bool:
        """Whether we follow the component of this name."""
        return not self.wanted or any(fnmatchcase(name.lower(), pattern) for pattern in self.wanted)

    def concerns_us(self, item: Mapping[str, Any]) -> bool:
        """Whether an incident or maintenance touches a component we follow; one that names none touches all."""
        names = affected(item)
        return not names or any(self.follows(name) for name in names)

    def link(self, item: Mapping[str, Any]) -> str:
        """The page of an incident or maintenance."""
        return safe_url(item.get("shortlink")) or f"{self.url}/incidents/{optional_text(item, 'id')}"


def updates(item: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The updates of an incident or maintenance, newest first."""
    return [object_or_empty(entry) for entry in list_or_empty(item.get("incident_updates"))]


def affected(item: Mapping[str, Any]) -> list[str]:
    """Names of the components that an incident or maintenance names, now or in any of its updates."""
    names = _names(item.get("components"))
    for update in updates(item):
        names += _names(update.get("affected_components"))
    return list(dict.fromkeys(names))


def _names(components: Any) -> list[str]:
    names = (optional_text(object_or_empty(entry), "name").strip() for entry in list_or_empty(components))
    return [name for name in names if name]
