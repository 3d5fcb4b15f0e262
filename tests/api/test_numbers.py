"""OTLP and remote write at the door: who gets in, in which form it is answered, and that numbers count once."""

from __future__ import annotations

import gzip
import threading

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceResponse

from apps.api import numbers
from apps.connectors.telemetry import messages
from apps.metrics.models import Sample, Series
from apps.sources.models import DeadLetter, SourceState, StreamMemory
from tests.api.asking import make_token, push_source
from tests.connectors.telemetry import sending
from tests.connectors.telemetry.sending import counted, export, number, spread, timed, written
from tests.factories import make_component, make_feature, make_source

OTLP, WRITE = "otlp/ci/v1/metrics", "prometheus/ci/write"
BINARY = "application/x-protobuf"
DURATION = "gen_ai.client.operation.duration"


@pytest.fixture(autouse=True)
def _fresh_minute(db, monkeypatch):
    import time

    cache.clear()
    monkeypatch.setattr(sending, "T0", int(time.time() // 60) * 60 - 600)


@pytest.fixture
def source():
    return push_source()


@pytest.fixture
def token(source, author):
    return make_token(author, "push:samples")


def post(path, body, *, token="", kind=BINARY, client=None, **headers):
    headers = ({"Authorization": f"Bearer {token}"} if token else {}) | headers
    return (client or Client()).post(f"/api/v1/{path}", data=body, content_type=kind, headers=headers)


def gauge(name="queue", value=3.0, **labels):
    return {"name": name, "gauge": {"data_points": [number(value, 1, **labels)]}}


def status_of(response):
    assert response["Content-Type"] == BINARY
    return messages.Status.FromString(response.content)


def test_an_export_is_stored_and_answered_in_its_own_form(source, token):
    body = export(gauge()).SerializeToString()
    response = post(OTLP, body, token=token)
    assert (response.status_code, response["Content-Type"]) == (200, BINARY)
    assert not ExportMetricsServiceResponse.FromString(response.content).HasField("partial_success")
    response = post(OTLP, gzip.compress(body), token=token, **{"Content-Encoding": "gzip"})
    assert response.status_code == 200
    assert Series.objects.get().last_value == 3
    assert Sample.objects.count() == 1
    response = post(OTLP, b'{"resourceMetrics": []}', token=token, kind="application/json")
    assert response.json() == {}


def test_what_cannot_be_used_is_a_partial_success_and_waits_on_the_page(source, token):
    response = post(OTLP, export(gauge(), gauge("odd", float("nan"))).SerializeToString(), token=token)
    partial = ExportMetricsServiceResponse.FromString(response.content).partial_success
    assert (response.status_code, partial.rejected_data_points) == (200, 1)
    assert "odd: A value is not a finite number." in partial.error_message
    assert DeadLetter.objects.get().external_id == "odd"
    assert Series.objects.get().name == "queue"


def test_measures_reach_the_feature_of_the_component(source, token):
    component = make_component(slug="answers", feature=make_feature())
    for at in (0.001, 60, 120):
        n = int(at)
        metric = timed(DURATION, spread([0, n, 0, 0], at, gen_ai__operation__name="chat"))
        assert post(OTLP, export(metric).SerializeToString(), token=token).status_code == 200
    primary = Series.objects.filter(feature=component.feature, is_primary=True)
    assert dict(primary.values_list("measure", "last_value")) == {
        "latency_p50": 1.5,
        "latency_p95": 1.95,
        "latency_p99": 1.99,
        "requests_rate": 1.0,
        "answered_ratio": 1.0,
    }


def test_a_request_that_is_sent_again_changes_nothing(source, token):
    bodies = [
        export(timed(DURATION, spread([0, int(at), 0, 0], at))).SerializeToString() for at in (0.001, 60, 120, 180)
    ]
    for body in bodies:
        post(OTLP, body, token=token)
    before = list(Sample.objects.order_by("series_id", "at").values_list("series_id", "at", "value"))
    for body in bodies:
        assert post(OTLP, body, token=token).status_code == 200
    assert list(Sample.objects.order_by("series_id", "at").values_list("series_id", "at", "value")) == before


def test_a_refused_request_remembers_nothing(source, token, monkeypatch):
    def broken(*_args, **_kwargs):
        raise RuntimeError("the disk is full")

    monkeypatch.setattr(numbers, "_remember", broken)
    assert (
        post(
            OTLP, export(timed(DURATION, spread([0, 5, 0, 0], 5, start=1))).SerializeToString(), token=token
        ).status_code
        == 500
    )
    assert not StreamMemory.objects.exists()
    assert not Series.objects.exists()


def test_no_more_streams_are_followed_than_there_is_room_for(source, token, monkeypatch):
    monkeypatch.setattr(numbers, "MOST_STREAMS", 2)
    metrics = [timed("work", spread([0, 1, 0, 0], 1, shard=n)) for n in range(5)]
    response = post(OTLP, export(*metrics).SerializeToString(), token=token)
    message = ExportMetricsServiceResponse.FromString(response.content).partial_success.error_message
    assert message.startswith("3 streams are not followed")
    assert StreamMemory.objects.count() == 2


def test_prometheus_is_told_what_to_drop_and_what_to_keep(source, token):
    snappy = {"Content-Encoding": "snappy", "X-Prometheus-Remote-Write-Version": "0.1.0"}
    good = post(WRITE, written(("up", {}, [(1, 1)])), token=token, **snappy)
    assert (good.status_code, good.content) == (204, b"")
    mixed = post(WRITE, written(("up", {}, [(16, 1)]), ("odd", {}, [(1, float("inf"))])), token=token, **snappy)
    assert mixed.status_code == 400
    assert mixed.content == b"odd: A value is not a finite number.\n"
    assert Sample.objects.count() == 2
    assert post(WRITE, b"not snappy", token=token, **snappy).content == b"The body is not compressed with snappy.\n"
    two = post(WRITE, written(), token=token, kind=f"{BINARY};proto=io.prometheus.write.v2.Request", **snappy)
    assert two["X-Prometheus-Remote-Write-Samples-Written"] == "0"


@pytest.mark.parametrize(
    ("given", "status", "code"),
    [({}, 401, 16), ({"scope": "push:runs"}, 403, 7), ({"sources": ["other"]}, 403, 7), ({"slug": "none"}, 404, 5)],
)
def test_a_refusal_is_a_status_for_otlp_and_a_line_for_prometheus(source, author, given, status, code):
    token = make_token(author, given.get("scope", "push:samples"), sources=given.get("sources", [])) if given else ""
    slug = given.get("slug", "ci")
    response = post(f"otlp/{slug}/v1/metrics", export(gauge()).SerializeToString(), token=token)
    assert response.status_code == status
    assert status_of(response).code == code
    assert status_of(response).message.endswith(".")
    text = post(f"prometheus/{slug}/write", written(), token=token)
    assert text.status_code == status
    assert text["Content-Type"].startswith("text/plain")
    in_json = post(f"otlp/{slug}/v1/metrics", b"{}", token=token, kind="application/json")
    assert in_json.json()["code"] == code
    assert not Series.objects.exists()


def test_a_session_opens_nothing(source, author, signed_in):
    assert post(OTLP, b"", client=signed_in(author)).status_code == 401


def test_a_source_that_is_polled_takes_no_numbers(author, token):
    make_source(slug="polled")
    token = make_token(author, "push:samples")
    response = post("otlp/polled/v1/metrics", export(gauge()).SerializeToString(), token=token)
    assert response.status_code == 409


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (gzip.compress(b"\0" * 17 * 2**20, mtime=0), {"Content-Encoding": "gzip"}, 413),
        (b"\0" * (4 * 2**20 + 1), {}, 413),
        (b"not gzip", {"Content-Encoding": "gzip"}, 400),
        (gzip.compress(b"", mtime=0)[:-4], {"Content-Encoding": "gzip"}, 400),
        (b"", {"Content-Encoding": "br"}, 415),
        (b"\xff\xff", {}, 400),
    ],
    ids=["bomb", "large", "no-gzip", "cut", "brotli", "no-protobuf"],
)
def test_hostile_bodies_are_refused_with_a_status(source, token, body, headers, status):
    response = post(OTLP, body, token=token, **headers)
    assert response.status_code == status
    assert status_of(response).message


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None, max_examples=40
)
@given(body=st.binary(max_size=200), path=st.sampled_from([OTLP, WRITE]), is_json=st.booleans())
def test_random_bytes_never_are_our_mistake(source, token, body, path, is_json):
    cache.clear()
    response = post(path, body, token=token, kind="application/json" if is_json else BINARY)
    assert response.status_code < 500


@pytest.mark.django_db(transaction=True)
def test_two_web_processes_count_every_increase_once(source, token):
    """Twenty requests of one stream at once: whatever order they win in, the sum is what was counted."""
    post(OTLP, export(timed(DURATION, spread([0, 0, 0, 0], 0.001))).SerializeToString(), token=token)
    bodies = [export(timed(DURATION, spread([0, n, 0, 0], n))).SerializeToString() for n in range(3, 60, 3)]
    statuses = []

    def send(body):
        statuses.append(post(OTLP, body, token=token).status_code)
        connection.close()

    threads = [threading.Thread(target=send, args=(body,)) for body in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(statuses) == {200}
    post(OTLP, export(timed(DURATION, spread([0, 60, 0, 0], 60))).SerializeToString(), token=token)
    assert Series.objects.get(measure="requests_rate").last_value == pytest.approx(1.0, rel=0.001)


def test_json_has_a_smaller_limit(source, token):
    response = post(OTLP, b" " * (2**20 + 1), token=token, kind="application/json")
    assert (response.status_code, response.json()["code"]) == (413, 8)


def test_a_number_makes_the_source_heard(source, token):
    post(OTLP, export(counted("jobs", number(1, 1))).SerializeToString(), token=token)
    assert SourceState.objects.get(source=source).last_success_at is not None
