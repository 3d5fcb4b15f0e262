"""Rules first, then what the catalog says, then labels; and names that nobody knows are kept."""

from __future__ import annotations

import pytest

from apps.sources.identity.naming import note_names
from apps.sources.mapping import Mapper, Place
from apps.sources.models import ExternalName, MappingRule
from apps.sources.queries import database_time
from tests.factories import make_component, make_environment, make_feature, make_source

pytestmark = pytest.mark.django_db


@pytest.fixture
def source():
    return make_source()


def rule(position: int = 1, **fields) -> MappingRule:
    return MappingRule.objects.create(position=position, **fields)


def test_a_rule_goes_before_the_catalog_and_labels(source):
    wanted = make_component(feature=make_feature())
    other = make_component(external_names=["pipeline:nightly"], feature=make_feature())
    rule(kind="pipeline", pattern="nightly", component=wanted)
    place = Mapper(source).resolve(kind="pipeline", name="nightly", labels={"feature": other.feature.slug})
    assert place == Place(wanted.feature_id, wanted.pk, None)


def test_the_first_rule_that_fits_decides_each_part_for_itself(source):
    production, staging = make_environment(), make_environment()
    feature = make_feature()
    rule(2, pattern="*", environment=staging)
    rule(1, pattern="x-*", environment=production)
    rule(3, pattern="*", feature=feature)
    assert Mapper(source).resolve(kind="run", name="x-1") == Place(feature.pk, None, production.pk)
    assert Mapper(source).resolve(kind="run", name="y-1") == Place(feature.pk, None, staging.pk)


def test_a_name_can_say_where_it_belongs(source):
    feature = make_feature(slug="search-answers")
    rule(pattern="{feature}_nightly")
    assert Mapper(source).resolve(kind="pipeline", name="search_answers_nightly").feature_id == feature.pk
    assert Mapper(source).resolve(kind="pipeline", name="unheard_of_nightly") == Place()


def test_a_rule_that_is_off_or_of_another_source_is_not_tried(source):
    feature = make_feature()
    rule(pattern="*", feature=feature, is_enabled=False)
    rule(2, pattern="*", feature=feature, source=make_source())
    assert Mapper(source).resolve(kind="run", name="x") == Place()


def test_a_rule_can_look_into_the_sources_own_record(source):
    feature = make_feature()
    rule(pattern="*", payload={"owners[0]": "search-*"}, feature=feature)
    mapper = Mapper(source)
    assert mapper.resolve(kind="pipeline", name="a", raw={"owners": ["search-team"]}).feature_id == feature.pk
    assert mapper.resolve(kind="pipeline", name="a", raw={"owners": ["other"]}).feature_id is None


def test_without_rules_the_catalog_costs_what_it_did(source, django_assert_num_queries):
    with django_assert_num_queries(4):  # rules, components, features, environments
        mapper = Mapper(source)
        for number in range(50):
            mapper.resolve(kind="pipeline", name=f"p{number}")


def test_names_that_nobody_knows_are_kept_once(source):
    feature = make_feature(slug="known")
    at = database_time()
    for _ in range(2):
        mapper = Mapper(source)
        mapper.resolve(kind="pipeline", name="lost", labels={"owner": "ann"})
        mapper.resolve(kind="pipeline", name="found", labels={"feature": "known"})
        note_names(batches=[mapper.seen], at=at)
    rows = ExternalName.objects.order_by("name").values_list("name", "unplaced", "feature_id", "labels")
    assert list(rows) == [("found", 0, feature.pk, {"feature": "known"}), ("lost", 1, None, {"owner": "ann"})]


def test_telling_known_names_again_writes_nothing(source):
    def note():
        mapper = Mapper(source)
        mapper.resolve(kind="pipeline", name="lost")
        note_names(batches=[mapper.seen], at=database_time())

    note()
    before = ExternalName.objects.extra(select={"xmin": "xmin::text"}).values_list("xmin", flat=True).get()
    note()
    assert ExternalName.objects.extra(select={"xmin": "xmin::text"}).values_list("xmin", flat=True).get() == before
