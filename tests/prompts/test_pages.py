from __future__ import annotations

import pytest
from django.urls import reverse

from apps.prompts import services
from apps.prompts.models import Prompt
from apps.sources.mapping import Mapper
from tests.factories import make_component, make_environment, make_feature
from tests.prompts.records import NOW, a_label, a_prompt, a_version

pytestmark = pytest.mark.django_db
READER = 1  # the person who reads


@pytest.fixture
def reader(signed_in, outsider):
    client = signed_in(outsider)
    client.get(reverse("prompts:prompt-list"))  # the session is in the cache from here on
    return client


def text(response) -> str:
    assert response.status_code == 200
    return response.content.decode()


def labels(source, *records):
    return services.upsert_labels(source=source, records=records, at=NOW)


def test_the_list_says_where_labels_point(reader, source, prompt):
    make_environment(slug="production", rank=9)
    labels(source, a_label(2), a_label(3, "canary"))
    html = text(reader.get(reverse("prompts:prompt-list")))
    assert html.index("production v2") < html.index("canary v3")
    assert "v3" in html


@pytest.mark.parametrize(
    ("query", "expected"), [("", 2), ("q=search", 1), ("feature=search", 1), ("label=production", 1), ("gone=1", 3)]
)
def test_prompts_can_be_filtered(reader, source, prompt, query, expected):
    make_component(kind="prompt", feature=make_feature(slug="search"), external_names=["prompt:search-answers"])
    told = [a_prompt(), a_prompt("other"), a_prompt("old")]
    services.upsert_prompts(source=source, records=told, mapper=Mapper(source), at=NOW)
    Prompt.objects.filter(name="old").update(gone_at=NOW)
    labels(source, a_label(2))
    response = reader.get(reverse("prompts:prompt-list") + f"?{query}&format=json")
    assert b"".join(response.streaming_content).decode().count('"latest_number"') == expected


def test_a_prompt_shows_the_version_in_production_first(reader, source, prompt):
    labels(source, a_label(2))
    html = text(reader.get(prompt.get_absolute_url()))
    assert "Version 2" in html
    assert '<span class="var">{{ question }}</span>' in html
    assert "take 2." in html
    assert "take 3." not in html


def test_another_version_can_be_chosen(reader, prompt):
    assert "take 1." in text(reader.get(f"{prompt.get_absolute_url()}?v=1"))


@pytest.mark.parametrize(("layout", "columns"), [("unified", 3), ("split", 4), ("sideways", 3), ("", 3)])
def test_two_versions_can_be_compared_word_by_word(reader, prompt, layout, columns):
    html = text(reader.get(f"{prompt.get_absolute_url()}?from=1&to=3&diff={layout}"))
    assert "What changed from v1 to v3" in html
    assert "<del>1</del>" in html
    assert "<ins>3</ins>" in html
    columns_told = html[html.index("<colgroup>") : html.index("</colgroup>")].count("<col") - 1
    assert columns_told == columns


def test_versions_that_say_the_same_have_no_difference(reader, prompt):
    assert "exactly the same" in text(reader.get(f"{prompt.get_absolute_url()}?from=2&to=2"))


@pytest.mark.parametrize("query", ["v=99", "v=abc", "from=1", "from=1&to=99", "v=" + "9" * 40, "v=²"])
def test_a_version_that_does_not_exist_is_not_found(reader, prompt, query):
    assert reader.get(f"{prompt.get_absolute_url()}?{query}").status_code == 404


def test_hostile_content_is_only_text(reader, source, prompt):
    evil = "<script>alert(1)</script> {{ <img src=x onerror=alert(1)> }}"
    services.upsert_versions(source=source, records=[a_version(4, template=evil, author="<b>x</b>")], at=NOW)
    for query in ("v=4", "from=3&to=4", "from=3&to=4&diff=split"):
        html = text(reader.get(f"{prompt.get_absolute_url()}?{query}"))
        assert "<script>alert" not in html
        assert "<img src=x" not in html
        assert "<b>x</b>" not in html


def test_the_story_of_labels_is_shown_with_rollbacks(reader, source, prompt):
    for number in (1, 2, 1):
        labels(source, a_label(number))
    html = text(reader.get(prompt.get_absolute_url()))
    assert html.count(">rollback<") == 1
    assert "?from=1&amp;to=2" in html


def test_a_prompt_without_versions_says_so(reader, source):
    services.upsert_prompts(source=source, records=[a_prompt()], mapper=Mapper(source), at=NOW)
    assert "No version yet" in text(reader.get(Prompt.objects.get().get_absolute_url()))


def test_pages_cost_the_same_with_many_rows(reader, source, prompt, django_assert_num_queries):
    pages = {reverse("prompts:prompt-list"): 4, prompt.get_absolute_url(): 9}
    labels(source, a_label(2))
    for times in range(2):
        if times:
            names = [f"p{n}" for n in range(20)]
            told = [a_prompt(name) for name in names]
            services.upsert_prompts(source=source, records=told, mapper=Mapper(source), at=NOW)
            services.upsert_versions(source=source, records=[a_version(1, name) for name in names], at=NOW)
            labels(source, *(a_label(1, prompt=name) for name in names), a_label(1), a_label(3, "canary"))
        for url, number in pages.items():
            with django_assert_num_queries(number + READER):
                reader.get(url)


@pytest.mark.parametrize("name", ["prompt-labels", "feature-prompts"])
def test_fragments_stand_alone(reader, prompt, name):
    html = text(reader.get(reverse(f"prompts:{name}", args=[prompt.pk])))
    assert "<html" not in html
    assert "hx-get" in html


def test_strangers_are_sent_to_sign_in_and_nothing_can_be_posted(reader, prompt):
    for url in (reverse("prompts:prompt-list"), prompt.get_absolute_url()):
        assert reader.post(url).status_code == 405
    reader.logout()
    assert reader.get(reverse("prompts:prompt-list")).status_code == 302
