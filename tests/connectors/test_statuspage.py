"""Status pages: incidents as alerts, components as series, updates and maintenance as changes told once."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.connectors.errors import ConfigError, SourceError
from apps.connectors.providers.statuspage.changes import read_maintenances, read_updates
from apps.connectors.providers.statuspage.connector import StatuspageConnector
from apps.connectors.providers.statuspage.cursor import Memory
from apps.connectors.providers.statuspage.normalize import (
    LEVELS,
    complete_listing,
    read_components,
    read_incidents,
    series_of,
)
from apps.connectors.providers.statuspage.page import Page
from apps.connectors.records import AlertRecord, AlertState, Batch, ChangeRecord, SeriesRecord
from tests.connectors.conftest import ask, patient
from tests.connectors.test_prometheus import JSON
from tests.connectors.upstream import Answer, Request, Upstream, json_answer
from tests.connectors.worlds import World, iso

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=400)
PAGE = Page(name="Example AI", url="https://status.example")


def update(key: str, status: str, at: datetime, body: str = "", **more: Any) -> dict[str, Any]:
    return {"id": key, "status": status, "body": body, "created_at": iso(at), "display_at": iso(at), **more}


@dataclass
class StatuspageWorld(World):
    """A page as the API gives it; `missing` paths answer 404. ETags follow the content."""

    components: list[Any] = field(default_factory=list)
    incidents: list[Any] = field(default_factory=list)
    maintenances: list[Any] = field(default_factory=list)
    missing: tuple[str, ...] = ()

    def add_component(self, name: str, **more: Any) -> dict[str, Any]:
        made = {"id": f"c-{name}", "name": name, "status": "operational", "group": False, "group_id": None, **more}
        self.components.append(made)
        return made

    def add_incident(self, key: str, status: str = "investigating", **more: Any) -> dict[str, Any]:
        began = self.clock - timedelta(minutes=20)
        made = {
            "id": key,
            "name": "Elevated errors",
            "status": status,
            "created_at": iso(began),
            "updated_at": iso(self.clock),
            "started_at": iso(began),
            "resolved_at": None,
            "impact": "major",
            "shortlink": f"https://stspg.example/{key}",
            "components": [{"id": "c-API", "name": "API"}],
            "incident_updates": [update(f"{key}-1", "investigating", began, "We are looking.\nMore soon.")],
            **more,
        }
        self.incidents.append(made)
        return made

    def add_maintenance(self, key: str, status: str = "scheduled", **more: Any) -> dict[str, Any]:
        told = self.clock - timedelta(days=2)
        made = {
            "id": key,
            "name": "Database upgrade",
            "status": status,
            "created_at": iso(told),
            "updated_at": iso(told),
            "impact": "maintenance",
            "shortlink": "",
            "scheduled_for": iso(self.clock + timedelta(hours=1)),
            "scheduled_until": iso(self.clock + timedelta(hours=2)),
            "components": [{"id": "c-API", "name": "API"}],
            "incident_updates": [update(f"{key}-1", "scheduled", told)],
            **more,
        }
        self.maintenances.append(made)
        return made

    def __call__(self, request: Request) -> Answer:
        path = request.path.removeprefix("/api/v2/").removesuffix(".json")
        if path in self.missing:
            return self.answer({"error": "not found"}, 404)
        page = {"id": "p1", "name": "Example AI", "url": "https://status.example", "updated_at": iso(self.clock)}
        match path:
            case "summary":
                is_open = [item for item in self.incidents if item["status"] not in ("resolved", "postmortem")]
                status = {"indicator": "none", "description": "All Systems Operational"}
                planned = [item for item in self.maintenances if item["status"] != "completed"]
                lists = {"components": self.components, "incidents": is_open, "scheduled_maintenances": planned}
                return self.answer({"page": page, "status": status, **lists})
            case "incidents":
                return self.listed(request, {"page": page, "incidents": self.incidents})
            case "scheduled-maintenances":
                return self.listed(request, {"page": page, "scheduled_maintenances": self.maintenances})
        return self.answer({}, 404)

    def listed(self, request: Request, value: dict[str, Any]) -> Answer:
        etag = f'W/"{hash(json.dumps({**value, "page": None}))}"'
        if request.headers.get("if-none-match") == etag:
            return Answer(status=304, body=b"", headers=self.date())
        return json_answer(value, headers={**self.date(), "ETag": etag})


def small_world() -> StatuspageWorld:
    world = StatuspageWorld()
    world.components.append({"id": "g1", "name": "Platform", "status": "operational", "group": True})
    world.add_component("API", group_id="g1")
    world.add_component("Chat")
    world.add_incident("i1")
    world.add_maintenance("m1")
    return world


def connector(upstream: Upstream, http: Any, **settings: Any) -> StatuspageConnector:
    return StatuspageConnector(config={"url": upstream.url, **settings}, secrets={}, http=http)


def fetch(upstream: Upstream, world: StatuspageWorld, cursor: Any = None, **settings: Any) -> Batch:
    upstream.handler = world
    saved = json.loads(json.dumps(cursor or {}))
    return ask(lambda http: connector(upstream, http, **settings).fetch(saved))


def probe(upstream: Upstream, world: StatuspageWorld, **settings: Any) -> Any:
    upstream.handler = world
    return ask(lambda http: connector(upstream, http, **settings).probe())


def of_type(batch: Batch, kind: type) -> list[Any]:
    return [record for record in batch.records if isinstance(record, kind)]


def one_alert(status: str = "investigating", **more: Any) -> AlertRecord:
    item = StatuspageWorld(clock=NOW).add_incident("i1", status, **more)
    (record,), rejected = read_incidents([item], page=PAGE)
    assert rejected == []
    return record


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("investigating", AlertState.FIRING),
        ("identified", AlertState.FIRING),
        ("monitoring", AlertState.FIRING),
        ("resolved", AlertState.RESOLVED),
        ("postmortem", AlertState.RESOLVED),
        ("pondering", AlertState.FIRING),
    ],
)
def test_every_status_of_an_incident_is_known_and_kept(status: str, state: AlertState) -> None:
    record = one_alert(status)
    assert (record.state, record.labels["status"]) == (state, status)


@pytest.mark.parametrize("impact", ["none", "minor", "major", "critical"])
def test_the_impact_is_the_severity(impact: str) -> None:
    assert one_alert(impact=impact).severity == impact


def test_an_incident_names_page_components_and_newest_words() -> None:
    newest = update("u2", "identified", NOW, "Found it.", affected_components=[{"name": "Chat"}, {"name": "API"}])
    record = one_alert(incident_updates=[newest, update("u1", "investigating", NOW, "Looking.")])
    assert (record.external_id, record.name, record.summary) == ("i1", "Example AI: Elevated errors", "Found it.")
    assert record.started_at == NOW - timedelta(minutes=20)
    assert record.labels["page"] == "Example AI"
    assert record.labels["affected"] == "API, Chat"
    assert record.url == "https://stspg.example/i1"


def test_an_incident_without_a_short_link_links_to_its_page() -> None:
    assert one_alert(shortlink=None).url == "https://status.example/incidents/i1"


def test_an_incident_that_is_no_longer_open_resolves_by_the_listing(upstream: Upstream) -> None:
    world = small_world()
    first = fetch(upstream, world)
    world.incidents[0] |= {"status": "resolved", "updated_at": iso(world.clock)}
    second = fetch(upstream, world, first.cursor)
    assert [listing.external_ids for listing in (*first.listings, *second.listings)] == [{"i1"}, frozenset()]
    assert [record.state for record in of_type(second, AlertRecord)] == [AlertState.RESOLVED]
    third = fetch(upstream, world, second.cursor)
    assert of_type(third, AlertRecord) == []


def test_a_deleted_incident_resolves_too(upstream: Upstream) -> None:
    world = small_world()
    first = fetch(upstream, world)
    world.incidents.clear()
    (listing,) = fetch(upstream, world, first.cursor).listings
    assert listing.external_ids == frozenset()


def test_what_the_summary_calls_open_is_open_whatever_an_older_list_says(upstream: Upstream) -> None:
    world = small_world()
    stale = StatuspageWorld(incidents=[{**world.incidents[0], "status": "resolved"}])
    upstream.handler = lambda request: stale(request) if "incidents" in request.path else world(request)
    batch = ask(lambda http: connector(upstream, http).fetch({}))
    assert [record.state for record in of_type(batch, AlertRecord)] == [AlertState.FIRING]


def test_an_incident_without_identity_ends_the_listing() -> None:
    assert complete_listing([{"id": "i1"}, {"name": "x"}], page=PAGE) == ()


@pytest.mark.parametrize(
    ("wanted", "follows"),
    [((), True), (("api",), True), (("a*",), True), (("chat",), False), (("chat", "API".lower()), True)],
)
def test_only_incidents_of_followed_components_are_told(wanted: tuple[str, ...], follows: bool) -> None:
    page = Page(name="Example AI", url="https://status.example", wanted=wanted)
    items = [StatuspageWorld(clock=NOW).add_incident("i1")]
    records, _ = read_incidents(items, page=page)
    assert bool(records) is follows
    assert [listing.external_ids for listing in complete_listing(items, page=page)] == [{"i1"} if follows else set()]


def test_an_incident_that_names_no_component_concerns_everybody() -> None:
    page = Page(name="x", url="https://status.example", wanted=("chat",))
    records, _ = read_incidents([StatuspageWorld().add_incident("i1", components=[])], page=page)
    assert len(records) == 1


@pytest.mark.parametrize(("status", "level"), LEVELS.items())
def test_every_status_of_a_component_has_its_level(status: str, level: int) -> None:
    items = [StatuspageWorld().add_component("API", status=status)]
    (component,), rejected = read_components(items, page=PAGE)
    record = series_of(component, page=PAGE, at=NOW)
    assert (record.samples, record.unit, record.measure, rejected) == (((NOW, float(level)),), "level", "", [])


def test_an_unknown_status_of_a_component_is_set_aside_with_its_word() -> None:
    items = [StatuspageWorld().add_component("API", status="on_fire"), StatuspageWorld().add_component("Chat")]
    components, (bad,) = read_components(items, page=PAGE)
    assert ([component.name for component in components], "on_fire" in bad.reason) == (["Chat"], True)


def test_groups_are_labels_of_their_components_and_no_series(upstream: Upstream) -> None:
    found = {record.name: record.labels for record in of_type(fetch(upstream, small_world()), SeriesRecord)}
    assert found == {
        "Example AI: API": {"page": "Example AI", "service": "API", "group": "Platform"},
        "Example AI: Chat": {"page": "Example AI", "service": "Chat"},
    }


def test_a_component_is_told_when_it_changes_and_every_five_minutes(upstream: Upstream) -> None:
    world, told, cursor = small_world(), [], {}
    for minute in range(7):
        if minute == 2:
            world.components[1]["status"] = "major_outage"
        batch = fetch(upstream, world, cursor)
        cursor = dict(batch.cursor)
        told.append({r.labels["service"]: r.samples[0][1] for r in of_type(batch, SeriesRecord)})
        world.clock += timedelta(minutes=1)
    everything = {"API": 4.0, "Chat": 0.0}
    assert told == [{"API": 0.0, "Chat": 0.0}, {}, {"API": 4.0}, {}, {}, everything, {}]


def test_each_update_of_an_incident_is_a_change_with_what_it_was_before(upstream: Upstream) -> None:
    world = small_world()
    first = fetch(upstream, world)
    world.clock += timedelta(hours=3)
    first = replace(fetch(upstream, world, first.cursor), records=first.records)
    world.incidents[0]["incident_updates"].insert(0, update("i1-2", "monitoring", world.clock, "Fixed."))
    second = fetch(upstream, world, first.cursor)
    third = fetch(upstream, world, second.cursor)
    told = [[r for r in of_type(batch, ChangeRecord) if r.what == "incident"] for batch in (first, second, third)]
    assert [[record.external_id for record in records] for records in told] == [
        ["incident:i1:i1-1"], ["incident:i1:i1-2"], [],
    ]  # fmt: skip
    change = told[1][0]
    assert (change.before, change.after, change.detail) == ("investigating", "monitoring", "Fixed.")
    assert change.title == "Example AI: Elevated errors: monitoring"
    assert change.at == world.clock


def test_an_unchanged_list_is_not_sent_again(upstream: Upstream) -> None:
    world = small_world()
    first = fetch(upstream, world)
    upstream.requests.clear()
    fetch(upstream, world, first.cursor)
    assert ["if-none-match" in request.headers for request in upstream.requests] == [False, True, True]


def steps(status: str, *more: dict[str, Any], **fields: Any) -> dict[str, ChangeRecord]:
    item = StatuspageWorld(clock=NOW).add_maintenance("m1", status, **fields)
    item["incident_updates"] = [*more, *item["incident_updates"]]
    found, rejected = read_maintenances([item], page=PAGE, since=LONG_AGO)
    assert rejected == []
    return {record.after: record for record in found}


@pytest.mark.parametrize(
    ("status", "told"),
    [
        ("scheduled", ["announced"]),
        ("in_progress", ["announced", "started"]),
        ("verifying", ["announced", "started"]),
        ("completed", ["announced", "started", "finished"]),
        ("pondering", ["announced"]),
    ],
)
def test_a_maintenance_is_told_as_far_as_it_has_come(status: str, told: list[str]) -> None:
    found = steps(status)
    assert list(found) == told
    assert {record.external_id for record in found.values()} == {f"maintenance:m1:{step}" for step in told}
    assert {record.what for record in found.values()} == {"maintenance"}


def test_the_steps_of_a_maintenance_stand_at_their_own_times() -> None:
    begun, done = NOW + timedelta(hours=1, minutes=5), NOW + timedelta(hours=1, minutes=50)
    found = steps("completed", update("m1-3", "completed", done), update("m1-2", "in_progress", begun))
    times = {step: record.at for step, record in found.items()}
    assert times == {"announced": NOW - timedelta(days=2), "started": begun, "finished": done}
    assert found["announced"].title == "Example AI: maintenance is announced: Database upgrade"
    assert found["announced"].detail == (
        "Planned from 2026-11-24 13:00 UTC until 2026-11-24 14:00 UTC. Affects API."
    )  # fmt: skip


def test_a_maintenance_without_updates_has_the_planned_times() -> None:
    found = steps("completed")
    assert found["started"].at == NOW + timedelta(hours=1)
    assert found["finished"].at == NOW + timedelta(hours=2)
    assert steps("completed", resolved_at=iso(NOW))["finished"].at == NOW


def test_maintenance_is_no_alert(upstream: Upstream) -> None:
    world = StatuspageWorld()
    world.add_maintenance("m1", "in_progress")
    assert of_type(fetch(upstream, world), AlertRecord) == []


def test_the_backfill_ends_at_its_days(upstream: Upstream) -> None:
    world = small_world()
    old = world.clock - timedelta(days=10)
    world.add_incident("old", "resolved", incident_updates=[update("old-1", "resolved", old)], updated_at=iso(old))
    world.add_maintenance("old", "completed", created_at=iso(old), scheduled_for=iso(old), scheduled_until=iso(old))
    for days, is_told in ((30, True), (5, False)):
        told = [record.external_id for record in fetch(upstream, world, backfill_days=days).records]
        assert ("incident:old:old-1" in told, "maintenance:old:finished" in told) == (is_told, is_told)
        assert ("old" in told) is is_told


def test_another_filter_tells_everything_anew(upstream: Upstream) -> None:
    world = small_world()
    first = fetch(upstream, world)
    second = fetch(upstream, world, first.cursor, components=["API"])
    assert "incident:i1:i1-1" in [record.external_id for record in second.records]


def test_a_page_without_a_list_of_maintenance_is_read_all_the_same(upstream: Upstream) -> None:
    world = small_world()
    world.missing = ("scheduled-maintenances",)
    batch = fetch(upstream, world)
    assert "maintenance:m1:announced" in [record.external_id for record in batch.records]
    granted = {scope.name: scope.is_granted for scope in probe(upstream, world).scopes}
    assert granted == {"summary": True, "incidents": True, "maintenance": False}


def test_the_probe_says_what_the_page_says(upstream: Upstream) -> None:
    assert probe(upstream, small_world()).sentence == (
        "The page of Example AI says: All Systems Operational; 2 components followed, 1 open incident."
    )
    assert "None of the configured components" in probe(upstream, small_world(), components=["Typo"]).sentence


def test_an_address_of_the_api_becomes_that_of_the_page() -> None:
    cleaned = StatuspageConnector.clean({"url": "https://status.example/api/v2/summary.json"})
    assert cleaned["url"] == "https://status.example"


def test_a_backfill_out_of_bounds_is_named() -> None:
    with pytest.raises(ConfigError) as caught:
        StatuspageConnector.clean({"url": "https://status.example", "backfill_days": 500})
    assert caught.value.field == "backfill_days"


def test_the_form_says_that_no_credentials_are_needed() -> None:
    texts = {entry.name: entry.help for entry in StatuspageConnector.fields}
    assert "no credentials" in StatuspageConnector.summary
    assert "no account" in texts["url"]
    assert "no credentials" in texts["auth"]


def test_a_summary_without_its_lists_is_no_summary(upstream: Upstream) -> None:
    upstream.always(json_answer({"page": {"name": "x"}, "components": []}))
    with pytest.raises(SourceError, match="summary"):
        ask(lambda http: connector(upstream, http).fetch({}))


TIMES = JSON | st.just("2026-11-24T11:53:00Z")
ITEM = st.fixed_dictionaries(
    {},
    optional={
        "id": JSON | st.just("i"), "name": JSON | st.just("n"), "status": JSON | st.sampled_from(["completed", "x"]),
        "created_at": TIMES, "started_at": TIMES, "scheduled_for": TIMES, "scheduled_until": TIMES,
        "resolved_at": TIMES, "components": JSON, "impact": JSON, "shortlink": JSON, "group": JSON, "group_id": JSON,
        "incident_updates": JSON | st.lists(JSON | st.dictionaries(
            st.sampled_from(["id", "status", "created_at", "display_at", "body", "affected_components"]), TIMES
        ), max_size=3),
    },
)  # fmt: skip


@patient
@given(st.lists(ITEM | JSON, max_size=4))
def test_no_answer_breaks_the_reader(items: list[Any]) -> None:
    page = Page(name="x", url="https://status.example", wanted=("n",))
    for one in (PAGE, page):
        read_incidents(items, page=one)
        read_components(items, page=one)
        complete_listing(items, page=one)
        read_updates(items, page=one, since=LONG_AGO)
        read_maintenances(items, page=one, since=LONG_AGO)


@patient
@given(st.dictionaries(st.sampled_from(["told_at", "sampled_at", "levels", "etags"]), TIMES))
def test_any_stored_cursor_is_survived(cursor: dict[str, Any]) -> None:
    memory = Memory.load({**cursor, "key": "k"}, key="k")
    assert Memory.load(json.loads(json.dumps(memory.dump())), key="k") == memory
