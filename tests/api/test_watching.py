"""Monitors, objectives and alerts over the API."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from apps.events.models import Event
from apps.monitors import services
from apps.monitors.models import Alert, Monitor
from tests.api.asking import error_of, make_token, send
from tests.factories import make_feature
from tests.metrics.factories import every, make_series

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _fresh_minute() -> None:
    cache.clear()


@pytest.fixture
def series() -> Any:
    return make_series(samples=every(60, [20.0, 20.0], until=timezone.now()), feature=make_feature(slug="search"))


def _wanted(watched: Any, **more: Any) -> dict[str, Any]:
    return {"name": "Slow", "series": watched.pk, "kind": "threshold", "parameters": {"alert": 10}} | more


def _get(path: str, token: str) -> Any:
    return Client().get(f"/api/v1/{path}", headers={"Authorization": f"Bearer {token}"})


def _patch(path: str, body: Any, token: str) -> Any:
    headers = {"Authorization": f"Bearer {token}"}
    return Client().patch(f"/api/v1/{path}", json.dumps(body), content_type="application/json", headers=headers)


def test_a_monitor_is_set_read_and_its_alert_acknowledged(author: Any, series: Any) -> None:
    token = make_token(author, "read", "watch")
    made = send("monitors", _wanted(series), token=token).json()
    assert (made["state"], made["feature"]) == ("not_evaluated", "search")
    services.evaluate_due(at=timezone.now())
    assert _get(f"monitors/{made['id']}", token).json()["state"] == "alerting"
    assert [one["id"] for one in _get("monitors", token).json()["items"]] == [made["id"]]
    alert = _get("alerts?open_only=true", token).json()["items"][0]
    assert alert["monitor"] == made["id"]
    told = send(f"alerts/{alert['id']}/acknowledge", {"note": "On it"}, token=token).json()
    assert told["acknowledged_by"] == str(author)
    assert send(f"alerts/{alert['id']}/acknowledge", token=token).json() == told
    assert _get(f"alerts/{alert['id']}", token).json()["inputs"]["value"] == 20


def test_objectives_are_read_with_their_budget(author: Any, series: Any) -> None:
    slo = services.create_slo(actor=None, at=timezone.now(), name="Fast", series=series, limit=30.0, objective=99.0)
    token = make_token(author, "read")
    assert _get("objectives", token).json()["items"][0]["budget_left"] == 1.0
    assert _get(f"objectives/{slo.pk}", token).json()["state"] == "within"


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"series": 10**6}, "series"),
        ({"series": "x"}, "series"),
        ({"kind": "wishes"}, "kind"),
        ({"parameters": {}}, "parameters"),
        ({"parameters": {"alert": "much"}}, "parameters"),
        ({"parameters": {"alert": 1, "wish": 2}}, "parameters"),
        ({"name": ""}, "name"),
        ({"severity": "loud"}, "name"),
        ({"renotify_minutes": -1}, "renotify_minutes"),
    ],
)
def test_what_makes_no_monitor_is_refused_with_its_field(
    author: Any, series: Any, wrong: dict[str, Any], field: str
) -> None:
    response = send("monitors", _wanted(series, **wrong), token=make_token(author, "watch"))
    assert response.status_code == 422
    assert error_of(response)["field"] == field
    assert not Monitor.objects.exists()


def test_reading_is_no_right_to_write(author: Any, series: Any) -> None:
    token = make_token(author, "read")
    assert send("monitors", _wanted(series), token=token).status_code == 403
    assert send("alerts/1/acknowledge", token=token).status_code == 403
    assert _get("monitors", make_token(author, "watch")).status_code == 403
    assert Client().get("/api/v1/alerts").status_code == 401


def test_what_is_not_there_is_a_404(author: Any) -> None:
    token = make_token(author, "read", "watch")
    found = [_get(f"{noun}/999", token).status_code for noun in ("monitors", "objectives", "alerts")]
    assert [*found, send("alerts/999/acknowledge", token=token).status_code] == [404] * 4
    assert not Alert.objects.exists()


def test_an_objective_is_set_changed_with_a_reason_and_read(author: Any, series: Any) -> None:
    token = make_token(author, "read", "watch")
    wanted = {"name": "Fast", "series": series.pk, "limit": 30, "objective": 99}
    made = send("objectives", wanted, token=token).json()
    assert (made["days"], made["bad"], made["feature"], made["budget_left"]) == (28, "above", "search", 1.0)
    change = {"objective": 99.5, "limit": 10, "reason": "It was too easy"}
    changed = _patch(f"objectives/{made['id']}", change, token).json()
    assert (changed["objective"], changed["limit"], changed["name"]) == (99.5, 10.0, "Fast")
    assert _patch(f"objectives/{made['id']}", change, token).json() == changed
    told = Event.objects.get(kind="monitors:slo:changed")
    assert told.detail == "It was too easy"
    assert "promise in percent 99 became 99.5, limit 30 became 10" in told.title


def test_an_objective_on_events_is_set(author: Any, series: Any) -> None:
    good, total = make_series(kind="counter"), make_series(kind="counter", feature=series.feature)
    wanted = {"name": "Answered", "good_series": good.pk, "total_series": total.pk, "objective": 99.0, "days": 7}
    made = send("objectives", wanted, token=make_token(author, "read", "watch")).json()
    assert (made["good_series"], made["total_series"], made["limit"], made["bad"]) == (good.pk, total.pk, None, None)
    assert (made["feature"], made["state"]) == ("search", "not_measured")


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"series": 10**6}, "series"),
        ({"limit": "much"}, "limit"),
        ({"limit": None}, "limit"),
        ({"objective": 100}, "objective"),
        ({"days": 91}, "days"),
        ({"bad": "beside"}, "bad"),
        ({"name": " "}, "name"),
        ({"pipeline": 1}, "series"),
        ({"wish": 1}, "series"),
    ],
)
def test_an_objective_that_cannot_be_is_refused(author: Any, series: Any, wrong: dict[str, Any], field: str) -> None:
    wanted = {"name": "Fast", "series": series.pk, "limit": 30, "objective": 99} | wrong
    answer = send("objectives", wanted, token=make_token(author, "watch"))
    assert (answer.status_code, error_of(answer)["field"]) == (422, field)


def test_an_objective_is_not_changed_without_a_reason_or_the_right(author: Any, series: Any) -> None:
    slo = services.create_slo(actor=None, at=timezone.now(), name="Fast", series=series, limit=30.0, objective=99.0)
    path = f"objectives/{slo.pk}"
    answer = _patch(path, {"objective": 90}, make_token(author, "watch"))
    assert (answer.status_code, error_of(answer)["field"]) == (422, "reason")
    told = {"objective": 90, "reason": "x"}
    assert _patch(path, told, make_token(author, "read")).status_code == 403
    assert _patch(path, told | {"series": 1}, make_token(author, "watch")).status_code == 422
