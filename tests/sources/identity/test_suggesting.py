"""Guesses are good enough to be one click away, and silent when there is nothing to guess."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.sources.identity.suggesting import Candidate, suggest

CANDIDATES = [
    Candidate("feature:1", "search-answers", "Search Answers"),
    Candidate("feature:2", "support-reply", "Support Reply"),
    Candidate(
        "component:3", "search-answers-evaluation", "Search Answers evaluation", "evaluation_suite", "Search Answers"
    ),
    Candidate("component:4", "search-index-build", "Search index build", "pipeline", "Search Answers"),
    Candidate("component:5", "support-reply-prompt", "Support Reply prompt", "prompt", "Support Reply"),
]


@pytest.mark.parametrize(
    ("kind", "name", "labels", "first"),
    [
        ("pipeline", "nightly_search_index_build", {}, "component:4"),
        ("pipeline", "SearchIndexBuild-v2", {}, "component:4"),
        ("prompt", "support/reply/prod", {}, "component:5"),
        ("evaluation", "search-answers-evaluation", {}, "component:3"),
        ("alert", "HighLatency", {"service": "support-reply"}, "feature:2"),
        ("deployment", "support-replies", {}, "feature:2"),
    ],
)
def test_the_likeliest_comes_first(kind, name, labels, first):
    found = suggest(kind=kind, name=name, labels=labels, candidates=CANDIDATES)
    assert found[0].candidate.key == first
    assert found[0].why


@pytest.mark.parametrize("name", ["billing-export", "etl", "42", "", "nightly"])
def test_nothing_is_suggested_where_nothing_is_alike(name):
    assert suggest(kind="pipeline", name=name, labels={}, candidates=CANDIDATES) == []


@given(st.text(max_size=80), st.dictionaries(st.text(max_size=8), st.text(max_size=20), max_size=3))
def test_any_name_gives_at_most_three_in_order(name, labels):
    found = suggest(kind="run", name=name, labels=labels, candidates=CANDIDATES)
    assert len(found) <= 3
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)
    assert all(0 < one.score <= 1 for one in found)
