from __future__ import annotations

import pytest
from django.urls import reverse

from apps.connectors.records import RunState
from apps.evaluations import services
from apps.evaluations.models import EvaluationRun, EvaluationSuite
from apps.events.services import record_events
from apps.sources.mapping import Mapper
from tests.evaluations.records import NOW, an_evaluation
from tests.factories import make_component, make_feature, make_source

pytestmark = pytest.mark.django_db
READER = 1  # the person who reads


@pytest.fixture
def reader(signed_in, outsider):
    client = signed_in(outsider)
    client.get(reverse("evaluations:run-list"))  # the session is in the cache from here on
    return client


@pytest.fixture
def feature():
    found = make_feature(name="Support Reply", slug="support")
    make_component(slug="support-golden", kind="evaluation_suite", feature=found)
    return found


def tell(*records):
    source = make_source()
    stored = services.upsert_evaluations(source=source, records=records, mapper=Mapper(source), at=NOW)
    record_events(events=stored.events)


def text(response) -> str:
    assert response.status_code == 200
    return response.content.decode()


def test_the_list_says_what_was_evaluated_and_what_came_out(reader, feature):
    tell(an_evaluation())
    html = text(reader.get(reverse("evaluations:run-list")))
    for words in ("support-golden", "support-reply 12", "Support Reply", "Some failed", "groundedness"):
        assert words in html


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("feature=support", 2),
        ("q=support-reply", 3),
        ("verdict=failed", 2),
        ("verdict=none", 1),
        ("state=failed", 1),
        ("since=2026-11-24", 3),
        ("until=2026-11-24", 0),
    ],
)
def test_evaluations_can_be_filtered(reader, feature, query, expected):
    tell(an_evaluation(1), an_evaluation(2, suite="other"), an_evaluation(3, state=RunState.FAILED, scores=()))
    response = reader.get(reverse("evaluations:run-list") + f"?{query}&format=json")
    assert b"".join(response.streaming_content).decode().count('"suite"') == expected


def test_one_evaluation_shows_its_cases_the_failed_ones_first(reader, feature):
    tell(an_evaluation(url="http://langfuse.test/runs/1"))
    html = text(reader.get(EvaluationRun.objects.get().get_absolute_url()))
    assert "2 passed, 1 failed." in html
    assert html.index("It made up a price.") < html.index('<th scope="row">b</th>')
    assert "2 of 3 passed in support-golden for support-reply 12" in html
    assert "http://langfuse.test/runs/1" in html


def test_a_suite_shows_how_its_numbers_developed(reader, feature):
    tell(*(an_evaluation(n) for n in range(1, 4)))
    html = text(reader.get(EvaluationSuite.objects.get().get_absolute_url()))
    assert html.count("support-reply 12") >= 3
    assert 'class="spark' in html


def test_other_pages_can_show_the_newest_of_a_feature(reader, feature):
    tell(an_evaluation())
    html = text(reader.get(reverse("evaluations:feature-runs", args=[feature.pk])))
    assert "support-golden" in html
    assert "<html" not in html
    assert "No evaluation is mapped" in text(reader.get(reverse("evaluations:feature-runs", args=[999_999])))


def test_pages_cost_the_same_with_many_rows(reader, feature, django_assert_num_queries):
    pages = {reverse("evaluations:run-list"): 3, reverse("evaluations:suite-list"): 3}
    tell(an_evaluation())
    for times in range(2):
        if times:
            tell(*(an_evaluation(n, suite=f"suite-{n}") for n in range(2, 30)))
        for url, number in pages.items():
            with django_assert_num_queries(number + READER):
                reader.get(url)


def test_an_empty_portal_says_what_to_do_next(reader):
    assert "No evaluations yet" in text(reader.get(reverse("evaluations:run-list")))
    assert "No suites yet" in text(reader.get(reverse("evaluations:suite-list")))


@pytest.mark.parametrize("name", ["run-list", "suite-list"])
def test_pages_are_for_people_who_signed_in_and_never_write(client, reader, name):
    url = reverse(f"evaluations:{name}")
    assert client.post(url).status_code in (302, 403, 405)
    assert reader.post(url).status_code == 405
