"""Whether what was tested is what runs: the sets of every environment in, a verdict with findings out. Pure.

1. Production is what is marked so, else the last environment; tested is the last one before it that tells anything.
2. Only parts that both tell of are compared: a source that speaks of one environment alone proves nothing.
3. The same everywhere: consistent. Exactly what the tested environment ran before: behind. Anything else: mixed.
4. In every environment: an index that was built with one embedder and is searched with another gives wrong answers
   without any error, whether or not their dimensions agree. That is mixed as well.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, Literal

from apps.health.bundling import Member

INDEX: Final = "index"
EMBEDDING_MODEL: Final = "embedding_model"
Key = tuple[str, str]  # kind and name of a part


class Verdict(StrEnum):
    """The values are those of `status.SetStatus`."""

    CONSISTENT = "consistent"
    BEHIND = "behind"
    MIXED = "mixed"
    UNKNOWN = "unknown"


_WORST: Final = (Verdict.UNKNOWN, Verdict.CONSISTENT, Verdict.BEHIND, Verdict.MIXED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One revision in one environment. `embedder`, `dimensions`: what its labels say, "" when they are silent."""

    kind: str
    name: str
    reference: str
    since: datetime
    by: str = ""
    url: str = ""
    deployment_id: int = 0  # 0 for a prompt, which is not deployed
    embedder: str = ""
    dimensions: str = ""

    @property
    def key(self) -> Key:
        return self.kind, self.name

    @property
    def member(self) -> Member:
        return Member(self.kind, self.name, self.reference)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One environment with the set that runs there."""

    id: int
    name: str
    rank: int = 0
    is_production: bool = False
    pieces: tuple[Piece, ...] = ()

    @property
    def by_key(self) -> dict[Key, Piece]:
        return {piece.key: piece for piece in self.pieces}


@dataclass(frozen=True, slots=True)
class PastSet:
    """A set that the tested environment ran; `until` is None while it does."""

    references: Mapping[Key, str]
    until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One cell that is not as it should be, in one sentence; `since` and `by` belong to the later of both sides."""

    rule: Literal["differs", "embedder"]
    tone: Literal["warn", "bad"]
    place_id: int
    kind: str
    name: str
    text: str
    since: datetime
    by: str = ""
    url: str = ""
    is_live: bool = True  # in production, where people meet it


@dataclass(frozen=True, slots=True)
class Judged:
    """The answer; `since`: when it began as far as the facts show. `compared`: how many parts both sides tell of."""

    verdict: Verdict
    sentence: str
    since: datetime | None = None
    findings: tuple[Finding, ...] = ()
    compared: int = 0


def split(places: Sequence[Place]) -> tuple[Place | None, list[Place]]:
    """(the tested environment, the live ones); places where nothing runs are left out."""
    ordered = sorted((place for place in places if place.pieces), key=lambda place: (place.rank, place.id))
    live = [place for place in ordered if place.is_production] or ordered[-1:]
    first = min((place.rank for place in live), default=0)
    tested = [place for place in ordered if place not in live and place.rank <= first]
    return (tested[-1] if tested else None), live


def judge(places: Sequence[Place], past: Sequence[PastSet] = ()) -> Judged:
    """The verdict of one feature; `past` holds the sets of the tested environment, newest first."""
    tested, live = split(places)
    wrong = [finding for place in places for finding in embedder_findings(place, is_live=place in live)]
    judged = [_compare(tested, place, past) for place in live] if tested else []
    worst = max(judged, key=lambda one: _WORST.index(one.verdict), default=_nothing_to_compare(tested, live))
    findings = (*wrong, *(finding for one in judged for finding in one.findings))
    if not wrong:
        return Judged(worst.verdict, worst.sentence, worst.since, findings, worst.compared)
    first = next((finding for finding in wrong if finding.is_live), wrong[0])
    return Judged(Verdict.MIXED, first.text, min(one.since for one in wrong), findings, worst.compared)


def embedder_findings(place: Place, *, is_live: bool) -> Iterator[Finding]:
    """The indexes of a place that are searched with another embedder than they were built with."""
    asking = [
        piece for piece in place.pieces if piece.kind == EMBEDDING_MODEL or (piece.kind != INDEX and piece.embedder)
    ]
    for index in place.pieces:
        if index.kind != INDEX or not index.embedder or not asking:
            continue
        same = [piece for piece in asking if _plain(_embedder(piece)) == _plain(index.embedder)]
        if any(not _dimensions_differ(index, piece) for piece in same):
            continue
        yield _mismatch(place, index, (same or asking)[0], is_live)


def _embedder(piece: Piece) -> str:
    return piece.embedder or piece.reference


def _plain(name: str) -> str:
    return name.strip().casefold()


def _dimensions_differ(index: Piece, query: Piece) -> bool:
    return bool(index.dimensions and query.dimensions and index.dimensions != query.dimensions)


def _mismatch(place: Place, index: Piece, query: Piece, is_live: bool) -> Finding:
    later = max(index, query, key=lambda piece: piece.since)
    built, asked = index.embedder, _embedder(query)
    if _plain(built) == _plain(asked):
        built, asked = f"{index.dimensions} dimensions", f"{query.dimensions}"
        note = ""
    elif index.dimensions and index.dimensions == query.dimensions:
        note = f"; both have {index.dimensions} dimensions, so nothing fails and what is found is quietly wrong"
    else:
        note = "; what is found is wrong"
    return Finding(
        rule="embedder",
        tone="bad",
        place_id=place.id,
        kind=INDEX,
        name=index.name,
        text=f"In {place.name} the index {index.name} was built with {built} and is searched with {asked}{note}.",
        since=later.since,
        by=later.by,
        url=later.url,
        is_live=is_live,
    )


def _nothing_to_compare(tested: Place | None, live: Sequence[Place]) -> Judged:
    if not live:
        return Judged(Verdict.UNKNOWN, "No source tells what runs for this feature.")
    if tested is None:
        return Judged(Verdict.UNKNOWN, f"Only {live[0].name} is told, so there is nothing to compare it with.")
    return Judged(Verdict.UNKNOWN, "There is nothing to compare.")


def _compare(tested: Place, live: Place, past: Sequence[PastSet]) -> Judged:
    old, new = live.by_key, tested.by_key
    shared = sorted(old.keys() & new.keys())
    if not shared:
        return Judged(Verdict.UNKNOWN, f"{tested.name} and {live.name} tell of different parts; none can be compared.")
    differing = [key for key in shared if old[key].reference != new[key].reference]
    if not differing:
        since = max(piece.since for key in shared for piece in (old[key], new[key]))
        sentence = f"{live.name} runs what {tested.name} tests: {_parts(len(shared))} compared, all the same."
        return Judged(Verdict.CONSISTENT, sentence, since, compared=len(shared))
    moved_on = _moved_on({key: old[key].reference for key in shared}, past)
    verdict = Verdict.BEHIND if moved_on else Verdict.MIXED
    findings = tuple(_difference(tested, live, new[key], old[key], verdict) for key in differing)
    since = moved_on or max(finding.since for finding in findings)
    return Judged(verdict, _sentence(verdict, tested, live, differing), since, findings, len(shared))


def _moved_on(references: Mapping[Key, str], past: Sequence[PastSet]) -> datetime | None:
    """When the tested environment left the set that is live; None if it never ran it."""
    return next((one.until for one in past if one.until and references.items() <= one.references.items()), None)


def _difference(tested: Place, live: Place, new: Piece, old: Piece, verdict: Verdict) -> Finding:
    later = max(old, new, key=lambda piece: piece.since)
    who = f", put there by {later.by}" if later.by else ""
    where = live.name if later is old else tested.name
    return Finding(
        rule="differs",
        tone="warn" if verdict is Verdict.BEHIND else "bad",
        place_id=live.id,
        kind=old.kind,
        name=old.name,
        text=f"{live.name} runs {old.name} {old.reference}, {tested.name} has {new.reference}; "
        f"{where} was the later{who}.",
        since=later.since,
        by=later.by,
        url=later.url,
    )


def _sentence(verdict: Verdict, tested: Place, live: Place, differing: Sequence[Key]) -> str:
    number = _parts(len(differing))
    if verdict is Verdict.BEHIND:
        is_one = len(differing) == 1
        return (
            f"{live.name} runs exactly what {tested.name} ran before; {number} {'is' if is_one else 'are'}"
            f" newer in {tested.name}."
        )
    named = differing[0][1] if len(differing) == 1 else f"{differing[0][1]} and {len(differing) - 1} more"
    verb = "differs" if len(differing) == 1 else "differ"
    return f"{live.name} runs a set that {tested.name} never tested: {named} {verb}."


def _parts(number: int) -> str:
    return f"{number} part{'' if number == 1 else 's'}"
