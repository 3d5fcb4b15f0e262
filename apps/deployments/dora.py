"""The DORA measures out of changes and the trouble that followed them: pure.

A change is one that went live: code deployed, a label of a prompt moved, configuration changed. A rollback repairs one
and is none itself. Trouble belongs to the last change of its feature before it, if that is no longer ago than a bound;
of a rollback, to the last change of the very place that is rolled back. People's verdicts stand above that.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import fmean, median

INFERRED, CONFIRMED, CUT = "inferred", "confirmed", "cut"


@dataclass(frozen=True, slots=True)
class Change:
    """`id` is the event's. `begun_at`: the commit, the first deployment of the revision anywhere, or the version.

    `place`: where exactly; equal for what replaces one another.
    """

    id: int
    at: datetime
    kind: str  # code, prompt or config
    feature_id: int | None
    place: tuple[object, ...]
    is_rollback: bool = False
    begun_at: datetime | None = None
    begun_by: str = ""  # in words: what `begun_at` is

    @property
    def lead(self) -> timedelta | None:
        """From its beginning to being live, where the beginning is known."""
        return max(self.at - self.begun_at, timedelta()) if self.begun_at else None


@dataclass(frozen=True, slots=True)
class Trouble:
    """An alert, a fall in health, a rollback or an incident. `key` names it; `ended_at` is None while it lasts."""

    key: str
    kind: str
    feature_id: int | None
    began_at: datetime
    ended_at: datetime | None = None
    place: tuple[object, ...] | None = None  # of a rollback


@dataclass(frozen=True, slots=True)
class Link:
    """A change that is held to be the cause of trouble; `state` is inferred, confirmed or cut."""

    change_id: int
    trouble: Trouble
    state: str = INFERRED

    @property
    def counts(self) -> bool:
        return self.state != CUT


@dataclass(frozen=True, slots=True)
class Spread:
    """Durations in seconds with their middle; `unknown` counts what should have one and does not."""

    seconds: tuple[float, ...] = ()
    unknown: int = 0

    @property
    def number(self) -> int:
        return len(self.seconds)

    @property
    def median(self) -> float | None:
        return median(self.seconds) if self.seconds else None

    @property
    def mean(self) -> float | None:
        return fmean(self.seconds) if self.seconds else None


@dataclass(frozen=True, slots=True)
class Measures:
    """The five of one period. Rates are None where nothing was changed."""

    days: int
    changes: int
    rollbacks: int
    failed: int
    rework: int
    lead: Spread
    recovery: Spread

    @property
    def a_week(self) -> float:
        """Deployment frequency."""
        return self.changes * 7 / self.days

    @property
    def failure_rate(self) -> float | None:
        """Changes that failed, of all changes."""
        return self.failed / self.changes if self.changes else None

    @property
    def rework_rate(self) -> float | None:
        """What was done to repair a change, of everything that went live."""
        total = self.changes + self.rollbacks
        return self.rework / total if total else None


def infer(
    changes: Sequence[Change],
    troubles: Iterable[Trouble],
    *,
    within: timedelta,
    verdicts: Mapping[tuple[int, str], str],
) -> list[Link]:
    """The links between `changes` and `troubles`; `verdicts` of people are keyed by (change, trouble) and stand."""
    by_feature: dict[object, list[Change]] = defaultdict(list)
    by_place: dict[object, list[Change]] = defaultdict(list)
    for change in sorted((one for one in changes if not one.is_rollback), key=_order):
        by_feature[change.feature_id].append(change)
        by_place[change.place].append(change)
    judged: dict[str, list[int]] = defaultdict(list)
    for change_id, key in verdicts:
        judged[key].append(change_id)
    known, links = {one.id for one in changes}, []
    for trouble in troubles:
        near = by_place[trouble.place] if trouble.place is not None else by_feature[trouble.feature_id]
        found = _last_before(near, trouble.began_at, within) if trouble.place or trouble.feature_id else None
        ids = dict.fromkeys([*([found.id] if found else []), *judged[trouble.key]])
        links += [Link(pk, trouble, verdicts.get((pk, trouble.key), INFERRED)) for pk in ids if pk in known]
    return links


def measure(changes: Sequence[Change], links: Sequence[Link], *, days: int) -> Measures:
    """What these changes and the links of them say; links of other changes are left out."""
    own = {one.id: one for one in changes}
    blamed: dict[int, list[Trouble]] = defaultdict(list)
    for link in links:
        if link.counts and link.change_id in own:
            blamed[link.change_id].append(link.trouble)
    real = [one for one in changes if not one.is_rollback]
    recoveries = [recovered_in(own[pk], troubles) for pk, troubles in blamed.items()]
    return Measures(
        days=days,
        changes=len(real),
        rollbacks=len(changes) - len(real),
        failed=len(blamed),
        rework=sum(one.is_rollback or _repairs(one, blamed, own) for one in changes),
        lead=_spread([one.lead for one in real]),
        recovery=_spread(recoveries),
    )


def recovered_in(change: Change, troubles: Sequence[Trouble]) -> timedelta | None:
    """From the first sign of its failure to the end of the last; None while any of it lasts.

    A rollback is an end and no sign: where it is all that is known, the failure began with the change.
    """
    ends = [one.ended_at for one in troubles if one.ended_at]
    if not troubles or len(ends) < len(troubles):
        return None
    began = min((one.began_at for one in troubles if one.place is None), default=change.at)
    return max(ends) - began


def _repairs(change: Change, blamed: Mapping[int, Sequence[Trouble]], own: Mapping[int, Change]) -> bool:
    """Whether it went live for a feature while trouble of an earlier change of it lasted."""
    for pk, troubles in blamed.items():
        earlier = own[pk]
        if earlier.feature_id != change.feature_id or earlier.at >= change.at:
            continue
        if any(one.began_at <= change.at <= (one.ended_at or change.at) for one in troubles):
            return True
    return False


def _last_before(ordered: Sequence[Change], at: datetime, within: timedelta) -> Change | None:
    place = bisect_right(ordered, at, key=lambda one: one.at)
    found = ordered[place - 1] if place else None
    return found if found and at - found.at <= within else None


def _spread(found: Sequence[timedelta | None]) -> Spread:
    known = tuple(sorted(one.total_seconds() for one in found if one is not None))
    return Spread(known, len(found) - len(known))


def _order(change: Change) -> tuple[datetime, int]:
    return change.at, change.id
