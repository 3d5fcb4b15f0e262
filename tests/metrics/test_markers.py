"""Which events get a mark on a chart, and how many are read for it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from apps.events.models import Event
from apps.events.services import NewEvent, record_events
from apps.metrics import queries
from apps.metrics.markers import MarkFamily, chosen, family_of, is_rollback, is_sequel, toggled
from tests.factories import make_component, make_feature
from tests.metrics.factories import NOON, every, make_series

HOUR = timedelta(hours=1)
ALL = frozenset(MarkFamily)


@pytest.mark.parametrize(
    ("kind", "more", "family"),
    [
        ("deployments:deployment:succeeded", {}, "deployment"),
        ("deployments:deployment:rolled-back", {}, "deployment"),
        ("deployments:deployment:succeeded", {"component_kind": "model"}, "model"),
        ("deployments:deployment:succeeded", {"component_kind": "index"}, "index"),
        ("deployments:deployment:started", {}, None),
        ("deployments:hold:set", {}, "deployment"),
        ("deployments:freeze:planned", {}, "maintenance"),
        ("prompts:label:moved", {}, "prompt"),
        ("health:bundle:promoted", {}, "deployment"),
        ("source:change:reported", {"what": "config"}, "configuration"),
        ("source:change:reported", {"what": "flag"}, "configuration"),
        ("source:change:reported", {"what": "Model"}, "model"),
        ("source:change:reported", {"what": "index"}, "index"),
        ("source:change:reported", {"what": "incident"}, "provider"),
        ("source:change:reported", {"what": "maintenance"}, "maintenance"),
        ("source:change:reported", {"component_kind": "index"}, "index"),
        ("pipelines:run:failed", {"is_change": False}, "pipeline"),
        ("pipelines:punctuality:missed", {"is_change": False}, "pipeline"),
        ("pipelines:run:succeeded", {"is_change": False}, None),
        ("monitors:alert:opened", {"is_change": False}, None),
        ("incidents:incident:declared", {"is_change": False}, "incident"),
    ],
)
def test_an_event_belongs_to_one_family(kind: str, more: dict, family: str | None) -> None:
    assert family_of(kind, **more) == family


def test_a_rollback_is_known_by_its_kind_or_its_title() -> None:
    assert is_rollback("deployments:deployment:rolled-back", "x")
    assert is_rollback("prompts:label:moved", "answer prompt: production rolled back to v1")
    assert not is_rollback("deployments:deployment:succeeded", "x")


@pytest.mark.parametrize(
    ("family", "before", "after", "expected"),
    [
        ("provider", "", "investigating", False), ("provider", "investigating", "resolved", True),
        ("maintenance", "", "announced", True), ("maintenance", "", "started", False),
        ("maintenance", "", "finished", True), ("deployment", "v1", "v2", False),
    ],
)  # fmt: skip
def test_trouble_and_maintenance_get_one_mark_each(family, before, after, expected) -> None:
    assert is_sequel(MarkFamily(family), before=before, after=after) is expected


@pytest.mark.parametrize(
    ("asked", "shown"),
    [([], ALL), (["nonsense"], ALL), (["none"], frozenset()), (["prompt,model"], {"prompt", "model"}),
     (["prompt", "model"], {"prompt", "model"})],
)  # fmt: skip
def test_an_address_names_families(asked: list[str], shown: frozenset) -> None:
    assert chosen(asked) == shown


@pytest.mark.parametrize("family", MarkFamily)
def test_switching_a_family_twice_changes_nothing(family: MarkFamily) -> None:
    without = chosen([toggled(ALL, family)])
    assert without == ALL - {family}
    assert toggled(without, family) == ""
    assert toggled(frozenset({family}), family) == "none"


def tell(feature, kind: str, title: str, minutes: float = 0, *, is_change: bool = True, **more) -> None:
    event = NewEvent(
        kind=kind, at=NOON - timedelta(minutes=minutes), title=title, is_change=is_change,
        feature_id=feature.pk if feature else None, **more,
    )  # fmt: skip
    record_events(events=[event])


def marked(feature, **more):
    found = queries.markers_between(feature_id=feature.pk, start=NOON - HOUR, end=NOON, **more)
    return [one.title for one in found.rows]


@pytest.mark.django_db
def test_there_and_back_again_are_three_marks() -> None:
    feature = make_feature()
    tell(feature, "prompts:label:moved", "v1 to v2", 30)
    tell(feature, "prompts:label:moved", "v2 to v1, rolled back", 20)
    tell(feature, "prompts:label:moved", "v1 to v2 again", 10)
    found = queries.markers_between(feature_id=feature.pk, start=NOON - HOUR, end=NOON)
    assert [one.is_rollback for one in found.rows] == [False, True, False]
    assert found.rows[0].url == reverse("events:event-detail", args=[Event.objects.get(title="v1 to v2").pk])


@pytest.mark.django_db
def test_what_concerns_everybody_is_marked_for_each_feature() -> None:
    feature, other = make_feature(), make_feature()
    tell(None, "deployments:freeze:planned", "Launch freeze", 30)
    tell(None, "source:change:reported", "Provider trouble", 25, data={"what": "incident"})
    tell(None, "source:change:reported", "Somebody's flag", 20, data={"what": "flag"})
    tell(other, "prompts:label:moved", "not ours", 10)
    assert marked(feature) == ["Launch freeze", "Provider trouble"]


@pytest.mark.django_db
def test_families_can_be_left_out_and_are_counted_all_the_same() -> None:
    feature = make_feature()
    tell(feature, "prompts:label:moved", "prompt", 30)
    tell(feature, "pipelines:run:failed", "run", 20, is_change=False)
    tell(feature, "pipelines:run:succeeded", "fine", 20, is_change=False)
    tell(feature, "deployments:deployment:succeeded", "model", 10, component_id=make_component(kind="model").pk)
    only = {MarkFamily.PROMPT}
    assert marked(feature, families=only) == ["prompt"]
    found = queries.markers_between(feature_id=feature.pk, start=NOON - HOUR, end=NOON, families=only)
    assert found.counts == {MarkFamily.PROMPT: 1, MarkFamily.PIPELINE: 1, MarkFamily.MODEL: 1}


@pytest.mark.django_db
def test_only_the_newest_get_a_mark_and_the_others_are_counted(django_assert_num_queries) -> None:
    feature = make_feature()
    for minute in range(9):
        tell(feature, "prompts:label:moved", f"move {minute}", minute)
    with django_assert_num_queries(1):
        found = queries.markers_between(feature_id=feature.pk, start=NOON - HOUR, end=NOON, limit=2)
    assert [one.title for one in found.rows] == ["move 1", "move 0"]
    assert found.left_out == 7


@pytest.mark.django_db
def test_the_chart_shows_marks_an_arrow_for_rollbacks_and_what_can_be_switched(signed_in, outsider) -> None:
    now, feature = timezone.now(), make_feature()
    series = make_series(feature=feature, samples=every(60, [2.0] * 60, until=now))
    kinds = (("deployments:deployment:rolled-back", "was rolled back", 40), ("prompts:label:moved", "moved", 10))
    record_events(events=[
        NewEvent(kind=kind, at=now - timedelta(minutes=ago), title=title, is_change=True, feature_id=feature.pk)
        for kind, title, ago in kinds
    ])  # fmt: skip
    reader = signed_in(outsider)
    page = reader.get(series.get_absolute_url() + "?range=1h").content.decode()
    assert "A↩" in page
    assert "marks=deployment%2C" in page
    hidden = reader.get(series.get_absolute_url() + "?range=1h&marks=prompt").content.decode()
    assert "was rolled back" not in hidden
    assert "Deployments" in hidden
