"""docs/api.md is true: its examples are sent in their order, and answered as it says."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest
from django.core.cache import cache

from apps.api.document import ERRORS
from apps.api.nouns import NOUNS
from opsportal import cli
from tests.api.asking import make_token, push_source, send

PAGE = (Path(__file__).parents[2] / "docs" / "api.md").read_text(encoding="utf-8")
SECTION = re.compile(
    r"^### ([^\n]+)\n\n`POST /api/v1/sources/\{slug\}/([a-z-]+)`, ([^\n]+)\n(.*?)(?=^##|\Z)", re.M | re.S
)
BLOCK = re.compile(r"^```(json|sh)\n(.*?)^```$", re.M | re.S)


def sections() -> list[tuple[str, str, list[dict]]]:
    """(address, scope, JSON blocks) of every address that takes reports."""
    return [
        (path, scope, [json.loads(text) for _, text in BLOCK.findall(body)])
        for _, path, scope, body in SECTION.findall(PAGE)
    ]


def test_every_example_is_taken_and_answered_as_written(db, author):
    cache.clear()
    push_source()
    token = make_token(author)
    for path, _, blocks in sections():
        *body, answer = blocks
        got = send(f"sources/ci/{path}", body[0] if body else None, token=token).json()
        assert got == answer, path


def test_the_page_and_the_table_of_nouns_say_the_same():
    said = {path: (scope, blocks[0]) for path, scope, blocks in sections() if path != "heartbeat"}
    assert said == {noun.path: (f"scope `{noun.scope}`", {"items": [noun.example]}) for noun in NOUNS}


def test_every_refusal_is_explained():
    told = set(re.findall(r"^\| (\d+) \|", PAGE, re.M))
    assert told == {*map(str, ERRORS), "405", "500"}


def test_every_command_of_the_page_can_be_parsed():
    lines = [line for kind, text in BLOCK.findall(PAGE) if kind == "sh" for line in text.splitlines()]
    commands = [line.partition("opsportal ")[2].partition("  #")[0] for line in lines if "opsportal " in line]
    assert len(commands) == 7
    for command in commands:
        assert cli.parse(shlex.split(command.replace("$?", "0"))).make


@pytest.mark.parametrize("word", ["--strict", "OPSPORTAL_URL", "OPSPORTAL_TOKEN", "OPSPORTAL_SOURCE"])
def test_the_command_and_the_page_use_the_same_words(word):
    assert word in PAGE
    assert word in Path(cli.__file__).read_text(encoding="utf-8")
