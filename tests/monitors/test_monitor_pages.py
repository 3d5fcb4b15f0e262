"""Pages of monitors and objectives: who may, what they show, what they refuse."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from apps.monitors import services
from apps.monitors.models import Alert, Backtest, Monitor, Silencing, Slo
from apps.monitors.rules import KINDS
from tests.factories import make_feature
from tests.metrics.factories import every, make_series

pytestmark = pytest.mark.django_db


@pytest.fixture
def series() -> Any:
    now = timezone.now()
    return make_series(samples=every(60, [1.0, 20.0, 20.0], until=now), feature=make_feature())


@pytest.fixture
def monitor(series: Any) -> Monitor:
    return services.create_monitor(
        actor=None,
        series=series,
        at=timezone.now(),
        name="Slow answers",
        kind="threshold",
        parameters={"alert": 10.0, "minutes": 2.0},
    )


def _fields(series: Any, **more: Any) -> dict[str, Any]:
    fields = {"name": "Slow", "series": series.pk, "severity": "critical", "renotify_minutes": 0}
    return fields | {"p_direction": "above", "p_alert": 10, "p_minutes": 2, "p_margin": 0, "p_samples": 1} | more


def _new(kind: str = "threshold") -> str:
    return f"{reverse('monitors:monitor-create')}?kind={kind}"


def test_a_monitor_is_set_by_those_who_may(signed_in: Any, author: Any, series: Any) -> None:
    response = signed_in(author).post(_new(), _fields(series))
    monitor = Monitor.objects.get()
    assert response.url == monitor.get_absolute_url()
    assert monitor.parameters == {"direction": "above", "alert": 10.0, "minutes": 2.0, "margin": 0.0, "samples": 1.0}


def test_trying_saves_nothing_and_shows_how_far_it_has_come(signed_in: Any, author: Any, series: Any) -> None:
    client = signed_in(author)
    page = client.post(_new(), _fields(series) | {"try": "1"})
    test = Backtest.objects.get()
    assert f"backtest-{test.pk}" in page.content.decode()
    assert not Monitor.objects.exists()
    services.run_next_backtest(at=timezone.now())
    part = client.get(reverse("monitors:backtest", args=[test.pk])).content.decode()
    assert "would have fired <strong>1 time</strong>" in part
    assert "hx-get" not in part  # it is over and asks no more


@pytest.mark.parametrize("kind", list(KINDS))
def test_every_kind_has_its_form(signed_in: Any, author: Any, kind: str, series: Any) -> None:
    page = signed_in(author).get(_new(kind)).content.decode()
    assert all(one.label in page for one in KINDS[kind].parameters)


def test_a_rule_that_cannot_be_is_refused_in_words(signed_in: Any, author: Any, series: Any) -> None:
    response = signed_in(author).post(_new(), _fields(series, p_warn=99))
    assert response.status_code == 422
    assert "lies beyond its alert level" in response.content.decode()


def test_changing_keeps_what_is_not_changed(signed_in: Any, author: Any, series: Any, monitor: Monitor) -> None:
    client, url = signed_in(author), reverse("monitors:monitor-edit", args=[monitor.pk])
    assert 'value="10.0"' in client.get(url).content.decode()
    client.post(url, _fields(series, p_alert=50))
    monitor.refresh_from_db()
    assert (monitor.name, monitor.parameters["alert"]) == ("Slow", 50.0)


def test_a_monitor_page_shows_rule_state_and_alerts(signed_in: Any, outsider: Any, monitor: Monitor) -> None:
    services.evaluate_due(at=timezone.now())
    page = signed_in(outsider).get(monitor.get_absolute_url()).content.decode()
    assert "Alerting" in page
    assert "20 is above 10" in page
    assert "Switch off" not in page  # only for those who may
    rows = signed_in(outsider).get(reverse("monitors:monitor-list")).content.decode()
    assert "Slow answers" in rows


def test_an_alert_says_what_broke_and_who_looks_at_it(signed_in: Any, author: Any, monitor: Monitor) -> None:
    services.evaluate_due(at=timezone.now())
    alert, client = Alert.objects.get(), signed_in(author)
    page = client.get(alert.get_absolute_url()).content.decode()
    assert "What broke" in page
    assert "Nobody looks at it yet" in page
    client.post(reverse("monitors:alert-acknowledge", args=[alert.pk]), {"note": "On it"})
    page = client.get(alert.get_absolute_url()).content.decode()
    assert f"<strong>{author}</strong> looks at it" in page
    assert "On it" in page


def test_a_mute_is_set_shown_and_ended(signed_in: Any, author: Any, monitor: Monitor) -> None:
    client, now = signed_in(author), timezone.localtime()
    times = {"starts_at": f"{now:%Y-%m-%dT%H:%M}", "ends_at": f"{now + timedelta(hours=2):%Y-%m-%dT%H:%M}"}
    url = reverse("monitors:monitor-mute", args=[monitor.pk])
    assert client.post(url, times | {"reason": "Move"}).url == monitor.get_absolute_url()
    assert "Muted" in client.get(monitor.get_absolute_url()).content.decode()
    client.post(reverse("monitors:mute-lift", args=[Silencing.objects.get().pk]))
    assert "End the mute" not in client.get(monitor.get_absolute_url()).content.decode()
    backwards = {"starts_at": times["ends_at"], "ends_at": times["starts_at"], "reason": "x"}
    assert client.post(url, backwards).status_code == 422


def test_a_mute_that_comes_again_keeps_the_clock_of_its_zone(signed_in: Any, author: Any, monitor: Monitor) -> None:
    client, now = signed_in(author), timezone.localtime()
    begins = now.replace(hour=3, minute=30) + timedelta(days=1)
    asked = {
        "starts_at": f"{begins:%Y-%m-%dT%H:%M}",
        "ends_at": f"{begins + timedelta(hours=2):%Y-%m-%dT%H:%M}",
        "reason": "The index is built",
        "repeats": "weekly",
    }
    url = reverse("monitors:monitor-mute", args=[monitor.pk])
    assert client.post(url, asked).status_code == 422  # it would never end
    assert client.post(url, asked | {"last_day": f"{now + timedelta(days=999):%Y-%m-%d}"}).status_code == 422
    until = {"last_day": f"{now + timedelta(days=60):%Y-%m-%d}"}
    assert client.post(url, asked | until | {"repeats": "cron", "cron": "* * * * *"}).status_code == 422
    assert client.post(url, asked | until | {"repeats": "cron", "cron": "never"}).status_code == 422
    client.post(url, asked | until)
    made = Silencing.objects.get()
    assert (made.schedule, made.minutes) == (f"30 3 * * {begins.isoweekday() % 7}", 120)
    assert made.zone == str(timezone.get_current_timezone())
    assert made.holds(begins + timedelta(weeks=2, hours=1))
    assert not made.holds(begins + timedelta(weeks=2, hours=2))
    assert "120 minutes at a time" in client.get(monitor.get_absolute_url()).content.decode()


def test_an_objective_is_changed_with_a_reason(signed_in: Any, author: Any, series: Any) -> None:
    client = signed_in(author)
    slo = services.create_slo(actor=None, at=timezone.now(), name="F", series=series, limit=1.0, objective=99.0)
    url = reverse("monitors:slo-change", args=[slo.pk])
    assert "Hours that are over stay" in client.get(url).content.decode()
    fields = {"name": "F", "direction": "above", "limit": 1, "objective": 95, "days": 28}
    assert client.post(url, fields).status_code == 422
    assert client.post(url, fields | {"reason": "Too hard"}).url == slo.get_absolute_url()
    page = client.get(slo.get_absolute_url()).content.decode()
    assert "promise in percent 99 became 95" in page
    assert "95% is promised" in page


def test_an_objective_on_events_is_set(signed_in: Any, author: Any, series: Any) -> None:
    client = signed_in(author)
    good, total = (make_series(kind="counter", feature=series.feature, samples=[(timezone.now(), 9)]) for _ in range(2))
    fields = {"name": "Answered", "direction": "above", "objective": 99, "days": 28, "good_series": good.pk}
    assert client.post(reverse("monitors:slo-create"), fields).status_code == 422
    client.post(reverse("monitors:slo-create"), fields | {"total_series": total.pk})
    slo = Slo.objects.get()
    assert (slo.feature, slo.limit) == (series.feature, None)
    assert "All events" in client.get(slo.get_absolute_url()).content.decode()


def test_a_monitor_is_switched_and_removed(signed_in: Any, author: Any, monitor: Monitor) -> None:
    client = signed_in(author)
    client.post(reverse("monitors:monitor-switch", args=[monitor.pk]), {"to": "off"})
    monitor.refresh_from_db()
    assert not monitor.is_enabled
    assert "past alerts stay" in client.get(reverse("monitors:monitor-remove", args=[monitor.pk])).content.decode()
    client.post(reverse("monitors:monitor-remove", args=[monitor.pk]))
    assert not Monitor.objects.exists()


def test_an_objective_is_set_corrected_and_removed(signed_in: Any, author: Any, series: Any) -> None:
    client, now = signed_in(author), timezone.localtime()
    fields = {"name": "Fast", "series": series.pk, "direction": "above", "limit": 2, "objective": 99, "days": 28}
    assert client.post(reverse("monitors:slo-create"), fields | {"series": ""}).status_code == 422
    client.post(reverse("monitors:slo-create"), fields)
    slo = Slo.objects.get()
    assert slo.feature == series.feature
    page = client.get(slo.get_absolute_url()).content.decode()
    assert "Budget used up" in page
    times = {"starts_at": f"{now - timedelta(hours=3):%Y-%m-%dT%H:%M}", "ends_at": f"{now:%Y-%m-%dT%H:%M}"}
    client.post(reverse("monitors:slo-correct", args=[slo.pk]), times | {"reason": "Load test"})
    assert "Load test" in client.get(slo.get_absolute_url()).content.decode()
    assert "Fast" in client.get(reverse("monitors:slo-list")).content.decode()
    client.post(reverse("monitors:slo-remove", args=[slo.pk]))
    assert not Slo.objects.exists()


def test_those_who_only_look_change_nothing(signed_in: Any, outsider: Any, series: Any, monitor: Monitor) -> None:
    services.evaluate_due(at=timezone.now())
    client, pk = signed_in(outsider), monitor.pk
    slo = services.create_slo(actor=None, at=timezone.now(), name="F", series=series, limit=1.0, objective=99.0)
    writes = [
        _new(),
        *(reverse(f"monitors:monitor-{verb}", args=[pk]) for verb in ("edit", "switch", "mute", "remove")),
        *(reverse(f"monitors:slo-{verb}", args=[slo.pk]) for verb in ("change", "correct", "remove")),
        reverse("monitors:slo-create"),
        reverse("monitors:alert-acknowledge", args=[Alert.objects.get().pk]),
        reverse("monitors:mute-lift", args=[1]),
    ]
    assert [client.post(url, {}).status_code for url in writes] == [403] * len(writes)


def test_what_only_writes_refuses_to_be_read(signed_in: Any, author: Any, monitor: Monitor) -> None:
    client = signed_in(author)
    urls = [
        reverse("monitors:monitor-switch", args=[monitor.pk]),
        reverse("monitors:mute-lift", args=[1]),
        reverse("monitors:alert-acknowledge", args=[1]),
    ]
    assert [client.get(url).status_code for url in urls] == [405] * 3


def test_the_list_costs_the_same_for_many(
    signed_in: Any, outsider: Any, monitor: Monitor, series: Any, django_assert_max_num_queries: Any
) -> None:
    client = signed_in(outsider)
    client.get(reverse("monitors:monitor-list"))
    for place in range(12):
        services.create_monitor(
            actor=None,
            series=series,
            at=timezone.now(),
            name=f"Another {place}",
            kind="no_data",
            parameters={"alert": 30},
        )
    with django_assert_max_num_queries(8):
        client.get(reverse("monitors:monitor-list"))
