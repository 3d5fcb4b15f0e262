"""Goal 6: a page of the runs list costs the same at the front and far back in history."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

from apps.core.listing.keyset import Order, Place
from apps.pipelines.models import Run
from bench.pages import Visitor
from bench.peers import MLFLOW, PREFECT, RUNS, page_cost
from bench.results import Result
from bench.rows import world
from bench.stage import Stage
from bench.timing import Cost, Options, alternate

PATH = "/pipelines/runs/"
DEEP = 0.9


def measure(stage: Stage, options: Options) -> Iterator[Result]:
    """Page 1 beside the page behind which a tenth of history lies; and the same place reached by an offset."""
    world(stage, pipelines=options.pipelines, runs=options.runs)
    visitor, deep = Visitor(stage.session_key), _deep_path(options.runs)
    _, statements = visitor.buffers(PATH)
    first, far = (visitor.buffers(path)[0] for path in (PATH, deep))
    yield Result(
        what=f"page at 90 % of {options.runs:,} runs: buffers ({statements} statements)",
        ours=far,
        against="page 1",
        theirs=first,
        unit="",
        goal=1.5,
    )
    offset = int(options.runs * DEEP)
    rows = Run.objects.select_related("pipeline__feature", "source").order_by("-at", "-id")
    sides = {
        "first": visitor.getter(PATH),
        "deep": visitor.getter(deep),
        "offset": lambda: list(rows[offset : offset + 50]),
    }
    costs = alternate(sides, pairs=options.pairs, calls=3, database_pid=stage.database_pid)
    ours, theirs = costs["deep"], costs["first"]
    yield Result(
        what="page at 90 %: CPU",
        ours=ours.all_cpu * 1e3,
        against="page 1",
        theirs=theirs.all_cpu * 1e3,
        unit="ms",
        goal=1.5,
    )
    yield Result(
        what="page at 90 %: database CPU",
        ours=ours.database * 1e3,
        against="the 50 rows by offset",
        theirs=costs["offset"].database * 1e3,
        unit="ms",
        is_speedup=True,
    )
    yield from _beside_peers(stage, theirs)


def _beside_peers(stage: Stage, ours: Cost) -> Iterator[Result]:
    """Our page, drawn, beside the answers of real servers with a history of their own."""
    for number, (peer, goal) in enumerate(((PREFECT, 10.0), (MLFLOW, 30.0))):
        if peer.is_installed:
            theirs = page_cost(peer, stage.home / f"peer-{number}")
            yield Result(
                what="page 1 as HTML: CPU",
                ours=ours.all_cpu * 1e3,
                against=f"{peer.name}, {RUNS:,} runs",
                theirs=theirs * 1e3,
                unit="ms",
                goal=goal,
                is_speedup=True,
            )
            yield Result(
                what="page 1: database CPU",
                ours=ours.database * 1e3,
                against=f"{peer.name}, {RUNS:,} runs, all of it",
                theirs=theirs * 1e3,
                unit="ms",
                is_speedup=True,
            )


def _deep_path(runs: int) -> str:
    """The address of the page after which a tenth of the runs is left."""
    place = Run.objects.order_by("-at", "-id")[int(runs * DEEP)]
    order = Order.of(Run.objects.all(), "-at", "at")
    return f"{PATH}?after={quote(order.encode(Place(place.at, place.pk)))}"
