"""What a Kubernetes source remembers between fetches: how far workloads and jobs were told, by namespace."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from apps.connectors.values import UnreadableError, from_iso, list_or_empty, object_or_empty, optional_text

MOST_WORKLOADS = 2_000  # of one namespace; more are told again at every poll, which stores nothing twice
MOST_JOBS = 3_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What was told of one workload: its current rollout.

    `version` is its resourceVersion then, `key` what changes with every rollout, `number` the rollout's own.
    `word` is state and Kubernetes' word. `open` is what ends the rollout if another replaces it, {} when it is over.
    """

    key: str
    number: int
    started_at: datetime
    is_rollback: bool
    version: str = ""
    state: str = ""
    word: str = ""
    open: Mapping[str, Any] = field(default_factory=dict)

    def dump(self) -> list[Any]:
        """JSON types for the cursor."""
        known = [self.version, self.key, self.number, self.word, self.started_at.isoformat(), int(self.is_rollback)]
        return [*known, dict(self.open)] if self.open else known


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One namespace (or all of them). `jobs`: uid -> resourceVersion told; `open`: uid -> what ends a run."""

    workloads: Mapping[str, Told] = field(default_factory=dict)
    jobs: Mapping[str, str] = field(default_factory=dict)
    open: Mapping[str, Any] = field(default_factory=dict)

    def dump(self) -> dict[str, Any]:
        """JSON types for the cursor."""
        return {
            "workloads": {uid: told.dump() for uid, told in sorted(self.workloads.items())[:MOST_WORKLOADS]},
            "jobs": dict(sorted(self.jobs.items())[:MOST_JOBS]),
            "open": dict(sorted(self.open.items())[:MOST_JOBS]),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """One look at all namespaces, which may take several fetches: what is listed as there, and whether that is all."""

    position: int = 0
    alerts: frozenset[str] = frozenset()
    pipelines: frozenset[str] = frozenset()
    is_complete: bool = True

    def dump(self) -> dict[str, Any] | None:
        """JSON types for the cursor; None before the first namespace."""
        if not self.position and not self.alerts and not self.pipelines and self.is_complete:
            return None
        return {
            "position": self.position,
            "alerts": sorted(self.alerts),
            "pipelines": sorted(self.pipelines),
            "is_complete": self.is_complete,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """Everything of one source. A round under way belongs to a list of namespaces; another list begins anew."""

    places: Mapping[str, Place] = field(default_factory=dict)
    round: Round = field(default_factory=Round)

    @classmethod
    def load(cls, cursor: Mapping[str, Any], namespaces: list[str]) -> Memory:
        """The memory in a stored cursor; unreadable parts are forgotten, which only means telling again."""
        saved = object_or_empty(cursor.get("places"))
        places = {name: _place(saved.get(name)) for name in namespaces}
        is_same = cursor.get("namespaces") == namespaces
        return cls(places=places, round=_round(cursor.get("round")) if is_same else Round())

    def dump(self, namespaces: list[str]) -> dict[str, Any]:
        """JSON types for the cursor."""
        places = {name: place.dump() for name, place in sorted(self.places.items())}
        return {"namespaces": namespaces, "places": places, "round": self.round.dump()}


def _place(value: Any) -> Place:
    saved = object_or_empty(value)
    workloads = {uid: _told(entry) for uid, entry in object_or_empty(saved.get("workloads")).items()}
    jobs = object_or_empty(saved.get("jobs"))
    return Place(
        workloads={uid: told for uid, told in workloads.items() if told is not None},
        jobs={uid: version for uid, version in jobs.items() if isinstance(version, str)},
        open={uid: run for uid, run in object_or_empty(saved.get("open")).items() if isinstance(run, Mapping)},
    )


def _told(entry: Any) -> Told | None:
    match list_or_empty(entry):
        case [str(version), str(key), int(number), str(word), str(started), int(is_rollback), *more]:
            try:
                started_at = from_iso(started)
            except UnreadableError:
                return None
            return Told(
                version=version,
                key=key,
                number=number,
                state=word.partition(" ")[0],
                word=word,
                started_at=started_at,
                is_rollback=bool(is_rollback),
                open=object_or_empty(more[0]) if more else {},
            )
        case _:
            return None


def _round(value: Any) -> Round:
    saved = object_or_empty(value)
    position = saved.get("position")
    return Round(
        position=position if isinstance(position, int) and position >= 0 else 0,
        alerts=_texts(saved.get("alerts")),
        pipelines=_texts(saved.get("pipelines")),
        is_complete=saved.get("is_complete") is not False,
    )


def _texts(value: Any) -> frozenset[str]:
    return frozenset(item for item in list_or_empty(value) if isinstance(item, str))


def time_of(saved: Mapping[str, Any], name: str, default: datetime) -> datetime:
    """A time that was remembered, or the default."""
    try:
        return from_iso(saved.get(name))
    except UnreadableError:
        return default


def text_of(saved: Mapping[str, Any], name: str) -> str:
    """A text that was remembered, or ""."""
    return optional_text(saved, name, limit=2000)
