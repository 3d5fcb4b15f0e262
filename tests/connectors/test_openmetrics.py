"""OpenMetrics: one sample a series and scrape, rates, and percentiles between two scrapes."""

from __future__ import annotations

import json
import math
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.connectors.errors import ConfigError, ErrorClass, SourceError
from apps.connectors.exposition.memory import Memory
from apps.connectors.exposition.quantiles import increase, quantile, rate
from apps.connectors.exposition.text import MAX_LINE, MAX_LINES
from apps.connectors.providers.openmetrics.connector import OpenMetricsConnector
from apps.connectors.providers.openmetrics.normalize import MAX_SERIES, read_scrape
from apps.connectors.providers.openmetrics.settings import Wanted
from apps.connectors.records import Batch, Rejected, SeriesKind, SeriesRecord
from tests.connectors.conftest import ask, patient
from tests.connectors.test_prometheus import JSON
from tests.connectors.upstream import Upstream, text_answer
from tests.connectors.worlds import MetricsWorld

AT = datetime(2026, 11, 23, 20, tzinfo=UTC)
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
CLASSIC = """\
# HELP http_requests_total Requests.
# TYPE http_requests_total counter
http_requests_total{code="200",method="get"} 1027
http_requests_total{code="500",method="get"} 3
# TYPE jobs counter
jobs 7
# TYPE queue_depth gauge
queue_depth 12.5
# a comment
queue_age NaN
# TYPE answer_seconds summary
answer_seconds{quantile="0.5"} 0.1
answer_seconds{quantile="0.95"} 0.4
answer_seconds_sum 17.5
answer_seconds_count 100
# TYPE wait_seconds histogram
wait_seconds_bucket{le="0.1"} 10
wait_seconds_bucket{le="1"} 30
wait_seconds_bucket{le="+Inf"} 40
wait_seconds_sum 25
wait_seconds_count 40
plain 3 1795464773034
"""


def scrape(
    text: str, *wanted: Wanted, before: Memory | None = None, at: datetime = AT, is_openmetrics: bool = False
) -> tuple[dict[str, SeriesRecord], list[Rejected], Memory]:
    """Series by name and labels, what was rejected, and the memory after it went through JSON."""
    series, rejected, after = read_scrape(
        text, is_openmetrics=is_openmetrics, wanted=wanted, before=before or Memory(), at=at
    )
    named = {record.name + "".join(sorted(f"{{{v}}}" for v in record.labels.values())): record for record in series}
    assert len(named) == len(series)
    return named, rejected, Memory.load(json.loads(json.dumps(after.dump())))


def value(record: SeriesRecord) -> float:
    ((_, number),) = record.samples
    return number


def test_everything_but_buckets_is_read_when_nothing_is_named() -> None:
    found, rejected, _ = scrape(CLASSIC)
    assert {name: value(record) for name, record in found.items()} == {
        "http_requests_total{200}{get}": 1027,
        "http_requests_total{500}{get}": 3,
        "jobs": 7,
        "queue_depth": 12.5,
        "answer_seconds_p50": 0.1,
        "answer_seconds_p95": 0.4,
        "answer_seconds_sum": 17.5,
        "answer_seconds_count": 100,
        "wait_seconds_sum": 25,
        "wait_seconds_count": 40,
        "plain": 3,
    }
    assert rejected == []
    kinds = {name for name, record in found.items() if record.series_kind is SeriesKind.COUNTER}
    assert kinds == {
        "http_requests_total{200}{get}", "http_requests_total{500}{get}", "jobs", "answer_seconds_count",
        "wait_seconds_count",
    }  # fmt: skip


def test_samples_stand_at_the_time_of_the_scrape_or_at_their_own() -> None:
    found, _, _ = scrape(CLASSIC)
    assert found["jobs"].samples[0][0] == AT
    assert found["plain"].samples[0][0] == datetime(2026, 11, 23, 20, 12, 53, 34000, tzinfo=UTC)


def test_a_sample_with_its_own_time_is_told_once() -> None:
    _, _, memory = scrape("plain 3 1795464773034\n")
    again, _, memory = scrape("plain 3 1795464773034\n", before=memory, at=AT + timedelta(minutes=1))
    assert again == {}
    newer, _, _ = scrape("plain 4 1795464833034\n", before=memory, at=AT + timedelta(minutes=2))
    assert value(newer["plain"]) == 4


def test_only_named_metrics_with_matching_labels_are_read() -> None:
    wanted = (
        Wanted(metric="http_requests_total", measure="errors", unit="count", labels={"code": "500"}),
        Wanted(metric="queue_depth", measure="queue_depth"),
        Wanted(metric="answer_seconds", measure="latency", unit="s"),
        Wanted(metric="missing"),
    )
    found, _, _ = scrape(CLASSIC, *wanted)
    assert set(found) == {"http_requests_total{500}{get}", "queue_depth", "answer_seconds_p50", "answer_seconds_p95"}
    assert (found["http_requests_total{500}{get}"].measure, found["http_requests_total{500}{get}"].unit) == (
        "errors",
        "count",
    )
    assert (found["answer_seconds_p95"].measure, found["answer_seconds_p95"].unit) == ("latency_p95", "s")


def test_the_name_of_a_counter_may_lack_its_ending() -> None:
    for metric in ("http_requests", "http_requests_total"):
        found, _, _ = scrape(CLASSIC, Wanted(metric=metric))
        assert len(found) == 2
    assert set(scrape(CLASSIC, Wanted(metric="jobs"))[0]) == {"jobs"}
    assert set(scrape(CLASSIC, Wanted(metric="wait_seconds_count"))[0]) == {"wait_seconds_count"}


def test_a_counter_as_a_rate_needs_two_scrapes_and_survives_a_restart() -> None:
    wanted = Wanted(metric="jobs", measure="throughput", unit="per second", is_rate=True)
    found, _, memory = scrape("# TYPE jobs counter\njobs 100\n", wanted)
    assert found == {}
    found, _, memory = scrape("# TYPE jobs counter\njobs 160\n", wanted, before=memory, at=AT + timedelta(seconds=60))
    assert value(found["jobs_per_second"]) == 1.0
    assert found["jobs_per_second"].series_kind is SeriesKind.GAUGE
    found, _, _ = scrape("# TYPE jobs counter\njobs 30\n", wanted, before=memory, at=AT + timedelta(seconds=120))
    assert value(found["jobs_per_second"]) == 0.5


def histogram(*counts: int, labels: str = "") -> str:
    bounds = ("0.1", "0.5", "1", "+Inf")
    lines = [f'wait_seconds_bucket{{{labels}le="{le}"}} {count}' for le, count in zip(bounds, counts, strict=True)]
    return "# TYPE wait_seconds histogram\n" + "\n".join(lines) + "\n"


def test_percentiles_are_of_what_happened_between_two_scrapes() -> None:
    wanted = Wanted(metric="wait_seconds", measure="latency_p50", unit="s")
    found, _, memory = scrape(histogram(1000, 1000, 1000, 1000), wanted)
    assert found == {}
    later = AT + timedelta(seconds=60)
    found, _, memory = scrape(histogram(1050, 1090, 1100, 1100), wanted, before=memory, at=later)
    assert {name: round(value(record), 4) for name, record in found.items()} == {
        "wait_seconds_p50": 0.1,
        "wait_seconds_p95": 0.75,
        "wait_seconds_p99": 0.95,
    }
    assert {record.measure for record in found.values()} == {"latency_p50", "latency_p95", "latency_p99"}
    quiet, _, memory = scrape(
        histogram(1050, 1090, 1100, 1100), wanted, before=memory, at=later + timedelta(seconds=60)
    )
    assert quiet == {}
    restarted, _, _ = scrape(histogram(10, 10, 10, 10), wanted, before=memory, at=later + timedelta(seconds=120))
    assert value(restarted["wait_seconds_p50"]) == 0.05


def test_histograms_with_other_labels_are_kept_apart() -> None:
    wanted = Wanted(metric="wait_seconds")
    both = histogram(0, 0, 0, 0, labels='app="a",') + histogram(0, 0, 0, 0, labels='app="b",').split("\n", 1)[1]
    _, _, memory = scrape(both, wanted)
    now = histogram(9, 9, 9, 9, labels='app="a",') + histogram(0, 9, 9, 9, labels='app="b",').split("\n", 1)[1]
    found, _, _ = scrape(now, wanted, before=memory, at=AT + timedelta(seconds=60))
    assert value(found["wait_seconds_p99{a}"]) < 0.1 < value(found["wait_seconds_p50{b}"])


INF = math.inf


@pytest.mark.parametrize(
    ("buckets", "q", "expected"),
    [
        ({1.0: 10, 2.0: 20, INF: 20}, 0.5, 1.0),
        ({1.0: 10, 2.0: 20, INF: 20}, 0.75, 1.5),
        ({1.0: 10, 2.0: 20, INF: 40}, 0.99, 2.0),
        ({1.0: 10, INF: 10}, 0.5, 0.5),
        ({-1.0: 10, INF: 10}, 0.5, -1.0),
        ({1.0: 0, INF: 0}, 0.5, None),
        ({INF: 9}, 0.5, None),
        ({1.0: 5, 2.0: 5}, 0.5, None),
        ({}, 0.5, None),
    ],
)
def test_a_quantile_is_interpolated_as_promql_does(
    buckets: dict[float, float], q: float, expected: float | None
) -> None:
    assert quantile(buckets, q) == expected


@patient
@given(st.lists(st.integers(0, 1000), min_size=2, max_size=8), st.floats(0.01, 0.99))
def test_a_quantile_lies_within_the_buckets(counts: list[int], q: float) -> None:
    buckets = {float(n + 1): float(sum(counts[: n + 1])) for n in range(len(counts) - 1)} | {INF: float(sum(counts))}
    found = quantile(buckets, q)
    assert found is None if sum(counts) == 0 else 0 <= found <= len(counts)  # type: ignore[operator]


def test_changed_buckets_count_as_a_restart() -> None:
    assert increase({1.0: 5, INF: 9}, {2.0: 1, INF: 2}) == {1.0: 5, INF: 9}
    assert increase({1.0: 5, INF: 9}, {1.0: 1, INF: 2}) == {1.0: 4, INF: 7}
    assert rate(5, 1, 0) is None


OPEN_TEXT = """\
# TYPE http_requests counter
# UNIT queue_seconds seconds
http_requests_total{code="200"} 5 # {trace_id="a b # c"} 1
http_requests_created{code="200"} 1795464000
# TYPE queue_seconds gauge
queue_seconds 1.5
# TYPE build info
build_info{version="1"} 1
# EOF
"""


def test_openmetrics_is_read_by_its_own_rules() -> None:
    text = OPEN_TEXT.replace("# UNIT queue_seconds seconds\n", "").replace(
        "# TYPE queue_seconds gauge\n", "# TYPE queue_seconds gauge\n# UNIT queue_seconds seconds\n"
    )
    found, rejected, _ = scrape(text, is_openmetrics=True)
    assert set(found) == {"http_requests_total{200}", "queue_seconds"}
    assert found["http_requests_total{200}"].series_kind is SeriesKind.COUNTER
    assert found["queue_seconds"].unit == "seconds"
    assert rejected == []


@pytest.mark.parametrize("is_openmetrics", [False, True])
def test_one_bad_line_is_rejected_alone(is_openmetrics: bool) -> None:
    bad = ['a{x="1" 5', "a{x=1} 5", "a many", 'a{x="2"} 1 2 3 4', "a{=} 1"]
    text = "\n".join(["# TYPE a gauge", 'a{x="0"} 1', *bad, "# TYPE b gauge", "b 2", "# EOF", ""])
    found, rejected, _ = scrape(text, is_openmetrics=is_openmetrics)
    assert {"a{0}", "b"} <= set(found)
    assert len(rejected) >= 3  # the classic parser shrugs at surplus numbers and odd labels
    assert all(item.raw["line"] for item in rejected)


def test_a_line_without_end_costs_no_time() -> None:
    endless = "evil{" + ",".join(f'l{n}="v"' for n in range(150_000)) + "} 1\n"
    began = time.process_time()
    found, rejected, _ = scrape(endless + "good 1\n")
    assert time.process_time() - began < 2  # seconds; the parser alone would take minutes
    assert set(found) == {"good"}
    assert f"{MAX_LINE}" in rejected[0].reason


def test_too_many_lines_and_series_are_cut_with_a_word() -> None:
    many = "".join(f'm{{n="{n}"}} 1\n' for n in range(MAX_LINES + 5))
    found, rejected, _ = scrape(many)
    assert len(found) == MAX_SERIES
    assert any("lines" in item.reason for item in rejected)
    assert any("series" in item.reason for item in rejected)
    named, rejected, _ = scrape(many + "wanted 1\n", Wanted(metric="wanted"))
    assert (set(named), rejected) == ({"wanted"}, [])


def test_the_same_second_again_brings_nothing() -> None:
    _, _, memory = scrape(CLASSIC)
    found, rejected, again = scrape(CLASSIC, before=memory)
    assert (found, rejected, again) == ({}, [], memory)


def fetch(upstream: Upstream, world: MetricsWorld, cursor: Any = None, **settings: Any) -> Batch:
    upstream.handler = world
    saved = json.loads(json.dumps(cursor or {}))
    config = {"url": f"{upstream.url}/metrics?name[]=x", **settings}
    return ask(lambda http: OpenMetricsConnector(config=config, secrets={}, http=http).fetch(saved))


def test_two_polls_give_rates_and_percentiles(upstream: Upstream) -> None:
    metrics = [
        {"metric": "wait_seconds", "measure": "latency", "unit": "s"},
        {"metric": "jobs", "as": "rate", "measure": "throughput"},
    ]
    world = MetricsWorld(text=histogram(0, 0, 0, 0) + "# TYPE jobs counter\njobs 1\n")
    first = fetch(upstream, world, metrics=metrics)
    world.clock += timedelta(seconds=30)
    world.text = histogram(5, 10, 10, 10) + "# TYPE jobs counter\njobs 31\n"
    second = fetch(upstream, world, first.cursor, metrics=metrics)
    assert first.records == ()
    assert {record.name for record in second.records if isinstance(record, SeriesRecord)} == {
        "wait_seconds_p50", "wait_seconds_p95", "wait_seconds_p99", "jobs_per_second",
    }  # fmt: skip
    assert upstream.requests[-1].query == {"name[]": "x"}
    assert "openmetrics" in upstream.requests[-1].headers["accept"]


def test_a_page_that_is_no_exposition_is_recognised(upstream: Upstream) -> None:
    upstream.always(text_answer("Welcome to nginx!\nIf you see this page, it works.\n"))
    config = {"url": upstream.url}
    with pytest.raises(SourceError, match="not metrics") as caught:
        ask(lambda http: OpenMetricsConnector(config=config, secrets={}, http=http).fetch({}))
    assert caught.value.error_class is ErrorClass.SCHEMA


def test_probe_counts_series_and_names_a_wrong_metric(upstream: Upstream) -> None:
    upstream.handler = MetricsWorld(text=CLASSIC)

    def probe(**settings: Any) -> str:
        config = {"url": upstream.url, **settings}
        return ask(lambda http: OpenMetricsConnector(config=config, secrets={}, http=http).probe()).sentence

    assert probe() == "The endpoint answers in the Prometheus text format; 11 series can be read."
    assert "1 histograms from the second scrape on" in probe(metrics=[{"metric": "wait_seconds"}])
    assert "None of the configured metrics" in probe(metrics=[{"metric": "typo"}])


@pytest.mark.parametrize(
    "metrics",
    ["a: 1", "- just text", "- measure: x", "- {metric: a, as: delta}", "- {metric: a, labels: [x]}", "- {metric: 5}",
     "- {metric: a, quantile: 0.5}", "- [unclosed"],
)  # fmt: skip
def test_a_bad_metric_setting_is_named(metrics: str) -> None:
    with pytest.raises(ConfigError) as caught:
        OpenMetricsConnector.clean({"url": "http://service.example/metrics", "metrics": metrics})
    assert caught.value.field == "metrics"


LINES = st.lists(
    st.text(max_size=40)
    | st.sampled_from(CLASSIC.splitlines() + OPEN_TEXT.splitlines())
    | st.from_regex(r'\A[a-z_]{1,4}(\{[a-z"=,\\]{0,12}\})? ?[0-9NnaIf+.e-]{0,8}( [0-9.e]{1,20})?\Z'),
    max_size=12,
)


@patient
@given(LINES, st.booleans(), st.booleans())
def test_no_text_breaks_the_reader(lines: list[str], is_openmetrics: bool, names_metrics: bool) -> None:
    wanted = (Wanted(metric="wait_seconds"), Wanted(metric="jobs", is_rate=True)) if names_metrics else ()
    text = "\n".join(lines)
    series, _, memory = read_scrape(text, is_openmetrics=is_openmetrics, wanted=wanted, before=Memory(), at=AT)
    json.dumps(memory.dump(), allow_nan=False)
    later = AT + timedelta(seconds=60)
    more, _, _ = read_scrape(text, is_openmetrics=is_openmetrics, wanted=wanted, before=memory, at=later)
    for record in (*series, *more):
        assert all(math.isfinite(number) and moment.tzinfo is UTC for moment, number in record.samples)


@patient
@given(st.dictionaries(st.sampled_from(["at", "counters", "buckets", "stamps"]), JSON))
def test_any_stored_cursor_is_survived(cursor: dict[str, Any]) -> None:
    memory = Memory.load(cursor)
    assert Memory.load(json.loads(json.dumps(memory.dump()))) == memory
