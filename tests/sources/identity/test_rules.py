"""Which names a rule fits, and what it reads out of them."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.sources.identity.rules import (
    PatternError,
    Rule,
    Thing,
    check_path,
    check_pattern,
    fit,
    literal,
    match,
    payload_text,
)


@pytest.mark.parametrize(
    ("pattern", "text", "read"),
    [
        ("*", "anything at all", {}),
        ("nightly-index", "nightly-index", {}),
        ("nightly-index", "nightly-index-2", None),
        ("nightly-*", "nightly-index", {}),
        ("?ightly", "nightly", {}),
        ("a[b]", "a[b]", {}),
        ("a[b]", "ab", None),
        ("a.c", "abc", None),
        ("{feature}-nightly", "search-answers-nightly", {"feature": "search-answers"}),
        ("{feature}-nightly", "-nightly", None),
        ("{environment}/{component}", "prod/ranker", {"environment": "prod", "component": "ranker"}),
        ("*/{component}/*", "a/ranker/b/c", {"component": "ranker"}),
        ("", "", {}),
    ],
)
def test_a_pattern_fits_whole_names(pattern, text, read):
    assert match(pattern, text) == read


@pytest.mark.parametrize("pattern", ["", "x" * 301, "{team}-x", "{feature}{feature}", "*" * 13])
def test_a_pattern_that_cannot_work_is_refused_in_words(pattern):
    with pytest.raises(PatternError) as caught:
        check_pattern(pattern)
    assert str(caught.value).endswith(".")


def test_a_path_that_cannot_be_read_is_refused_in_words():
    assert check_path("a.b[0]") == "a.b[0]"
    with pytest.raises(PatternError, match="JMESPath"):
        check_path("a.[")


@given(st.text(max_size=60))
def test_a_literal_pattern_fits_its_own_text(text):
    assert match(literal(text), text) == {}


@given(st.text(alphabet="ab*?", max_size=12), st.text(alphabet="ab", max_size=14))
def test_wildcards_mean_what_a_plain_regular_expression_says(pattern, text):
    plain = "".join({"*": ".*", "?": "."}.get(sign, sign) for sign in pattern)
    assert (match(pattern, text) is not None) == (re.fullmatch(plain, text) is not None)


@given(st.text(alphabet="ab-", min_size=1, max_size=10), st.text(alphabet="ab-", max_size=10))
def test_what_a_placeholder_reads_puts_the_name_together_again(part, rest):
    read = match("{feature}:" + rest, f"{part}:{rest}")
    assert read is not None
    assert f"{read['feature']}:{rest}" == f"{part}:{rest}"


def test_a_long_name_that_nearly_fits_is_compared_at_once():
    assert match("*a" * 6 + "b", "a" * 512) is None
    assert match("{feature}a*a*a*a*ab", "a" * 511 + "b") == {"feature": "a"}


THING = Thing(7, "run", "nightly", {"team": "search"}, {"owners": ["ann"], "is_paused": True, "deep": {"n": 3}})


@pytest.mark.parametrize(
    ("fields", "fits"),
    [
        ({}, True),
        ({"kind": "run"}, True),
        ({"kind": "prompt"}, False),
        ({"source_id": 7}, True),
        ({"source_id": 8}, False),
        ({"labels": (("team", "sea*"),)}, True),
        ({"labels": (("team", "sea*"), ("zone", "?*"))}, False),
        ({"payload": (("owners[0]", "ann"),)}, True),
        ({"payload": (("is_paused", "true"),)}, True),
        ({"payload": (("deep", "*"),)}, True),
        ({"payload": (("owners[1]", "?*"),)}, False),
    ],
)
def test_every_condition_must_hold(fields, fits):
    assert (fit(Rule(id=1, pattern="night*", **fields), THING) is not None) == fits


def test_a_rule_about_the_record_never_fits_without_one():
    assert fit(Rule(id=1, pattern="*", payload=(("a", "*"),)), Thing(7, "run", "x")) is None


@given(
    st.dictionaries(st.text(max_size=5), st.recursive(st.none() | st.integers(), st.lists, max_leaves=5), max_size=4)
)
def test_looking_into_any_record_gives_a_text(payload):
    assert isinstance(payload_text(payload, "a.b[0] || length(@)"), str)
