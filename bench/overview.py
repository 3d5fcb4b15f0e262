"""Goals 4 and 5: what the overview and the pipeline list cost, and that the cost does not grow with history."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from bench.pages import Visitor
from bench.results import Result
from bench.rows import world
from bench.stage import Stage
from bench.timing import Cost, Options, alternate

PAGES = {"overview": "/", "pipeline list": "/pipelines/"}
SMALL = (10, 10_000)
FULL = (1_000, 10_000)  # fills a page of the list, as the bigger ones do
WIDE = (10_000, 100_000)
# Goal 4 asks for 1/20 of the page of a known check monitor. That page was recorded at four times the CPU of a stock
# template with as many rows, so the goal in one run is 4/20 of the stock template.
STOCK_GOAL = 0.2

STATES = {"changed": "after a commit", "unchanged": "nothing changed", "first": "drawn for the first time"}


def measure(stage: Stage, options: Options) -> Iterator[Result]:
    """Growth from 10 to 10,000 pipelines and from 10,000 runs upwards; then the floors of one page."""
    visitor, history = Visitor(stage.session_key), f"10k → {options.runs:,} runs"
    small, full, wide, long = (
        world(stage, pipelines=pipelines, runs=runs) for pipelines, runs in (SMALL, FULL, WIDE, (1_000, options.runs))
    )
    yield from _growth(stage, visitor, "overview", (small, wide, "10 → 10,000 pipelines"), options)
    yield from _growth(stage, visitor, "overview", (full, long, history), options)
    yield from _growth(stage, visitor, "pipeline list", (full, wide, "1,000 → 10,000 pipelines"), options)
    yield from _growth(stage, visitor, "pipeline list", (full, long, history), options)
    stage.use(full)
    for page, path in PAGES.items():
        yield from _floors(stage, visitor, page, path, options)


def _growth(
    stage: Stage, visitor: Visitor, page: str, step: tuple[str, str, str], options: Options
) -> Iterator[Result]:
    small, large, what = step
    touched = {}
    for name in (small, large):
        stage.use(name)
        touched[name], _ = visitor.buffers(PAGES[page])
    yield Result(
        what=f"{page}, {what}: buffers",
        ours=touched[large],
        against="the smaller",
        theirs=touched[small],
        unit="",
        goal=1.3,
    )
    get = partial(visitor.get_anew, PAGES[page])
    costs = alternate(
        {small: get, large: get},
        pairs=options.pairs,
        calls=5,
        before=stage.use,
        database_pid=stage.database_pid,
    )
    yield _milliseconds(f"{page}, {what}: CPU", costs[large], "the smaller", costs[small], 1.3)


def _floors(stage: Stage, visitor: Visitor, page: str, path: str, options: Options) -> Iterator[Result]:
    floor = f"/floor/{'overview' if page == 'overview' else 'pipelines'}/"
    sides = {"unchanged": path, "stock": floor, "empty": "/floor/empty/"}
    anew = {"changed": partial(visitor.get_anew, path), "first": partial(visitor.get_first, path)}
    costs = alternate(
        anew | {name: visitor.getter(at) for name, at in sides.items()},
        pairs=options.pairs,
        calls=5,
        database_pid=stage.database_pid,
    )
    for state, goal in (("changed", STOCK_GOAL), ("unchanged", STOCK_GOAL / 2), ("first", None)):
        what = f"{page}, {STATES[state]}: CPU"
        yield _milliseconds(
            what, costs[state], "stock template, same rows", costs["stock"], goal if page == "pipeline list" else None
        )
        yield _milliseconds(what, costs[state], "empty view", costs["empty"], None)


def _milliseconds(what: str, ours: Cost, against: str, theirs: Cost, goal: float | None) -> Result:
    return Result(
        what=what, ours=ours.all_cpu * 1e3, against=against, theirs=theirs.all_cpu * 1e3, unit="ms", goal=goal
    )
