"""The two status pages as the connector reads them: what vendors say has its cause, and its effect at Fernway."""

from __future__ import annotations

import pytest

from apps.connectors.records import AlertRecord, AlertState, ChangeRecord, Kind, SeriesRecord
from apps.demo.world import metrics
from apps.demo.world.company import FEATURE, PROVIDERS
from apps.demo.world.dice import DAY, World
from apps.demo.world.incidents import incidents_between
from apps.demo.world.vendors import VENDORS, notices
from tests.demo.polling import Town

NAMES = {vendor.slug: f"{vendor.name} status" for vendor in VENDORS}


@pytest.mark.parametrize("vendor", NAMES)
def test_a_notice_opens_and_is_resolved(town: Town, world: World, now: int, vendor: str) -> None:
    notice = notices(world, vendor, now - 30 * DAY, now)[0]
    town.at = notice.starts_at + 60
    first = town.poll(NAMES[vendor])
    alert = first.of(AlertRecord)[notice.key]
    assert alert.state is AlertState.FIRING
    assert notice.key in first.listed(Kind.ALERT)
    levels = {one.labels["service"]: one.samples[-1][1] for one in first.of(SeriesRecord).values()}
    assert levels[notice.part] in (2, 3)
    town.at = notice.ends_at + 60
    after = town.poll(NAMES[vendor], first.cursor)
    assert after.of(AlertRecord)[notice.key].state is AlertState.RESOLVED
    said = [change.after for change in after.of(ChangeRecord).values() if notice.title in change.title]
    assert said[-2:] == ["monitoring", "resolved"]


def test_what_a_vendor_tells_was_felt_before(world: World, now: int) -> None:
    for vendor in VENDORS:
        found = notices(world, vendor.slug, now - 30 * DAY, now)
        assert 3 <= len(found) <= 30
        for notice in found:
            causes = [
                one for one in incidents_between(world, notice.starts_at - 600, notice.starts_at)
                if one.kind.startswith("provider") and PROVIDERS[FEATURE[one.feature].model] == vendor.slug
            ]  # fmt: skip
            assert causes
            cause = causes[0]
            if metrics.gaps(world, cause.feature, cause.starts_at - 600, cause.ends_at):
                continue
            before, during = (
                metrics.value_at(world, cause.feature, "latency_p95", at)
                for at in (cause.starts_at - 5, (cause.starts_at + cause.ends_at) // 2)
            )
            assert before
            assert during
            assert during > before


@pytest.mark.parametrize("vendor", NAMES)
def test_maintenance_is_announced_begun_and_finished(town: Town, vendor: str) -> None:
    changes = town.poll(NAMES[vendor]).of(ChangeRecord).values()
    assert {change.after for change in changes if change.what == "maintenance"} == {"announced", "started", "finished"}


@pytest.mark.parametrize("vendor", NAMES)
def test_a_second_poll_tells_nothing_again(town: Town, vendor: str) -> None:
    first = town.poll(NAMES[vendor])
    town.at += 60
    second = town.poll(NAMES[vendor], first.cursor)
    assert not second.of(ChangeRecord)
    assert not second.of(AlertRecord)


@pytest.mark.parametrize("vendor", NAMES)
def test_the_same_time_tells_the_same(town: Town, vendor: str) -> None:
    assert town.poll(NAMES[vendor]).records == town.poll(NAMES[vendor]).records
