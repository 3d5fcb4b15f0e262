"""Arrays packed in one go: the same bytes as the driver's own."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg.adapt import PyFormat, Transformer
from psycopg.types.array import ListBinaryDumper

from apps.core.arrays import LongListDumper

TIMES = st.datetimes(timezones=st.just(UTC) | st.just(timezone(timedelta(hours=-7))))
ELEMENTS = (
    st.integers(min_value=-(2**63), max_value=2**70),
    st.integers(min_value=-5, max_value=5) | st.none(),
    st.floats(),
    TIMES,
    st.datetimes(),
    st.text(max_size=5),
    st.booleans(),
    st.lists(st.integers(), min_size=2, max_size=2),
)
LISTS = st.one_of([st.lists(element, max_size=8) for element in ELEMENTS])


def dumped(dumper: type[ListBinaryDumper], items: list[Any]) -> tuple[int, bytes]:
    """The type and the bytes that a cursor with this dumper sends."""
    transformer = Transformer()
    transformer.adapters.register_dumper(list, dumper)
    one = transformer.get_dumper(items, PyFormat.BINARY)
    return one.oid, bytes(one.dump(items) or b"")


@given(LISTS)
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_a_long_array_is_sent_as_the_driver_would_send_it(items: list[Any]) -> None:
    assert dumped(LongListDumper, items) == dumped(ListBinaryDumper, items)


@pytest.mark.parametrize("items", [[1], [70_000, -1], [2**40, 7], [1.5, -0.0], [datetime(2026, 11, 25, tzinfo=UTC)]])
def test_numbers_and_times_are_packed_in_one_go(items: list[Any]) -> None:
    oid, data = dumped(LongListDumper, items)
    assert (oid, data) == dumped(ListBinaryDumper, items)
    assert len(data) > 20
