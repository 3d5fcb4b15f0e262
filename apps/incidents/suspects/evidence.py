"""The questions that every candidate is asked. Each answer is a factor: above one speaks for it, below against it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import exp, pi, sqrt

import numpy as np

from apps.incidents.suspects import kinds, wording
from apps.incidents.suspects.facts import Candidate, Case, Neighbour, Reason
from apps.incidents.suspects.onset import Onset
from apps.incidents.suspects.reach import touched_components, touched_features

SPAN = 30 * kinds.HOUR  # factors of time are relative to "anywhere in this span"
BY_STEPS = (1.0, 0.85, 0.7, 0.6, 0.5)  # how much a needed component counts, by its distance
UNPLACED = 0.12  # nobody knows what it belongs to
BEYOND = 0.015  # the features of the incident do not need it
ELSEWHERE = 0.004  # outside production
FAILED = 0.2  # a deployment that did not go through
REACH = (0.92, 0.8, 0.7, 0.6, 0.5)  # how sure a feature feels what breaks so many steps away
COINCIDENCE = 0.04  # a feature suffers at the same time for another reason
MOST_COUNTER, MOST_SUPPORT = 0.04, 30.0  # what all other features together may weigh


@dataclass
class Seen:
    """The case with what was read of its symptoms; what candidates share is worked out once."""

    case: Case
    onset: Onset
    shares: Mapping[str, float]
    strongest: float
    recovered_at: float | None
    neighbours: tuple[Neighbour, ...]
    reaches: dict[str, dict[int, int]] = field(default_factory=dict)

    def reach(self, candidate: Candidate) -> dict[int, int]:
        """The features it can touch."""
        key = f"{candidate.component_id}:{candidate.feature_id}"
        if key not in self.reaches:
            self.reaches[key] = touched_features(self.case.graph, candidate)
        return self.reaches[key]

    @cached_property
    def odds(self) -> dict[int, float]:
        """By feature beside those of the incident: how much likelier its numbers are if it suffers too."""
        by_feature: dict[int, list[float]] = {}
        for one in self.neighbours:
            if one.feature_id is not None and one.component_id is None and one.feature_id not in self.case.features:
                by_feature.setdefault(one.feature_id, []).append(_odds(one.moved, self.strongest))
        return {feature: float(np.clip(np.mean(found), 0.12, 20.0)) for feature, found in by_feature.items()}

    @cached_property
    def component_odds(self) -> dict[int, float]:
        """The same of components that have numbers of their own."""
        found: dict[int, float] = {}
        for one in self.neighbours:
            if one.component_id is not None:
                odds = float(np.clip(_odds(one.moved, self.strongest), 0.25, 12.0))
                found[one.component_id] = max(odds, found.get(one.component_id, 0.0))
        return found


def _odds(moved: float, strongest: float) -> float:
    """Suffering moves a series as far as it moved the symptoms, or not quite; noise moves it a little."""
    wide = min(max(4.0, 0.35 * sqrt(2 * strongest)), 14.0)
    suffers = (2 if moved > 0 else 0.06) * exp(-min(moved**2, 1600.0) / (2 * wide**2)) / (wide * sqrt(2 * pi))
    calm = 0.9 * exp(-(moved**2) / (2 * 1.6**2)) / 1.6 + 0.1 * exp(-min(moved**2, 1600.0) / (2 * 5.0**2)) / 5.0
    return suffers / (calm / sqrt(2 * pi))


def reasons(candidate: Candidate, seen: Seen) -> list[Reason]:
    """Every question answered; the first is always the time."""
    found = [_time(candidate, seen), _distance(candidate, seen)]
    found += [_others(candidate, seen), _own_numbers(candidate, seen), _fit(candidate, seen)]
    found += [_undone(candidate, seen), _place(candidate)]
    told = [reason for reason in found if reason.text or reason.factor != 1.0]
    return [replace(reason, weight=wording.weight_text(reason.factor)) for reason in told]


def weight(candidate: Candidate, seen: Seen) -> float:
    """Whether it shares in what was believed beforehand: about one for whatever might have been it."""
    if not -kinds.HOUR <= seen.onset.best - candidate.begun_at <= SPAN:
        return 0.02
    return _distance(candidate, seen).factor * _place(candidate).factor


def without_cause(seen: Seen) -> float:
    """How well "none of them" explains it: several features at once hardly suffer by accident."""
    return float(0.35 ** (len(seen.case.features) - 1))


def _time(candidate: Candidate, seen: Seen) -> Reason:
    """How likely an effect is to show when it did, over everything that is believed of the onset."""
    times = seen.onset.times
    delay = np.where(times > candidate.at, times - candidate.at, np.minimum(times - candidate.begun_at, 0.0))
    density = kinds.delay_density(candidate.kind, delay)
    factor = float((seen.onset.weights * density).sum()) * SPAN
    return Reason("time", wording.time_text(candidate, seen.onset), max(factor, 1e-9))


def _distance(candidate: Candidate, seen: Seen) -> Reason:
    """How far it is from the features of the incident, along what they need."""
    if candidate.component_id is None and candidate.feature_id is None:
        return Reason("distance", "nobody has said which component it belongs to", UNPLACED)
    reach = seen.reach(candidate)
    affected = seen.case.features
    steps = [reach[feature] for feature in affected if feature in reach]
    if not steps:
        return Reason("distance", "the affected features do not need it", BEYOND)
    missed = len(affected) - len(steps)
    factor = _by_steps(BY_STEPS, min(steps)) * 0.12**missed
    return Reason("distance", wording.distance_text(min(steps), len(steps), len(affected)), factor)


def _others(candidate: Candidate, seen: Seen) -> Reason:
    """Features beside those of the incident: who got the same and stayed healthy, who suffers and got it too."""
    reach, factor = seen.reach(candidate), 1.0
    healthy, suffering, unexplained = [], [], []
    for feature, odds in seen.odds.items():
        chance = _by_steps(REACH, reach[feature]) if feature in reach else COINCIDENCE
        factor *= (chance * odds + 1 - chance) / (COINCIDENCE * odds + 1 - COINCIDENCE)
        if feature in reach and odds < 0.6:
            healthy.append(feature)
        elif feature in reach and odds > 2:
            suffering.append(feature)
        elif odds > 6:
            unexplained.append(feature)
    names = seen.case.names
    text = wording.others_text(healthy, suffering, unexplained, names)
    return Reason("others", text, float(np.clip(factor, MOST_COUNTER, MOST_SUPPORT)))


def _own_numbers(candidate: Candidate, seen: Seen) -> Reason:
    """Numbers of components: did something that needs the candidate move with the onset, or the candidate itself?"""
    if candidate.component_id is None or not seen.component_odds:
        return Reason("own", "", 1.0)
    downstream = touched_components(seen.case.graph, [candidate.component_id])
    factor, moved, calm = 1.0, 0, 0
    for component, odds in seen.component_odds.items():
        steps = downstream.get(component)
        chance = _by_steps(REACH, steps) * 0.75 if steps is not None else 0.12
        factor *= chance * odds + 1 - chance
        moved += steps == 0 and odds > 2
        calm += steps == 0 and odds < 0.6
    return Reason("own", wording.own_text(moved, calm), float(np.clip(factor, 0.1, 12.0)))


def _fit(candidate: Candidate, seen: Seen) -> Reason:
    """Whether its kind usually moves what moved."""
    factor = kinds.affinity(candidate.kind, seen.shares)
    return Reason("kind", wording.fit_text(candidate.kind, seen.shares, factor), factor)


def _undone(candidate: Candidate, seen: Seen) -> Reason:
    """Taken back, and then it was over? Taken back, and it went on? Over, though it still stands?"""
    undone, over = candidate.undone_at, seen.recovered_at
    if undone is not None and undone < seen.onset.best - 300:
        return Reason("undone", wording.undone_text(candidate, "before", 0), 0.25)
    if undone is None:
        text = "" if over is None else "it still stands, and yet the trouble is over"
        return Reason("undone", text, 1.0 if over is None else 0.6)
    if over is None:
        went_on = seen.case.times.until - undone > 2 * kinds.HOUR and seen.onset.is_seen
        return Reason("undone", wording.undone_text(candidate, "on", 0) if went_on else "", 0.4 if went_on else 1.0)
    gap = over - undone
    if -900 <= gap <= 45 * 60:
        return Reason("undone", wording.undone_text(candidate, "over", gap), 9.0 if abs(gap) < 900 else 5.0)
    return Reason("undone", wording.undone_text(candidate, "apart", gap), 0.5)


def _place(candidate: Candidate) -> Reason:
    """Outside production, or not carried out, it can hardly have hurt anybody."""
    factor = (ELSEWHERE if candidate.is_elsewhere else 1.0) * (FAILED if candidate.is_failed else 1.0)
    text = (
        "it was not in production" if candidate.is_elsewhere else "it did not go through" if candidate.is_failed else ""
    )
    return Reason("place", text, factor)


def _by_steps(table: tuple[float, ...], steps: int) -> float:
    return table[min(steps, len(table) - 1)]
