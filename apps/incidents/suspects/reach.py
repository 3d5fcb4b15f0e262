"""Whom a candidate can touch, and how far away that is: walks over the dependencies."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from apps.incidents.suspects.facts import Candidate, Graph


def touched_components(graph: Graph, starts: Iterable[int]) -> dict[int, int]:
    """Everything that needs one of `starts`, however indirectly, with the number of steps; circles are no trouble."""
    steps = dict.fromkeys(starts, 0)
    waiting = deque(steps)
    while waiting:
        one = waiting.popleft()
        for consumer in graph.needed_by.get(one, ()):
            if consumer not in steps:
                steps[consumer] = steps[one] + 1
                waiting.append(consumer)
    return steps


def touched_features(graph: Graph, candidate: Candidate) -> dict[int, int]:
    """The features that the candidate can touch, with the number of steps to each."""
    found: dict[int, int] = {}
    if candidate.feature_id is not None:
        found[candidate.feature_id] = 0
    if candidate.component_id is None:
        return found
    for component, steps in touched_components(graph, [candidate.component_id]).items():
        feature = graph.feature_of.get(component)
        if feature is not None:
            found[feature] = min(steps, found.get(feature, steps))
    return found
