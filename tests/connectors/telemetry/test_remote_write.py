"""Prometheus remote write becomes series, histograms in pieces included."""

from __future__ import annotations

import contextlib

import cramjam
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.connectors.telemetry.messages import Request
from apps.connectors.telemetry.points import UndecodableError
from apps.connectors.telemetry.remote_write import decode, decompress
from tests.connectors.telemetry.sending import T0, Memory, buckets, values, written

MOST = 2**20
REQUESTS = "http_request_duration_seconds"


def decoded(*series, version=1):
    return decode(decompress(written(*series), most=MOST), version=version)


@pytest.fixture
def memory() -> Memory:
    return Memory()


def told(memory, *series):
    return values(memory.read(decoded(*series)))


def test_gauges_counters_and_quantiles_become_series(memory):
    reading = memory.read(
        decoded(
            ("up", {"job": "api"}, [(1, 1), (16, 0)]),
            ("jobs_total", {"job": "api"}, [(1, 7)]),
            ("jobs_created", {"job": "api"}, [(1, 7)]),
            ("wait_seconds", {"quantile": "0.95"}, [(1, 0.5)]),
            ("thumbs_up_ratio", {"feature": "search", "service_name": "answers"}, [(1, 0.9)]),
        )
    )
    assert values(reading) == {
        "up": [(1, 1), (16, 0)],
        "jobs_total": [(1, 7)],
        "wait_seconds_p95": [(1, 0.5)],
        "thumbs_up_ratio": [(1, 0.9)],
    }
    kinds = {record.name: str(record.series_kind) for record in reading.records}
    assert kinds["jobs_total"] == "counter"
    assert kinds["up"] == "gauge"
    thumbs = next(record for record in reading.records if record.measure)
    assert thumbs.labels == {"component": "answers", "feature": "search"}


def test_the_end_of_a_series_is_no_value():
    found = decoded(("up", {}, [(1, float("nan")), (2, 1)]), ("odd", {}, [(1, float("inf"))]))
    assert [(point.name, point.value) for point in found.points] == [("up", 1)]
    assert set(found.refused) == {"odd"}


def scrape(n: int, at: float):
    return buckets(REQUESTS, {"1": 0, "2": 9 * n, "4": 10 * n, "+Inf": 10 * n}, at, job="api", code="200")


def test_a_histogram_tells_percentiles_and_measures(memory):
    for at in range(0, 181, 15):
        found = told(memory, *scrape(at, at + 0.001))
    assert found[f"{REQUESTS}_p50"] == [(180.001, round(1 + 5 / 9, 4))]
    assert found["requests_rate"][-1] == (180, pytest.approx(10.0, rel=0.01))
    assert found["latency_p95"][-1][1] == 3.0
    assert found["answered_ratio"][-1][1] == 1.0


def test_a_histogram_cut_between_two_requests_is_put_together(memory):
    for at in (0, 15, 30):
        told(memory, *scrape(at, at))
    whole = scrape(45, 45)
    assert told(memory, *whole[:2]) == {}
    found = told(memory, *whole[2:])
    assert found[f"{REQUESTS}_per_second"] == [(45, 10.0)]


def test_pieces_in_any_order_give_the_same_in_the_end(memory):
    told(memory, *scrape(0, 0))
    told(memory, *scrape(15, 15))
    told(memory, *scrape(30, 30)[2:])
    told(memory, *scrape(45, 45)[:2])
    first = told(memory, *scrape(30, 30)[:2])
    last = told(memory, *scrape(45, 45)[2:])
    assert first[f"{REQUESTS}_per_second"] == [(30, 10.0)]
    assert last[f"{REQUESTS}_per_second"] == [(45, 10.0)]


def test_what_is_never_complete_is_given_up(memory):
    for at in (0, 15, 30):
        told(memory, *scrape(at, at))
    told(memory, *scrape(45, 45)[:2])
    for at in (60, 75, 90):
        found = told(memory, *scrape(at, at))
    assert found[f"{REQUESTS}_per_second"] == [(90, 10.0)]
    assert all(len(known.get("waiting", {})) <= 3 for known in memory.known.values())


def test_a_restart_and_a_repetition_of_counters(memory):
    def requests(n, at):
        return "http_requests_total", {"component": "api", "status": "500" if n < 0 else "200"}, [(at, abs(n))]

    told(memory, requests(1000, 0))
    told(memory, requests(1060, 30))
    told(memory, requests(1060, 30))
    found = told(memory, requests(60, 60), requests(-60, 60))
    assert found["requests_rate"] == [(60, 2.0)], "60 before the restart and 60 after it"
    found = told(memory, requests(120, 120), requests(-120, 120))
    assert found["answered_ratio"][-1] == (120, 0.5)


def test_version_two_says_its_types():
    request = Request(symbols=["", "__name__", "jobs", "job", "api"])
    series = request.timeseries.add(labels_refs=[1, 2, 3, 4])
    series.metadata.type = 1
    series.samples.add(value=4, timestamp=T0 * 1000)
    (point,) = decode(request.SerializeToString(), version=2).points
    assert (point.name, dict(point.labels), str(point.shape)) == ("jobs", {"job": "api"}, "cumulative")
    series.labels_refs.append(99)
    with pytest.raises(UndecodableError):
        decode(request.SerializeToString(), version=2)


def test_a_small_body_that_claims_to_be_huge_is_refused_before_it_is_unpacked():
    bomb = bytes(cramjam.snappy.compress_raw(b"\0" * (MOST + 1)))
    assert len(bomb) < MOST / 10
    with pytest.raises(UndecodableError, match="1 MiB"):
        decompress(bomb, most=MOST)


def test_native_histograms_are_refused_with_what_to_do():
    request = Request(symbols=["", "__name__", "h"])
    request.timeseries.add(labels_refs=[1, 2]).histograms.add(timestamp=1)
    assert "classic" in decode(request.SerializeToString(), version=2).refused["h"]


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(body=st.binary(max_size=300), version=st.sampled_from([1, 2]), is_packed=st.booleans())
def test_random_bytes_are_read_or_refused(body, version, is_packed):
    with contextlib.suppress(UndecodableError):
        Memory().read(decode(decompress(body, most=MOST) if is_packed else body, version=version))
