"""Many lists behind one source: read in rounds, a few in every fetch, and one that is refused stops no other.

A repository or project has several lists, each with its own right. A fetch begins where the last one stopped; a list
that it cannot finish goes on in the next round, after the others had their turn.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from apps.connectors.errors import ErrorClass, SourceError
from apps.connectors.records import Kind, Rejected

PAUSE = 60.0  # seconds, when a rate limit does not say how long
_OF_ONE_PART = {ErrorClass.AUTH, ErrorClass.NOT_FOUND, ErrorClass.REJECTED, ErrorClass.REDIRECT}


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One list of one `subject` (a repository, a project). `give_up` forgets what was begun when it is refused."""

    kind: Kind
    subject: str
    read: Callable[[], Awaitable[None]]
    give_up: Callable[[], None]


@dataclass(slots=True, kw_only=True)
class Round:
    """`position`: the part to go on with, 0 when the round is through. `pause`: seconds the source asked for."""

    position: int
    refused: list[Part] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    pause: float | None = None


async def read_round(parts: Sequence[Part], *, position: int, must_stop: Callable[[], bool]) -> Round:
    """Read on from `position` until the round is through or the fetch must stop.

    Raises SourceError for what is no matter of one part, and when from the first part on not one was answered.
    """
    start = position if position < len(parts) else 0
    reading, is_answered, failure = Round(position=start), False, None
    for part in parts[start:]:
        if must_stop():
            return reading
        try:
            await part.read()
            is_answered = True
        except SourceError as error:
            if error.error_class is ErrorClass.RATE_LIMIT and is_answered:
                reading.pause = error.retry_after or PAUSE
                return reading
            if error.error_class not in _OF_ONE_PART:
                raise
            failure = failure or error
            _refuse(reading, part, error)
        reading.position += 1
    if failure is not None and start == 0 and not is_answered:
        raise failure
    reading.position = 0
    return reading


def _refuse(reading: Round, part: Part, error: SourceError) -> None:
    part.give_up()
    reading.refused.append(part)
    reason = f"{part.subject}: {error.message}"
    reading.rejected.append(Rejected(kind=part.kind, external_id=part.subject, reason=reason))
