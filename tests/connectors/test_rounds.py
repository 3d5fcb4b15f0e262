"""Rounds over many lists: where a fetch goes on, and what one refusal does to the others."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from apps.connectors.errors import ErrorClass, SourceError
from apps.connectors.records import Kind
from apps.connectors.rounds import PAUSE, Part, Round, read_round


class Lists:
    """Some lists, each fine (None) or failing with an error; `most` are read in one fetch."""

    def __init__(self, *errors: ErrorClass | None, most: int = 100) -> None:
        self.errors, self.most = errors, most
        self.read: list[int] = []
        self.given_up: list[int] = []

    def part(self, number: int) -> Part:
        async def read() -> None:
            self.read.append(number)
            error = self.errors[number]
            if error is not None:
                raise SourceError(error, "It is refused.")

        return Part(kind=Kind.RUN, subject=f"r{number}", read=read, give_up=lambda: self.given_up.append(number))

    def round(self, position: int = 0) -> Round:
        parts = [self.part(number) for number in range(len(self.errors))]
        must_stop: Any = lambda: len(self.read) >= self.most  # noqa: E731
        return asyncio.run(read_round(parts, position=position, must_stop=must_stop))


def test_a_fetch_goes_on_where_the_last_one_stopped() -> None:
    lists = Lists(None, None, None, most=2)
    assert lists.round().position == 2
    lists.most = 100
    assert (lists.round(2).position, lists.read) == (0, [0, 1, 2])


@pytest.mark.parametrize("position", [3, 99])
def test_a_position_behind_the_end_means_the_beginning(position: int) -> None:
    lists = Lists(None, None, None)
    lists.round(position)
    assert lists.read == [0, 1, 2]


@pytest.mark.parametrize("error", [ErrorClass.AUTH, ErrorClass.NOT_FOUND, ErrorClass.REJECTED, ErrorClass.REDIRECT])
def test_one_that_is_refused_stops_no_other(error: ErrorClass) -> None:
    lists = Lists(error, None)
    reading = lists.round()
    assert (lists.read, lists.given_up, reading.position) == ([0, 1], [0], 0)
    assert [(item.external_id, item.reason) for item in reading.rejected] == [("r0", "r0: It is refused.")]


def test_when_all_are_refused_the_source_fails() -> None:
    with pytest.raises(SourceError):
        Lists(ErrorClass.AUTH, ErrorClass.NOT_FOUND).round()


def test_the_rest_of_a_round_may_be_refused_without_failing_the_source() -> None:
    """Else a fetch that begins there would fail for ever, and the round would never end."""
    assert Lists(None, ErrorClass.NOT_FOUND).round(1).position == 0


def test_a_rate_limit_keeps_what_was_read_and_asks_for_quiet() -> None:
    reading = Lists(None, ErrorClass.RATE_LIMIT, None).round()
    assert (reading.position, reading.pause) == (1, PAUSE)


@pytest.mark.parametrize("error", [ErrorClass.RATE_LIMIT, ErrorClass.TIMEOUT, ErrorClass.SCHEMA])
def test_trouble_of_the_whole_source_is_raised(error: ErrorClass) -> None:
    with pytest.raises(SourceError) as caught:
        Lists(error, None).round()
    assert caught.value.error_class is error
