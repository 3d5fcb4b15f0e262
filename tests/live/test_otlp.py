"""OpenTelemetry's own SDK exports metrics to the portal over HTTP."""

from __future__ import annotations

import time

import pytest
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.sdk.metrics import Histogram, MeterProvider
from opentelemetry.sdk.metrics.export import AggregationTemporality, MetricExportResult, PeriodicExportingMetricReader
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation
from opentelemetry.sdk.resources import Resource

from apps.metrics.models import Series
from tests.live.receiving import Listening, listening, until  # noqa: F401 - a fixture

pytestmark = [pytest.mark.live]
BOUNDS = [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12]  # what the GenAI conventions advise
KINDS = [
    pytest.param({}, id="cumulative"),
    pytest.param({"preferred_temporality": {Histogram: AggregationTemporality.DELTA}}, id="delta"),
    pytest.param({"preferred_aggregation": {Histogram: ExponentialBucketHistogramAggregation()}}, id="exponential"),
]


def exporter(place: Listening, **more) -> OTLPMetricExporter:
    return OTLPMetricExporter(
        endpoint=f"{place.api}/otlp/reports/v1/metrics", headers=place.headers, compression=Compression.Gzip, **more
    )


@pytest.mark.parametrize("more", KINDS)
def test_genai_metrics_of_the_sdk_become_measures_of_the_feature(listening: Listening, more) -> None:  # noqa: F811
    reader = PeriodicExportingMetricReader(exporter(listening, **more), export_interval_millis=1000)
    resource = Resource.create({"service.name": "answers", "deployment.environment.name": "production"})
    provider = MeterProvider(metric_readers=[reader], resource=resource)
    meter = provider.get_meter("answers")
    duration = meter.create_histogram(
        "gen_ai.client.operation.duration", unit="s", explicit_bucket_boundaries_advisory=BOUNDS
    )
    tokens = meter.create_counter("gen_ai.client.tokens", unit="{token}")
    thumbs = meter.create_gauge("thumbs_up_ratio")
    chat = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "large"}
    measures = Series.objects.filter(feature__slug="search-answers", is_primary=True, environment__slug="production")

    def told() -> dict[str, float]:
        return dict(measures.values_list("measure", "last_value"))

    try:
        thumbs.set(0.9)
        for _ in range(150):
            for number in range(10):
                labels = chat | ({"error.type": "timeout"} if number == 0 else {})
                duration.record(1.0 + number / 100, labels)
            tokens.add(100, chat)
            time.sleep(0.1)
            if told().get("answered_ratio") == pytest.approx(0.9):
                break
        until(lambda: told().get("answered_ratio") == pytest.approx(0.9), what="nine of ten are answered")
        found = told()
        assert found["thumbs_up_ratio"] == 0.9
        assert 0 < found["requests_rate"] < 110
        low, high = (0.98, 1.11) if "preferred_aggregation" in more else (0.64, 1.28)  # fine or coarse buckets
        assert low <= found["latency_p50"] <= found["latency_p95"] <= high
        assert Series.objects.get(name="gen_ai.client.tokens").kind == "counter"
        assert Series.objects.filter(name="gen_ai.client.operation.duration_p95").exists()
    finally:
        provider.shutdown()


def test_a_wrong_token_is_a_failed_export_that_says_why(listening: Listening, caplog) -> None:  # noqa: F811
    exporting = OTLPMetricExporter(
        endpoint=f"{listening.api}/otlp/reports/v1/metrics", headers={"Authorization": "Bearer wrong"}
    )
    results = []
    original = exporting.export
    exporting.export = lambda *args, **kwargs: results.append(original(*args, **kwargs)) or results[-1]
    reader = PeriodicExportingMetricReader(exporting, export_interval_millis=60_000)
    provider = MeterProvider(metric_readers=[reader])
    provider.get_meter("m").create_counter("c").add(1)
    provider.force_flush()
    provider.shutdown()
    assert results[0] is MetricExportResult.FAILURE
    assert "401" in caplog.text
    assert not Series.objects.exists()


@pytest.mark.parametrize(
    ("variable", "path"),
    [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "otlp/reports"),
        ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "otlp/reports/v1/metrics"),
    ],
)
def test_the_environment_alone_sets_it_up(
    listening: Listening,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
    path: str,
) -> None:
    monkeypatch.setenv(variable, f"{listening.api}/{path}")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_METRICS_HEADERS", f"Authorization=Bearer%20{listening.token}")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_METRICS_COMPRESSION", "gzip")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_METRICS_TIMEOUT", "60")
    monkeypatch.setenv("OTEL_SERVICE_NAME", "answers")
    provider = MeterProvider(metric_readers=[PeriodicExportingMetricReader(OTLPMetricExporter())])
    provider.get_meter("m").create_counter("questions").add(7)
    provider.force_flush(60_000)
    provider.shutdown()
    found = Series.objects.get()
    assert (found.name, found.last_value, found.labels["component"]) == ("questions", 7, "answers")
