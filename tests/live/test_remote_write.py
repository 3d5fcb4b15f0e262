"""A real Prometheus writes what it scrapes to the portal."""

from __future__ import annotations

import textwrap
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from apps.metrics.models import Sample, Series
from tests.live import servers
from tests.live.conftest import Exporter
from tests.live.receiving import Listening, listening, until  # noqa: F401 - a fixture

pytestmark = [pytest.mark.live]

PAGE = """\
# TYPE http_request_duration_seconds histogram
http_request_duration_seconds_bucket{{component="answers",code="200",le="0.5"}} {fast}
http_request_duration_seconds_bucket{{component="answers",code="200",le="1"}} {all}
http_request_duration_seconds_bucket{{component="answers",code="200",le="+Inf"}} {all}
http_request_duration_seconds_count{{component="answers",code="200"}} {all}
http_request_duration_seconds_sum{{component="answers",code="200"}} {all}
# TYPE thumbs_up_ratio gauge
thumbs_up_ratio{{feature="search-answers"}} 0.9
# TYPE noise gauge
noise 1
"""
CONFIG = """
global: {{scrape_interval: 1s}}
remote_write:
  - url: {api}/prometheus/reports/write
    authorization: {{credentials: {token}}}
    write_relabel_configs:
      - {{source_labels: [__name__], regex: "http_request_duration_seconds.*|thumbs_up_ratio", action: keep}}
    queue_config: {{max_samples_per_send: {most}, batch_send_deadline: 1s}}
scrape_configs:
  - job_name: answers
    static_configs: [{{targets: ["{target}"]}}]
"""


@pytest.fixture(params=[500, 2])
def prometheus(request, listening: Listening, tmp_path: Path) -> Iterator[tuple[str, Exporter]]:  # noqa: F811
    """A Prometheus that scrapes a page and writes it on, whole or in pieces of two samples."""
    page = Exporter()
    serving = page.serve()
    told = {"api": listening.api, "token": listening.token, "most": request.param, "target": next(serving)}
    (tmp_path / "prometheus.yml").write_text(textwrap.dedent(CONFIG.format(**told)))
    base = f"http://127.0.0.1:{(port := servers.free_port())}"
    command = [servers.executable("prometheus", "prometheus"), f"--config.file={tmp_path}/prometheus.yml"]
    command += [f"--storage.tsdb.path={tmp_path}/data", f"--web.listen-address=127.0.0.1:{port}"]
    with servers.running(command, home=tmp_path, ready_url=f"{base}/-/ready"):
        yield base, page
    next(serving, None)


def metric(base: str, name: str) -> float:
    with urllib.request.urlopen(f"{base}/metrics") as answer:
        lines = [line for line in answer.read().decode().splitlines() if line.startswith(name)]
    return sum(float(line.split()[-1]) for line in lines)


def test_what_prometheus_scrapes_arrives_and_means_something(prometheus, listening: Listening) -> None:  # noqa: F811
    base, page = prometheus
    begun = time.monotonic()
    measures = Series.objects.filter(feature__slug="search-answers", is_primary=True)

    def moved() -> bool:
        n = int((time.monotonic() - begun) * 20)
        page.text = PAGE.format(fast=n * 9 // 10, all=n)
        told = dict(measures.values_list("measure", "last_value"))
        return {"thumbs_up_ratio", "latency_p95", "requests_rate", "answered_ratio"} <= set(told) and (
            told["requests_rate"] == pytest.approx(20, rel=0.4)
        )

    until(moved, seconds=90, what="twenty requests a second are told")
    told = dict(measures.values_list("measure", "last_value"))
    assert told["thumbs_up_ratio"] == 0.9
    assert told["answered_ratio"] == 1.0
    assert 0.5 < told["latency_p95"] <= 1.0
    assert not Series.objects.filter(name__in=["noise", "up"]).exists()
    assert metric(base, "prometheus_remote_storage_samples_failed_total") == 0
    assert metric(base, "prometheus_remote_storage_samples_dropped_total") >= 0

    page.is_down = True  # every series ends with a staleness marker, which is no value and no error
    until(lambda: metric(base, "prometheus_remote_storage_samples_pending") == 0, what="everything is sent")
    assert metric(base, "prometheus_remote_storage_samples_failed_total") == 0
    assert not [value for value in Sample.objects.values_list("value", flat=True) if value != value]
