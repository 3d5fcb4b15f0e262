"""Paging and rate limits as vendors put them into headers."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.connectors.budget import Budget, read_budget
from apps.connectors.errors import ErrorClass
from apps.connectors.failures import failure_of_status
from apps.connectors.paging import next_page
from tests.connectors.conftest import patient

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
DATE = {"date": format_datetime(NOW, usegmt=True)}
SOON = str(int(NOW.timestamp()) + 90)


@pytest.mark.parametrize(
    ("link", "query"),
    [
        ('<https://api.example/x?page=2&per_page=5>; rel="next", <https://api.example/x?page=9>; rel="last"',
         {"page": "2", "per_page": "5"}),
        ('<https://api.example/x?page=1>; rel="prev", <https://elsewhere.example/y?cursor=a%3D>; rel="next"',
         {"cursor": "a="}),
        ("<https://api.example/x?page=3>; rel=next", {"page": "3"}),
        ('<https://api.example/x?page=3>; title="a"; rel="last next"', {"page": "3"}),
        ('<https://api.example/x?page=1>; rel="first", <https://api.example/x?page=9>; rel="last"', None),
        ('<https://api.example/x>; rel="next"', None),
        ('<https://[bad>; rel="next"', None),
        ("", None),
    ],
)  # fmt: skip
def test_only_the_query_of_the_next_page_is_taken(link: str, query: dict[str, str] | None) -> None:
    assert next_page({"link": link}) == query


@patient
@given(st.text())
def test_no_link_header_breaks_the_paging(text: str) -> None:
    assert next_page({"link": text}) is None or isinstance(next_page({"link": text}), dict)


@pytest.mark.parametrize(
    ("headers", "budget"),
    [
        ({"x-ratelimit-remaining": "7", "x-ratelimit-limit": "60", "x-ratelimit-reset": SOON}, (7, 60, 90.0)),
        ({"ratelimit-remaining": "7", "ratelimit-limit": "600", "ratelimit-reset": SOON}, (7, 600, 90.0)),
        ({"ratelimit-remaining": "7", "ratelimit-reset": "30"}, (7, 0, 30.0)),
        ({"ratelimit-remaining": "7", "ratelimit-reset": "999999999"}, (7, 0, 3600.0)),
        ({"ratelimit-remaining": "7", "ratelimit-reset": "-5"}, (7, 0, 1.0)),
        ({"ratelimit-remaining": "many", "ratelimit-reset": "30"}, None),
        ({"ratelimit-remaining": "7", "ratelimit-reset": "nan"}, None),
        ({}, None),
    ],
)
def test_a_budget_is_read_in_every_spelling(headers: dict[str, str], budget: tuple[int, int, float] | None) -> None:
    found = read_budget(headers, server_time=NOW)
    assert (None if found is None else (found.remaining, found.limit, found.resets_in)) == budget


@pytest.mark.parametrize(("remaining", "limit", "is_below"), [(499, 5000, True), (500, 5000, False), (29, 60, True),
                                                              (30, 60, False), (499, 0, True)])  # fmt: skip
def test_a_reserve_is_kept_for_others(remaining: int, limit: int, is_below: bool) -> None:
    assert Budget(remaining=remaining, limit=limit, resets_in=1).is_below(500) is is_below


USED_UP = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": SOON, **DATE}


@pytest.mark.parametrize(
    ("status", "headers", "detail", "error_class", "retry_after"),
    [
        (403, USED_UP, "API rate limit exceeded", ErrorClass.RATE_LIMIT, 90.0),
        (403, {**USED_UP, "retry-after": "7"}, "", ErrorClass.RATE_LIMIT, 7.0),
        (403, {"x-ratelimit-remaining": "9"}, "You have exceeded a secondary rate limit", ErrorClass.RATE_LIMIT, 60.0),
        (403, {"retry-after": "7"}, "You have exceeded a secondary rate limit", ErrorClass.RATE_LIMIT, 7.0),
        (403, {"x-ratelimit-remaining": "9"}, "Resource not accessible", ErrorClass.AUTH, None),
        (401, USED_UP, "Bad credentials", ErrorClass.AUTH, None),
        (429, USED_UP, "", ErrorClass.RATE_LIMIT, 90.0),
        (429, {"ratelimit-remaining": "0", "ratelimit-reset": SOON, **DATE}, "", ErrorClass.RATE_LIMIT, 90.0),
        (429, {}, "", ErrorClass.RATE_LIMIT, None),
    ],
)
def test_a_used_up_budget_is_never_taken_for_bad_credentials(
    status: int, headers: dict[str, str], detail: str, error_class: ErrorClass, retry_after: float | None
) -> None:
    error = failure_of_status(status, headers, host="api.example", detail=detail)
    assert error is not None
    assert (error.error_class, error.retry_after) == (error_class, retry_after)
    assert error.is_permanent is (error_class is ErrorClass.AUTH)
