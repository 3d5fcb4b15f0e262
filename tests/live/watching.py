"""A feature that answers from what one pipeline makes, one that does not, and what the portal says of both."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import QuerySet

from apps.catalog.models import Dependency, Feature
from apps.events.models import Event
from apps.health import services as health
from apps.health.models import FeatureHealth
from apps.monitors.models import Alert
from apps.pipelines.models import Expectation, Pipeline, Punctuality, Run
from apps.pipelines.services import set_expectation
from apps.sources.models import Source, SourceState
from apps.sources.queries import database_time
from tests.factories import make_component, make_feature
from tests.live.polling import poll_once

NAME = "nightly_index"
EVERY, GRACE = timedelta(seconds=20), timedelta(seconds=10)
GOOD = {"on_time", "recovered"}
FAILED = {"Search": f"the pipeline “{NAME}” failed"}
MISSED = {"Search": f"the pipeline “{NAME}” missed a run"}


def describe() -> tuple[Feature, Feature]:
    """The catalog: search answers from an index that the pipeline fills; other has nothing to do with it."""
    search, other = make_feature(name="Search"), make_feature(name="Other")
    pipeline = make_component(name="Nightly index", kind="pipeline", external_names=[f"pipeline:{NAME}"])
    index, others = make_component(name="Index", kind="index"), make_component(name="Another index", kind="index")
    for consumer, provider in (
        (make_component(feature=search), index),
        (index, pipeline),
        (make_component(feature=other), others),
    ):
        Dependency.objects.create(consumer=consumer, provider=provider)
    return search, other


@dataclass
class Watched:
    """One pipeline of a real server, expected again every 20 s."""

    source: Source
    pipeline: Pipeline

    @classmethod
    def begin(cls, source: Source) -> Watched:
        """Watch from its first run on."""
        Source.objects.filter(pk=source.pk).update(interval_seconds=30)  # slow machines make no silence of a slow poll
        source.refresh_from_db()
        begun = Run.objects.filter(pipeline__name=NAME, started_at__isnull=False)
        waited_for(lambda: _poll(source) and begun.exists())
        pipeline = Pipeline.objects.get(name=NAME)
        wanted = Expectation(
            kind="interval",
            every_seconds=int(EVERY.total_seconds()),
            grace_seconds=int(GRACE.total_seconds()),
            is_longest_learned=False,
        )
        set_expectation(pipeline=pipeline, wanted=wanted, actor=None, at=database_time())
        return cls(source, pipeline)

    def look(self) -> Punctuality:
        """One poll and one sweep."""
        _poll(self.source)
        health.judge_pipelines(at=database_time())
        return Punctuality.objects.get(pipeline=self.pipeline)

    def until(self, states: set[str], *, seconds: float = 240) -> Punctuality:
        """The judgement as soon as it is one of these."""
        return waited_for(lambda: row if (row := self.look()).state in states else None, seconds=seconds)

    def until_behind(self, wanted: Mapping[str, str], *, seconds: float = 240) -> None:
        """Return when exactly these features may answer with old data, for these reasons."""
        waited_for(lambda: self.look() and self.behind == wanted, seconds=seconds, told=lambda: self.behind)

    def until_a_start_on_time(self, *, seconds: float = 240) -> None:
        """Return when a run has just started as expected: so the next one is not due yet."""
        known = self.last_start.pk
        waited_for(lambda: self.look().state in GOOD and self.last_start.pk != known, seconds=seconds)

    def told(self) -> QuerySet[Event]:
        """What was told of its punctuality, oldest first."""
        rows = Event.objects.filter(subject_kind="pipeline", subject_id=self.pipeline.pk, kind__contains="punctuality")
        return rows.order_by("pk")

    @property
    def behind(self) -> dict[str, str]:
        """feature -> why its answers may be old."""
        rows = FeatureHealth.objects.exclude(data_because="")
        return dict(rows.values_list("feature__name", "data_because"))

    @property
    def last_start(self) -> Run:
        """The newest run that started."""
        return Run.objects.filter(pipeline=self.pipeline, started_at__isnull=False).latest("started_at")


def check_a_schedule_that_stops(watched: Watched, *, stop: Callable[[], object], resume: Callable[[], object]) -> None:
    """It is missed as soon as its grace and one poll allow, and on time again when it goes on; each is told once."""
    watched.until_behind({})
    watched.until_a_start_on_time()
    before = set(watched.told().values_list("pk", flat=True))
    stop()
    missed = watched.until({"missed"})
    assert missed.since == watched.last_start.started_at + 2 * EVERY, "the next run was due, and its own grace was over"
    assert Alert.objects.filter(is_own=True, resolved_at=None).count() == 1
    watched.until_behind(MISSED)
    resume()
    watched.until(GOOD)
    assert not Alert.objects.filter(is_own=True, resolved_at=None).exists()
    told = list(watched.told().exclude(pk__in=before).values_list("kind", flat=True))
    known = [kind for kind in told if not kind.endswith(":late")]  # a slow server is late on its way to either
    assert known == ["pipelines:punctuality:missed", "pipelines:punctuality:recovered"], told
    watched.until_behind({})


def check_a_failure_is_carried(watched: Watched, *, fail: Callable[[], object], mend: Callable[[], object]) -> None:
    """A failed run marks the feature that answers from it and no other, until a run passes again."""
    fail()
    watched.until_behind(FAILED)
    search = FeatureHealth.objects.get(feature__name="Search")
    assert search.status == "degraded"
    assert search.data_as_of == Pipeline.objects.get(pk=watched.pipeline.pk).data_as_of
    mend()
    watched.until_behind({})
    kinds = Event.objects.filter(kind__startswith="health:data", feature__name="Search").order_by("pk")
    assert list(kinds.values_list("kind", flat=True)[:2]) == ["health:data:behind", "health:data:current"]
    assert not Event.objects.filter(kind__startswith="health:data", feature__name="Other").exists()


def _poll(source: Source) -> bool:
    """Read what there is; whether the server answered. On a busy machine one that does not is asked again."""
    while poll_once(source).outcome == "succeeded":
        if not SourceState.objects.get(source=source).has_backlog:
            return True
    return False


def waited_for(is_so: Callable[[], Any], *, seconds: float = 240, told: Callable[[], Any] = str) -> Any:
    """What it finds as soon as it finds something."""
    deadline = time.monotonic() + seconds
    while not (found := is_so()):
        assert time.monotonic() < deadline, f"it never came: {told()}"
        time.sleep(1)
    return found
