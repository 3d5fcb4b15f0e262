"""Reads of pipelines and runs; every list is served by an index and costs the same however long history is."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import F, Func, JSONField, OuterRef, Q, QuerySet, Subquery, TextField, Value
from django.db.models.functions import Cast, JSONObject

from apps.pipelines.models import Pipeline, Reliability, Run, RunDay, TaskRun
from apps.pipelines.status import RunState
from apps.sources.models import Source

SOON = timedelta(minutes=1)  # what is due within this counts as due: clocks differ
STRIP = 10  # runs in the strip of a list
GRID = 20  # runs in the grid of a pipeline
SEARCHED = 20_000  # newest runs whose own names are searched
MOST_STEPS = 5000  # of all the runs of a grid together

_LISTED = (
    *("pk", "name", "state", "raw_state", "at", "started_at", "finished_at", "trigger", "attempts", "error"),
    *("pipeline__name", "pipeline__feature__name", "pipeline__feature__slug", "source__name"),
)

_UNLISTED = ("labels", "source__config", "source__secrets", "source__allowed_networks")
_OF_THE_SWEEP = (  # what rows do not show; much of it is written with every judgement
    *("basis", "expected", "expected_from", "since", "due_at", "troubled_at"),
    *("longest_seconds", "learned_at", "judge_at", "judged_at"),
)


def pipelines(*, at: datetime) -> QuerySet[Pipeline]:
    """Pipelines with `recent` (JSON of the newest ten due runs, newest first) and `next_at` (the next one planned)."""
    runs = Run.objects.filter(pipeline=OuterRef("pk"))
    due = runs.filter(_due(at)).order_by("-at", "-id")[:STRIP]
    facts = JSONObject(
        id=F("id"), state=F("state"), attempts=F("attempts"), started_at=F("started_at"), finished_at=F("finished_at")
    )
    planned = runs.filter(state=RunState.QUEUED, at__gt=at + SOON).order_by("at", "id")
    return (
        Pipeline.objects.select_related("source", "feature", "punctuality")
        .defer(*_UNLISTED, *(f"punctuality__{name}" for name in _OF_THE_SWEEP))
        .annotate(recent=_as_json(due.values(facts=facts)), next_at=Subquery(planned.values("at")[:1]))
    )


def pipelines_in_full(*, at: datetime) -> QuerySet[Pipeline]:
    """The same for their own pages: with what is expected of each and all that was judged."""
    return pipelines(at=at).select_related("source__state", "expectation").defer(None).defer(*_UNLISTED)


def uncovered(rows: QuerySet[Pipeline]) -> QuerySet[Pipeline]:
    """Those of which nothing is expected and about which no alert was ever opened: nobody would notice a silence."""
    return rows.filter(Q(punctuality=None) | Q(punctuality__state=""), gone_at=None, alerted_at=None)


def uncovered_count() -> int:
    """How many there are of these."""
    return uncovered(Pipeline.objects.all()).count()


def reliability(*, days: int) -> QuerySet[Reliability]:
    """How reliable each pipeline was over so many days, with `daily` (JSON of its days) for the strip."""
    within = RunDay.objects.filter(
        pipeline=OuterRef("pipeline"),
        day__lte=OuterRef("until"),
        day__gt=OuterRef("until") - Value(timedelta(days=days)),
    )
    facts = JSONObject(day=F("day"), succeeded=F("succeeded"), retried=F("retried"), failed=F("failed"))
    return (
        Reliability.objects.filter(days=days, pipeline__gone_at=None)
        .select_related("pipeline__feature__team", "pipeline__source")
        .defer(*(f"pipeline__{name}" for name in _UNLISTED))
        .annotate(daily=_as_json(within.values(facts=facts)))
    )


def reliability_of(*, pipeline_id: int, days: int) -> Reliability | None:
    """The same of one pipeline; None when none of its runs passed or failed in them."""
    return reliability(days=days).filter(pipeline_id=pipeline_id).first()


def days_of(*, pipeline_id: int, since: date) -> list[RunDay]:
    """The days of one pipeline on which runs passed or failed, in order."""
    rows = RunDay.objects.filter(pipeline_id=pipeline_id, day__gte=since)
    return list(rows.filter(Q(succeeded__gt=0) | Q(failed__gt=0)).order_by("day"))


def pipelines_of_feature(*, feature_id: int, at: datetime, limit: int = 8) -> list[Pipeline]:
    """The pipelines of one feature, the one that ran last first."""
    rows = pipelines(at=at).filter(feature_id=feature_id, gone_at=None)
    return list(rows.order_by("-active_at", "-id")[:limit])


def other_pipelines(*, pipeline: Pipeline, at: datetime, limit: int = 5) -> list[Pipeline]:
    """Others of the same feature, else of the same source, newest first."""
    rows = pipelines(at=at).filter(gone_at=None).exclude(pk=pipeline.pk)
    same = Q(feature_id=pipeline.feature_id) if pipeline.feature_id else Q(source_id=pipeline.source_id)
    return list(rows.filter(same).order_by("-active_at", "-id")[:limit])


def runs(*, at: datetime, with_planned: bool = False) -> QuerySet[Run]:
    """Runs with what a list shows beside each; those planned for later only on request."""
    rows = Run.objects.select_related("pipeline__feature", "source").only(*_LISTED)
    return rows if with_planned else rows.filter(at__lte=at + SOON)


def runs_with_text(rows: QuerySet[Run], text: str) -> QuerySet[Run]:
    """Runs of the pipelines that have `text` in their name; if there are none, recent runs with such a name."""
    named = list(Pipeline.objects.filter(name__icontains=text).values_list("pk", flat=True)[:1000])
    if named:
        return rows.filter(pipeline__in=named)
    newest = Run.objects.order_by("-at", "-id").values_list("at", flat=True)
    oldest_searched = newest[SEARCHED - 1 : SEARCHED].first()
    found = rows.filter(name__icontains=text)
    return found.filter(at__gte=oldest_searched) if oldest_searched else found


def runs_of_features(rows: QuerySet[Run], slugs: list[str]) -> QuerySet[Run]:
    """Runs of the pipelines of these features; the keys are read first, so that the planner sees how few they are."""
    found = Pipeline.objects.filter(feature__slug__in=slugs).values_list("pk", flat=True)
    return rows.filter(pipeline__in=list(found))


def runs_of_source(rows: QuerySet[Run], slug: str) -> QuerySet[Run]:
    """Runs of one source; its key is read first, so that one index gives both the rows and their order."""
    return rows.filter(source_id=Source.objects.values_list("pk", flat=True).get(slug=slug))


def last_runs(*, pipeline_id: int, at: datetime, limit: int = GRID) -> list[Run]:
    """The newest due runs of one pipeline, oldest first."""
    rows = Run.objects.filter(pipeline_id=pipeline_id).filter(_due(at)).order_by("-at", "-id")
    return list(rows.defer("parameters", "labels")[:limit])[::-1]


def task_runs_of(*, run_ids: list[int]) -> list[TaskRun]:
    """The steps of these runs in their order, of the youngest runs first; at most as many as can be drawn."""
    rows = TaskRun.objects.filter(run_id__in=run_ids).defer("upstream").order_by("-run_id", "position", "id")
    return list(rows[:MOST_STEPS])


def pipeline_choices(*, chosen: str = "", limit: int = 200) -> list[tuple[str, str]]:
    """The pipelines that ran last, and the chosen one, for a filter."""
    found = list(Pipeline.objects.filter(gone_at=None).order_by("-active_at", "-id").values_list("pk", "name")[:limit])
    if chosen.isdecimal() and len(chosen) < 19 and int(chosen) not in dict(found):
        found += list(Pipeline.objects.filter(pk=int(chosen)).values_list("pk", "name"))
    return sorted(((str(pk), name) for pk, name in found), key=lambda choice: choice[1].lower())


def _as_json(rows: QuerySet[Any, Any]) -> Cast:
    """The rows as the text of one JSON list; reading an array of JSON costs five times as much."""
    return Cast(Func(ArraySubquery(rows), function="to_jsonb", output_field=JSONField()), TextField())


def _due(at: datetime) -> Q:
    return ~Q(state=RunState.QUEUED) | Q(at__lte=at + SOON)
