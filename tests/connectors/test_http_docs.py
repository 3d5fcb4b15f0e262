"""The page about the generic source tells the truth: its examples work, its tables name what can be mapped."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from apps.connectors.documents import parse_document
from apps.connectors.providers.http import mapping as rules
from apps.connectors.providers.http.connector import HttpConnector
from apps.connectors.providers.http.targets import targets_of
from apps.connectors.records import Kind

PAGE = (Path(__file__).parents[2] / HttpConnector.docs).read_text(encoding="utf-8")
EXAMPLES = re.findall(r"### ([^\n]+)\n.*?```yaml\n(.*?)```", PAGE, re.DOTALL)


def rows() -> dict[str, list[str]]:
    """The cells of every table row, by its first cell."""
    lines = [line for line in PAGE.splitlines() if line.startswith("| `")]
    cells = ([cell.strip() for cell in line.strip("|").split(" | ")] for line in lines)
    return {cell[0].strip("`"): cell[1:] for cell in cells}


@pytest.mark.parametrize(("title", "text"), EXAMPLES, ids=[title for title, _ in EXAMPLES])
def test_an_example_can_be_saved_and_its_tests_pass(title: str, text: str) -> None:
    config = HttpConnector.clean(parse_document(title, text))
    assert config["tests"]
    kinds = {entry["kind"] for entry in config["mapping"]}
    expected: list[dict[str, Any]] = [record for test in config["tests"] for record in test["expect"]]
    assert len(kinds) == 1 or kinds & {record.get("kind") for record in expected} or len(expected) >= len(kinds)


def test_there_is_an_example_of_every_sort() -> None:
    assert len(EXAMPLES) >= 4
    text = " ".join(example for _, example in EXAMPLES)
    assert {"kind: run", "kind: change", "kind: series", "kind: alert", "format: csv"} <= set(
        re.findall(r"kind: \w+|format: csv", text)
    )


@pytest.mark.parametrize("kind", list(Kind))
def test_the_table_names_every_field_of_a_kind(kind: Kind) -> None:
    needed, more = (set(re.findall(r"\w+", cell)) for cell in rows()[kind.value])
    targets = targets_of(kind)
    required = {name for name, target in targets.items() if target.is_required}
    assert required <= needed
    assert set(targets) <= needed | more


def test_the_table_names_every_key_of_a_mapping_and_of_a_test() -> None:
    from apps.connectors.providers.http import trials

    assert set(rows()) >= rules._KEYS | trials._KEYS
