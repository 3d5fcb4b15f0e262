"""Guarded rollouts: an alert stops one in the transaction that opens it, and only healthy time lets it grow."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from apps.accounts.models import AuditEntry
from apps.events.models import Event
from apps.metrics.models import Sample, Series
from apps.monitors import services
from apps.monitors.models import Alert, Monitor, MonitorCondition, Slo
from apps.monitors.services.guarding import tell_rollouts_of_slo
from apps.prompts import services as prompts
from apps.prompts.finding import find_by_label
from apps.prompts.guarding import FRESH, Judgement, healthy_seconds, obstacle
from apps.prompts.models import LabelRollout, Prompt, RolloutWatch
from apps.prompts.services.change_requests import ChangeConflictError, ChangeInvalidError, ChangeNotAllowedError
from apps.prompts.status import OnAlert
from tests.api.asking import make_token
from tests.factories import make_feature, make_source
from tests.metrics.factories import make_series
from tests.prompts.changes.steps import approve, make_policy, propose
from tests.prompts.changes.test_races import at_once, refusals
from tests.prompts.serving import make_prompt

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


@pytest.fixture
def at() -> datetime:
    return timezone.now().replace(microsecond=0)


@pytest.fixture
def prompt(db) -> Prompt:
    source = make_source(slug="mlflow", name="MLflow")
    made = make_prompt("search/answers", versions=3, source=source, labels={"production": 1})
    Prompt.objects.filter(pk=made.pk).update(feature=make_feature(slug="search", name="Search"))
    return Prompt.objects.get(pk=made.pk)


@pytest.fixture
def monitor(prompt, at) -> Monitor:
    series = make_series(feature=prompt.feature, samples=[(at - 2 * MINUTE, 1.0), (at - MINUTE, 1.0), (at, 1.0)])
    rule = {"kind": "threshold", "parameters": {"alert": 10, "warn": 8, "minutes": 2}}
    made = services.create_monitor(actor=None, series=series, at=at, name="Slow answers", **rule)
    services.evaluate_due(at=at)
    return made


def measure(series: Series, at: datetime, *values: float) -> None:
    """Samples a minute apart, the last at `at`, and the judgement of them."""
    for row, value in enumerate(values):
        Sample.objects.create(series_id=series.pk, at=at - MINUTE * (len(values) - 1 - row), value=value)
    MonitorCondition.objects.update(due_at=at)
    services.evaluate_due(at=at)


def roll(prompt: Prompt, actor: Any, at: datetime, percent: int = 10, **how: Any) -> LabelRollout | None:
    label = prompt.labels_now.get()
    return services.roll_out(label_id=label.pk, number=2, percent=percent, actor=actor, at=at, **how)


def watch() -> RolloutWatch:
    return RolloutWatch.objects.get()


def served(prompt: Prompt) -> int:
    """The percent that get the other version, as serving has it."""
    found = find_by_label(name=prompt.name, label="production", source="mlflow")
    return found.percent if found.other else 0


def test_a_rollout_is_guarded_by_what_watches_its_feature(prompt, monitor, author, at):
    slo = services.create_slo(actor=None, at=at, name="Fast", feature=prompt.feature, series=monitor.series,
                              limit=5.0, objective=90.0)  # fmt: skip
    roll(prompt, author, at)
    assert {one.key for one in watch().guards.all()} == {f"monitor:{monitor.pk}", f"objective:{slo.pk}"}
    assert AuditEntry.objects.get(action="prompt:roll-out").after["guards"]


@pytest.mark.parametrize(("on_alert", "state", "percent"), [("return", "returned", 0), ("halt", "halted", 10)])
def test_an_alert_stops_the_rollout_and_says_why(prompt, monitor, author, at, on_alert, state, percent):
    roll(prompt, author, at, on_alert=OnAlert(on_alert))
    measure(monitor.series, at + 5 * MINUTE, 20, 20, 20)
    assert (watch().state, served(prompt)) == (state, percent)
    alert = Alert.objects.get()
    event = Event.objects.get(kind=f"prompts:rollout:{state}")
    assert (event.data["guard"], event.data["alert_id"]) == (f"monitor:{monitor.pk}", alert.pk)
    assert event.tone == "bad"
    assert "Slow answers" in watch().stopped_why
    assert AuditEntry.objects.get(action="prompt:stop-rollout").actor is None
    measure(monitor.series, at + 8 * MINUTE, 20, 20, 20)
    assert Event.objects.filter(kind__startswith=f"prompts:rollout:{state}").count() == 1, "told once"
    with pytest.raises(ChangeConflictError, match="An alert stopped"):
        roll(prompt, author, at + 9 * MINUTE, 50)


def test_a_judgement_that_is_undone_undoes_the_stop(prompt, monitor, author, at, monkeypatch):
    roll(prompt, author, at)

    def broken(**_: Any) -> None:
        raise RuntimeError

    monkeypatch.setattr("apps.prompts.services.guards.record_audit", broken)
    measure(monitor.series, at + 5 * MINUTE, 20, 20, 20)
    assert (watch().state, served(prompt)) == ("running", 10)
    assert not Alert.objects.exists()
    assert watch().guards.get().health == "unknown", "what could not be evaluated is not healthy"


def test_a_used_up_error_budget_stops_it_as_well(prompt, monitor, author, at):
    slo = services.create_slo(actor=None, at=at, name="Fast", feature=prompt.feature, series=monitor.series,
                              limit=5.0, objective=90.0)  # fmt: skip
    roll(prompt, author, at, guards=[f"objective:{slo.pk}"])
    Slo.objects.update(state="exhausted")
    tell_rollouts_of_slo(slo=Slo.objects.get(), at=at + MINUTE)
    assert watch().state == "returned"
    assert Event.objects.get(kind="prompts:rollout:returned").data["alert_id"] is None


def test_a_muted_monitor_stops_nothing_and_lets_nothing_grow(prompt, monitor, author, at):
    roll(prompt, author, at, soak_minutes=0)
    services.silence(monitor=monitor, actor=author, reason="Disks.", starts_at=at, ends_at=at + 60 * MINUTE, at=at)
    measure(monitor.series, at + 5 * MINUTE, 20, 20, 20)
    assert watch().state == "running"
    with pytest.raises(ChangeConflictError, match="muted"):
        roll(prompt, author, at + 6 * MINUTE, 50)


def test_it_grows_only_after_healthy_minutes(prompt, monitor, author, at):
    roll(prompt, author, at, soak_minutes=10)
    measure(monitor.series, at + 4 * MINUTE, 1)
    with pytest.raises(ChangeConflictError, match="healthy for 4 of the 10 minutes"):
        roll(prompt, author, at + 4 * MINUTE, 50)
    measure(monitor.series, at + 7 * MINUTE, 9, 9, 9)
    with pytest.raises(ChangeConflictError, match="not healthy"):
        roll(prompt, author, at + 14 * MINUTE, 50)
    measure(monitor.series, at + 14 * MINUTE, 1, 1, 1)
    with pytest.raises(ChangeConflictError, match="healthy for 8 of the 10 minutes"):
        roll(prompt, author, at + 15 * MINUTE, 50)
    measure(monitor.series, at + 18 * MINUTE, 1)
    assert roll(prompt, author, at + 18 * MINUTE, 50)
    assert watch().healthy == 0
    assert roll(prompt, author, at + 18 * MINUTE, 20), "shrinking needs no health"


def test_what_is_not_evaluated_lets_nothing_grow(prompt, monitor, author, at):
    roll(prompt, author, at, soak_minutes=0)
    with pytest.raises(ChangeConflictError, match="is not evaluated now"):
        roll(prompt, author, at + FRESH + MINUTE, 50)
    measure(monitor.series, at + 12 * MINUTE, 1)
    services.switch_monitor(monitor_id=monitor.pk, is_enabled=False, actor=author, at=at + 12 * MINUTE)
    with pytest.raises(ChangeConflictError, match="is not evaluated now"):
        roll(prompt, author, at + 12 * MINUTE, 50)
    roll(prompt, author, at + 12 * MINUTE, guards=[])
    with pytest.raises(ChangeConflictError, match="is not evaluated now"):
        roll(prompt, author, at + 12 * MINUTE, 50, guards=[f"monitor:{monitor.pk}"])
    assert roll(prompt, author, at + 12 * MINUTE, 0) is None


def test_nothing_begins_under_a_guard_that_alerts(prompt, monitor, author, at):
    measure(monitor.series, at + 3 * MINUTE, 20, 20, 20)
    with pytest.raises(ChangeConflictError, match="alerts now"):
        roll(prompt, author, at + 4 * MINUTE)
    assert roll(prompt, author, at + 4 * MINUTE, guards=[])
    with pytest.raises(ChangeInvalidError):
        roll(prompt, author, at + 4 * MINUTE, guards=["monitor:999999"])
    with pytest.raises(ChangeInvalidError):
        roll(prompt, author, at + 4 * MINUTE, guards=["x"])


def test_a_person_resumes_with_a_reason_or_ends_it(prompt, monitor, author, outsider, at):
    roll(prompt, author, at, soak_minutes=10)
    label = prompt.labels_now.get().pk
    with pytest.raises(ChangeConflictError, match="No alert has stopped it"):
        prompts.resume_rollout(label_id=label, actor=author, reason="?", at=at)
    measure(monitor.series, at + 5 * MINUTE, 20, 20, 20)
    with pytest.raises(ChangeNotAllowedError):
        prompts.resume_rollout(label_id=label, actor=outsider, reason="x", at=at)
    with pytest.raises(ChangeInvalidError):
        prompts.resume_rollout(label_id=label, actor=author, reason=" ", at=at)
    with pytest.raises(ChangeConflictError, match="still alerts"):
        prompts.resume_rollout(label_id=label, actor=author, reason="x", at=at)
    prompts.resume_rollout(label_id=label, actor=author, reason="A load test.", drops_alerting=True, at=at + 6 * MINUTE)
    assert (watch().state, watch().guards.count(), served(prompt)) == ("running", 0, 10)
    event = Event.objects.get(kind="prompts:rollout:resumed")
    assert (event.detail, event.data["dropped"]) == ("A load test.", ["Slow answers"])
    prompts.return_rollout(label_id=label, actor=author, reason="Worse.", at=at + 7 * MINUTE)
    assert not LabelRollout.objects.exists()
    assert Event.objects.filter(kind="prompts:rollout:changed").latest("id").detail == "Worse."
    with pytest.raises(ChangeConflictError, match="any more"):
        prompts.return_rollout(label_id=label, actor=author, reason="Twice.", at=at)


def test_another_version_begins_with_a_new_watch(prompt, monitor, author, at):
    roll(prompt, author, at)
    measure(monitor.series, at + 5 * MINUTE, 20, 20, 20)
    measure(monitor.series, at + 10 * MINUTE, 1, 1, 1)
    label = prompt.labels_now.get()
    services.roll_out(label_id=label.pk, number=3, percent=5, actor=author, at=at + 11 * MINUTE)
    assert (watch().state, watch().stopped_why, watch().guards.get().health) == ("running", "", "healthy")


def test_the_change_request_shows_how_its_rollout_stands(prompt, monitor, author, approver, signed_in, at):
    make_policy(minimum_approvals=1)
    change = propose(prompt, author, 2, at=at)
    approve(change, approver, at=at)
    roll(prompt, author, at)
    measure(monitor.series, at + 5 * MINUTE, 20, 20, 20)
    html = signed_in(author).get(change.get_absolute_url()).content.decode()
    assert "Returned by an alert" in html
    assert "Slow answers" in html


def test_pages_show_the_guards_and_what_can_be_done(prompt, monitor, author, outsider, signed_in, at):
    label = prompt.labels_now.get()
    form = reverse("monitors:rollout-change", args=[label.pk])
    client = signed_in(author)
    assert "Slow answers (monitor of Search)" in client.get(form).content.decode()
    key = f"monitor:{monitor.pk}"
    told = {"number": 2, "percent": 25, "guards": [key], "on_alert": "halt", "soak_minutes": 5}
    assert client.post(form, told, follow=True).status_code == 200
    assert client.post(form, told | {"on_alert": "explode"}).status_code == 422
    assert "selected" in client.get(form).content.decode()
    card = reverse("prompts:prompt-rollouts", args=[prompt.pk])
    assert "It cannot grow yet" in client.get(card).content.decode()
    refused = client.post(form, told | {"percent": 50})
    assert (refused.status_code, "It cannot grow yet" in refused.content.decode()) == (422, True)
    measure(monitor.series, timezone.now() + 2 * MINUTE, 20, 20, 20)
    html = client.get(prompt.get_absolute_url()).content.decode()
    assert "Halted by an alert" in html
    assert "Go on with a reason" in html
    resume = reverse("prompts:rollout-resume", args=[label.pk])
    end = reverse("prompts:rollout-return", args=[label.pk])
    assert "alerts" in client.get(resume).content.decode()
    refused = client.post(resume, {"reason": "x"})
    assert (refused.status_code, "still alerts" in refused.content.decode()) == (422, True)
    assert client.post(resume, {"reason": ""}).status_code == 422
    assert client.post(resume, {"reason": "x", "drops_alerting": "on"}).status_code == 302
    assert client.post(card).status_code == 405
    viewer = signed_in(outsider)
    assert "Go on with a reason" not in viewer.get(card).content.decode()
    for url in (resume, end, form):
        assert viewer.get(url).status_code == 403
        assert viewer.post(url, {"reason": "x"}).status_code == 403
    assert signed_in(author).post(end, {"reason": "Worse."}, follow=True).status_code == 200
    assert client.get(end).status_code == 404


def test_a_rollout_can_be_driven_over_the_api(prompt, monitor, author, outsider, at):
    headers = {"Authorization": f"Bearer {make_token(author, 'changes:write', 'read')}"}
    body = {"prompt": prompt.name, "source": "mlflow", "label": "production", "version": 2, "percent": 20}

    def post(path: str, body: dict[str, Any]) -> Any:
        return Client().post(f"/api/v1/rollouts{path}", body, content_type="application/json", headers=headers)

    made = post("", body | {"on_alert": "halt"}).json()
    assert (made["percent"], made["state"], made["guards"][0]["key"]) == (20, "running", f"monitor:{monitor.pk}")
    path = f"/{made['id']}"
    measure(monitor.series, timezone.now() + 3 * MINUTE, 20, 20, 20)
    told = Client().get(f"/api/v1/rollouts{path}", headers=headers).json()
    assert (told["state"], "Slow answers" in told["stopped_why"]) == ("halted", True)
    assert len(Client().get("/api/v1/rollouts", headers=headers).json()["items"]) == 1
    assert post("", body | {"percent": 40}).status_code == 409
    assert post(f"{path}/resume", {"reason": "x"}).status_code == 409
    assert post(f"{path}/resume", {"reason": "x", "drops_alerting": True}).json()["state"] == "running"
    assert post(f"{path}/return", {"reason": "Worse."}).json() == {"id": made["id"], "state": "over"}
    assert post(f"{path}/return", {"reason": "Worse."}).status_code == 404
    assert post("", body | {"label": "nowhere"}).status_code == 404
    assert post("", body | {"guards": ["monitor:0"]}).status_code == 422
    reader = {"Authorization": f"Bearer {make_token(outsider, 'read')}"}
    assert Client().post("/api/v1/rollouts", body, content_type="application/json", headers=reader).status_code == 403


@pytest.mark.django_db(transaction=True)
def test_an_alert_and_a_step_at_the_same_moment_end_stopped(transactional_db, author):
    """Whichever comes first: the share never grows past an alert that was there before."""
    for turn in range(4):
        at = timezone.now()
        source = make_source(slug=f"mlflow-{turn}")
        prompt = make_prompt(f"p{turn}", versions=2, source=source, labels={"production": 1})
        series = make_series(feature=make_feature(), samples=[(at - MINUTE, 1.0), (at, 1.0)])
        rule = {"kind": "threshold", "parameters": {"alert": 10, "minutes": 1}}
        monitor = services.create_monitor(actor=None, series=series, at=at, name="Slow", **rule)
        services.evaluate_due(at=at)
        how = {"guards": [f"monitor:{monitor.pk}"], "on_alert": OnAlert.HALT if turn % 2 else OnAlert.RETURN}
        roll(prompt, author, at, **how)
        for minute in (1, 2, 3):
            Sample.objects.create(series_id=series.pk, at=at + minute * MINUTE, value=20.0)
        MonitorCondition.objects.update(due_at=at)
        later = at + 3 * MINUTE
        at_once(lambda: services.evaluate_due(at=later), lambda: _step(prompt, author, later))  # noqa: B023
        MonitorCondition.objects.update(due_at=at)
        services.evaluate_due(at=later)  # whoever held the row kept the monitor from its turn
        rollout = LabelRollout.objects.get(label__prompt=prompt)
        assert rollout.watch.state == ("halted" if turn % 2 else "returned")
        assert rollout.watch.stopped_percent in (10, 40)


def _step(prompt: Prompt, actor: Any, at: datetime) -> Any:
    return services.roll_out(label_id=prompt.labels_now.get().pk, number=2, percent=40, actor=actor, at=at)


@pytest.mark.django_db(transaction=True)
def test_a_rollout_that_begins_while_its_guard_alerts_is_refused_or_stopped(transactional_db, author):
    for turn in range(4):
        at = timezone.now()
        source = make_source(slug=f"mlflow-{turn}")
        prompt = make_prompt(f"p{turn}", versions=2, source=source, labels={"production": 1})
        series = make_series(feature=make_feature(), samples=[(at - MINUTE, 20.0), (at, 20.0)])
        rule = {"kind": "threshold", "parameters": {"alert": 10, "minutes": 1}}
        monitor = services.create_monitor(actor=None, series=series, at=at, name="Slow", **rule)
        keys = [f"monitor:{monitor.pk}"]
        answers = at_once(
            lambda: services.evaluate_due(at=at),  # noqa: B023
            lambda: roll(prompt, author, at, guards=keys),  # noqa: B023
        )
        services.evaluate_due(at=at)
        found = LabelRollout.objects.filter(label__prompt=prompt).first()
        assert refusals(answers) == 1 if found is None else found.watch.state == "returned"


ATS = st.integers(min_value=0, max_value=60)


@given(st.lists(st.tuples(st.sampled_from(["healthy", "unhealthy", "unknown"]), ATS), max_size=4), ATS, ATS)
def test_healthy_time_is_never_more_than_the_time_that_passed(said, since, passed):
    start = datetime(2026, 11, 24, 12, tzinfo=timezone.get_default_timezone())
    judged = [Judgement(name="m", health=health, why="", at=start + minute * MINUTE) for health, minute in said]
    begin = start + since * MINUTE
    found = healthy_seconds(before=0, since=begin, judgements=judged, at=begin + passed * MINUTE)
    assert 0 <= found <= passed * 60
    if any(one.health != "healthy" for one in judged):
        assert found == 0
        assert obstacle(judgements=judged, healthy=1e9, soak=0, at=begin + passed * MINUTE)
