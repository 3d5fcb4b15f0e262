"""Silences as changes: somebody made an alert quiet, changed that, and at some time it ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from apps.connectors.records import ChangeRecord, Kind, Rejected
from apps.connectors.values import (
    MAX_NAME,
    as_object,
    first_line,
    from_iso,
    list_or_empty,
    object_or_empty,
    optional_text,
    read_items,
    required_text,
)

OVERLAP = timedelta(minutes=2)  # peers hear of a silence from each other, and clocks differ
EDITED_AFTER = timedelta(seconds=2)  # an update this long after the beginning is a change of the silence
_PLACES = ("feature", "component", "environment")


def read_silences(
    items: Sequence[Any], *, since: datetime | None, base: str
) -> tuple[list[ChangeRecord], list[Rejected]]:
    """What happened to silences since `since` (None: all that is known); a repeated one keeps its external id."""

    def read(item: Mapping[str, Any]) -> list[ChangeRecord]:
        return _changes(item, since=since, base=base)

    found, rejected = read_items(items, read, kind=Kind.CHANGE, id_key="id")
    return [change for changes in found for change in changes], rejected


def _changes(item: Mapping[str, Any], *, since: datetime | None, base: str) -> list[ChangeRecord]:
    """Created, perhaps edited, perhaps ended; nothing when all of it is older than `since`."""
    silence = _Silence(item, base=base)
    is_over = silence.state == "expired"
    newest = max(silence.updated_at, silence.ends_at) if is_over else silence.updated_at
    if since is not None and newest < since:
        return []
    changes = [silence.created()]
    if is_over:
        changes.append(silence.ended())
    elif silence.updated_at - silence.starts_at > EDITED_AFTER:
        changes.append(silence.edited())
    return changes


class _Silence:
    """One silence as the API gives it; raises UnreadableError."""

    def __init__(self, item: Mapping[str, Any], *, base: str) -> None:
        self.id = required_text(item, "id")
        self.state = required_text(as_object(item.get("status")), "state")
        self.starts_at, self.ends_at, self.updated_at = (
            from_iso(item.get(key)) for key in ("startsAt", "endsAt", "updatedAt")
        )
        self.matchers = [object_or_empty(entry) for entry in list_or_empty(item.get("matchers"))]
        self.text = ", ".join(map(_matcher_text, self.matchers)) or "nothing"
        self._item = item
        self._url = f"{base}/#/silences/{self.id}"

    def created(self) -> ChangeRecord:
        """Its beginning; one that is planned begins later than it was made."""
        at = min(self.starts_at, self.updated_at)
        return self._change("created", f"Silence for {self.text}", at, actor=self._actor, after=self._until)

    def edited(self) -> ChangeRecord:
        """Another end or another comment; what changes the matchers makes a new silence."""
        told = f"edited:{self.updated_at.isoformat()}"
        return self._change(
            told, f"Silence changed for {self.text}", self.updated_at, actor=self._actor, after=self._until
        )

    def ended(self) -> ChangeRecord:
        """Its end, by time or by hand: whose hand it was is not told."""
        return self._change("expired", f"Silence ended for {self.text}", self.ends_at, before=self._until)

    @property
    def _actor(self) -> str:
        return optional_text(self._item, "createdBy")

    @property
    def _until(self) -> str:
        return f"silent until {_minute(self.ends_at)}"

    def _change(self, told: str, title: str, at: datetime, **more: str) -> ChangeRecord:
        why = first_line(self._item.get("comment"))
        span = f"From {_minute(self.starts_at)} until {_minute(self.ends_at)}."
        places = _places(self.matchers)
        return ChangeRecord(
            external_id=f"silence:{self.id}:{told}",
            raw=self._item,
            what="silence",
            title=title[:MAX_NAME],
            at=at,
            detail=f"{why}\n{span}" if why else span,
            component=places.get("component", ""),
            environment=places.get("environment", ""),
            labels=places,
            url=self._url,
            **more,
        )


def _matcher_text(matcher: Mapping[str, Any]) -> str:
    """The matcher as people write it: env!="dev"; a missing `isEqual` means equal."""
    sign = ("=" if matcher.get("isEqual", True) else "!") + ("~" if matcher.get("isRegex") else "=")
    sign = "=" if sign == "==" else sign
    return f'{optional_text(matcher, "name")}{sign}"{optional_text(matcher, "value")}"'


def _places(matchers: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Feature, component and environment that the silence names exactly."""
    exact = [matcher for matcher in matchers if matcher.get("isEqual", True) and not matcher.get("isRegex")]
    found = {optional_text(matcher, "name"): optional_text(matcher, "value") for matcher in exact}
    return {name: found[name] for name in _PLACES if found.get(name)}


def _minute(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
