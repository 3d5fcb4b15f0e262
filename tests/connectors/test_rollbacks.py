"""Rollbacks: a pure rule, and the history it is told from."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import pytest

from apps.connectors.rollbacks import LOOK_BACK, MOST_PAGES, Histories, Query, is_rollback


@pytest.mark.parametrize(
    ("earlier", "is_one"),
    [("", False), ("a", False), ("b", False), ("ba", True), ("ab", False), ("aba", True), ("bca", True), ("bb", False)],
)
def test_a_rollback_was_there_before_another_one(earlier: str, is_one: bool) -> None:
    assert is_rollback(list(earlier), "a") is is_one


@dataclass
class Part:
    items: list[Any]
    following: Query | None


class Asked:
    """Deployments 1 to `count`, newest first, ten a page; `asked` counts the questions, `left` are those we may ask."""

    def __init__(self, count: int, left: int = 1000) -> None:
        self.count, self.left, self.asked = count, left, 0

    async def page(self, query: Query) -> Part:
        self.asked += 1
        number = int(query.get("page", 1))
        newest = self.count - 10 * (number - 1)
        items = [{"id": one, "sha": f"sha-{one}"} for one in range(newest, max(newest - 10, 0), -1)]
        return Part(items=[*items, "nonsense"], following={"page": number + 1} if newest > 10 else None)

    def before(self, *numbers: Any, environment: str = "production") -> list[list[str] | None]:
        histories = Histories(ask=self.page, must_stop=lambda: self.asked >= self.left)

        async def ask() -> list[list[str] | None]:
            return [await histories.before(number, environment, query={}) for number in numbers]

        return asyncio.run(ask())


def test_an_environment_is_read_once_and_no_further_than_needed() -> None:
    asked = Asked(35)
    (newest, older) = asked.before(35, 12)
    assert newest is not None
    assert older is not None
    assert (newest[0], len(newest)) == ("sha-34", 34)
    assert (older[0], len(older), asked.asked) == ("sha-11", 11, 4)


def test_the_look_back_ends_though_the_history_does_not() -> None:
    asked = Asked(500)
    (found,) = asked.before(495)
    assert found == [f"sha-{one}" for one in range(494, 494 - LOOK_BACK + 6, -1)]
    assert asked.asked == MOST_PAGES


def test_a_fetch_that_is_spent_gives_no_half_answer() -> None:
    assert Asked(35, left=2).before(30) == [None]


@pytest.mark.parametrize(("number", "environment"), [(None, "production"), ("7", "production"), (7, "")])
def test_what_cannot_be_placed_has_no_history(number: Any, environment: str) -> None:
    asked = Asked(35)
    assert (asked.before(number, environment=environment), asked.asked) == ([[]], 0)
