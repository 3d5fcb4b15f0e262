"""Numbers, spans and times as people read them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from apps.core.ui import formats

NOW = datetime(2026, 11, 24, 10, 24, 3, tzinfo=ZoneInfo("Europe/Berlin"))


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (184_234, "", "184 k"),
        (1_234_567, "req/s", "1.23 M req/s"),
        (9_876, "", "9,876"),
        (98.87, "%", "98.9%"),
        (0.9996, "ratio", "99.96%"),
        (99.999, "%", "99.99%"),
        (0, "s", "0 s"),
        (0.32, "s", "320 ms"),
        (3612, "ms", "3.61 s"),
        (5_300_000_000, "bytes", "5.3 GB"),
        (412.4, "eur", "€412.40"),
        (-0.0072, "usd", "−$0.0072"),
        (-3.25, "", "−3.25"),
        (float("nan"), "s", "–"),
        (float("inf"), "", "–"),
        (None, "%", "–"),
    ],
)
def test_a_number_shows_three_figures_that_matter(value: float | None, unit: str, text: str) -> None:
    assert formats.number_text(value, unit) == text


def test_almost_everything_is_never_rounded_up_to_everything() -> None:
    assert formats.number_text(99.9999, "%") == "99.99%"
    assert formats.number_text(100, "%") == "100%"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.32, "320 ms"),
        (4.25, "4.2 s"),
        (45, "45 s"),
        (200, "3 min 20 s"),
        (3599, "1 h"),
        (6420, "1 h 47 min"),
        (86_399, "1 d"),
        (183_600, "2 d 3 h"),
        (-90, "−1 min 30 s"),
        (None, "–"),
    ],
)
def test_a_span_has_its_two_largest_parts(seconds: float | None, text: str) -> None:
    assert formats.duration(seconds) == text


@pytest.mark.parametrize(
    ("age", "text"),
    [
        (2, "now"),
        (40, "40 s ago"),
        (200, "3 min ago"),
        (7200, "2 h ago"),
        (86_400, "1 day ago"),
        (5 * 86_400, "5 days ago"),
        (90 * 86_400, "26 Aug 2026"),
        (-300, "in 5 min"),
        (-1, "now"),
    ],
)
def test_an_age_has_one_part_and_becomes_a_date(age: int, text: str) -> None:
    assert formats.ago(NOW - timedelta(seconds=age), NOW) == text


def test_an_exact_time_is_as_short_as_it_can_be_in_the_readers_zone() -> None:
    assert formats.when(datetime(2026, 11, 24, 8, 42, tzinfo=UTC), NOW) == "09:42"
    assert formats.when(datetime(2026, 11, 18, 12, 5, tzinfo=UTC), NOW) == "18 Nov 13:05"
    assert formats.when(datetime(2025, 6, 18, 12, 5, tzinfo=UTC), NOW) == "18 Jun 2025 14:05"
    assert formats.absolute(NOW, NOW.tzinfo or UTC) == "Tue 24 Nov 2026, 10:24:03 CET"
    assert formats.iso(NOW) == "2026-11-24T09:24:03Z"


@pytest.mark.parametrize(
    ("value", "before", "unit", "text"),
    [
        (106, 100, "", "+6%"),
        (50, 100, "", "−50%"),
        (100.2, 100, "", "same"),
        (98.5, 98.9, "%", "−0.4 pts"),
        (0.985, 0.989, "ratio", "−0.4 pts"),
        (3, 0, "", "new"),
        (0, 0, "", "same"),
        (None, 1, "", "–"),
        (1, None, "", "–"),
    ],
)
def test_a_change_is_told_in_words(value: float | None, before: float | None, unit: str, text: str) -> None:
    assert formats.delta(value, before, unit) == text


def test_one_axis_speaks_one_unit() -> None:
    assert formats.axis_labels([0, 0.5, 1, 1.5], "s") == ["0 s", "0.5 s", "1 s", "1.5 s"]
    assert formats.axis_labels([0, 200, 400], "ms") == ["0 ms", "200 ms", "400 ms"]
    assert formats.axis_labels([0, 50], "%") == ["0%", "50%"]


@pytest.mark.parametrize(
    ("reference", "shown"),
    [
        ("0cf81964c679" + "a" * 28, "0cf81964c6"),
        ("sha256:" + "0123456789abcdef" * 4, "sha256:0123456789"),
        ("2.40.1", "2.40.1"),
        ("release-" + "x" * 40, "release-" + "x" * 40),
        ("", ""),
    ],
)
def test_a_commit_is_said_by_its_first_characters(reference: str, shown: str) -> None:
    assert formats.short_revision(reference) == shown
