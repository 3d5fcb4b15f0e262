"""Goals 8 and 14: six charts of 30 days beside a real Prometheus with the same samples, figures beside Plotly's own."""

from __future__ import annotations

import math
import subprocess
import tempfile
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

from apps.catalog.models import Feature
from apps.core.ui.charts import Line, LineChart
from apps.core.ui.figures import plotly_figure
from apps.metrics import services
from apps.metrics.models import Series
from apps.sources.models import Source
from bench import shipped
from bench.pages import Visitor
from bench.results import Result
from bench.rows import connection
from bench.stage import Stage, free_port
from bench.timing import Options, alternate, cpu_of_tree
from tests.live import install, servers

MEASURES = ("latency_p50", "latency_p95", "latency_p99", "answered_ratio", "cost_rate", "requests_rate")
DAYS, STEP, BUCKETS = 30, 60, 240
POINTS = 500


def measure(stage: Stage, options: Options) -> Iterator[Result]:
    """Six charts in one answer, and six figures of 500 points."""
    yield from _figures(options)
    stage.use("charts")
    end = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=1)
    start = end - timedelta(days=DAYS)
    _fill(start)
    visitor = Visitor(stage.session_key)
    series = Series.objects.get(measure=MEASURES[0], feature__slug="charted")
    yield from shipped.measure(
        visitor, without="/pipelines/", charts="/metrics/of/charted/", zoomed=f"/metrics/{series.pk}/?explore=1"
    )
    query = urllib.parse.urlencode({"from": start.isoformat(), "to": end.isoformat(), "compare": "off"})
    path = f"/metrics/of/charted/figures.json?{query}"
    with _prometheus(start) as (base, pid):
        sides = {"ours": lambda: visitor.get(path), "prometheus": lambda: _ask(base, start, end)}
        before = cpu_of_tree(pid)
        costs = alternate(sides, pairs=options.pairs, calls=3, database_pid=stage.database_pid)
        theirs = (cpu_of_tree(pid) - before) / ((options.pairs + 1) * 3)
    yield Result(
        what="six charts of 30 days, mean, lowest and highest: one answer",
        ours=costs["ours"].wall * 1e3,
        against="Prometheus, the three of each",
        theirs=costs["prometheus"].wall * 1e3,
        unit="ms",
        goal=0.3,
    )
    yield Result(
        what="the same, CPU",
        ours=costs["ours"].all_cpu * 1e3,
        against="Prometheus, its process alone",
        theirs=theirs * 1e3,
        unit="ms",
    )


def _value(number: int, minute: int) -> float:
    """A rhythm of the day with noise that both sides can store, two decimals."""
    wave = 10 + 3 * math.sin(minute / 229 + number) + (minute * 2_654_435_761 % 97) / 50
    return round(wave, 2)


def _fill(start: datetime) -> None:
    feature = Feature.objects.create(slug="charted", name="Charted")
    source = Source.objects.get(slug="bench")
    services.ensure_partitions(days={(start + timedelta(days=n)).date() for n in range(DAYS + 1)})
    minutes = range(DAYS * 1440)
    for number, slug in enumerate(MEASURES):
        series = Series.objects.create(
            source=source, external_id=f"charted-{slug}", name=slug, measure=slug, feature=feature, is_primary=True,
            first_seen_at=start, first_at=start, last_at=start + timedelta(days=DAYS), last_value=1.0,
            step_seconds=STEP,
        )  # fmt: skip
        with connection().cursor().copy("COPY metrics_sample FROM STDIN (FORMAT BINARY)") as into:
            into.set_types(["int8", "timestamptz", "float8"])
            for minute in minutes:
                into.write_row((series.pk, start + timedelta(minutes=minute), _value(number, minute)))
    services.roll_up_hours(at=datetime.now(UTC), seconds=300)
    connection().execute("ANALYZE metrics_sample, metrics_hour, metrics_day")


@contextmanager
def _prometheus(start: datetime) -> Iterator[tuple[str, int]]:
    """A Prometheus that holds the same samples, in blocks as it would have written them."""
    install.debian_package("prometheus")
    with tempfile.TemporaryDirectory(prefix="opsportal-bench-prometheus-") as folder:
        home = Path(folder)
        text = home / "samples.txt"
        with text.open("w", encoding="ascii") as out:
            out.write("# TYPE charted gauge\n")
            for number, slug in enumerate(MEASURES):
                for minute in range(DAYS * 1440):
                    at = start.timestamp() + minute * STEP
                    out.write(f'charted{{measure="{slug}"}} {_value(number, minute)} {at:.0f}\n')
            out.write("# EOF\n")
            program = servers.executable("prometheus", "prometheus")
        tool = Path(program).with_name("promtool")
        command = [tool, "tsdb", "create-blocks-from", "openmetrics", str(text), str(home / "data")]
        subprocess.run(command, check=True, capture_output=True)
        (home / "prometheus.yml").write_text("scrape_configs: []\n", encoding="ascii")
        port = free_port()
        base = f"http://127.0.0.1:{port}"
        process = subprocess.Popen(
            [program, f"--config.file={home}/prometheus.yml", f"--storage.tsdb.path={home}/data",
             "--storage.tsdb.retention.time=60d", f"--web.listen-address=127.0.0.1:{port}"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            _wait(base)
            yield base, process.pid
        finally:
            process.terminate()
            process.wait(30)


def _wait(base: str) -> None:
    for _ in range(300):
        try:
            urllib.request.urlopen(f"{base}/-/ready").close()
            return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("Prometheus did not become ready")


def _ask(base: str, start: datetime, end: datetime) -> None:
    """Mean, lowest and highest of every stretch of the six series."""
    step = DAYS * 86_400 // BUCKETS
    for aggregate in ("avg", "min", "max"):
        asked = {
            "query": f"{aggregate}_over_time(charted[{step}s])",
            "start": start.timestamp() + step,
            "end": end.timestamp(),
            "step": step,
        }
        with urllib.request.urlopen(f"{base}/api/v1/query_range?{urllib.parse.urlencode(asked)}") as answer:
            found = orjson.loads(answer.read())["data"]["result"]
        if len(found) != len(MEASURES):
            raise RuntimeError(f"Prometheus knows {len(found)} series")


def _figures(options: Options) -> Iterator[Result]:
    charts = [_chart(number) for number in range(6)]
    sides = {
        "ours": lambda: [orjson.dumps(plotly_figure(chart)) for chart in charts],
        "plotly": lambda: [_theirs(chart) for chart in charts],
    }
    costs = alternate(sides, pairs=options.pairs, calls=5)
    yield Result(
        what="six figures of 500 points, to JSON: CPU",
        ours=costs["ours"].cpu * 1e3,
        against="plotly.graph_objects",
        theirs=costs["plotly"].cpu * 1e3,
        unit="ms",
        goal=100.0,
        is_speedup=True,
    )


def _chart(number: int) -> LineChart:
    samples = [(float(n * 300), _value(number, n)) for n in range(POINTS)]
    line = Line("now", samples, gap=0.0)
    return LineChart(f"c{number}", "Chart", "", [line], start=0.0, end=POINTS * 300.0, unit="s")


def _theirs(chart: LineChart) -> Any:
    import plotly.graph_objects as go

    samples = chart.lines[0].samples
    times = [datetime.fromtimestamp(at, UTC) for at, _ in samples]
    figure = go.Figure()
    figure.add_trace(go.Scatter(x=times, y=[value for _, value in samples], mode="lines", name="now"))
    figure.update_layout(xaxis={"type": "date"}, yaxis={"ticksuffix": " s", "rangemode": "tozero"})
    return figure.to_json()
