"""Cases in files: every wrong line is named, and what is written can be read again."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.evaluations.casefile import MOST_ERRORS, make_case, read_cases, write_csv, write_jsonl


def told(text: str, *, is_jsonl: bool = False) -> list[str]:
    return [str(error) for error in read_cases(text, is_jsonl=is_jsonl).errors]


def test_a_csv_file_becomes_cases():
    found = read_cases(
        "key,question,lang,expected,weight,tags\n"
        'a,Why?,en,because,2,"safety; de"\nb,How?,de,"{""contains"": ""so""}",,\n',
        is_jsonl=False,
        origin="import",
    )
    assert not found.errors
    first, second = found.cases
    assert (first.key, dict(first.inputs), first.expected) == ("a", {"question": "Why?", "lang": "en"}, "because")
    assert (first.weight, first.tags, first.origin) == (2.0, ("safety", "de"), "import")
    assert (second.expected, second.weight) == ({"contains": "so"}, 1.0)
    assert found.lines == [2, 3]


def test_a_case_without_a_key_gets_the_same_one_every_time():
    assert make_case(inputs={"q": "Where is my parcel?"}).key == make_case(inputs={"q": "Where is my parcel?"}).key
    assert make_case(inputs={"q": "Where is my parcel?"}).key.startswith("where-is-my-parcel-")


@pytest.mark.parametrize(
    ("text", "errors"),
    [
        ("", ["Line 1: The file holds no cases."]),
        ("key,expected\na,b\n", ["Line 1: Name at least one input as a column, such as “question”"]),
        ("key,q,q\na,b,c\n", ["Line 1: Every column needs a name of its own."]),
        ("key,q\na,x\na,y\n", ["Line 3: The key a stands in line 2 already."]),
        ("key,q\na,x,z\n", ["Line 2: It has 3 cells; the first line names 2 columns."]),
        (
            "key,q,weight\na,x,heavy\nb,y,0\n",
            ["Line 2: The weight “heavy” is not a number.", "Line 3: The weight"],
        ),
        ('key,q\na,"two\nlines"\nb,"open\n', ["Line 4: This is not readable as CSV"]),
    ],
)
def test_a_wrong_line_of_a_csv_file_is_named(text, errors):
    found = told(text)
    assert len(found) == len(errors)
    for sentence, wanted in zip(found, errors, strict=True):
        assert sentence.startswith(wanted)


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("not json", "This is not JSON."),
        ("[1]", "Each line is an object with “inputs”"),
        ('{"inputs": {}}', "A case needs at least one input."),
        ('{"inputs": {"q": "x"}, "colour": 1}', "colour is unknown"),
        ('{"inputs": {"q": "x"}, "weight": -1}', "The weight must be a number above 0"),
        ('{"inputs": {"q": "x"}, "tags": "safety"}', "Tags must be texts"),
        ('{"inputs": {"q": "x\\u0000"}}', "NUL character"),
    ],
)
def test_a_wrong_line_of_json_lines_is_named(line, sentence):
    found = told('{"inputs": {"q": "fine"}}\n\n' + line + "\n", is_jsonl=True)
    assert len(found) == 1
    assert found[0].startswith("Line 3: ")
    assert sentence in found[0]


def test_many_wrong_lines_are_counted_and_not_all_told():
    found = read_cases("\n".join(["oops"] * 80), is_jsonl=True)
    assert (len(found.errors), found.more_errors) == (MOST_ERRORS, 80 - MOST_ERRORS)


texts = st.text(st.characters(exclude_characters="\x00\r", exclude_categories=("Cs",)), min_size=1, max_size=20)
drafts = st.builds(
    make_case,
    inputs=st.fixed_dictionaries({"question": texts}),
    expected=st.one_of(st.none(), texts.filter(lambda text: text.lstrip()[:1] not in ("{", "["))),
    weight=st.sampled_from([1.0, 0.5, 2.0]),
    tags=st.lists(st.sampled_from(["safety", "de"]), max_size=2, unique=True),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(drafts, min_size=1, max_size=5, unique_by=lambda case: case.key))
def test_what_is_written_is_read_again(cases):
    for is_jsonl, lines in ((True, write_jsonl(cases)), (False, write_csv(cases))):
        found = read_cases("".join(lines), is_jsonl=is_jsonl)
        assert not found.errors
        assert [case.content for case in found.cases] == [case.content for case in cases]
        assert [case.key for case in found.cases] == [case.key for case in cases]


def test_an_exported_object_stays_one():
    (line,) = write_jsonl([make_case(inputs={"q": "x"}, expected={"contains": ["a"]})])
    assert json.loads(line)["expected"] == {"contains": ["a"]}
