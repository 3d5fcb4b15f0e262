"""A hundred million samples: the pages beside a million, while days are packed and hours rolled up next to them."""

from __future__ import annotations

import os
import statistics
import struct
import subprocess
import sys
import time
import urllib.parse
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from apps.catalog.models import Feature
from apps.metrics import services
from apps.metrics.binding import microseconds
from apps.metrics.models import Series
from apps.sources.models import Source
from bench.charts import MEASURES
from bench.pages import Visitor
from bench.results import Result
from bench.rows import connection
from bench.stage import Stage
from bench.timing import Options, alternate

DAYS, STEP = 30, 60
A_SERIES: Final = DAYS * 86_400 // STEP  # samples
SMALL, LARGE = 1_000_000, 100_000_000
_ROW: Final = np.dtype(
    [("fields", ">i2"), ("a", ">i4"), ("series", ">i8"), ("b", ">i4"), ("at", ">i8"), ("c", ">i4"), ("value", ">f8")]
)
_SERIES_AT_ONCE: Final = 50
_BESIDE: Final = (
    "import django; django.setup()\n"
    "from django.utils import timezone\nfrom apps.metrics import services\n"
    "print(services.keep_house(at=timezone.now()))\n"
    "print(services.roll_up_hours(at=timezone.now(), seconds=3600), 'more stretches rolled up')\n"
    "print(services.pack_days(at=timezone.now(), seconds=3600))\n"
)


def measure(stage: Stage, options: Options) -> Iterator[Result]:
    """The feature page and its chart of thirty days, of one feature among few and among many samples."""
    large = LARGE // 10 if options.is_quick else LARGE
    end = datetime.now(UTC).replace(second=0, microsecond=0)
    start = end - timedelta(days=DAYS)
    pages = _pages(start, end)
    visitors = {}
    for name, samples in (("small", SMALL), ("large", large)):
        stage.use(f"volume-{name}")
        seconds = _load(start, samples)
        print(f"{name}: {samples:,} samples in {seconds:.0f} s", file=sys.stderr, flush=True)
        visitors[name] = Visitor(stage.session_key)
    yield from _beside_few(stage, visitors, pages, options, "in rows")
    stage.use("volume-large")
    calm = _longest(visitors["large"], pages, lambda turn: turn < 100)
    stalled = _while_kept(stage, visitors["large"], pages)
    yield Result(
        what="longest wait for a page while days are packed and hours rolled up", ours=stalled * 1e3,
        against="the longest in peace", theirs=calm * 1e3, unit="ms",
    )  # fmt: skip
    stage.use("volume-small")
    services.keep_house(at=end)
    services.roll_up_hours(at=end, seconds=3600)
    services.pack_days(at=end, seconds=3600)
    yield from _beside_few(stage, visitors, pages, options, "packed")


def _pages(start: datetime, end: datetime) -> dict[str, str]:
    span = urllib.parse.urlencode({"from": start.isoformat(), "to": end.isoformat(), "compare": "off"})
    return {
        "feature page": "/features/charted/",
        "its charts of thirty days": f"/metrics/of/charted/figures.json?{span}",
    }


def _beside_few(
    stage: Stage, visitors: dict[str, Visitor], pages: dict[str, str], options: Options, state: str
) -> Iterator[Result]:
    for what, path in pages.items():
        sides, buffers = {}, {}
        for name, visitor in visitors.items():
            stage.use(f"volume-{name}")
            buffers[name], _ = visitor.buffers(path)

            def side(name: str = name, visitor: Visitor = visitor, path: str = path) -> bytes:
                stage.use(f"volume-{name}")
                return visitor.get_anew(path)

            sides[name] = side
        costs = alternate(sides, pairs=options.pairs, calls=3)
        yield Result(
            what=f"{what}, among many samples, {state}", ours=costs["large"].wall * 1e3,
            against="among one million", theirs=costs["small"].wall * 1e3, unit="ms", goal=1.3,
        )  # fmt: skip
        yield Result(
            what=f"{what}, buffers, {state}", ours=buffers["large"], against="among one million",
            theirs=buffers["small"], unit="", goal=1.3,
        )  # fmt: skip


def _longest(visitor: Visitor, pages: dict[str, str], goes_on: Any) -> float:
    """The longest wait, seconds."""
    taken, turn = [], 0
    while goes_on(turn):
        for path in pages.values():
            began = time.perf_counter()
            visitor.get_anew(path)
            taken.append(time.perf_counter() - began)
        turn += 1
    print(f"{len(taken)} pages, median {statistics.median(taken) * 1e3:.0f} ms", file=sys.stderr, flush=True)
    return max(taken)


def _while_kept(stage: Stage, visitor: Visitor, pages: dict[str, str]) -> float:
    environ = {**os.environ, "DATABASE_URL": stage.database_url}
    began = time.monotonic()
    beside = subprocess.Popen([sys.executable, "-c", _BESIDE], env=environ, stdout=sys.stderr)
    longest = _longest(visitor, pages, lambda _turn: beside.poll() is None)
    print(f"kept house for {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    if beside.returncode:
        raise RuntimeError("the housekeeping beside the pages failed")
    return longest


def _load(start: datetime, samples: int) -> float:
    """One feature with its measures, and as many series as the samples need; seconds that the samples took."""
    source, feature = Source.objects.get(slug="bench"), Feature.objects.create(slug="charted", name="Charted")
    services.ensure_partitions(days={(start + timedelta(days=n)).date() for n in range(DAYS + 1)})
    last = start + timedelta(seconds=STEP * (A_SERIES - 1))
    shared: dict[str, Any] = {
        "source": source, "first_seen_at": start, "first_at": start, "last_at": last, "last_value": 1.0,
        "step_seconds": STEP,
    }  # fmt: skip
    own = [
        Series(external_id=f"charted-{slug}", name=slug, measure=slug, feature=feature, is_primary=True, **shared)
        for slug in MEASURES
    ]
    count = max(samples // A_SERIES, len(own))
    others = [Series(external_id=f"other-{n}", name=f"other {n}", **shared) for n in range(count - len(own))]
    ids = [one.pk for one in Series.objects.bulk_create([*own, *others])]
    began = time.monotonic()
    rng = np.random.default_rng(7)
    for day in range(DAYS):
        begin = start + timedelta(days=day)
        for first in range(0, len(ids), _SERIES_AT_ONCE):
            some = ids[first : first + _SERIES_AT_ONCE]
            copy_samples(some, begin, STEP, np.round(rng.normal(10, 2, (len(some), 86_400 // STEP)), 2))
    connection().execute("ANALYZE metrics_sample")
    return time.monotonic() - began


def copy_samples(ids: Sequence[int], start: datetime, step: int, values: NDArray[np.float64]) -> None:
    """Write one row of `values` a series, evenly spaced from `start`."""
    rows = np.empty(values.size, _ROW)
    rows["fields"], rows["a"], rows["b"], rows["c"] = 3, 8, 8, 8
    rows["series"] = np.repeat(np.array(ids), values.shape[1])
    rows["at"] = np.tile(microseconds(start) + step * 1_000_000 * np.arange(values.shape[1]), len(ids))
    rows["value"] = values.ravel()
    with connection().cursor().copy("COPY metrics_sample FROM STDIN (FORMAT BINARY)") as copy:
        copy.write(b"PGCOPY\n\xff\r\n\0" + struct.pack(">ii", 0, 0) + rows.tobytes() + struct.pack(">h", -1))
