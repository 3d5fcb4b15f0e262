"""Documents that people write into a form: JSON types come out, and nothing that a database or JSON cannot hold."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.connectors.documents import parse_document
from apps.connectors.errors import ConfigError
from tests.connectors.conftest import patient


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("at: 2026-01-31T09:00:00Z", {"at": "2026-01-31T09:00:00Z"}),
        ("on: 2026-01-31", {"on": "2026-01-31"}),
        ("states: {yes: failed, no: succeeded, 200: x, null: y, true: z}",
         {"states": {"yes": "failed", "no": "succeeded", "200": "x", "null": "y", "true": "z"}}),
        ("[yes, off, true, FALSE, ~, null]", ["yes", "off", True, False, None, None]),
        ("[7, -7, 007, 10:30, 0x1F, 1_000]", [7, -7, "007", "10:30", "0x1F", "1_000"]),
        ("[0.5, 1e3, 1.5E-2, .inf, .nan, 1.]", [0.5, 1000.0, 0.015, ".inf", ".nan", "1."]),
        ("<<: {a: 1}", {"<<": {"a": 1}}),
        ('{\n\t"a": [1,\n\t\t2]\n}', {"a": [1, 2]}),
        ("{a: [b, 'c']}", {"a": ["b", "c"]}),
        ("text: |\n  one\n  two\n", {"text": "one\ntwo\n"}),
        ("", None),
        ("a & b * c", "a & b * c"),
    ],
)  # fmt: skip
def test_a_scalar_is_what_json_has_or_text(text: str, value: Any) -> None:
    assert parse_document("f", text) == value


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: 1\nb: 2\na: 3", "near line 3: “a” stands there twice"),
        ("? [a]\n: b", "a key is no text"),
        ("a: !!binary aGk=", "not readable YAML"),
        ("a: !!python/object/apply:os.system [ls]", "not readable YAML"),
        ("a: !!timestamp 2026-01-31", "not readable YAML"),
        ("a: [1", "not readable YAML near line"),
        ("a: &x 1\nb: *x", "YAML aliases"),
        ("[" * 5000, "not readable YAML"),
        ("x" * 100_001, "too long"),
    ],
)
def test_what_json_cannot_hold_is_refused_with_its_place(text: str, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_document("f", text)
    assert caught.value.field == "f"
    assert words in caught.value.message


@patient
@given(st.text(alphabet="ab:-{}[]'\"\n \t0123.#&*!|>?,~%@`", max_size=60))
def test_any_text_is_json_or_refused(text: str) -> None:
    try:
        value = parse_document("f", text)
    except ConfigError:
        value = None
    assert json.loads(json.dumps(value, allow_nan=False)) == value
