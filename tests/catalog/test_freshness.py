"""How old data may be: said in a form or a file, refused with a sentence, kept whole."""

from __future__ import annotations

import re

import pytest
import yaml
from django.urls import reverse

from apps.accounts.models import AuditEntry
from apps.catalog import queries
from apps.catalog.freshness import limits_problem, limits_text, whole_limits
from apps.catalog.models import Component
from apps.catalog.services import CatalogError, apply_catalog
from tests.factories import make_component

WINDOW = {"warn_after_hours": 6.0, "fail_after_hours": 24.0, "due_by": "", "time_zone": "UTC"}
FORM = {"name": "Help index", "slug": "help-index", "kind": "index", "external_names": ""}


def document(freshness: str = ", freshness: {warn_after_hours: 6, fail_after_hours: 24}"):
    return yaml.safe_load(f"components:\n  - {{slug: help-index, name: Help index, kind: index{freshness}}}")


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ({"warn_after_hours": 6}, ""),
        ({"fail_after_hours": 0.5}, ""),
        ({"due_by": "0 6 * * 1-5", "time_zone": "Europe/Berlin"}, ""),
        ({}, "Say after how many hours"),
        ({"time_zone": "UTC"}, "Say after how many hours"),
        (
            {"warn_after_hours": 24, "fail_after_hours": 6},
            "“fail_after_hours” (6) comes before “warn_after_hours” (24)",
        ),
        ({"warn_after_hours": 0}, "Data cannot be new for 0 hours"),
        ({"warn_after_hours": float("inf")}, "Hours are ordinary numbers"),
        ({"warn_after_hours": -1}, "Hours are ordinary numbers"),
        ({"due_by": "0 6 * *"}, "A cron expression has five fields"),
        ({"due_by": "0 6 * * 9"}, "is no cron expression"),
        ({"due_by": "0 6 30 2 *"}, "is no cron expression that ever comes"),
        ({"due_by": "0 6 * * *", "time_zone": "Mars"}, "“Mars” is not a time zone"),
    ],
)
def test_limits_are_checked(said, sentence):
    found = limits_problem(said)
    assert sentence in found
    assert bool(found) == bool(sentence)


def test_limits_are_said_in_words():
    assert limits_text(None) == ""
    assert limits_text(whole_limits({"warn_after_hours": 6})) == "warn after 6 h"
    due = whole_limits({"due_by": " 0  6 * * * ", "time_zone": "Europe/Berlin", "fail_after_hours": 2})
    assert limits_text(due) == "due by 0 6 * * * (Europe/Berlin), fail 2 h later"


def test_a_file_sets_limits_and_a_second_time_changes_nothing(db):
    apply_catalog(document=document())
    assert Component.objects.get().freshness == WINDOW
    assert apply_catalog(document=document()).is_empty
    assert apply_catalog(document=document("")).is_empty, "a key that is left out stays"
    assert apply_catalog(document=queries.as_document()).is_empty
    diff = apply_catalog(document=document(", freshness: null"))
    assert "freshness: warn after 6 h, fail after 24 h → nothing" in str(diff)
    assert Component.objects.get().freshness is None


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ("{warn_after_hours: 24, fail_after_hours: 6}", "comes before"),
        ("{warn_after: 6}", "“warn_after” is not a known key; did you mean “warn_after_hours”?"),
        ("{warn_after_hours: soon}", "must be a number or nothing"),
        ("6 h", "must be a mapping or nothing"),
    ],
)
def test_a_file_is_told_what_is_wrong(db, said, sentence):
    with pytest.raises(CatalogError, match=re.escape(sentence)):
        apply_catalog(document=document(f", freshness: {said}"))
    assert not Component.objects.exists()


def test_an_engineer_sets_limits_in_the_form(signed_in, author):
    engineer = signed_in(author)
    filled = FORM | {"warn_after_hours": "6", "fail_after_hours": "24", "time_zone": "UTC"}
    assert engineer.post(reverse("catalog:component-create"), filled).status_code == 302
    component = Component.objects.get()
    assert component.freshness == WINDOW
    page = engineer.get(reverse("catalog:component-change", args=["help-index"])).content.decode()
    assert 'name="warn_after_hours" value="6"' in page
    emptied = FORM | {"warn_after_hours": "", "fail_after_hours": "", "time_zone": "UTC"}
    engineer.post(reverse("catalog:component-change", args=["help-index"]), emptied)
    component.refresh_from_db()
    assert component.freshness is None
    audit = AuditEntry.objects.order_by("pk").last()
    assert (audit.before["freshness"], audit.after["freshness"]) == (WINDOW, None)


def test_a_form_is_told_what_is_wrong(signed_in, author):
    answer = signed_in(author).post(
        reverse("catalog:component-create"), FORM | {"warn_after_hours": "24", "fail_after_hours": "6"}
    )
    assert answer.status_code == 422
    assert "comes before" in answer.content.decode()
    assert not Component.objects.exists()


def test_who_only_looks_sets_no_limits(signed_in, outsider):
    make_component(slug="help-index", kind="index")
    url = reverse("catalog:component-change", args=["help-index"])
    assert signed_in(outsider).post(url, FORM | {"warn_after_hours": "6"}).status_code == 403
    assert Component.objects.get().freshness is None
