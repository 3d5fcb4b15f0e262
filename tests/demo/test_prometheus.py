"""The demo's Prometheus answers as the real one does."""

from __future__ import annotations

from typing import Any

import pytest

from apps.demo.server import create_app
from apps.demo.servers.rulebook import scientific
from apps.demo.servers.series import METRIC_NAMES
from apps.demo.world import incidents
from apps.demo.world.dice import DAY, HOUR, World
from tests.demo.asking import ask

API = "/prometheus/api/v1"
WAIT = "feature:latency_seconds:p95"


def refusal(app: Any, **params: Any) -> tuple[int, str]:
    answer = ask(app, f"{API}/query_range", **params)
    assert set(answer.data) == {"status", "errorType", "error"}
    assert (answer.data["status"], answer.data["errorType"]) == ("error", "bad_data")
    return answer.status, answer.data["error"]


def test_an_instant_query_is_a_vector_of_texts(app: Any, now: int) -> None:
    answer = ask(app, f"{API}/query", query=WAIT)
    assert (answer.status, answer.kind) == (200, "application/json")
    assert set(answer.data) == {"status", "data"}
    data = answer.data["data"]
    assert list(data) == ["resultType", "result"]
    assert (data["resultType"], len(data["result"])) == ("vector", 8)
    for item in data["result"]:
        assert list(item) == ["metric", "value"]
        assert list(item["metric"]) == ["__name__", "environment", "feature", "model"]
        assert item["value"][0] == now
        assert isinstance(item["value"][1], str)
        assert float(item["value"][1]) > 0


def test_a_range_has_a_point_a_step_both_ends_included(app: Any, now: int) -> None:
    answer = ask(app, f"{API}/query_range", query=f'{WAIT}{{feature="fraud-notes"}}', start=now - 600, end=now, step=60)
    (item,) = answer.data["data"]["result"]
    assert list(item) == ["metric", "values"]
    assert [at for at, _ in item["values"]] == list(range(now - 600, now + 1, 60))


def test_times_with_a_fraction_keep_it(app: Any, now: int) -> None:
    answer = ask(app, f"{API}/query_range", query="up", start=now - 10.0466, end=now, step="5s")
    assert answer.data["data"]["result"][0]["values"][0] == [now - 10.047, "1"]


def test_a_question_in_a_form_is_answered_too(app: Any) -> None:
    posted = ask(app, f"{API}/query", form={"query": "up"})
    assert posted.data == ask(app, f"{API}/query", query="up").data


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("no_such_metric", 0),
        (f'{WAIT}{{feature="clause-finder"}}', 1),
        (f'{WAIT}{{feature!="clause-finder"}}', 7),
        (f'{WAIT}{{feature=~"clause-.*|fraud-notes"}}', 2),
        (f'{WAIT}{{feature!~"clause-.*", environment="production",}}', 7),
        (f'{{__name__="{WAIT}", model="small-4"}}', 2),
        (f'{WAIT}{{environment="staging"}}', 0),
        ("feature:thumbs_up:ratio", 7),
        ('feature_client:requests:rate5m{feature="search-answers"}', 2),
    ],
)
def test_matchers_choose_series(app: Any, query: str, count: int) -> None:
    assert len(ask(app, f"{API}/query", query=query).data["data"]["result"]) == count


def test_every_measure_has_series(app: Any) -> None:
    names = ask(app, f"{API}/label/__name__/values").data["data"]
    assert set(METRIC_NAMES.values()) | {"app_build_info", "up"} <= set(names)
    assert names == sorted(names)


@pytest.mark.parametrize(
    ("params", "sentence"),
    [
        (
            {"query": "up{", "step": 1},
            'invalid parameter "query": 1:4: parse error: unexpected end of input inside braces',
        ),
        ({"query": "rate(up[5m])", "step": 1}, "plain selectors only"),
        ({"query": "{}", "step": 1}, "must contain at least one non-empty matcher"),
        ({"query": 'up{job=~"("}', "step": 1}, "error parsing regexp"),
        ({"query": "up", "step": 0}, 'invalid parameter "step": zero or negative query resolution step widths'),
        ({"query": "up", "step": "soon"}, 'invalid parameter "step": cannot parse "soon" to a valid duration'),
        ({"query": "up", "step": 1, "start": "x"}, 'invalid parameter "start": cannot parse "x" to a valid timestamp'),
        ({"query": "up", "step": 1, "start": 9e9}, 'invalid parameter "end": end timestamp must not be before'),
        ({"query": "up", "step": 1, "start": 0}, "exceeded maximum resolution of 11,000 points per timeseries."),
    ],
)
def test_a_bad_question_is_refused_as_prometheus_does(
    app: Any, now: int, params: dict[str, Any], sentence: str
) -> None:
    status, error = refusal(app, **({"start": now - 60, "end": now} | params))
    assert status == 400
    assert sentence in error


def test_an_unknown_path_is_plain_text(app: Any) -> None:
    answer = ask(app, f"{API}/nope")
    assert (answer.status, answer.kind, answer.text) == (404, "text/plain; charset=utf-8", "404 page not found\n")


def test_there_is_nothing_from_the_future_or_before_the_retention(app: Any, now: int) -> None:
    for start in (now + HOUR, now - 90 * DAY):
        answer = ask(app, f"{API}/query_range", query="up", start=start, end=start + HOUR, step=60)
        assert answer.data["data"]["result"] == []


def test_numbers_are_missing_now_and_then(app: Any, now: int) -> None:
    answer = ask(app, f"{API}/query_range", query=WAIT, start=now - 30 * DAY, end=now, step=300)
    lengths = [len(item["values"]) for item in answer.data["data"]["result"]]
    assert min(lengths) < 30 * 288 + 1
    assert min(lengths) > 0.97 * 30 * 288


def test_exactly_one_version_runs_in_a_place_at_a_time(app: Any, now: int) -> None:
    query = 'app_build_info{component="catalog-api"}'
    answer = ask(app, f"{API}/query_range", query=query, start=now - 10 * DAY, end=now, step=600)
    points = [(item["metric"]["environment"], at) for item in answer.data["data"]["result"] for at, _ in item["values"]]
    assert len(points) == len(set(points)) == 2 * (10 * 144 + 1)
    labels = {tuple(item["metric"]) for item in answer.data["data"]["result"]}
    assert labels == {("__name__", "component", "environment", "revision", "version")}
    assert len(answer.data["data"]["result"]) == len({str(item["metric"]) for item in answer.data["data"]["result"]})


def during_trouble() -> tuple[Any, incidents.Incident]:
    found = incidents.incidents_between(World(seed=7), 1_795_400_000, 1_795_470_000)
    incident = next(one for one in found if one.kind in ("provider_slow", "pool", "slow"))
    return create_app(seed=7, clock=lambda: incident.starts_at + 420), incident


def test_an_alert_names_its_feature_and_promise() -> None:
    app, incident = during_trouble()
    alerts = ask(app, f"{API}/alerts").data["data"]["alerts"]
    alert = next(one for one in alerts if one["labels"]["feature"] == incident.feature)
    assert list(alert) == ["labels", "annotations", "state", "activeAt", "value"]
    assert list(alert["labels"]) == ["alertname", "environment", "feature", "model", "severity", "team"]
    assert set(alert["annotations"]) == {"runbook_url", "summary"}
    assert alert["state"] == "firing"
    assert "promised" in alert["annotations"]["summary"]
    assert float(alert["value"]) > 1


def test_rules_carry_their_alerts() -> None:
    app, _ = during_trouble()
    groups = ask(app, f"{API}/rules").data["data"]["groups"]
    keys = ["name", "file", "rules", "interval", "limit", "evaluationTime", "lastEvaluation"]
    assert [list(group) for group in groups] == [keys, keys]
    recording, alerting = groups[0]["rules"][0], groups[1]["rules"][0]
    assert list(recording) == ["name", "query", "health", "evaluationTime", "lastEvaluation", "type"]
    assert list(alerting) == [
        "state", "name", "query", "duration", "keepFiringFor", "labels", "annotations", "alerts",
        "health", "evaluationTime", "lastEvaluation", "type",
    ]  # fmt: skip
    firing = [alert for rule in groups[1]["rules"] for alert in rule["alerts"]]
    assert firing == ask(app, f"{API}/alerts").data["data"]["alerts"]
    assert len(ask(app, f"{API}/rules", type="alert").data["data"]["groups"]) == 1


def test_build_information_names_a_version(app: Any) -> None:
    data = ask(app, f"{API}/status/buildinfo").data["data"]
    assert list(data) == ["version", "revision", "branch", "buildUser", "buildDate", "goVersion"]


@pytest.mark.parametrize(
    ("value", "text"), [(6.0, "6e+00"), (4.13, "4.13e+00"), (0.0172, "1.72e-02"), (0.0, "0e+00"), (120.0, "1.2e+02")]
)
def test_an_alerts_value_is_written_like_go_does(value: float, text: str) -> None:
    assert scientific(value) == text
