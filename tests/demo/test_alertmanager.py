"""The demo's Alertmanager as the connector reads it: what no promise tells, and who silenced what."""

from __future__ import annotations

from apps.connectors.records import AlertRecord, ChangeRecord, Kind
from apps.demo.world.alerts import RULES
from apps.demo.world.dice import DAY, World
from apps.demo.world.duty import duties_at
from apps.demo.world.incidents import incidents_between
from tests.demo.asking import ask
from tests.demo.polling import Town

NAME = "Fernway Alertmanager"


def test_what_lies_below_a_feature_fires_with_its_trouble(town: Town, world: World, now: int) -> None:
    incident = next(one for one in incidents_between(world, now - 5 * DAY, now) if one.kind == "provider_errors")
    town.at = (incident.starts_at + incident.ends_at) // 2 + 60
    first = town.poll(NAME)
    alerts = {alert.name: alert for alert in first.of(AlertRecord).values()}
    assert alerts["ProviderRefuses"].labels["component"] in ("northwind-models", "lumen-vision")
    assert first.listed(Kind.ALERT) == set(first.of(AlertRecord))
    town.at = incident.ends_at + 120
    after = town.poll(NAME, first.cursor)
    assert alerts["ProviderRefuses"].external_id not in after.listed(Kind.ALERT)


def test_prometheus_tells_nothing_of_it(world: World, now: int) -> None:
    names = {duty.name for ago in range(0, 9 * DAY, 1200) for duty in duties_at(world, now - ago)}
    assert names >= {"ProviderRefuses", "VectorStoreSlow", "DiskNearlyFull"}
    assert not names & {name for name, _ in RULES.values()}


def test_the_weekly_silence_is_told_with_its_end(town: Town, now: int) -> None:
    friday = now // DAY * DAY - 3 * DAY + 9 * 3600  # 09:00 UTC, an hour before the disk is thinned out
    town.at = friday
    first = town.poll(NAME)
    quiet = [one for one in first.of(AlertRecord).values() if one.name == "DiskNearlyFull"]
    assert [bool(one.labels["silenced"]) for one in quiet] == [True]
    assert any("DiskNearlyFull" in change.title for change in first.of(ChangeRecord).values())
    town.at = friday + 7200
    ended = town.poll(NAME, first.cursor).of(ChangeRecord).values()
    assert any(change.title.startswith("Silence ended") for change in ended)


def test_a_quiet_second_poll_brings_no_changes(town: Town) -> None:
    first = town.poll(NAME)
    town.at += 60
    assert not town.poll(NAME, first.cursor).of(ChangeRecord)


def test_filters_are_understood(town: Town, world: World, now: int) -> None:
    at = next(now - ago for ago in range(0, 5 * DAY, 600) if duties_at(world, now - ago))
    town.at = at
    everything = ask(town.app, "/alertmanager/api/v2/alerts").data
    severity = everything[0]["labels"]["severity"]
    some = ask(town.app, "/alertmanager/api/v2/alerts", filter=f'severity="{severity}"').data
    assert some == [alert for alert in everything if alert["labels"]["severity"] == severity]
    assert ask(town.app, "/alertmanager/api/v2/alerts", filter="severity=").status == 400


def test_the_same_time_tells_the_same(town: Town) -> None:
    assert town.poll(NAME).records == town.poll(NAME).records
