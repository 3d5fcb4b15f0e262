"""The portal's own figures beside those that a real Prometheus works out of the same samples."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest

from apps.metrics import queries
from apps.metrics.models import Sample, Series, SeriesKind
from tests.live.conftest import Exporter
from tests.live.polling import connect, poll
from tests.live.test_prometheus import _ask, _now, _until

pytestmark = [pytest.mark.live, pytest.mark.django_db(transaction=True)]
RATE_TOLERANCE = 0.15  # Prometheus extrapolates to both ends of its window, one step of about twenty each
QUANTILE_TOLERANCE = 0.0101  # of the sketch


def _instant(base: str, query: str, at: float) -> float:
    [found] = _ask(base, "/api/v1/query", query=query, time=at)["result"]
    return float(found["value"][1])


def _between(series: Series, start: float, end: float):
    return datetime.fromtimestamp(start, UTC), datetime.fromtimestamp(end, UTC)


def test_rate_and_increase_agree_over_a_reset_and_a_gap(prometheus: str, exporter: Exporter) -> None:
    queries_of = [{"query": "requests_seen_total", "unit": "count"}]
    source = connect("prometheus", {"url": prometheus, "queries": queries_of, "step": 1, "backfill_days": 1})
    for count in (*range(0, 80, 10), *range(5, 85, 10)):  # after 70 it starts anew at 5
        exporter.text = f"requests_seen_total {count}\n"
        _until(lambda count=count: _now(prometheus, "requests_seen_total") == str(count))
        if count == 35:
            exporter.is_down = True
            _until(lambda: not _now(prometheus, "requests_seen_total"))
            time.sleep(3)
            exporter.is_down = False
    time.sleep(3)
    poll(source)
    series = Series.objects.get(name="requests_seen_total")
    assert series.kind == SeriesKind.COUNTER, "by its name: the exporter says no type"
    first, last = (Sample.objects.filter(series=series).order_by(order).first().at for order in ("at", "-at"))
    seconds = int((last - first).total_seconds())
    [point] = queries.points_of(
        series=[series], start=first, end=datetime.fromtimestamp(last.timestamp() + 1, UTC), buckets=1
    )[series.pk].rows
    theirs = _instant(prometheus, f"rate(requests_seen_total[{seconds}s])", last.timestamp())
    increase = _instant(prometheus, f"increase(requests_seen_total[{seconds}s])", last.timestamp())
    assert point.mean == pytest.approx(theirs, rel=RATE_TOLERANCE)
    assert point.mean * seconds == pytest.approx(increase, rel=RATE_TOLERANCE)
    assert point.mean * seconds == pytest.approx(145, abs=1), "what was counted in truth: 70, then 5 and 70 more"
    assert point.low >= 0


def test_percentiles_of_observations_agree(prometheus: str, exporter: Exporter) -> None:
    queries_of = [{"query": "one_wait_seconds", "measure": "latency", "unit": "s"}]
    source = connect("prometheus", {"url": prometheus, "queries": queries_of, "step": 1, "backfill_days": 1})
    exporter.is_down = False
    for number in range(25):
        exporter.text = f"one_wait_seconds {0.5 + (number * 7 % 25) / 5}\n"
        time.sleep(1)
    poll(source)
    series = Series.objects.get(measure="latency")
    first, last = (Sample.objects.filter(series=series).order_by(order).first().at for order in ("at", "-at"))
    start, end = _between(series, first.timestamp(), last.timestamp() + 0.001)
    sketch = queries.sketch_between(series=series, start=start, end=end)
    seconds = int((last - first).total_seconds())
    for share in (0.5, 0.95, 0.99):
        query = f"quantile_over_time({share}, one_wait_seconds[{seconds}s:1s])"
        theirs, ours = _instant(prometheus, query, last.timestamp()), sketch.quantile(share)
        steps = 0.2 + 1e-9  # neighbouring observations: Prometheus interpolates between them
        assert abs(ours - theirs) <= QUANTILE_TOLERANCE * theirs + steps


def test_what_the_server_says_of_a_metric_decides_whether_it_counts(prometheus: str, exporter: Exporter) -> None:
    queries_of = [{"query": name, "unit": "count"} for name in ("jobs_done", "jobs_total", "jobs_wait_seconds_count")]
    source = connect("prometheus", {"url": prometheus, "queries": queries_of, "step": 1, "backfill_days": 1})
    exporter.is_down = False
    for count in (*range(0, 50, 10), *range(0, 50, 10)):  # after 40 it starts anew at 0
        exporter.text = (
            f"# TYPE jobs_done counter\njobs_done {count}\n# TYPE jobs_total gauge\njobs_total 7\n"
            f"# TYPE jobs_wait_seconds summary\njobs_wait_seconds_count {count}\njobs_wait_seconds_sum 1\n"
        )
        _until(lambda count=count: _now(prometheus, "jobs_done") == str(count))
    poll(source)
    kinds = dict(Series.objects.values_list("name", "kind"))
    expected = {"jobs_done": "counter", "jobs_total": "gauge", "jobs_wait_seconds_count": "counter"}
    assert {name: kinds[name] for name in expected} == expected
    series = Series.objects.get(name="jobs_done")
    first, last = (Sample.objects.filter(series=series).order_by(order).first().at for order in ("at", "-at"))
    seconds = int((last - first).total_seconds())
    end = datetime.fromtimestamp(last.timestamp() + 1, UTC)
    [point] = queries.points_of(series=[series], start=first, end=end, buckets=1)[series.pk].rows
    increase = _instant(prometheus, f"increase(jobs_done[{seconds}s])", last.timestamp())
    assert point.mean * seconds == pytest.approx(increase, rel=RATE_TOLERANCE)
    assert point.low >= 0
