"""A failing part shows exactly the features that read it, and through what."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.catalog.models import Component, Dependency
from apps.core.ui.graph import Graph, Node, draw
from apps.core.ui.layers import layers
from apps.core.ui.status import look
from apps.health import queries
from apps.health.mapping import Parts
from apps.health.status import PartStatus
from apps.monitors.models import Alert
from tests.factories import make_component, make_feature, make_source
from tests.pipelines.factories import make_pipeline


def need(consumer: Component, *providers: Component) -> None:
    for provider in providers:
        Dependency.objects.create(consumer=consumer, provider=provider)


@pytest.fixture
def world(db):
    """Two features read the help index, one through a gateway of both; a third has an index of its own."""
    search, reply, invoices = (
        make_feature(name=name, slug=name.lower(), tier=1) for name in ("Search", "Reply", "Bills")
    )
    index = make_component(name="Help index", slug="help-index", kind="index")
    gateway = make_component(name="Retrieval", slug="retrieval", kind="gateway")
    need(make_component(name="search-api", feature=search), index)
    need(make_component(name="reply-api", feature=reply), gateway)
    need(gateway, index)
    need(make_component(name="bills-api", feature=invoices), make_component(name="Bills index", kind="index"))
    need(make_component(name="bills-test", feature=invoices, kind="evaluation_suite"), index)
    need(index, make_component(name="Nightly", slug="nightly", kind="pipeline"))
    return search, reply, invoices


def test_a_failing_index_touches_exactly_the_features_that_read_it(world) -> None:
    found = queries.dependency_map(component=Component.objects.get(slug="help-index"))
    told = [(one.feature.name, [part.name for part in one.through]) for one in found.touched]
    assert told == [("Reply", ["reply-api", "Retrieval"]), ("Search", ["search-api"])]


def test_a_feature_whose_tests_alone_need_the_index_is_told_apart(signed_in, outsider, world) -> None:
    found = queries.dependency_map(component=Component.objects.get(slug="help-index"))
    assert [one.name for one in found.tested] == ["Bills"]
    page = signed_in(outsider).get(f"{reverse('health:map')}?component=help-index").content.decode()
    card = page[page.index('id="touched"') : page.index("</section>", page.index('id="touched"'))]
    assert "Only the tests of" in card
    assert card.index("Reply") < card.index("Only the tests of") < card.index("Bills")


def test_what_feeds_the_index_touches_the_same_features(world) -> None:
    found = queries.dependency_map(component=Component.objects.get(slug="nightly"))
    assert [one.feature.name for one in found.touched] == ["Reply", "Search"]


def test_a_retired_feature_is_not_touched(world) -> None:
    search, _, _ = world
    search.is_retired = True
    search.save()
    found = queries.dependency_map(component=Component.objects.get(slug="help-index"))
    assert [one.feature.name for one in found.touched] == ["Reply"]


def test_a_map_of_a_feature_holds_what_it_stands_on_and_nothing_else(world) -> None:
    search, _, _ = world
    names = {row.component.name for row in queries.dependency_map(feature=search).rows}
    assert names == {"search-api", "Help index", "Nightly"}


def test_a_component_tells_how_it_does_by_its_worst_news(world) -> None:
    now, source = timezone.now(), make_source()
    nightly, index = Component.objects.get(slug="nightly"), Component.objects.get(slug="help-index")
    make_pipeline(name="Nightly index", source=source, component=nightly, last_state="failed", last_failed_at=now)
    Alert.objects.create(
        source=source,
        external_id="a",
        name="Slow index",
        state="firing",
        component=index,
        opened_at=now,
        last_seen_at=now,
    )
    rows = {row.component.slug: row for row in queries.dependency_map().rows}
    assert rows["nightly"].because == "the pipeline “Nightly index” failed"
    assert (rows["help-index"].status, rows["help-index"].because) == (
        PartStatus.FAILING,
        "the alert “Slow index” fires",
    )
    assert rows["retrieval"].status is PartStatus.UNKNOWN
    Alert.objects.update(state="resolved", resolved_at=now + timedelta(minutes=1))
    assert {row.component.slug for row in queries.dependency_map().failing} == {"nightly"}


def test_the_page_says_what_fails_and_what_it_touches(signed_in, outsider, world) -> None:
    client, url = signed_in(outsider), reverse("health:map")
    page = client.get(f"{url}?component=help-index").content.decode()
    card = page[page.index('id="touched"') : page.index("</section>", page.index('id="touched"'))]
    assert "If Help index fails" in card
    assert "2 features are touched" in card
    assert "through reply-api, Retrieval" in card
    assert re.search(
        r'href="/health/map/\?component=retrieval"[^>]*aria-label="Retrieval, Gateway, Not told, touched', page
    )
    assert 'aria-current="true"' in page
    assert "If it fails, this is touched" in page


def test_the_page_of_one_feature_keeps_it_in_every_link(signed_in, outsider, world) -> None:
    page = signed_in(outsider).get(f"{reverse('health:map')}?feature=search").content.decode()
    assert "?component=help-index&amp;feature=search" in page
    assert "bills-api" not in page


def test_an_unknown_name_is_not_found_and_an_empty_catalog_says_what_to_do(signed_in, outsider) -> None:
    client, url = signed_in(outsider), reverse("health:map")
    assert client.get(f"{url}?component=nothing").status_code == 404
    assert client.get(f"{url}?feature=nothing").status_code == 404
    assert "Open the dependencies" in client.get(url).content.decode()


def test_the_catalog_embeds_what_a_component_touches(signed_in, author, world) -> None:
    client = signed_in(author)
    part = client.get(reverse("health:touched-by", args=["help-index"])).content.decode()
    assert "<html" not in part
    assert "Search" in part
    assert (
        reverse("health:touched-by", args=["help-index"])
        in client.get("/catalog/components/help-index/change/").content.decode()
    )


def test_the_map_asks_the_same_number_of_questions_however_large(world, django_assert_num_queries) -> None:
    for _ in range(30):
        need(make_component(feature=make_feature()), Component.objects.get(slug="help-index"))
    with django_assert_num_queries(6):
        assert len(queries.dependency_map().rows) == 38


def test_circles_end_and_a_test_carries_no_trouble() -> None:
    parts = Parts(owners={1: 10, 2: None, 3: 20, 4: 30}, needs=[(1, 2), (2, 3), (3, 1), (4, 2)], tests=frozenset({4}))
    assert set(parts.touched(2)) == {10, 20}
    assert parts.touched(4) == {}
    assert parts.tested_with(2) == {30}
    assert parts.of_feature(10) == {1, 2, 3}


KEYS = [f"k{number}" for number in range(12)]
EDGES = st.lists(
    st.tuples(st.sampled_from(KEYS), st.sampled_from(KEYS)).filter(lambda one: one[0] != one[1]), max_size=40
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(EDGES)
def test_every_key_stands_in_one_column_and_without_circles_everything_needed_stands_right(edges) -> None:
    columns = layers(KEYS, edges, first=KEYS[:3])
    assert sorted(key for column in columns for key in column) == sorted(KEYS)
    forward = [(a, b) for a, b in edges if int(a[1:]) < int(b[1:])]
    place = {key: number for number, column in enumerate(layers(KEYS, forward, first=KEYS)) for key in column}
    assert all(place[a] < place[b] for a, b in forward)


def test_a_drawing_escapes_what_people_wrote() -> None:
    node = Node(
        "c1", "<script>alert(1)</script> & a very long name", "Index", look(PartStatus.FINE), "/?a=1&b=2", "chosen"
    )
    drawn = draw(Graph([node], [], ["c1"], 'a "map"'))
    assert "<script>" not in drawn
    assert "&amp;b=2" in drawn
    assert "…" in drawn
    assert draw(Graph([], [], [], "")) == ""
