from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import DatabaseError, transaction
from django.urls import reverse

from apps.connectors.records import PromptLabelRecord, PromptRecord, PromptVersionRecord
from apps.deployments import services as deployments
from apps.deployments.models import Running
from apps.deployments.queries import earlier_in_place
from apps.events.models import Event
from apps.events.services import record_events
from apps.health import queries, services
from apps.health.models import Bundle, BundleStay, FeatureConsistency, FeatureHealth
from apps.prompts import services as prompts
from apps.sources.mapping import Mapper
from tests.deployments.test_deployment_upserts import NOW, a_deployment
from tests.factories import make_component, make_environment, make_feature, make_source

pytestmark = pytest.mark.django_db


@pytest.fixture
def feature():
    make_environment(slug="staging", name="Staging", rank=1)
    make_environment(slug="production", name="Production", rank=2, is_production=True)
    found = make_feature(name="Search Answers", slug="search")
    make_component(slug="retrieval-api", name="retrieval-api", feature=found)
    return found


@pytest.fixture
def tell(feature):
    source = make_source()

    def store(*records, at=NOW):
        stored = deployments.upsert_deployments(source=source, records=records, mapper=Mapper(source), at=at)
        record_events(events=stored.events)
        assert stored.set_ids == stored.feature_ids
        services.refresh_consistency(feature_ids=stored.set_ids, at=at)

    return store


def both(revision: str, hours: float, **fields):
    """The same revision in Staging and, an hour later, in Production."""
    return (
        a_deployment(revision, hours, environment="Staging", external_id=f"s{revision}{hours}", **fields),
        a_deployment(revision, hours - 1, external_id=f"p{revision}{hours}", **fields),
    )


def judged() -> FeatureConsistency:
    return FeatureConsistency.objects.get()


def kinds() -> list[str]:
    return list(Event.objects.filter(kind__startswith="health:").order_by("id").values_list("kind", flat=True))


def test_a_feature_goes_from_consistent_to_behind_to_mixed_and_back(tell):
    tell(*both("2.40", 9))
    assert judged().status == "consistent"
    tell(a_deployment("2.41", 5, environment="Staging"), at=NOW + timedelta(minutes=1))
    assert judged().status == "behind"
    assert judged().findings[0]["text"].startswith("Production runs retrieval-api 2.40, Staging has 2.41")
    tell(a_deployment("2.42", 3), at=NOW + timedelta(minutes=2))
    assert judged().status == "mixed"
    tell(a_deployment("2.42", 1, environment="Staging"), at=NOW + timedelta(minutes=3))
    assert judged().status == "consistent"
    assert kinds() == ["health:set:behind", "health:set:mixed", "health:set:consistent"]


def test_judging_again_without_news_tells_nothing(tell, feature):
    tell(*both("2.40", 9))
    since, count = judged().since, Event.objects.count()
    assert services.refresh_consistency(feature_ids=[feature.pk], at=NOW + timedelta(hours=1)) == 0
    assert (judged().since, Event.objects.count(), BundleStay.objects.count()) == (since, count, 2)


def test_a_promoted_set_keeps_its_id(tell):
    tell(*both("2.40", 9))
    tell(a_deployment("2.41", 5, environment="Staging"), at=NOW + timedelta(minutes=1))
    tell(a_deployment("2.41", 2), at=NOW + timedelta(minutes=2))
    stays = BundleStay.objects.order_by("started_at").values_list("environment__name", "bundle__alias", "is_promotion")
    aliases = {alias for _, alias, _ in stays}
    assert len(aliases) == Bundle.objects.count() == 2
    assert [(name, is_promotion) for name, _, is_promotion in stays] == [
        ("Staging", False),
        ("Production", True),
        ("Staging", False),
        ("Production", True),
    ]
    assert kinds().count("health:bundle:promoted") == 1  # what was found at first sight is no news
    assert BundleStay.objects.filter(ended_at=None).count() == 2


def test_going_back_finds_the_same_set_again(tell):
    tell(*both("2.40", 9))
    tell(a_deployment("2.41", 5), at=NOW + timedelta(minutes=1))
    tell(a_deployment("2.40", 2), at=NOW + timedelta(minutes=2))
    assert Bundle.objects.count() == 2
    assert judged().status == "consistent"


def test_a_bundle_cannot_be_changed(tell):
    tell(*both("2.40", 9))
    with pytest.raises(DatabaseError, match="never changes"), transaction.atomic():
        Bundle.objects.update(alias="other")


def test_a_wrong_embedder_degrades_the_feature_until_it_is_right_again(tell, feature):
    index = {"component": "help-center", "labels": {"kind": "index", "embedder": "small-2", "feature": "search"}}
    model = {"component": "embedder", "labels": {"kind": "embedding_model", "feature": "search"}}
    tell(a_deployment("build 7", 9, **index), a_deployment("small-2", 9, **model))
    services.refresh_health(feature_ids=[feature.pk], at=NOW)
    assert FeatureHealth.objects.get().status == "unknown"
    tell(a_deployment("turbo-1", 5, **model), at=NOW + timedelta(minutes=1))
    services.refresh_health(feature_ids=[feature.pk], at=NOW + timedelta(minutes=1))
    health = FeatureHealth.objects.get()
    assert health.status == "degraded"
    assert "was built with small-2 and is searched with turbo-1" in health.sentence
    tell(a_deployment("small-2", 1, **model), at=NOW + timedelta(minutes=2))
    services.refresh_health(feature_ids=[feature.pk], at=NOW + timedelta(minutes=2))
    assert FeatureHealth.objects.get().status == "unknown"
    assert [kind for kind in kinds() if "embedder" in kind] == ["health:embedder:wrong", "health:embedder:right"]


def test_being_behind_is_information_and_degrades_nothing(tell, feature):
    tell(*both("2.40", 9))
    tell(a_deployment("2.41", 5, environment="Staging"), at=NOW + timedelta(minutes=1))
    services.refresh_health(feature_ids=[feature.pk], at=NOW + timedelta(minutes=1))
    health = FeatureHealth.objects.get()
    assert health.status == "unknown"
    (reason,) = [reason for reason in health.reasons if reason["key"] == "set"]
    assert (reason["rule"], reason["tone"], reason["effect"]) == ("set-differs", "info", "")


def test_prompt_labels_named_like_environments_belong_to_the_set(tell, feature):
    source = make_source(connector="langfuse")
    make_component(slug="answers", name="Answers", kind="prompt", feature=feature, external_names=["prompt:answers"])
    args = {"source": source, "at": NOW}
    prompts.upsert_prompts(records=[PromptRecord(external_id="answers", name="answers")], mapper=Mapper(source), **args)
    versions = [
        PromptVersionRecord(
            prompt_external_id="answers", external_id=f"answers:{n}", number=n, template=f"{n}", created_at=NOW
        )
        for n in (1, 2)
    ]
    prompts.upsert_versions(records=versions, **args)
    labels = [
        PromptLabelRecord(external_id=f"answers@{name}", prompt_external_id="answers", name=name, number=number)
        for name, number in (("staging", 2), ("production", 1), ("latest", 2))
    ]
    stored = prompts.upsert_labels(records=labels, **args)
    assert stored.set_ids == {feature.pk}
    services.refresh_consistency(feature_ids=stored.set_ids, at=NOW)
    (finding,) = judged().findings
    assert finding["text"].startswith("Production runs answers v1, Staging has v2")


def test_the_sweep_judges_what_no_news_has_touched(feature):
    assert queries.due_consistency(at=NOW) == {feature.pk}
    services.refresh_due(at=NOW)
    assert judged().status == "unknown"
    assert queries.due_consistency(at=NOW + timedelta(minutes=9)) == set()
    assert queries.due_consistency(at=NOW + timedelta(minutes=10)) == {feature.pk}


def test_a_place_where_nothing_runs_any_more_ends_its_stay(tell, feature):
    tell(a_deployment("2.40", 5, environment="Staging", external_id="one"))
    moved = a_deployment("2.40", 5, environment="elsewhere", external_id="one", updated_at=NOW)
    tell(moved, at=NOW + timedelta(minutes=1))
    assert not BundleStay.objects.filter(ended_at=None).exists()


@pytest.fixture
def reader(signed_in, outsider):
    client = signed_in(outsider)
    client.get(reverse("health:consistency-list"))
    return client


def test_the_pages_show_what_differs_and_where_a_set_ran(tell, feature, reader):
    tell(*both("2.40", 9))
    tell(a_deployment("2.41", 5, environment="Staging", deployed_by="Jana Novak"), at=NOW + timedelta(minutes=1))
    html = reader.get(reverse("health:consistency-list")).content.decode()
    assert "Production runs exactly what Staging ran before" in html
    html = reader.get(reverse("health:consistency", args=["search"])).content.decode()
    assert "put there by Jana Novak" in html
    short = reader.get(reverse("health:consistency-short", args=[feature.pk])).content.decode()
    assert "Behind" in short
    newest = Bundle.objects.order_by("-pk").first()
    html = reader.get(newest.get_absolute_url()).content.decode()
    assert newest.alias in html
    assert "<code>2.40</code>" in html
    assert reader.get(newest.get_absolute_url() + "?with=nonsense").status_code == 200


def test_a_rollback_is_offered_to_those_who_may_until_it_is_asked_for(tell, feature, signed_in, author, outsider):
    tell(*both("2.40", 9))
    tell(a_deployment("2.42", 3), at=NOW + timedelta(minutes=2))
    running = Running.objects.get(environment_name="Production")
    page = reverse("health:consistency", args=["search"])
    way = reverse("deployments:rollback-ask", args=[running.deployment_id])
    assert way not in signed_in(outsider).get(page).content.decode()
    assert signed_in(author).get(page).content.decode().count(way) == 1
    (earlier,) = earlier_in_place(running=running)
    deployments.ask_rollback(running=running, to=earlier, actor=author, reason="never tested", at=NOW)
    html = signed_in(author).get(page).content.decode()
    assert way not in html
    assert "should go back to 2.40 in Production" in html


def test_pages_cost_the_same_with_much_history(tell, feature, reader, django_assert_num_queries):
    tell(*both("2.40", 900))
    pages = {
        reverse("health:consistency-list"): 2,
        reverse("health:consistency", args=["search"]): 8,
        Bundle.objects.get().get_absolute_url(): 3,
    }
    for times in range(2):
        if times:
            for n in range(12):
                tell(*both(f"3.{n}", 500 - 10 * n), at=NOW + timedelta(minutes=n))
        for url, number in pages.items():
            with django_assert_num_queries(number + 1):
                reader.get(url)


def test_judging_costs_the_same_for_many_features(feature, django_assert_num_queries):
    source = make_source()

    def costs(count: int, number: int) -> None:
        features = [make_feature() for _ in range(count)]
        records = [
            a_deployment("1", 5, component=f"c-{one.pk}", environment=place, labels={"feature": one.slug})
            for one in features
            for place in ("Staging", "Production")
        ]
        deployments.upsert_deployments(source=source, records=records, mapper=Mapper(source), at=NOW)
        ids = [one.pk for one in features]
        services.refresh_consistency(feature_ids=ids, at=NOW)
        with django_assert_num_queries(number):
            services.refresh_consistency(feature_ids=ids, at=NOW + timedelta(minutes=1))

    costs(1, 11)
    costs(20, 11)
