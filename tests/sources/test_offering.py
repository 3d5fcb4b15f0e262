"""Choosing what to connect: groups, a filter that needs no script, and the documentation beside the form."""

from __future__ import annotations

import re

import pytest
from django.urls import reverse

from apps.connectors.base import Group
from apps.connectors.registry import CONNECTORS
from apps.sources import offering


def names(words: str = "") -> list[str]:
    return [offer.key for shelf in offering.shelves(words) for offer in shelf.offers]


def test_every_connector_stands_in_one_group() -> None:
    assert sorted(names()) == sorted(CONNECTORS)
    groups = [shelf.group for shelf in offering.shelves()]
    assert set(groups) == set(Group)
    assert groups == [group for group in Group if group in groups], "in the order of the enumeration"


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("airfl", {"airflow"}),
        ("  STATUS page ", {"statuspage"}),
        ("prompts", {"mlflow", "langfuse", "phoenix", "push", "http"}),
        ("no such thing", set()),
    ],
)
def test_words_find_connectors_by_name_group_and_what_they_bring(words: str, found: set[str]) -> None:
    assert set(names(words)) - {"scripted"} == found


def test_the_page_filters_without_scripts(author, signed_in) -> None:
    html = signed_in(author).get(reverse("sources:source-add"), {"q": "dagster"}).content.decode()
    assert reverse("sources:source-create", args=["dagster"]) in html
    assert reverse("sources:source-create", args=["airflow"]) not in html
    assert 'value="dagster"' in html


def test_a_search_in_vain_says_what_else_there_is(author, signed_in) -> None:
    html = signed_in(author).get(reverse("sources:source-add"), {"q": "<b>nothing"}).content.decode()
    assert "No connector fits" in html
    assert "<b>nothing" not in html


@pytest.mark.parametrize("key", sorted(CONNECTORS))
def test_the_documentation_stands_beside_each_form(key: str, author, signed_in) -> None:
    client = signed_in(author)
    address = reverse("sources:source-help", args=[key])
    assert address in client.get(reverse("sources:source-create", args=[key])).content.decode()
    html = client.get(address).content.decode()
    assert re.search(r'<div class="card__body doc"><p>|<div class="card__body doc">\s*<p>', html)
    assert "<h2>" in html or "<table>" in html, "as a page, not as it is written"


def test_documentation_that_is_not_installed_is_said_so(author, signed_in, settings, tmp_path) -> None:
    settings.BASE_DIR = tmp_path
    client = signed_in(author)
    assert client.get(reverse("sources:source-help", args=["airflow"])).status_code == 404
    form = client.get(reverse("sources:source-create", args=["airflow"])).content.decode()
    assert reverse("sources:source-help", args=["airflow"]) not in form


def test_only_those_who_may_connect_see_it(outsider, signed_in) -> None:
    assert signed_in(outsider).get(reverse("sources:source-help", args=["airflow"])).status_code == 403
