"""How far a backfill has come, read out of a stored cursor."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from apps.connectors.providers.github.cursor import Memory as GithubMemory
from apps.connectors.providers.github.cursor import RepositoryMemory, RunsMemory, Span
from apps.connectors.registry import get_connector

NOW = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
BEGIN = NOW - timedelta(days=30)
SPAN = {"after": BEGIN.isoformat(), "began": NOW.isoformat(), "offset": 400, "cursor": None}


@pytest.mark.parametrize(
    ("key", "cursor", "sentence"),
    [
        (
            "prefect",
            {"pass": {"after": BEGIN.isoformat(), "before": NOW.isoformat(), "field": "end_time", "offset": 400}},
            "Runs from 25 October 2026, 09:30 UTC to 24 November 2026, 09:30 UTC are being read; 400 so far",
        ),
        (
            "airflow",
            {"history": SPAN},
            "Runs that changed since 25 October 2026, 09:30 UTC are being read; 400",
        ),
        ("airflow", {"news": SPAN, "history": None}, "Runs that changed since 25 October 2026, 09:30 UTC"),
        ("dagster", {"pass": SPAN}, "Runs that changed since 25 October 2026, 09:30 UTC are being read, newest first."),
        (
            "mlflow",
            {"watermark": int(BEGIN.timestamp() * 1000), "is_going_on": True},
            "Runs that ended up to 25 October 2026, 09:30 UTC are read.",
        ),
        (
            "prometheus",
            {"queries": {"a": {"until": int(NOW.timestamp())}, "b": {"until": int(BEGIN.timestamp())}}},
            "Numbers up to 25 October 2026, 09:30 UTC are read of the query that is furthest behind.",
        ),
    ],
)
def test_a_backfill_under_way_says_in_words_where_it_stands(key: str, cursor: dict, sentence: str) -> None:
    told = get_connector(key).progress(cursor)
    assert told is not None
    assert told.sentence.startswith(sentence)


@pytest.mark.parametrize("key", ["prefect", "airflow", "dagster", "mlflow", "prometheus", "github", "openmetrics"])
def test_without_a_backfill_nothing_is_said(key: str) -> None:
    assert get_connector(key).progress({}) is None


@pytest.mark.parametrize(("days", "share"), [(30, 0.0), (15, 0.5), (3, 0.9)])
def test_github_knows_the_share_of_the_repository_that_is_furthest_behind(days: int, share: float) -> None:
    def reading(back: int) -> RepositoryMemory:
        span = Span(floor=BEGIN, after=BEGIN, began=NOW, before=BEGIN + timedelta(days=back))
        return RepositoryMemory(runs=RunsMemory(span=span))

    memory = GithubMemory(repositories={"a/a": reading(1), "a/b": reading(days)})
    told = get_connector("github").progress(memory.dump())
    assert told is not None
    assert told.share == pytest.approx(share)
