"""Prometheus: windows, late samples, alerts that resolve by absence, and deployments read off an info metric."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st

from apps.connectors.errors import ConfigError, ErrorClass, SourceError
from apps.connectors.http import Limits
from apps.connectors.providers.prometheus import fetching
from apps.connectors.providers.prometheus.connector import PrometheusConnector
from apps.connectors.providers.prometheus.normalize import Query, read_alerts, read_matrix
from apps.connectors.providers.prometheus.progress import MAX_POINTS, OVERLAP, Progress
from apps.connectors.providers.prometheus.rollouts import (
    LabelNames,
    Rollout,
    Sightings,
    advance,
    read_rollouts,
    read_sightings,
    write_rollouts,
)
from apps.connectors.records import AlertRecord, AlertState, Batch, DeploymentRecord, Listing, SeriesRecord
from tests.connectors.conftest import ask, patient
from tests.connectors.upstream import Answer, Request, Upstream, json_answer
from tests.connectors.worlds import PrometheusWorld, iso

QUERY = Query(query="up", name="up", measure="availability", unit="ratio")
ROOMY = Limits(total_seconds=5, fetch_seconds=20)


def config(upstream: Upstream, **more: Any) -> dict[str, Any]:
    return {"url": upstream.url, "alerts": False, "queries": [{"query": "up"}], "backfill_days": 0, **more}


def fetch(settings: dict[str, Any], cursor: Any = None, *, at: datetime | None = None, limits: Limits = ROOMY) -> Batch:
    """One poll, our clock standing at `at`; the cursor goes through JSON, as it does when it is stored."""
    saved = json.loads(json.dumps(cursor or {}))
    with time_machine.travel(at or datetime.now(UTC), tick=False):
        return ask(lambda http: PrometheusConnector(config=settings, secrets={}, http=http).fetch(saved), limits=limits)


def series(batch: Batch) -> list[SeriesRecord]:
    return [record for record in batch.records if isinstance(record, SeriesRecord)]


def constant(value: float) -> Callable[[int], float]:
    return lambda at: value


def at(second: int) -> datetime:
    return datetime.fromtimestamp(second, UTC)


def test_samples_are_floats_in_utc_and_odd_values_are_left_out() -> None:
    values = [
        [1795464773.034, "0.5"],
        [1795464783, "NaN"],
        [1795464793.5, "+Inf"],
        [1795464803, "-Inf"],
        [1795464813, "3"],
    ]
    items = [{"metric": {"__name__": "up", "job": "api", "instance": "a:1"}, "values": values}]
    (record,), rejected, points = read_matrix(items, QUERY, until=at(1795464900))
    assert record.samples == ((datetime.fromtimestamp(1795464773.034, UTC), 0.5), (at(1795464813), 3.0))
    assert record.labels == {"job": "api", "instance": "a:1"}
    assert (record.name, record.measure, record.unit) == ("up", "availability", "ratio")
    assert (rejected, points) == ([], 5)


def test_a_series_keeps_its_identity_whatever_the_order_of_its_labels() -> None:
    values = [[1795464773, "1"]]
    one, _, _ = read_matrix([{"metric": {"a": "1", "b": "2"}, "values": values}], QUERY, until=at(2**31))
    two, _, _ = read_matrix([{"metric": {"b": "2", "a": "1"}, "values": values}], QUERY, until=at(2**31))
    other, _, _ = read_matrix([{"metric": {"a": "1", "b": "3"}, "values": values}], QUERY, until=at(2**31))
    assert one[0].external_id == two[0].external_id != other[0].external_id


def test_one_bad_series_is_rejected_alone() -> None:
    good = {"metric": {"job": "a"}, "values": [[1795464773, "1"]]}
    bad: list[Any] = [
        {"metric": {"job": "b"}, "values": [["soon", "1"]]},
        {"metric": {"job": "c"}, "values": [[1795464773, "many"]]},
        {"metric": {"job": "d"}, "values": [[1795464773]]},
        {"metric": {"job": "e"}, "values": [[[], "1"]]},
        {"metric": {"job": "f"}},
        {"metric": "g", "values": []},
        {"metric": {"job": "h"}, "values": [[1e300, "1"]]},
        None,
        7,
    ]
    records, rejected, _ = read_matrix([*bad, good], QUERY, until=at(2**31))
    assert [record.labels["job"] for record in records] == ["a"]
    assert len(rejected) == len(bad)
    assert all(item.reason for item in rejected)


ALERT = {
    "labels": {"alertname": "SlowAnswers", "severity": "page", "service": "search"},
    "annotations": {"summary": "p95 above 2 s\nfor 10 minutes", "runbook_url": "https://runbooks.example.com/slow"},
    "state": "firing",
    "activeAt": "2026-11-23T20:12:00.568674523Z",
    "value": "2.5e+00",
}


def test_an_alert_becomes_a_record_and_the_listing_names_it() -> None:
    (record,), rejected, (listing,) = read_alerts([ALERT], is_partial=False)
    assert (record.name, record.state, record.severity) == ("SlowAnswers", AlertState.FIRING, "page")
    assert record.started_at == datetime(2026, 11, 23, 20, 12, 0, 568674, tzinfo=UTC)
    assert record.summary == "p95 above 2 s"
    assert record.url == "https://runbooks.example.com/slow"
    assert listing.external_ids == {record.external_id}
    assert rejected == []


def test_a_script_never_becomes_a_link() -> None:
    alert = {**ALERT, "annotations": {"runbook_url": "javascript:alert(1)"}}
    (record,), _, _ = read_alerts([alert], is_partial=False)
    assert record.url == ""


@pytest.mark.parametrize(
    ("name", "types", "kind"),
    [
        ("requests_total", {}, "counter"),
        ("wait_seconds_bucket", {}, "counter"),
        ("queue_length", {}, "gauge"),
        ("", {}, "gauge"),
        ("queue_total", {"queue_total": "gauge"}, "gauge"),
        ("requests", {"requests": "counter"}, "counter"),
        ("requests_total", {"requests": "counter"}, "counter"),
        ("wait_seconds_sum", {"wait_seconds": "summary"}, "counter"),
        ("wait_seconds", {"wait_seconds": "summary"}, "gauge"),
        ("users_count", {"users": "gaugehistogram"}, "gauge"),
        ("requests_total", {"requests_total": "unknown"}, "counter"),
    ],
)
def test_a_metric_counts_by_what_the_server_says_else_by_its_name(name: str, types: dict[str, str], kind: str) -> None:
    items = [{"metric": {"__name__": name} if name else {"job": "a"}, "values": [[1795464773, "1"]]}]
    (record,), _, _ = read_matrix(items, QUERY, until=at(2**31), types=types)
    assert record.series_kind == kind


def test_types_are_asked_for_once_and_remembered(upstream: Upstream) -> None:
    world = PrometheusWorld(series={"up": [({"__name__": "up_count"}, constant(1.0))]}, types={"up_count": "gauge"})
    upstream.handler = world
    first = fetch(config(upstream))
    assert [one.series_kind for one in series(first)] == ["gauge"]
    asked = [request.path for request in upstream.requests].count("/api/v1/metadata")
    fetch(config(upstream), first.cursor)
    assert [request.path for request in upstream.requests].count("/api/v1/metadata") == asked == 1


def test_a_server_without_metadata_is_read_by_the_names(upstream: Upstream) -> None:
    named = [({"__name__": name}, constant(1.0)) for name in ("a_total", "b_total")]
    upstream.handler = PrometheusWorld(series={"up": named})  # type: ignore[arg-type]
    assert [one.series_kind for one in series(fetch(config(upstream)))] == ["counter", "counter"]
    assert [request.path for request in upstream.requests].count("/api/v1/metadata") == 1


def test_no_alerts_is_a_complete_listing_of_nothing() -> None:
    assert read_alerts([], is_partial=False)[2] == (Listing(kind=AlertRecord.kind, external_ids=frozenset()),)


def test_an_unreadable_alert_still_counts_as_present() -> None:
    strange = {**ALERT, "state": "asleep"}
    records, rejected, (listing,) = read_alerts([strange], is_partial=False)
    assert records == []
    assert "neither pending nor firing" in rejected[0].reason
    assert len(listing.external_ids) == 1


@pytest.mark.parametrize("items", [[ALERT, {"state": "firing"}], [ALERT, None], [ALERT, {**ALERT, "labels": []}]])
def test_an_alert_without_identity_forbids_the_listing(items: list[Any]) -> None:
    records, rejected, listings = read_alerts(items, is_partial=False)
    assert (len(records), len(rejected), listings) == (1, 1, ())


def test_warnings_forbid_the_listing(upstream: Upstream) -> None:
    upstream.handler = PrometheusWorld(alerts=[ALERT], warnings=["partial response from store"])
    batch = fetch(config(upstream, alerts=True, queries=[]))
    assert len(batch.records) == 1
    assert batch.listings == ()


def test_an_alert_that_is_gone_is_missing_from_the_next_listing(upstream: Upstream) -> None:
    world = PrometheusWorld(alerts=[ALERT])
    upstream.handler = world
    first = fetch(config(upstream, alerts=True, queries=[]))
    world.alerts = []
    second = fetch(config(upstream, alerts=True, queries=[]), first.cursor)
    assert len(first.listings[0].external_ids) == 1
    assert second.listings[0].external_ids == frozenset()


def test_a_poll_goes_on_where_the_last_one_ended_and_reads_late_samples_again(upstream: Upstream) -> None:
    world = PrometheusWorld(series={"up": [({"job": "a"}, lambda second: float(second % 7))]})
    upstream.handler = world
    first = fetch(config(upstream, backfill_days=1))
    world.clock += timedelta(seconds=180)
    second = fetch(config(upstream, backfill_days=1), first.cursor, at=world.clock)
    assert not first.has_more
    assert not second.has_more
    times = [moment for moment, _ in series(first)[0].samples]
    assert len(times) >= 1440
    assert times == sorted(times)
    assert all(moment.timestamp() % 60 == 0 for moment in times)
    later = [moment for moment, _ in series(second)[0].samples]
    assert len(later) == OVERLAP + 1 + 3
    assert set(later) - set(times) == {times[-1] + timedelta(seconds=60 * n) for n in (1, 2, 3)}


def test_a_sample_that_comes_three_minutes_late_is_not_lost(upstream: Upstream) -> None:
    world = PrometheusWorld()
    horizon = world.clock.timestamp() - 180
    world.series["up"] = [({}, lambda second: 1.0 if second <= horizon else None)]
    upstream.handler = world
    first = fetch(config(upstream, backfill_days=1), at=world.clock)
    told = {moment for moment, _ in series(first)[0].samples}
    world.series["up"] = [({}, constant(1.0))]
    world.clock += timedelta(seconds=60)
    second = fetch(config(upstream, backfill_days=1), first.cursor, at=world.clock)
    told |= {moment for moment, _ in series(second)[0].samples}
    assert max(told) - min(told) == timedelta(seconds=60) * (len(told) - 1), "there is a gap"


def test_a_long_backfill_comes_in_pieces_without_a_gap(upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "MAX_SAMPLES_A_FETCH", 12_000)
    fleet = [({"pod": str(pod)}, constant(1.5)) for pod in range(3)]
    world = PrometheusWorld(series={"up": fleet})
    upstream.handler = world
    seen: dict[str, set[datetime]] = {}
    cursor: Any = {}
    turns = 0
    while turns < 12:
        turns += 1
        batch = fetch(config(upstream, backfill_days=10), cursor)
        cursor = batch.cursor
        for record in series(batch):
            seen.setdefault(record.external_id, set()).update(moment for moment, _ in record.samples)
        assert sum(len(record.samples) for record in series(batch)) <= 12_000 + 60_000
        if not batch.has_more:
            break
    assert 2 <= turns <= 6
    assert len(seen) == 3
    assert {len(times) for times in seen.values()} <= {14_400 + OVERLAP, 14_400 + OVERLAP + 1, 14_400 + OVERLAP + 2}


def test_windows_never_ask_for_more_points_than_prometheus_gives() -> None:
    progress = Progress(step=15, until=0, series=1)
    start, stop = progress.window(10**9)
    assert (stop - start) // 15 <= MAX_POINTS < 11_000


def test_a_too_large_answer_is_asked_for_in_smaller_windows(upstream: Upstream) -> None:
    fleet = [({"pod": f"{pod:050d}"}, constant(0.1234567890123)) for pod in range(60)]
    upstream.handler = PrometheusWorld(series={"up": fleet})
    limits = Limits(total_seconds=5, fetch_seconds=20, max_bytes=600_000)
    batch = fetch(config(upstream, backfill_days=1), limits=limits)
    assert len(series(batch)) == 60
    assert batch.rejected == ()


def test_our_fast_clock_never_skips_what_the_server_has_yet_to_write(upstream: Upstream) -> None:
    world = PrometheusWorld(series={"up": [({}, constant(1.0))]})
    world.clock -= timedelta(hours=2)
    upstream.handler = world
    first = fetch(config(upstream, backfill_days=1))
    (record,) = series(first)
    assert max(moment for moment, _ in record.samples) <= world.clock
    world.clock += timedelta(minutes=5)
    second = fetch(config(upstream, backfill_days=1), first.cursor, at=datetime.now(UTC) + timedelta(minutes=5))
    assert max(moment for moment, _ in series(second)[0].samples) > record.samples[-1][0]
    assert len(upstream.requests) < 12


def test_one_bad_query_is_rejected_and_the_others_are_read(upstream: Upstream) -> None:
    upstream.handler = PrometheusWorld(series={"up": [({}, constant(1.0))]})
    batch = fetch(config(upstream, queries=[{"query": "up{", "name": "broken"}, {"query": "up"}]))
    assert [record.name for record in series(batch)] == ["up"]
    (rejected,) = batch.rejected
    assert rejected.external_id == "broken"
    assert "parse error" in rejected.reason
    assert not batch.has_more


def test_when_every_query_fails_the_poll_fails(upstream: Upstream) -> None:
    upstream.handler = PrometheusWorld()
    with pytest.raises(SourceError, match="parse error") as caught:
        fetch(config(upstream, queries=[{"query": "up{"}]))
    assert caught.value.error_class is ErrorClass.REJECTED


def test_a_query_that_always_times_out_starves_nobody(upstream: Upstream) -> None:
    world = PrometheusWorld(series={"up": [({}, constant(1.0))]})

    def handler(request: Request) -> Answer:
        if request.fields.get("query") == "heavy":
            return Answer(delay=3)
        return world(request)

    upstream.handler = handler
    settings = config(upstream, queries=[{"query": "heavy"}, {"query": "up"}])
    limits = Limits(total_seconds=0.3, fetch_seconds=2)
    batch = fetch(settings, limits=limits)
    assert [record.name for record in series(batch)] == ["up"]
    assert [item.external_id for item in batch.rejected] == ["heavy"]
    again = fetch(settings, batch.cursor, limits=limits)
    assert [request.fields.get("query") for request in upstream.requests[-2:]] == ["up", "heavy"]
    assert series(again)


def test_a_query_with_thousands_of_series_is_refused(upstream: Upstream) -> None:
    upstream.handler = PrometheusWorld(
        series={"up": [({"n": str(n)}, constant(1.0)) for n in range(2500)], "b": [({}, constant(1.0))]}
    )
    batch = fetch(config(upstream, queries=[{"query": "up"}, {"query": "b"}]))
    assert [record.name for record in series(batch)] == ["b"]
    assert "2500 series" in batch.rejected[0].reason


def test_a_long_query_is_posted(upstream: Upstream) -> None:
    query = "sum(" + "+".join(["up"] * 800) + ")"
    upstream.handler = PrometheusWorld(series={query: [({}, constant(1.0))]})
    assert len(series(fetch(config(upstream, queries=[{"query": query, "name": "long"}])))) == 1
    assert upstream.requests[0].method == "POST"


def test_a_changed_query_starts_its_backfill_anew(upstream: Upstream) -> None:
    upstream.handler = PrometheusWorld(series={"up": [({}, constant(1.0))], "down": [({}, constant(1.0))]})
    first = fetch(config(upstream, backfill_days=1))
    second = fetch(config(upstream, queries=[{"query": "down", "name": "up"}], backfill_days=1), first.cursor)
    assert len(series(second)[0].samples) >= 1440
    assert len(second.cursor["queries"]) == 1


NAMES = LabelNames(component="app", version="version", environment="env")


def build_info(version: str, *spans: tuple[int, int], app: str = "api", pod: str = "1") -> dict[str, Any]:
    """An info series of one version, live in these spans of steps of 60 seconds."""
    values = [[float(step * 60), "1"] for low, high in spans for step in range(low, high + 1)]
    return {"metric": {"app": app, "version": version, "env": "prod", "pod": pod}, "values": values}


def rollout(*items: dict[str, Any], known: Any = None, after: int = 0, until: int = 10**9) -> list[DeploymentRecord]:
    sightings, rejected, _ = read_sightings(items, NAMES)
    assert rejected == []
    return advance({} if known is None else known, sightings, after=after, until=until, step=60, gap=300)


def told(deployments: list[DeploymentRecord]) -> list[tuple[str, int, bool]]:
    return [(d.revision, int(d.started_at.timestamp()) // 60, d.is_rollback) for d in deployments]


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        ([build_info("1", (10, 30))], [("1", 10, False)]),
        ([build_info("1", (10, 20)), build_info("2", (21, 40))], [("1", 10, False), ("2", 21, False)]),
        # Rolling: both are live for a while.
        ([build_info("1", (10, 22)), build_info("2", (20, 40))], [("1", 10, False), ("2", 20, False)]),
        # Back to an earlier version.
        (
            [build_info("1", (10, 20), (31, 50)), build_info("2", (21, 30))],
            [("1", 10, False), ("2", 21, False), ("1", 31, True)],
        ),
        # A missed scrape, and a long blackout of everything, are no deployments.
        ([build_info("1", (10, 20), (23, 40))], [("1", 10, False)]),
        ([build_info("1", (10, 20), (90, 99))], [("1", 10, False)]),
        (
            [build_info("1", (10, 20), (90, 99)), build_info("0", (5, 20), (90, 99))],
            [("0", 5, False), ("1", 10, False)],
        ),
        # A canary that is withdrawn while the old version stays.
        (
            [build_info("1", (10, 60)), build_info("2", (20, 25))],
            [("1", 10, False), ("2", 20, False), ("1", 26, True)],
        ),
        # A version that lived shorter than the gap.
        (
            [build_info("1", (10, 20), (23, 60)), build_info("2", (21, 22))],
            [("1", 10, False), ("2", 21, False), ("1", 23, True)],
        ),
        # Back within minutes: told once both versions have settled, from the first sample on; not before.
        (
            [build_info("1", (10, 20), (24, 26)), build_info("2", (21, 23))],
            [("1", 10, False), ("2", 21, False), ("1", 24, True)],
        ),
        ([build_info("1", (10, 20), (24, 25)), build_info("2", (21, 23))], [("1", 10, False), ("2", 21, False)]),
        # Rolling back: both are live for a while, and the start is when the old one came back.
        (
            [build_info("1", (10, 20), (25, 40)), build_info("2", (21, 27))],
            [("1", 10, False), ("2", 21, False), ("1", 25, True)],
        ),
        # There and back twice.
        (
            [build_info("1", (10, 20), (24, 27), (32, 36)), build_info("2", (21, 23), (28, 31))],
            [("1", 10, False), ("2", 21, False), ("1", 24, True), ("2", 28, True), ("1", 32, True)],
        ),
        # Pods of two versions that miss scrapes in turn, and an old pod that was away while both are live.
        (
            [build_info("1", (10, 20), (22, 22), (24, 40)), build_info("2", (12, 21), (23, 23), (25, 40))],
            [("1", 10, False), ("2", 12, False)],
        ),
        (
            [build_info("1", (10, 20), (24, 60)), build_info("2", (12, 25), (28, 60))],
            [("1", 10, False), ("2", 12, False)],
        ),
        # After a blackout the pods are scraped one after the other.
        (
            [build_info("1", (10, 20), (91, 99)), build_info("0", (5, 20), (90, 99))],
            [("0", 5, False), ("1", 10, False)],
        ),
        # Two pods of one version are one deployment; two apps are two.
        ([build_info("1", (10, 30)), build_info("1", (12, 30), pod="2")], [("1", 10, False)]),
        ([build_info("1", (10, 30)), build_info("1", (12, 30), app="web")], [("1", 10, False), ("1", 12, False)]),
    ],
)
def test_versions_that_appear_are_deployments(items: list[Any], expected: list[tuple[str, int, bool]]) -> None:
    assert told(rollout(*items)) == expected


def test_reading_in_pieces_tells_the_same_story() -> None:
    items = [
        build_info("1", (10, 20), (31, 50), (55, 58)),
        build_info("2", (21, 30)),
        build_info("3", (51, 56), (59, 65)),
    ]
    whole = rollout(*items)
    known: dict[tuple[str, str], Rollout] = {}
    pieces: list[DeploymentRecord] = []
    for begin in range(0, 4000, 60):
        stored = json.loads(json.dumps(write_rollouts(known, key="k")))
        known = read_rollouts(stored, key="k")
        pieces += rollout(*items, known=known, after=begin, until=begin + 60)
    assert pieces == whole
    assert [d.external_id for d in whole] == ["api/prod/1/600", "api/prod/2/1260", "api/prod/1/1860", "api/prod/3/3060"]


def test_a_rollout_remembered_by_an_older_release_is_still_read() -> None:
    place = {"component": "api", "environment": "prod", "current": "2", "last_seen": {"1": 600, "2": 900}}
    known = read_rollouts({"key": "k", "places": [place]}, key="k")
    assert known == {("api", "prod"): Rollout("2", {"1": 600, "2": 900}, {})}


def test_a_deployment_keeps_the_labels_that_its_pods_share() -> None:
    (deployment,) = rollout(build_info("1", (10, 12)), build_info("1", (10, 12), pod="2"))
    assert deployment.labels == {"app": "api", "version": "1", "env": "prod"}
    assert (deployment.component, deployment.environment) == ("api", "prod")


def test_a_series_without_the_version_label_is_rejected_alone() -> None:
    nameless = {"metric": {"app": "api"}, "values": [[600.0, "1"]]}
    sightings, rejected, _ = read_sightings([nameless, build_info("1", (10, 12))], NAMES)
    assert "version" in rejected[0].reason
    assert len(sightings.live) == 1


def test_deployments_are_found_through_a_poll_once_each(upstream: Upstream) -> None:
    world = PrometheusWorld()
    switch = world.clock.timestamp() - 3600
    world.series["app_build_info"] = [
        ({"app": "api", "version": "1", "env": "prod"}, lambda second: 1.0 if second < switch else None),
        ({"app": "api", "version": "2", "env": "prod"}, lambda second: 1.0 if second >= switch else None),
    ]
    upstream.handler = world
    settings = config(
        upstream, queries=[], deployments_query="app_build_info", component_label="app", environment_label="env",
        backfill_days=1,
    )  # fmt: skip
    first = fetch(settings)
    assert [(d.revision, d.is_rollback) for d in first.records if isinstance(d, DeploymentRecord)] == [
        ("1", False),
        ("2", False),
    ]
    world.clock += timedelta(minutes=10)
    assert fetch(settings, first.cursor, at=world.clock).records == ()


def test_probe_tells_version_and_matches(upstream: Upstream) -> None:
    upstream.handler = PrometheusWorld(series={"up": [({"a": str(n)}, constant(1.0)) for n in range(3)]})
    settings = config(upstream, alerts=True)
    probe = ask(lambda http: PrometheusConnector(config=settings, secrets={}, http=http).probe())
    assert probe.sentence == "Prometheus 2.42.0 answers; 3 series match 1 queries."
    assert probe.version == "2.42.0"
    assert [(scope.name, scope.is_granted) for scope in probe.scopes] == [("query", True), ("alerts", True)]


def test_probe_names_the_query_that_is_refused(upstream: Upstream) -> None:
    upstream.handler = PrometheusWorld()
    settings = config(upstream, queries=[{"query": "up{", "name": "broken"}])
    with pytest.raises(ConfigError, match=r"broken.*parse error"):
        ask(lambda http: PrometheusConnector(config=settings, secrets={}, http=http).probe())


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"url": "prometheus:9090"}, "url"),
        ({"url": "http://host/?x=1"}, "url"),
        ({"url": None}, "url"),
        ({"auth": "kerberos"}, "auth"),
        ({"auth": "basic"}, "username"),
        ({"queries": "up"}, "queries"),
        ({"queries": "- [a"}, "queries"),
        ({"queries": "- &a up\n- *a"}, "queries"),
        ({"queries": ["up"]}, "queries"),
        ({"queries": [{"measure": "x"}]}, "queries"),
        ({"queries": [{"query": "up", "stepp": 5}]}, "queries"),
        ({"queries": [{"query": "up", "step": 0}]}, "queries"),
        ({"queries": [{"query": "up"}, {"query": "up"}]}, "queries"),
        ({"queries": [{"query": 5}]}, "queries"),
        ({"queries": [], "alerts": False}, "queries"),
        ({"step": 0}, "step"),
        ({"step": "often"}, "step"),
        ({"backfill_days": 9999}, "backfill_days"),
        ({"allowed_networks": ["10.0.0.0/33"]}, "allowed_networks"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_a_bad_setting_is_named(change: dict[str, Any], field: str) -> None:
    with pytest.raises(ConfigError) as caught:
        PrometheusConnector.clean({"url": "http://prometheus.example:9090", "queries": [{"query": "up"}], **change})
    assert caught.value.field == field
    assert caught.value.message.endswith(".")


def test_cleaning_fills_defaults_and_reads_yaml() -> None:
    document = "- measure: latency_p95\n  unit: s\n  query: histogram_quantile(0.95, x)\n- query: up\n  step: 15\n"
    cleaned = PrometheusConnector.clean({"url": "https://p.example/prom/", "queries": document})
    assert cleaned["url"] == "https://p.example/prom"
    assert cleaned["queries"][1] == {"query": "up", "step": 15}
    assert (cleaned["step"], cleaned["backfill_days"], cleaned["alerts"]) == (60, 30, True)
    assert PrometheusConnector.clean(cleaned) == cleaned


def test_an_error_inside_a_200_is_not_an_empty_answer(upstream: Upstream) -> None:
    upstream.always(json_answer({"status": "error", "error": "x"}))
    with pytest.raises(SourceError, match="another shape") as caught:
        fetch(config(upstream))
    assert caught.value.error_class is ErrorClass.SCHEMA


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
PAIRS = st.lists(st.tuples(JSON, JSON).map(list) | JSON, max_size=4)
SHAPED = st.fixed_dictionaries(
    {}, optional={"metric": JSON, "values": PAIRS, "labels": JSON, "annotations": JSON, "state": JSON, "activeAt": JSON}
)


@patient
@given(st.lists(JSON | SHAPED, max_size=5))
def test_no_json_breaks_the_normalizers(items: list[Any]) -> None:
    records, rejected, _ = read_matrix(items, QUERY, until=at(2**31))
    assert len(records) + len(rejected) <= len(items)
    alerts, refused, _ = read_alerts(items, is_partial=False)
    assert len(alerts) + len(refused) == len(items)
    sightings, _, _ = read_sightings(items, NAMES)
    advance({}, sightings, after=0, until=2**31, step=60, gap=300)
    for record in records:
        assert all(moment.tzinfo is UTC for moment, _ in record.samples)


@patient
@given(st.lists(st.tuples(st.integers(0, 60), st.sampled_from("abc")), max_size=60))
def test_every_place_ends_up_with_one_current_version_that_was_deployed(points: list[tuple[int, str]]) -> None:
    sightings = Sightings()
    place = ("api", "prod")
    for step, version in points:
        sightings.live.setdefault(place, {}).setdefault(step * 60, set()).add(version)
    known: dict[tuple[str, str], Rollout] = {}
    deployments = advance(known, sightings, after=-1, until=10**9, step=60, gap=300)
    assert {version for _, version in points} == {deployment.revision for deployment in deployments}
    assert len({deployment.external_id for deployment in deployments}) == len(deployments)
    if points:
        assert known[place].current == deployments[-1].revision


def test_times_in_records_are_what_iso_says() -> None:
    assert iso(at(0)) == "1970-01-01T00:00:00Z"
