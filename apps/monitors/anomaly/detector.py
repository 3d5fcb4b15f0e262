"""One pass over a stream: each sample gets a score from 0 to 1 that knows only what came before it."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import Final

from apps.monitors.anomaly.experts import SPANS, Change, Distance, Position, Rhythm, Spread, Views
from apps.monitors.anomaly.faults import Gaps, Runs, Stillness
from apps.monitors.anomaly.season import DAY, WEEK, Season
from apps.monitors.anomaly.tails import Ordered

ALARM: Final = 0.5  # a score from here on is worth a person's look
_EVEN: Final = 2.75  # the surprise whose score is one half: one in about six hundred, agreed on by three views
_STEEP: Final = 8
_VOICES: Final = 3
_WARM_UP: Final = 60  # samples
_STEP_KNOWN_AFTER: Final = 20  # samples
_TELLING: Final = 2.1  # surprise from which a peak is remembered
_AGAIN: Final = 1.2  # times the last peak: louder news is told at once
_REST_SHARE: Final = 0.05
_REST: Final = (60, 300)  # samples
_LARGEST: Final = 1e100  # beyond this, squares leave the range of floats
_LONGEST: Final = 4000  # samples that a history remembers


@dataclass(slots=True)
class Rest:
    """One episode, one peak: after a peak only a louder one is told until the rest is over."""

    last: int = -(10**9)
    peak: float = 0.0

    def damp(self, surprise: float, row: int) -> float:
        """The surprise, 0 where it only repeats the last peak."""
        rest = min(max(_REST[0], _REST_SHARE * row), _REST[1])
        if row - self.last < rest and surprise <= self.peak * _AGAIN:
            return 0.0
        if surprise > _TELLING:
            self.last, self.peak = row, surprise
        return surprise


class Detector:
    """Scores one stream.

    1. Six views of the sample (position, change, distance, spread, time of day, time of week) each say how rare their
       statistics are in their own history: a tail probability, so that no series needs a setting.
    2. The surprise is the mean of the three loudest: real trouble shows in several views, chance in one.
    3. Faults of measuring (frozen, missing) are told beside it.
    4. A peak is told once, and again when it grows; a lasting new level becomes usual as histories fill with it.
    """

    def __init__(self, longest: int = _LONGEST) -> None:
        self.longest = longest
        self.rows = 0
        self.views = Views()
        self.position = Position(longest)
        self.change = Change(longest)
        self.distance = Distance(longest)
        self.spread = Spread(longest)
        self.rhythms: list[Rhythm] = []
        self.steps = Ordered(101)
        self.frozen, self.missing, self.gaps = Runs(least=12), Runs(least=5), Gaps()
        self.still = Stillness(SPANS[-1])
        self.rest = Rest()
        self.leading = ""  # the loudest view of the newest sample
        self._last: tuple[float, float] | None = None

    def step(self, at: float, value: float | None) -> float:
        """The score of a sample at `at` (seconds, UTC); None or NaN says that the value is missing."""
        self.rows += 1
        if value is None or not isfinite(value):
            self.leading = "missing"
            return self._score(self.missing.step(True))
        voices = self._voices(at, min(max(value, -_LARGEST), _LARGEST))
        return self._score(self._agreed(voices | {"missing": self.missing.step(False)}))

    def _voices(self, at: float, value: float) -> dict[str, float]:
        self._learn_step(at)
        self.views.add(value)
        means = self.views.means
        change, jump = self.change.step(value, means)
        voices = {
            "position": self.position.step(value, means),
            "change": change,
            "distance": self.distance.step(value, means),
            "spread": self.spread.step(jump, self.views.deviations(means)),
        }
        for name, rhythm in zip(("day", "week"), self.rhythms, strict=False):
            voices[name] = rhythm.step(at, value)
        voices["frozen"] = self.frozen.step(self._last is not None and value == self._last[1])
        voices["gap"] = self.gaps.step(at, self.steps.median)
        voices["still"] = 0.0 if self.spread.calmness is None else self.still.step(self.spread.calmness)
        self._last = (at, value)
        return voices

    def _learn_step(self, at: float) -> None:
        if self._last is not None and at > self._last[0]:
            self.steps.add(at - self._last[0])
        if not self.rhythms and len(self.steps.line) >= _STEP_KNOWN_AFTER:
            step = self.steps.median
            seasons = Season(DAY, step, most=288, depth=4), Season(WEEK, step, most=336, depth=3)
            self.rhythms = [Rhythm(self.longest, season) for season in seasons if season.is_useful]

    def _agreed(self, voices: dict[str, float]) -> float:
        faults = {name: voices.pop(name) for name in ("frozen", "gap", "missing", "still")}
        loudest = sorted(voices, key=lambda name: voices[name])[-_VOICES:]
        surprise = sum(voices[name] for name in loudest) / _VOICES
        fault = max(faults, key=lambda name: faults[name])
        self.leading = fault if faults[fault] > surprise else loudest[-1]
        return max(surprise, faults[fault])

    def _score(self, surprise: float) -> float:
        if self.rows <= _WARM_UP:
            return 0.0
        told: float = self.rest.damp(surprise, self.rows) ** _STEEP
        return told / (told + _EVEN**_STEEP)
