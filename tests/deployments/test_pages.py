from __future__ import annotations

import json

import pytest
from django.urls import reverse

from apps.connectors.records import DeploymentState
from apps.deployments import services
from apps.deployments.models import Deployment
from apps.events.services import record_events
from apps.sources.mapping import Mapper
from tests.deployments.test_deployment_upserts import NOW, a_deployment
from tests.factories import make_component, make_environment, make_feature, make_source

pytestmark = pytest.mark.django_db
READER = 1  # the person who reads


@pytest.fixture
def reader(signed_in, outsider):
    client = signed_in(outsider)
    client.get(reverse("deployments:matrix"))  # the session is in the cache from here on
    return client


@pytest.fixture
def feature():
    found = make_feature(name="Search Answers", slug="search")
    make_component(slug="retrieval-api", feature=found)
    make_environment(slug="staging", name="Staging", rank=1)
    make_environment(slug="production", name="Production", rank=2)
    return found


def tell(*records):
    source = make_source()
    stored = services.upsert_deployments(source=source, records=records, mapper=Mapper(source), at=NOW)
    record_events(events=stored.events)


def text(response) -> str:
    assert response.status_code == 200
    return response.content.decode()


def test_the_history_shows_what_went_where(reader, feature):
    tell(a_deployment("2.39", 9), a_deployment("2.40", 5), a_deployment("2.39", 1))
    html = text(reader.get(reverse("deployments:deployment-list")))
    assert html.count("retrieval-api") >= 3
    assert "Search Answers" in html
    assert html.count(">rollback<") == 1
    assert "2.40" in html


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("feature=search", 2),
        ("environment=Staging", 1),
        ("q=2.41", 1),
        ("q=retrieval", 2),
        ("state=failed", 0),
        ("kind=index", 1),
        ("rollback=1", 0),
        ("since=2026-11-24", 3),
        ("until=2026-11-24", 0),
    ],
)
def test_deployments_can_be_filtered(reader, feature, query, expected):
    index = a_deployment("build 7", component="help-center", labels={"kind": "index"})
    tell(a_deployment("2.40"), a_deployment("2.41", environment="Staging"), index)
    response = reader.get(reverse("deployments:deployment-list") + f"?{query}&format=json")
    assert len(b"".join(response.streaming_content).decode().split('"component_name"')) - 1 == expected


def test_the_matrix_says_what_runs_where_and_whether_it_is_the_same(reader, feature):
    tell(
        a_deployment("2.40", 9), a_deployment("2.41", 2, environment="Staging"), a_deployment("9", 1, component="other")
    )
    html = text(reader.get(reverse("deployments:matrix")))
    assert html.index(">Staging<") < html.index(">Production<")
    assert "2.41" in html
    assert "<strong>no</strong>" in html
    assert '<span class="soft">yes</span>' in html


def test_the_matrix_can_be_asked_for_alone(reader, feature):
    tell(a_deployment())
    html = text(reader.get(reverse("deployments:matrix"), headers={"HX-Target": "list-places"}))
    assert "<html" not in html
    assert "live:deployments from:body" in html


def test_a_deployment_shows_what_ran_before_and_what_happened(reader, feature):
    tell(a_deployment("2.39", 9), a_deployment("2.40", 1, url="http://ci.test/7"))
    html = text(reader.get(Deployment.objects.get(revision__reference="2.40").get_absolute_url()))
    assert "This runs in Production now." in html
    assert "<code>2.39</code>" in html
    assert "retrieval-api 2.40 went live in Production" in html
    assert "http://ci.test/7" in html
    older = text(reader.get(Deployment.objects.get(revision__reference="2.39").get_absolute_url()))
    assert "something else does now" in older


def test_what_lies_between_two_revisions_is_a_link_where_the_source_allows(reader, feature):
    url = "https://github.com/acme/search/actions/runs/7"
    tell(a_deployment("2.39", 9, url=url), a_deployment("2.40", 1, url=url))
    link = 'href="https://github.com/acme/search/compare/2.39...2.40"'
    assert link in text(reader.get(Deployment.objects.get(revision__reference="2.40").get_absolute_url()))
    assert link in text(reader.get(reverse("deployments:deployment-list")))


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", 3),
        ("feature=search", 2),
        ("environment=Staging", 1),
        ("differs=1", 2),
        ("trouble=1", 1),
        ("kind=index", 0),
        ("q=2.41", 1),
    ],
)
def test_places_can_be_filtered_and_downloaded(reader, feature, query, expected):
    other = a_deployment("9", 1, component="other", state=DeploymentState.FAILED)
    tell(a_deployment("2.40", 9), a_deployment("2.41", 2, environment="Staging"), other)
    response = reader.get(reverse("deployments:matrix") + f"?{query}&format=json")
    items = json.loads(b"".join(response.streaming_content))["items"]
    assert len(items) == expected
    assert all(item["revision"] is None or item["by"] == "Mei Lin" for item in items)


def test_other_pages_can_show_what_is_live(reader, feature):
    tell(a_deployment("2.40"))
    html = text(reader.get(reverse("deployments:feature-live", args=[feature.pk])))
    assert "retrieval-api 2.40" in html
    assert "<html" not in html
    assert "No deployment is mapped" in text(reader.get(reverse("deployments:feature-live", args=[999_999])))


def test_pages_cost_the_same_with_many_rows(reader, feature, django_assert_num_queries):
    pages = {reverse("deployments:deployment-list"): 4, reverse("deployments:matrix"): 5}
    tell(a_deployment())
    for times in range(2):
        if times:
            tell(*(a_deployment(f"3.{n}", n + 1, component=f"service-{n % 9}") for n in range(40)))
        for url, number in pages.items():
            with django_assert_num_queries(number + READER):
                reader.get(url)


def test_an_empty_portal_says_what_to_do_next(reader):
    assert "No deployments yet" in text(reader.get(reverse("deployments:deployment-list")))
    assert "Nothing is known to run yet" in text(reader.get(reverse("deployments:matrix")))


@pytest.mark.parametrize("name", ["deployment-list", "matrix"])
def test_strangers_are_sent_to_sign_in_and_nothing_can_be_posted(client, reader, name):
    url = reverse(f"deployments:{name}")
    assert reader.post(url).status_code == 405
    reader.logout()
    assert reader.get(url).status_code == 302
