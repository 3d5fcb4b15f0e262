"""The numbers of executions: summed up, fingerprinted, and kept as the source tells them now."""

from __future__ import annotations

import hashlib
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import orjson

from apps.connectors.records import Score
from apps.core.bulk import Row, Upsert
from apps.core.fitting import fit, refuse_large, refuse_long
from apps.evaluations import models

MOST_SCORES = 50_000  # of one execution
LARGEST_COUNT = 2**31 - 1

_SCORES = Upsert(
    table="evaluations_score",
    key={"run_id": "bigint", "scorer": "text", "case": "text"},
    columns={"value": "double precision", "is_passed": "boolean", "count": "integer", "comment": "text"},
)


def score_rows(scores: Sequence[Score]) -> list[Row]:
    """The scores as rows without their run, one a scorer and case, the last one told; ValueError for a bad one."""
    if len(scores) > MOST_SCORES:
        raise ValueError(f"It has {len(scores):,} scores; at most {MOST_SCORES:,} can be stored.")
    rows = {(score.scorer, score.case): _row(score) for score in scores}
    return [rows[key] for key in sorted(rows)]


def summarize(rows: Iterable[Row]) -> dict[str, dict[str, float]]:
    """Scorer -> {mean, count, passed, failed}; where a source tells a number for all cases, that one is the mean."""
    by_scorer: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_scorer[row["scorer"]].append(row)
    return {scorer: _summary(own) for scorer, own in sorted(by_scorer.items())}


def digest(rows: Sequence[Row]) -> str:
    """A fingerprint that changes when any score does."""
    return hashlib.sha256(orjson.dumps(rows, option=orjson.OPT_SORT_KEYS)).hexdigest()


def replace_scores(scores: Mapping[int, Sequence[Row]]) -> None:
    """Make the scores of each run (id -> rows) exactly these."""
    rows = [{**row, "run_id": run_id} for run_id, own in scores.items() for row in own]
    _SCORES.run(rows)
    for run_id, own in scores.items():
        told = {(row["scorer"], row["case"]) for row in own}
        kept = models.Score.objects.filter(run_id=run_id).values_list("pk", "scorer", "case")
        gone = [pk for pk, scorer, case in kept if (scorer, case) not in told]
        if gone:
            models.Score.objects.filter(pk__in=gone).delete()


def _row(score: Score) -> Row:
    if not math.isfinite(score.value):
        raise ValueError(f"The score {score.scorer} is no finite number.")
    return {
        "scorer": refuse_long("The scorer", score.scorer, 200),
        "case": fit(score.case, 300),
        "value": float(score.value),
        "is_passed": score.passed,
        "count": refuse_large("The count", max(1, score.count), LARGEST_COUNT),
        "comment": fit(score.comment),
    }


def _summary(rows: Sequence[Row]) -> dict[str, float]:
    cases = [row for row in rows if row["case"]]
    total = next((row for row in rows if not row["case"]), None)
    counted = cases or rows
    count = sum(row["count"] for row in counted)
    mean = total["value"] if total else math.fsum(row["value"] * row["count"] for row in counted) / count
    return {
        "mean": mean,
        "count": count,
        "passed": sum(row["count"] for row in counted if row["is_passed"] is True),
        "failed": sum(row["count"] for row in counted if row["is_passed"] is False),
    }
