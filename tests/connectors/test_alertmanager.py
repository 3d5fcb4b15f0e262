"""Alertmanager: alerts that resolve by absence, what keeps them quiet, silences as changes, and its webhook."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.connectors.errors import ConfigError, ErrorClass, SourceError
from apps.connectors.providers.alertmanager.connector import AlertmanagerConnector
from apps.connectors.providers.alertmanager.normalize import complete_listing, knows_all_alerts, read_alerts
from apps.connectors.providers.alertmanager.silences import read_silences
from apps.connectors.providers.alertmanager.webhook import read as read_delivery
from apps.connectors.records import AlertRecord, AlertState, Batch, ChangeRecord
from apps.connectors.webhook import WebhookError
from tests.connectors.conftest import ask, patient
from tests.connectors.test_prometheus import JSON
from tests.connectors.upstream import Answer, Request, Upstream, json_answer
from tests.connectors.worlds import World, iso

BASE = "https://alertmanager.example"
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


@dataclass
class AlertmanagerWorld(World):
    """Alerts and silences as the API gives them; `closed` are paths that answer 403."""

    alerts: list[Any] = field(default_factory=list)
    silences: list[Any] = field(default_factory=list)
    cluster: str = "disabled"
    up_for: timedelta = timedelta(days=1)
    closed: tuple[str, ...] = ()

    def add_alert(self, fingerprint: str, **more: Any) -> dict[str, Any]:
        alert = {
            "annotations": {"summary": "answers take 4 s"},
            "endsAt": iso(self.clock + timedelta(minutes=4)),
            "fingerprint": fingerprint,
            "receivers": [{"name": "oncall"}],
            "startsAt": iso(self.clock - timedelta(minutes=7)),
            "status": {"inhibitedBy": [], "silencedBy": [], "state": "active"},
            "updatedAt": iso(self.clock),
            "generatorURL": "http://prometheus.example/graph?g0.expr=x",
            "labels": {"alertname": "SlowAnswers", "severity": "page", "feature": "search"},
            **more,
        }
        self.alerts.append(alert)
        return alert

    def add_silence(self, silence_id: str, state: str = "active", **more: Any) -> dict[str, Any]:
        began = self.clock - timedelta(hours=1)
        silence = {
            "id": silence_id,
            "status": {"state": state},
            "updatedAt": iso(began),
            "comment": "index is rebuilt",
            "createdBy": "ada",
            "endsAt": iso(self.clock + timedelta(hours=1)),
            "matchers": [{"isEqual": True, "isRegex": False, "name": "alertname", "value": "SlowAnswers"}],
            "startsAt": iso(began),
            **more,
        }
        self.silences.append(silence)
        return silence

    def __call__(self, request: Request) -> Answer:
        path = request.path.removeprefix("/api/v2/")
        if path in self.closed:
            return self.answer("forbidden", 403)
        if "bad" in request.query.get("filter", ""):
            return self.answer("bad matcher format: bad", 400)
        match path:
            case "alerts":
                return self.answer(self.alerts)
            case "silences":
                return self.answer(self.silences)
            case "status":
                return self.answer(
                    {
                        "cluster": {"status": self.cluster, "peers": []},
                        "versionInfo": {"version": "0.25.0"},
                        "config": {"original": "route: {}"},
                        "uptime": iso(self.clock - self.up_for),
                    }
                )
        return self.answer("not found", 404)


def small_world() -> AlertmanagerWorld:
    world = AlertmanagerWorld()
    world.add_alert("aa01")
    world.add_silence("s-1")
    return world


def connector(upstream: Upstream, http: Any, **settings: Any) -> AlertmanagerConnector:
    return AlertmanagerConnector(config={"url": upstream.url, **settings}, secrets={}, http=http)


def fetch(upstream: Upstream, world: AlertmanagerWorld, cursor: Any = None, **settings: Any) -> Batch:
    upstream.handler = world
    saved = json.loads(json.dumps(cursor or {}))
    return ask(lambda http: connector(upstream, http, **settings).fetch(saved))


def probe(upstream: Upstream, world: AlertmanagerWorld, **settings: Any) -> Any:
    upstream.handler = world
    return ask(lambda http: connector(upstream, http, **settings).probe())


def one_alert(**more: Any) -> AlertRecord:
    (record,), rejected = read_alerts([AlertmanagerWorld(clock=NOW).add_alert("aa01", **more)], base=BASE)
    assert rejected == []
    return record


def changes(*silences: Any, since: datetime | None = None) -> list[ChangeRecord]:
    found, rejected = read_silences(silences, since=since, base=BASE)
    assert rejected == []
    return found


def status(state: str, **by: list[str]) -> dict[str, Any]:
    return {"state": state, "silencedBy": [], "inhibitedBy": [], **by}


def test_an_alert_is_told_with_its_labels_and_begin_and_a_link() -> None:
    record = one_alert(annotations={"description": "first\nsecond", "runbook_url": "https://runbooks.example/slow"})
    assert (record.external_id, record.name, record.severity) == ("aa01", "SlowAnswers", "page")
    assert record.started_at == NOW - timedelta(minutes=7)
    assert record.summary == "first"
    assert record.labels == {
        "alertname": "SlowAnswers", "severity": "page", "feature": "search", "receiver": "oncall",
        "runbook_url": "https://runbooks.example/slow",
    }  # fmt: skip
    assert record.url == "http://prometheus.example/graph?g0.expr=x"


@pytest.mark.parametrize(
    ("told", "label", "value"),
    [
        (status("active"), "", ""),
        (status("suppressed", silencedBy=["s-1", "s-2"]), "silenced", "s-1,s-2"),
        (status("suppressed", inhibitedBy=["aa02"]), "inhibited", "aa02"),
        (status("suppressed", mutedBy=["nights"]), "muted", "nights"),
        (status("suppressed"), "silenced", "yes"),
        (status("unprocessed"), "state", "unprocessed"),
        (status("pondering"), "state", "pondering"),
        (None, "", ""),
    ],
)
def test_every_state_fires_and_says_what_keeps_it_quiet(told: Any, label: str, value: str) -> None:
    record = one_alert(status=told)
    assert record.state is AlertState.FIRING
    extra = {name: text for name, text in record.labels.items() if name in ("silenced", "inhibited", "muted", "state")}
    assert extra == ({label: value} if label else {})


def test_an_alert_without_a_generator_links_to_its_own_page() -> None:
    record = one_alert(generatorURL="", labels={"alertname": 'a"b'})
    assert record.url == (
        f"{BASE}/#/alerts?silenced=true&inhibited=true&filter=%7Balertname%3D%22a%5C%22b%22%7D"
    )  # fmt: skip


def test_the_end_in_an_alert_is_only_an_expiry_and_resolves_nothing() -> None:
    assert one_alert(endsAt=iso(NOW - timedelta(minutes=1))).state is AlertState.FIRING


def test_absence_from_the_list_is_told_by_a_complete_listing(upstream: Upstream) -> None:
    world = small_world()
    first = fetch(upstream, world)
    world.alerts.clear()
    second = fetch(upstream, world, first.cursor)
    assert [listing.external_ids for listing in first.listings] == [frozenset({"aa01"})]
    assert [listing.external_ids for listing in second.listings] == [frozenset()]


def test_an_unreadable_alert_still_counts_as_present_and_one_without_identity_ends_the_listing() -> None:
    world = AlertmanagerWorld(clock=NOW)
    world.add_alert("aa01", startsAt="soon")
    (listing,) = complete_listing(world.alerts)
    assert listing.external_ids == frozenset({"aa01"})
    assert complete_listing([*world.alerts, {"labels": {"alertname": "x"}}]) == ()


@pytest.mark.parametrize(
    ("told", "is_known"),
    [
        ({"uptime": iso(NOW - timedelta(minutes=4))}, False),
        ({"uptime": iso(NOW - timedelta(minutes=5))}, True),
        ({"uptime": iso(NOW - timedelta(days=5)), "cluster": {"status": "settling"}}, False),
        ({"uptime": iso(NOW - timedelta(days=5)), "cluster": {"status": "ready"}}, True),
        ({}, True),
    ],
)
def test_soon_after_a_start_nothing_resolves_by_absence(told: Any, is_known: bool) -> None:
    assert knows_all_alerts(told, now=NOW) is is_known


def test_a_restarted_server_lists_nothing_for_a_while(upstream: Upstream) -> None:
    world = AlertmanagerWorld(up_for=timedelta(seconds=20))
    assert fetch(upstream, world).listings == ()


def test_a_failed_poll_brings_no_listing(upstream: Upstream) -> None:
    upstream.in_turn(json_answer([]), Answer(status=500))
    with pytest.raises(SourceError) as caught:
        ask(lambda http: connector(upstream, http).fetch({}))
    assert caught.value.error_class is ErrorClass.UPSTREAM


def test_matchers_and_receiver_narrow_the_question(upstream: Upstream) -> None:
    fetch(upstream, small_world(), matchers=['severity="page"', "team=~a|b#c"], receiver="on.*")
    asked = upstream.requests[0]
    assert asked.query["receiver"] == "on.*"
    assert asked.query["filter"] == "team=~a|b#c"  # the last of both


def test_a_filter_that_the_server_refuses_is_named_by_the_probe(upstream: Upstream) -> None:
    with pytest.raises(ConfigError, match="bad matcher") as caught:
        probe(upstream, small_world(), matchers=["bad=x"])
    assert caught.value.field == "matchers"


@pytest.mark.parametrize(
    ("setting", "value"),
    [("matchers", ["severity"]), ("matchers", ['{severity="page"}']), ("receiver", "(")],
)
def test_a_bad_filter_is_named_before_anything_is_asked(setting: str, value: Any) -> None:
    with pytest.raises(ConfigError) as caught:
        AlertmanagerConnector.clean({"url": BASE, setting: value})
    assert caught.value.field == setting


def test_the_address_may_be_that_of_the_api() -> None:
    assert AlertmanagerConnector.clean({"url": f"{BASE}/am/api/v2"})["url"] == f"{BASE}/am"


def test_a_silence_says_who_why_what_and_how_long() -> None:
    silence = AlertmanagerWorld(clock=NOW).add_silence(
        "s-1",
        matchers=[
            {"isEqual": True, "isRegex": False, "name": "component", "value": "search-api"},
            {"isEqual": False, "isRegex": False, "name": "severity", "value": "info"},
            {"isEqual": True, "isRegex": True, "name": "instance", "value": "a.*"},
            {"isEqual": False, "isRegex": True, "name": "zone", "value": "b.*"},
            {"isRegex": False, "name": "feature", "value": "search"},
        ],
    )
    (change,) = changes(silence)
    assert change.title == (
        'Silence for component="search-api", severity!="info", instance=~"a.*", zone!~"b.*", feature="search"'
    )
    assert (change.external_id, change.what, change.actor) == ("silence:s-1:created", "silence", "ada")
    assert change.detail == "index is rebuilt\nFrom 2026-11-24 11:00 UTC until 2026-11-24 13:00 UTC."
    assert change.at == NOW - timedelta(hours=1)
    assert (change.component, change.labels["feature"]) == ("search-api", "search")
    assert change.url == f"{BASE}/#/silences/s-1"


def test_the_end_of_a_silence_is_a_second_change() -> None:
    silence = AlertmanagerWorld(clock=NOW).add_silence("s-1", "expired", endsAt=iso(NOW), updatedAt=iso(NOW))
    created, ended = changes(silence)
    assert (created.external_id, created.at) == ("silence:s-1:created", NOW - timedelta(hours=1))
    assert (ended.external_id, ended.at, ended.actor) == ("silence:s-1:expired", NOW, "")


def test_a_planned_silence_was_made_before_it_begins() -> None:
    begins = iso(NOW + timedelta(hours=1))
    silence = AlertmanagerWorld(clock=NOW).add_silence("s-1", "pending", updatedAt=iso(NOW), startsAt=begins)
    (change,) = changes(silence)
    assert change.at == NOW


def test_a_prolonged_silence_is_one_more_change() -> None:
    silence = AlertmanagerWorld(clock=NOW).add_silence("s-1", updatedAt=iso(NOW))
    created, edited = changes(silence)
    assert created.at == NOW - timedelta(hours=1)
    assert (edited.at, edited.after) == (NOW, "silent until 2026-11-24 13:00 UTC")
    assert edited.external_id == f"silence:s-1:edited:{NOW.isoformat()}"


def test_only_what_happened_since_the_last_poll_is_told_again(upstream: Upstream) -> None:
    world = small_world()
    first = fetch(upstream, world)
    world.clock += timedelta(minutes=10)
    second = fetch(upstream, world, first.cursor)
    world.silences[0] |= {"status": {"state": "expired"}, "endsAt": iso(world.clock), "updatedAt": iso(world.clock)}
    world.clock += timedelta(minutes=1)
    third = fetch(upstream, world, second.cursor)
    told = [[r.external_id for r in b.records if isinstance(r, ChangeRecord)] for b in (first, second, third)]
    assert told == [["silence:s-1:created"], [], ["silence:s-1:created", "silence:s-1:expired"]]


def test_a_silence_that_ends_by_itself_is_told_though_nothing_touched_it(upstream: Upstream) -> None:
    world = small_world()
    first = fetch(upstream, world)
    world.clock += timedelta(hours=1, minutes=1)
    world.silences[0]["status"] = {"state": "expired"}
    second = fetch(upstream, world, first.cursor)
    assert "silence:s-1:expired" in [record.external_id for record in second.records]


def test_silences_can_be_left_out(upstream: Upstream) -> None:
    batch = fetch(upstream, small_world(), silences=False)
    assert [type(record) for record in batch.records] == [AlertRecord]
    assert "/api/v2/silences" not in [request.path for request in upstream.requests]


def test_alerts_go_on_where_silences_are_closed(upstream: Upstream) -> None:
    world = small_world()
    world.closed = ("silences", "status")
    batch = fetch(upstream, world, {"silences_read_at": "2026-11-24T10:00:00+00:00"})
    assert [type(record) for record in batch.records] == [AlertRecord]
    assert batch.cursor == {"silences_read_at": "2026-11-24T10:00:00+00:00"}


def test_a_missing_right_is_named_and_the_rest_is_answered(upstream: Upstream) -> None:
    world = small_world()
    world.closed = ("silences", "status")
    answer = probe(upstream, world)
    assert answer.sentence == "Alertmanager answers; 1 alert firing."
    assert {scope.name: scope.is_granted for scope in answer.scopes} == {
        "alerts": True, "status": False, "silences": False,
    }  # fmt: skip


def test_the_probe_tells_version_and_cluster(upstream: Upstream) -> None:
    world = small_world()
    world.cluster = "ready"
    answer = probe(upstream, world)
    assert answer.sentence == "Alertmanager 0.25.0 answers; 1 alert firing, its cluster is ready."
    assert answer.version == "0.25.0"


def notification(**more: Any) -> bytes:
    alert = {"status": "firing", "fingerprint": "aa01", "startsAt": "2026-11-24T11:53:00Z", "labels": {"a": "b"}}
    other = {**alert, "fingerprint": "aa02"}
    body = {"version": "4", "groupKey": '{}:{alertname="x"}', "status": "firing", "alerts": [alert, other], **more}
    return json.dumps(body).encode()


def deliver(body: bytes, header: str = "Bearer s3cret") -> Any:
    return read_delivery({"authorization": header}, body, ["s3cret", "older"])


def basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize("header", ["Bearer s3cret", "bearer older", basic("anybody:s3cret"), basic(":older")])
def test_a_bearer_token_or_a_password_opens(header: str) -> None:
    delivery = deliver(notification(), header)
    assert (delivery.event, delivery.is_relevant) == ("firing", True)


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer wrong", basic("s3cret:wrong"), basic("s3cret"), "Basic %%%", "s3cret", "Digest x"]
)
def test_anything_else_stays_outside(header: str) -> None:
    with pytest.raises(WebhookError):
        deliver(notification(), header)


def test_the_same_news_has_the_same_delivery_id_and_other_news_another() -> None:
    alerts = json.loads(notification())["alerts"]
    first = deliver(notification()).delivery_id
    assert deliver(notification(alerts=alerts[::-1], receiver="other")).delivery_id == first
    others = [
        notification(groupKey="{}:{}"),
        notification(alerts=alerts[:1]),
        notification(alerts=[{**alerts[0], "status": "resolved"}, alerts[1]]),
        notification(alerts=[{**alerts[0], "startsAt": "2026-11-24T11:59:00Z"}, alerts[1]]),
        notification(alerts=[{**alerts[0], "fingerprint": ""}, alerts[1]]),
    ]
    assert len({first, *(deliver(body).delivery_id for body in others)}) == 6


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"{}", b'{"groupKey": 5}'])
def test_a_body_that_is_no_notification_is_refused(body: bytes) -> None:
    with pytest.raises(WebhookError, match="Alertmanager"):
        deliver(body)


ITEM = st.fixed_dictionaries(
    {},
    optional={
        "fingerprint": JSON | st.just("aa"), "labels": JSON, "annotations": JSON, "status": JSON, "receivers": JSON,
        "startsAt": JSON | st.just("2026-11-24T11:53:00Z"), "generatorURL": JSON, "id": JSON | st.just("s"),
        "endsAt": JSON | st.just("2026-11-24T11:53:00Z"), "updatedAt": JSON | st.just("2026-11-24T11:53:00Z"),
        "matchers": JSON, "comment": JSON, "createdBy": JSON,
    },
)  # fmt: skip


@patient
@given(st.lists(ITEM | JSON, max_size=4))
def test_no_answer_breaks_the_reader(items: list[Any]) -> None:
    records, rejected = read_alerts(items, base=BASE)
    assert len(records) + len(rejected) == len(items)
    complete_listing(items)
    read_silences(items, since=NOW, base=BASE)


@patient
@given(st.dictionaries(st.sampled_from(["groupKey", "alerts", "status"]), JSON | st.lists(ITEM, max_size=3)))
def test_no_notification_breaks_the_door(message: dict[str, Any]) -> None:
    try:
        assert deliver(json.dumps(message).encode()).delivery_id
    except WebhookError:
        assert not isinstance(message.get("groupKey"), str) or not message["groupKey"]


@patient
@given(JSON)
def test_any_status_is_survived(told: Any) -> None:
    assert knows_all_alerts({"uptime": told, "cluster": told}, now=NOW) in (True, False)
