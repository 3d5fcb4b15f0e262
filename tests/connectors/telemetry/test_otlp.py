"""OTLP becomes series: every kind of metric, restarts and repetitions, and what the conventions mean."""

from __future__ import annotations

import contextlib
import json

import pytest
from google.protobuf import json_format
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.connectors.telemetry.otlp import decode
from apps.connectors.telemetry.points import UndecodableError
from tests.connectors.telemetry.sending import (
    DELTA,
    T0,
    Memory,
    counted,
    export,
    number,
    spread,
    timed,
    values,
)

DURATION = "gen_ai.client.operation.duration"


def decoded(*metrics, **resource):
    return decode(export(*metrics, **resource).SerializeToString(), is_json=False, now=T0)


@pytest.fixture
def memory() -> Memory:
    return Memory()


def told(memory, *metrics, **resource):
    return values(memory.read(decoded(*metrics, **resource)))


def test_a_gauge_is_a_series_and_one_named_after_a_measure_means_it(memory):
    gauges = [{"name": name, "gauge": {"data_points": [number(0.9, 5)]}} for name in ("queue.size", "thumbs_up_ratio")]
    reading = memory.read(decoded(*gauges))
    assert {record.name: record.measure for record in reading.records} == {
        "queue.size": "",
        "thumbs_up_ratio": "thumbs_up_ratio",
    }
    assert values(reading)["queue.size"] == [(5, 0.9)]
    assert not reading.memories


def test_labels_say_the_place_and_leave_out_what_changes_with_a_process(memory):
    resource = {
        "service__name": "answers",
        "deployment__environment__name": "production",
        "process__pid": "7",
        "service__version": "2",
        "telemetry__sdk__name": "opentelemetry",
    }
    gauge = {"name": "g", "gauge": {"data_points": [number(1, 5, feature="search", shard="3")]}}
    (record,) = memory.read(decoded(gauge, **resource)).records
    assert record.labels == {
        "component": "answers",
        "environment": "production",
        "feature": "search",
        "shard": "3",
    }


def test_a_counter_is_stored_as_it_stands_and_a_delta_as_a_rate(memory):
    reading = memory.read(
        decoded(
            counted("jobs", number(7, 60)),
            counted("bytes", number(120, 60, start=0.0001), temporality=DELTA),
            {
                "name": "open",
                "sum": {"data_points": [number(3, 60)], "aggregation_temporality": 2, "is_monotonic": False},
            },
        )
    )
    assert values(reading) == {"jobs": [(60, 7)], "bytes_per_second": [(60, 2.0)], "open": [(60, 3)]}
    assert {record.name: str(record.series_kind) for record in reading.records} == {
        "jobs": "counter",
        "bytes_per_second": "gauge",
        "open": "gauge",
    }


def test_a_histogram_tells_percentiles_of_what_it_gained(memory):
    assert told(memory, timed("work", spread([100, 0, 0, 0], 10))) == {}, "the first says nothing, without its start"
    found = told(memory, timed("work", spread([100, 10, 0, 0], 20)))
    assert found == {
        "work_p50": [(20, 1.5)],
        "work_p95": [(20, 1.95)],
        "work_p99": [(20, 1.99)],
        "work_per_second": [(20, 1.0)],
    }


def test_a_repetition_and_a_late_point_say_nothing(memory):
    told(memory, timed("work", spread([0, 0, 0, 0], 10)))
    assert told(memory, timed("work", spread([0, 4, 0, 0], 20)))
    assert told(memory, timed("work", spread([0, 4, 0, 0], 20))) == {}
    assert told(memory, timed("work", spread([0, 3, 0, 0], 15))) == {}
    assert told(memory, timed("work", spread([0, 8, 0, 0], 30)))["work_per_second"] == [(30, 0.4)]


@pytest.mark.parametrize("start", [0, 21])
def test_after_a_restart_everything_is_new(memory, start):
    told(memory, timed("work", spread([0, 50, 0, 0], 10, start=1 if start else 0)))
    told(memory, timed("work", spread([0, 90, 0, 0], 20, start=1 if start else 0)))
    found = told(memory, timed("work", spread([0, 5, 0, 0], 30, start=start)))
    assert found["work_per_second"] == [(30, round(5 / (30 - (start or 20)), 4))]


def test_a_restart_is_seen_though_the_new_count_is_larger(memory):
    told(memory, timed("work", spread([0, 5, 0, 0], 10, start=1)))
    found = told(memory, timed("work", spread([0, 50, 0, 0], 40, start=20)))
    assert found["work_per_second"] == [(40, 2.5)]


def test_an_earlier_life_of_a_process_is_not_a_restart(memory):
    told(memory, timed("work", spread([0, 5, 0, 0], 20, start=15)))
    assert told(memory, timed("work", spread([0, 500, 0, 0], 30, start=1))) == {}
    assert told(memory, timed("work", spread([0, 8, 0, 0], 40, start=15)))["work_per_second"] == [(40, 0.15)]


def test_other_buckets_than_before_are_not_compared(memory):
    told(memory, timed("work", spread([0, 5, 0, 0], 10)))
    other = spread([0, 0, 0, 0], 20) | {"explicit_bounds": [1, 2], "bucket_counts": [9, 9, 9]}
    assert told(memory, timed("work", other)) == {}


def test_an_exponential_histogram_is_followed_across_a_change_of_scale(memory):
    def point(scale, offset, counts, at):
        base = number(0, at)
        del base["as_double"]
        return base | {"scale": scale, "positive": {"offset": offset, "bucket_counts": counts}, "count": sum(counts)}

    def metric(point):
        return {
            "name": "work",
            "exponential_histogram": {"data_points": [point], "aggregation_temporality": 2},
        }

    told(memory, metric(point(1, 0, [4, 4], 10)))  # (1, 1.41], (1.41, 2]
    found = told(memory, metric(point(0, 0, [8, 10], 20)))  # (1, 2], (2, 4]
    assert found["work_p50"] == [(20, 3.0)], "only what came: ten in (2, 4]"


def test_a_summary_tells_its_quantiles_and_its_count(memory):
    point = number(0, 10)
    del point["as_double"]
    point |= {"count": 12, "quantile_values": [{"quantile": 0.95, "value": 1.5}]}
    assert told(memory, {"name": "wait", "summary": {"data_points": [point]}}) == {
        "wait_p95": [(10, 1.5)],
        "wait_count": [(10, 12)],
    }


def chat(counts, at, **labels):
    return spread(counts, at, gen_ai__operation__name="chat", **labels)


def test_genai_durations_mean_latency_answers_and_requests_of_a_component(memory):
    for at in (0.001, 60, 120):
        n = int(at)
        found = memory.read(
            decoded(
                timed(
                    DURATION,
                    chat([0, n * 9, 0, 0], at, gen_ai__request__model="large"),
                    chat([0, 0, n, 0], at, gen_ai__request__model="large", error__type="timeout"),
                    spread([n * 100, 0, 0, 0], at, gen_ai__operation__name="embeddings"),
                )
            )
        )
    measures = values(found, component="answers")
    assert measures["requests_rate"] == [(120, 10.0)]
    assert measures["answered_ratio"] == [(120, 0.9)]
    assert measures["latency_p50"] == [(120, round(1 + 5 / 9, 4))]
    assert measures["latency_p95"] == [(120, 3.0)]
    records = [record for record in found.records if record.measure]
    assert all(record.labels == {"component": "answers"} for record in records)


def test_two_processes_are_one_place_whenever_they_report(memory):
    for at in (0, 25, 70, 125, 190):
        for pid, shift in (("1", 0.5), ("2", 13)):
            moment = at + shift
            metric = timed(DURATION, chat([int(moment * 2), 0, 0, 0], moment))
            found = values(memory.read(decoded(metric, process__pid=pid)))
    rates = [rate for _, rate in found["requests_rate"]]
    assert rates[-1] == pytest.approx(4.0, rel=0.05)


def test_milliseconds_of_the_old_http_convention_become_seconds(memory):
    for at in (0.001, 60, 120):
        n = int(at)
        point = spread([0, n, 0, 0], at, http__response__status_code="500") | {"explicit_bounds": [1000, 2000, 4000]}
        found = told(memory, timed("http.server.duration", point, unit="ms"))
    assert found["latency_p50"] == [(120, 1.5)]
    assert found["answered_ratio"] == [(120, 0.0)]


def test_costs_become_a_rate_an_hour(memory):
    for at in (0.001, 60, 120):
        found = told(memory, counted("gen_ai.usage.cost", number(at / 60, at), unit="USD"))
    assert found["cost_rate"] == [(120, 60.0)]


def test_a_delta_that_is_sent_again_counts_once(memory):
    metric = timed(DURATION, chat([60, 0, 0, 0], 60, start=0.001), temporality=DELTA)
    later = timed(DURATION, chat([0, 0, 0, 0], 120, start=60), temporality=DELTA)
    assert told(memory, metric)["requests_rate"] == [(60, 1.0)]
    assert "requests_rate" not in told(memory, metric)
    assert told(memory, later)["requests_rate"] == [(120, 0.0)]


def test_json_says_the_same_as_protobuf():
    request = export(timed("work", spread([1, 2, 3, 4], 10)), {"name": "g", "gauge": {"data_points": [number(1, 1)]}})
    text = json_format.MessageToJson(request)
    body = json.loads(text)
    points = body["resourceMetrics"][0]["scopeMetrics"][0]["metrics"][0]["histogram"]["dataPoints"]
    points[0]["exemplars"] = [{"traceId": "5b8efff798038103d269b633813fc60c", "asDouble": 1}]
    assert decode(json.dumps(body).encode(), is_json=True, now=T0) == decode(
        request.SerializeToString(), is_json=False, now=T0
    )


def test_what_cannot_be_used_is_refused_with_its_reason_and_the_rest_goes_on():
    found = decoded(
        {"name": "nan", "gauge": {"data_points": [number(float("nan"), 1)]}},
        {"name": "", "gauge": {"data_points": [number(1, 1)]}},
        counted("unspecified", number(1, 1), temporality=0),
        timed("crooked", spread([1, 2], 1)),
        {"name": "good", "gauge": {"data_points": [number(1, 1)]}},
    )
    assert [point.name for point in found.points] == ["good"]
    assert set(found.refused) == {"nan", "", "unspecified", "crooked"}
    assert found.refused_points == 4


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"resourceMetrics": 7}', b'{"a": NaN}', b"[" * 5000, b"\xff\xfe"])
def test_json_that_is_none_is_refused_as_a_whole(body):
    with pytest.raises(UndecodableError):
        decode(body, is_json=True, now=T0)


def test_more_points_than_are_allowed_are_refused_as_a_whole(monkeypatch):
    monkeypatch.setattr("apps.connectors.telemetry.otlp.MOST_POINTS", 3)
    with pytest.raises(UndecodableError, match="more than 3"):
        decoded({"name": "g", "gauge": {"data_points": [number(1, at) for at in range(5)]}})


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(body=st.binary(max_size=300), is_json=st.booleans())
def test_random_bytes_are_read_or_refused(body, is_json):
    with contextlib.suppress(UndecodableError):
        Memory().read(decode(body, is_json=is_json, now=T0))


NUMBERS = st.one_of(st.floats(), st.integers(-(2**40), 2**40))


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    counts=st.lists(st.lists(st.integers(0, 2**61), min_size=4, max_size=4), min_size=1, max_size=4),
    times=st.lists(st.floats(0, 10_000), min_size=4, max_size=4),
    starts=st.lists(st.floats(0, 10_000), min_size=4, max_size=4),
    value=NUMBERS,
)
def test_odd_numbers_never_break_the_reader(counts, times, starts, value):
    memory = Memory()
    for some, at, start in zip(counts, times, starts, strict=False):
        for record in memory.read(
            decoded(
                timed(DURATION, spread(some, at, start=start)),
                counted("jobs", number(float(value), at, start=start)),
            )
        ).records:
            assert all(value == value and abs(value) < 1e300 for _, value in record.samples)
