"""Past rollouts of a workload: the ReplicaSets of a Deployment, the ControllerRevisions of the others; pure.

Both are numbered. Going back does not make a new one: the old one gets a new, higher number and keeps its time of
creation. So a number is the identity of a rollout, and that an old one took it again is what tells a rollback.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from apps.connectors.providers.kubernetes.normalize import (
    CHANGE_CAUSE,
    PAST,
    REVISION,
    REVISIONS_BEFORE,
    annotation,
    count,
    owner_of,
    read_pruned,
)
from apps.connectors.records import Kind, Rejected
from apps.connectors.values import UnreadableError, from_iso, object_or_empty, optional_text, required_text

MAX_NUMBER = 10**12


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """One template that was rolled out. `earlier` are the numbers it had before `number`."""

    owner_uid: str
    name: str
    number: int
    earlier: tuple[int, ...]
    created_at: datetime
    template: Any
    cause: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollout:
    """One number of a workload: what it put there, and since when if that is known."""

    number: int
    past: Past
    started_at: datetime | None
    is_rollback: bool


def read_pasts(items: Sequence[Any]) -> tuple[dict[str, list[Past]], list[Rejected]]:
    """uid of the workload -> what was rolled out, by number; what no workload controls is left out."""
    owned = [item for item in items if isinstance(item, Mapping) and owner_of(item)]
    found, rejected = read_pruned(owned, _past, PAST, rejected_as=Kind.DEPLOYMENT)
    pasts: dict[str, list[Past]] = defaultdict(list)
    for past in sorted(found, key=lambda past: past.number):
        pasts[past.owner_uid].append(past)
    return dict(pasts), rejected


def _past(item: Mapping[str, Any]) -> Past:
    metadata = object_or_empty(item.get("metadata"))
    is_replica_set = "revision" not in item
    number = _number(annotation(item, REVISION)) if is_replica_set else count(item, "revision")
    spec = object_or_empty(item.get("spec") if is_replica_set else object_or_empty(item.get("data")).get("spec"))
    if not 0 < number < MAX_NUMBER:
        raise UnreadableError("it has no revision number")
    earlier = {_number(text) for text in annotation(item, REVISIONS_BEFORE).split(",")}
    return Past(
        owner_uid=required_text(owner_of(item), "uid"),
        name=optional_text(metadata, "name"),
        number=number,
        earlier=tuple(sorted(one for one in earlier if 0 < one < number)),
        created_at=from_iso(metadata.get("creationTimestamp")),
        template=spec.get("template"),
        cause=annotation(item, CHANGE_CAUSE),
    )


def rollouts_of(pasts: Sequence[Past]) -> dict[int, Rollout]:
    """number -> rollout, oldest first. A number that an old template took again has no time of its own."""
    found: dict[int, Rollout] = {}
    for past in pasts:
        is_old = any(other.number < past.number and other.created_at > past.created_at for other in pasts)
        first, *others = sorted({*past.earlier, past.number})
        is_again = is_old and not others
        started_at = None if is_again else past.created_at
        found[first] = Rollout(number=first, past=past, started_at=started_at, is_rollback=is_again)
        for before, number in zip([first, *others], others, strict=False):
            found[number] = Rollout(number=number, past=past, started_at=None, is_rollback=number - before > 1)
    return dict(sorted(found.items()))


def current_number(kind: str, wanted: str, pasts: Sequence[Past]) -> int:
    """The number that rolls out now, 0 when it cannot be told yet; `wanted` is what `current_key` says."""
    if kind == "deployment":
        return _number(wanted)
    if kind == "statefulset":
        return next((past.number for past in pasts if past.name == wanted), 0)
    return max((past.number for past in pasts), default=0)


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 12 else 0
