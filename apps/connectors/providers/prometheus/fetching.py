"""One fetch from Prometheus on its way: what was asked, what came back, and when to stop."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from apps.connectors.errors import ErrorClass, SourceError
from apps.connectors.http import Http
from apps.connectors.providers.prometheus import rollouts, settings
from apps.connectors.providers.prometheus.client import PrometheusClient
from apps.connectors.providers.prometheus.counting import families, names_of
from apps.connectors.providers.prometheus.normalize import Query, read_alerts, read_matrix
from apps.connectors.providers.prometheus.progress import Progress
from apps.connectors.records import Kind, Listing, Record, Rejected

MAX_SAMPLES_A_FETCH = 250_000
MAX_SERIES = 2_000  # of one query; more is a cardinality accident
MAX_TYPES_A_FETCH = 40  # metrics that one answer asks about
SILENCE = 300  # seconds without a sample before a version counts as gone; Prometheus' own lookback
# What one query may suffer while the others go on.
_OWN_FAULT = {ErrorClass.REJECTED, ErrorClass.TOO_LARGE, ErrorClass.TIMEOUT, ErrorClass.UPSTREAM}


@dataclass(slots=True)
class Job:
    """One query, or the deployments query, on its way through the fetch."""

    query: Query
    progress: Progress
    is_rollouts: bool = False
    is_over: bool = False  # it failed; the next poll tries again


@dataclass(slots=True)
class Fetch:
    """What this fetch has brought so far. `end` is the server's present, in epoch seconds."""

    http: Http
    client: PrometheusClient
    jobs: list[Job]
    end: int
    config: Mapping[str, Any]
    records: list[Record] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    listings: tuple[Listing, ...] = ()
    rollouts: dict[rollouts.Place, rollouts.Rollout] = field(default_factory=dict)
    failures: list[SourceError] = field(default_factory=list)
    types: dict[str, str] = field(default_factory=dict)  # metric -> what the server calls it
    is_asked_for_types: bool = True
    answers: int = 0
    samples: int = 0
    has_advanced: bool = False

    @property
    def has_more(self) -> bool:
        """Whether another fetch at once would bring more: this one came forward and something is still behind."""
        return self.has_advanced and any(not job.is_over and job.progress.is_behind(self.end) for job in self.jobs)

    async def read_alerts(self) -> None:
        """The alerts as they are now, with the listing that lets absent ones resolve."""
        answer = await self.client.alerts()
        alerts, rejected, self.listings = read_alerts(answer.items, is_partial=answer.is_partial)
        self.records += alerts
        self.rejected += rejected
        self.answers += 1

    async def read_queries(self) -> None:
        """One window of each query in turn until all are up to date or this fetch has done its share."""
        is_first_round = True
        while True:
            due = [job for job in self.jobs if not job.is_over and (is_first_round or job.progress.is_behind(self.end))]
            if not due:
                return
            for job in sorted(due, key=lambda job: (job.progress.is_failing, job.progress.until)):
                if self.samples >= MAX_SAMPLES_A_FETCH or (self.answers and self.http.is_spent(share=0.8)):
                    return
                await self._window(job)
            is_first_round = False

    async def _window(self, job: Job) -> None:
        """The next window of one query; its own faults end this query for now and spare the others."""
        start, stop = job.progress.window(self.end)
        try:
            answer = await self.client.query_range(job.query.query, start=start, end=stop, step=job.query.step)
        except SourceError as error:
            if error.error_class not in _OWN_FAULT or error.retry_after is not None:
                raise
            self._failed(job, error)
            return
        self.answers += 1
        if not job.is_rollouts:
            await self._learn_types(answer.items)
        if len(answer.items) > MAX_SERIES:
            message = (
                f"It returns {len(answer.items)} series, at most {MAX_SERIES} are read; aggregate with sum by (…)."
            )
            self._failed(job, SourceError(ErrorClass.REJECTED, message))
            return
        self._keep(answer.items, job, stop)

    async def _learn_types(self, items: list[Any]) -> None:
        """Ask once for each metric whether it counts; without an answer the ending of its name decides."""
        unknown = sorted(name for name in names_of(items) if self.types.keys().isdisjoint(families(name)))
        try:
            for name in unknown[:MAX_TYPES_A_FETCH] if self.is_asked_for_types else ():
                for told_as in families(name):
                    if told := await self.client.metric_type(told_as):
                        self.types[told_as] = told
                        break
        except SourceError:  # no such call, or no time: the next poll asks again
            self.is_asked_for_types = False

    def _failed(self, job: Job, error: SourceError) -> None:
        """A too large answer is asked for again in smaller pieces; anything else waits for the next poll."""
        can_shrink = error.error_class in (ErrorClass.TOO_LARGE, ErrorClass.TIMEOUT) and job.progress.shrink()
        if can_shrink and error.error_class is ErrorClass.TOO_LARGE:
            return
        job.is_over = job.progress.is_failing = True
        self.failures.append(error)
        kind = Kind.DEPLOYMENT if job.is_rollouts else Kind.SERIES
        raw = {"query": job.query.query}
        self.rejected.append(Rejected(kind=kind, external_id=job.query.name[:512], reason=error.message, raw=raw))

    def _keep(self, items: list[Any], job: Job, stop: int) -> None:
        """The answer as records; nothing beyond the server's own clock counts as covered."""
        present = self.http.server_time or datetime.fromtimestamp(stop, UTC)
        self.end = min(self.end, int(present.timestamp()))
        reached = min(stop, self.end)
        if job.is_rollouts:
            sightings, rejected, points = rollouts.read_sightings(items, settings.read_label_names(self.config))
            step, gap = job.query.step, max(SILENCE, 3 * job.query.step)
            after = job.progress.until
            found = rollouts.advance(self.rollouts, sightings, after=after, until=reached, step=step, gap=gap)
            self.records += found
        else:
            series, rejected, points = read_matrix(items, job.query, until=present, types=self.types)
            self.records += series
        self.samples += points
        self.rejected += rejected
        before = job.progress.until
        job.progress.covered(reached, series=len(items))
        self.has_advanced |= job.progress.until > before
