"""The pages of identity mapping: who may change rules, what a preview shows, what a wrong rule is told."""

from __future__ import annotations

import pytest
from django.urls import reverse

from apps.sources.identity.naming import note_names
from apps.sources.mapping import Mapper
from apps.sources.models import ExternalName, MappingRule, Remapping
from apps.sources.queries import database_time
from tests.factories import make_component, make_feature, make_source

pytestmark = pytest.mark.django_db


@pytest.fixture
def name():
    mapper = Mapper(make_source(name="Night Airflow"))
    mapper.resolve(kind="pipeline", name="nightly[1]*", labels={"team": "search"})
    note_names(batches=[mapper.seen], at=database_time())
    return ExternalName.objects.get()


def fields(**more):
    return {"pattern": "nightly*", "is_enabled": "on", **more}


def test_a_rule_is_made_changed_moved_and_removed_by_form(signed_in, author, name):
    client, feature = signed_in(author), make_feature()
    form = client.get(reverse("sources:rule-create") + f"?name={name.pk}").content.decode()
    assert "nightly?1??" in form, "what a pattern cannot spell stands for one character"
    client.post(reverse("sources:rule-create"), fields(feature=feature.pk, labels="team=sea*\n"))
    rule = MappingRule.objects.get()
    assert (rule.pattern, rule.labels, rule.feature, rule.created_by) == (
        "nightly*",
        {"team": "sea*"},
        feature,
        author,
    )
    client.post(reverse("sources:rule-change", args=[rule.pk]), fields(feature=feature.pk, note="why"))
    rule.refresh_from_db()
    assert (rule.note, rule.labels) == ("why", {})
    page = client.get(reverse("sources:rule-list")).content.decode()
    assert "nightly*" in page
    client.post(reverse("sources:rule-remove", args=[rule.pk]))
    assert not MappingRule.objects.exists()
    assert Remapping.objects.exists()


def test_a_preview_shows_what_would_match_and_saves_nothing(signed_in, author, name):
    client, feature = signed_in(author), make_feature()
    url = reverse("sources:rule-preview")
    html = client.post(url, fields(feature=feature.pk), headers={"HX-Request": "true"}).content.decode()
    assert "nightly[1]*" in html
    assert "1 name." in html
    assert "<html" not in html
    whole = client.post(url, fields(feature=feature.pk)).content.decode()
    assert "<html" in whole
    none = client.post(url, fields(pattern="zzz", feature=feature.pk), headers={"HX-Request": "true"})
    assert "No name fits" in none.content.decode()
    assert not MappingRule.objects.exists()


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({}, "Choose a component, a feature or an environment"),
        ({"pattern": "{team}"}, "none of {feature}, {component} and {environment}"),
        ({"labels": "nonsense"}, "is no condition"),
        ({"payload": "a.[=x"}, "JMESPath"),
    ],
)
def test_a_rule_that_cannot_work_is_told_so(signed_in, author, wrong, told):
    response = signed_in(author).post(reverse("sources:rule-create"), fields(**wrong))
    assert response.status_code == 422
    assert told in response.content.decode()


def test_a_name_can_be_set_aside_and_waited_for_again(signed_in, author, name):
    client = signed_in(author)
    client.post(reverse("sources:name-ignore", args=[name.pk]), {"ignored": "1"})
    assert "nightly[1]*" not in client.get(reverse("sources:name-list")).content.decode()
    assert "nightly[1]*" in client.get(reverse("sources:name-list") + "?state=ignored").content.decode()
    client.post(reverse("sources:name-ignore", args=[name.pk]), {"ignored": "0"})
    assert "nightly[1]*" in client.get(reverse("sources:name-list")).content.decode()


def test_a_place_that_is_no_longer_in_the_catalog_is_not_mapped_to(signed_in, author, name):
    response = signed_in(author).post(reverse("sources:name-map", args=[name.pk]), {"target": "component:999999"})
    assert response.status_code == 404
    assert not MappingRule.objects.exists()


def test_who_may_only_look_sees_rules_and_names_and_changes_nothing(signed_in, outsider, name):
    client, component = signed_in(outsider), make_component()
    assert "Add a rule" not in client.get(reverse("sources:rule-list")).content.decode()
    assert "Make a rule" not in client.get(reverse("sources:name-list")).content.decode()
    rule = MappingRule.objects.create(position=1, pattern="*", component=component)
    for view, args in (
        ("rule-create", []),
        ("rule-preview", []),
        ("remap", []),
        ("rule-change", [rule.pk]),
        ("rule-remove", [rule.pk]),
        ("rule-move", [rule.pk, "up"]),
        ("name-map", [name.pk]),
        ("name-ignore", [name.pk]),
    ):
        assert client.post(reverse(f"sources:{view}", args=args), fields()).status_code == 403
    assert MappingRule.objects.count() == 1


@pytest.mark.parametrize("view", ["rule-remove", "name-map", "name-ignore"])
def test_looking_never_changes_anything(signed_in, author, view):
    assert signed_in(author).get(reverse(f"sources:{view}", args=[1])).status_code == 405


def test_pages_cost_the_same_with_many_names(signed_in, author, name, django_assert_num_queries):
    client = signed_in(author)
    url = reverse("sources:name-list")
    client.get(url)
    for times in range(2):
        if times:
            mapper = Mapper(make_source())
            for number in range(40):
                mapper.resolve(kind="pipeline", name=f"n{number}")
            note_names(batches=[mapper.seen], at=database_time())
        with django_assert_num_queries(7):  # the person, the list, three lines of the page, two of the catalog
            client.get(url)
