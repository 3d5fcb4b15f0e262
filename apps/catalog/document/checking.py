"""What a schema cannot see: doubles, references to nothing, circles, promises that contradict themselves."""

from __future__ import annotations

import itertools
import math
import zoneinfo
from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping

from apps.catalog.document.reading import CatalogError, Document, Problem
from apps.catalog.document.shape import shape_problems
from apps.catalog.freshness import limits_problem

Known = Mapping[str, Collection[str]]  # section -> slugs that exist outside the document
REFERENCES = (  # section, key, section it points to
    ("features", "team", "teams"),
    ("components", "feature", "features"),
    ("components", "team", "teams"),
    ("dependencies", "from", "components"),
    ("dependencies", "to", "components"),
)


def check_document(document: Document, *, known: Known, edges: Iterable[tuple[str, str]] = ()) -> None:
    """Raise CatalogError with everything that is wrong; `known` slugs and `edges` (from, to) are there already."""
    problems = shape_problems(document)
    if not problems:  # the checks below may trust the shape
        problems = [
            *_doubles(document),
            *_dangling(document, known),
            *_zones(document),
            *_promises(document),
            *_freshness(document),
            *_circles(document, edges),
        ]
    if problems:
        raise CatalogError(problems)


def find_path(edges: Mapping[str, Collection[str]], start: str, goal: str) -> list[str] | None:
    """The shortest way from `start` along the edges to `goal`, both included; None if there is none."""
    came_from: dict[str, str | None] = {start: None}
    waiting = deque([start])
    while waiting:
        here = waiting.popleft()
        if here == goal:
            return _walk_back(came_from, goal)
        for there in edges.get(here, ()):
            if there not in came_from:
                came_from[there] = here
                waiting.append(there)
    return None


def _walk_back(came_from: Mapping[str, str | None], goal: str) -> list[str]:
    steps: list[str] = []
    at: str | None = goal
    while at is not None:
        steps.append(at)
        at = came_from[at]
    return steps[::-1]


def _doubles(document: Document) -> Iterator[Problem]:
    for section in ("teams", "environments", "features", "components", "dependencies"):
        first: dict[str, int] = {}
        for line, entry in document.entries(section):
            name = entry["slug"] if "slug" in entry else f"{entry['from']} → {entry['to']}"
            if name in first:
                at = f", first on line {first[name]}" if first[name] else ""
                yield Problem(line, f"“{name}” is in {section} twice{at}.")
            first.setdefault(name, line)


def _dangling(document: Document, known: Known) -> Iterator[Problem]:
    for section, key, target in REFERENCES:
        there = {entry["slug"] for _, entry in document.entries(target)} | set(known.get(target, ()))
        for n, (_, entry) in enumerate(document.entries(section)):
            if entry.get(key) and entry[key] not in there:
                line = document.line(section, n, key)
                yield Problem(line, f"“{key}” names “{entry[key]}”, which is not among the {target}.")


def _zones(document: Document) -> Iterator[Problem]:
    zones = zoneinfo.available_timezones()
    for n, (_, team) in enumerate(document.entries("teams")):
        if "time_zone" in team and "timezone" in team:
            yield Problem(document.line("teams", n, "timezone"), "Give “time_zone” or “timezone”, not both.")
        for key in ("time_zone", "timezone"):
            if key in team and team[key] not in zones:
                line = document.line("teams", n, key)
                yield Problem(line, f"“{team[key]}” is not a time zone; write a name such as Europe/Berlin.")


def _promises(document: Document) -> Iterator[Problem]:
    for n, (_, feature) in enumerate(document.entries("features")):
        first: dict[str, int] = {}
        for m, promise in enumerate(feature.get("promises") or []):
            line, measure = document.line("features", n, "promises", m), promise["measure"]
            if measure in first:
                yield Problem(line, f"“{feature['slug']}” promises “{measure}” twice.")
            first.setdefault(measure, line)
            if sentence := promise_problem(promise):
                yield Problem(line, sentence)


def _freshness(document: Document) -> Iterator[Problem]:
    for n, (_, component) in enumerate(document.entries("components")):
        said = component.get("freshness")
        if said is not None and (sentence := limits_problem(said)):
            yield Problem(document.line("components", n, "freshness"), sentence)


def promise_problem(promise: Mapping[str, object]) -> str:
    """What is wrong with one promise, or ""."""
    sides = [side for side in ("at_most", "at_least") if side in promise]
    if len(sides) != 1:
        return "A promise has either “at_most” or “at_least”."
    limit, fails_at = promise[sides[0]], promise.get("fails_at")
    numbers = [value for value in (limit, fails_at) if isinstance(value, int | float)]
    if not all(math.isfinite(value) for value in numbers):
        return "A promise needs an ordinary number."
    if len(numbers) == 2 and (numbers[1] < numbers[0] if sides[0] == "at_most" else numbers[1] > numbers[0]):
        better = "below" if sides[0] == "at_most" else "above"
        return (
            f"“fails_at” ({numbers[1]:g}) lies {better} the promise ({numbers[0]:g}), so it would fail before it broke."
        )
    return ""


def _circles(document: Document, edges: Iterable[tuple[str, str]]) -> Iterator[Problem]:
    """Each dependency that closes a circle, with the lines of the others in it."""
    graph: dict[str, list[str]] = {}
    for consumer, provider in edges:
        graph.setdefault(consumer, []).append(provider)
    lines: dict[tuple[str, str], int] = {}
    for line, entry in document.entries("dependencies"):
        consumer, provider = entry["from"], entry["to"]
        if back := find_path(graph, provider, consumer):
            yield Problem(line, _circle_sentence(consumer, back, lines))
        else:
            graph.setdefault(consumer, []).append(provider)
            lines[consumer, provider] = line


def _circle_sentence(consumer: str, back: list[str], lines: Mapping[tuple[str, str], int]) -> str:
    if len(back) == 1:
        return f"“{consumer}” cannot depend on itself."
    others = [
        f"{a} → {b} (line {lines[a, b]})" if lines.get((a, b)) else f"{a} → {b} (in the catalog)"
        for a, b in itertools.pairwise(back)
    ]
    return f"{consumer} → {back[0]} closes a circle with {', '.join(others)}. Remove one of them."
