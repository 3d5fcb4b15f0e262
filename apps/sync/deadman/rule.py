"""Whether anything is still polled: a pure rule of the last signs of life and a time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from apps.core.ui.formats import duration

QUIET = 10.0  # seconds without a sign of life, which comes every second: enough to say why nothing is answered


class Life(StrEnum):
    ALIVE = "alive"
    STARTING = "starting"  # silent, but not watched for long enough to say so
    NO_WORKER = "no-worker"
    NO_ANSWER = "no-answer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signs:
    """What the database knows at `at`: the last sign of life of any worker, and of the sources that are asked now the
    shortest interval in seconds (None: no such source) and the last good poll (at least when the newest was connected).
    """

    at: datetime
    worker_at: datetime | None = None
    shortest: int | None = None
    answer_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How long silence may last: `intervals` of the shortest interval, at least `floor` seconds."""

    intervals: float = 3.0
    floor: float = 60.0

    def of_answers(self, shortest: int) -> float:
        """Seconds without one good poll."""
        return max(self.floor, self.intervals * shortest)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """`since` is the last sign of life, `limit` the seconds that had to pass, `sentence` what to do about it."""

    life: Life
    since: datetime | None
    limit: float
    sentence: str

    @property
    def is_silent(self) -> bool:
        """Whether people must know."""
        return self.life in (Life.NO_WORKER, Life.NO_ANSWER)


def judge(*, signs: Signs, limits: Limits, watched_since: datetime | None = None) -> Verdict:
    """The verdict at `signs.at`; silence from before `watched_since` counts only from then on."""
    limit = limits.of_answers(signs.shortest) if signs.shortest is not None else limits.floor
    is_unanswered = signs.shortest is not None and _is_over(signs.answer_at, limit, signs.at)
    if _is_over(signs.worker_at, QUIET if is_unanswered else limits.floor, signs.at):
        sentence = "No worker gives a sign of life. See that the processes worker and beat run; nothing stored is lost."
        return _silent(Life.NO_WORKER, signs.worker_at, limits.floor, sentence, signs.at, watched_since)
    if is_unanswered:
        sentence = "A worker is at work, but no poll of any source succeeds. The list of sources says why of each."
        return _silent(Life.NO_ANSWER, signs.answer_at, limit, sentence, signs.at, watched_since)
    if signs.shortest is not None:
        return Verdict(life=Life.ALIVE, since=signs.answer_at, limit=limit, sentence="Sources are polled.")
    return Verdict(life=Life.ALIVE, since=signs.worker_at, limit=limit, sentence="A worker is at work.")


def _is_over(last: datetime | None, limit: float, at: datetime) -> bool:
    return last is None or at - last > timedelta(seconds=limit)


def _silent(
    life: Life, since: datetime | None, limit: float, sentence: str, at: datetime, watched_since: datetime | None
) -> Verdict:
    if watched_since is not None and not _is_over(watched_since, limit, at):
        wait = f"Nothing was heard yet; this process has been watching for less than {duration(limit)}."
        return Verdict(life=Life.STARTING, since=since, limit=limit, sentence=wait)
    return Verdict(life=life, since=since, limit=limit, sentence=sentence)
