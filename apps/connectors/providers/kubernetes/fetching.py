"""One look at one namespace, or at all: lists, the history of what rolled out anew, pods of what is in trouble.

The lists of workloads and jobs are complete and cheap enough for every poll. ReplicaSets and ControllerRevisions are
many and large, so they are read only when a workload shows a new rollout, and pods only of workloads that lack some.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from apps.connectors.errors import ErrorClass, SourceError
from apps.connectors.http import Http
from apps.connectors.providers.kubernetes.client import KubernetesClient
from apps.connectors.providers.kubernetes.cursor import Place, Told
from apps.connectors.providers.kubernetes.endings import deleted_run, ended_rollout, remembered_run
from apps.connectors.providers.kubernetes.history import Past, read_pasts
from apps.connectors.providers.kubernetes.jobs import (
    OVER,
    failure_of,
    pipeline_id,
    pipeline_of_cron_job,
    pipeline_of_job,
    run_of,
    state_of,
)
from apps.connectors.providers.kubernetes.normalize import (
    CRON_JOB,
    JOB,
    POD,
    WORKLOAD,
    Reading,
    Thing,
    read_things,
    selector_text,
)
from apps.connectors.providers.kubernetes.rollouts import is_new_rollout, news_of
from apps.connectors.providers.kubernetes.states import is_seen_by_its_controller, standing_of
from apps.connectors.providers.kubernetes.troubles import is_troubled, read_alerts
from apps.connectors.pruning import prune
from apps.connectors.records import DeploymentState, Kind, PipelineRecord, Record, Rejected, RunRecord, RunState
from apps.connectors.values import UnreadableError, reject

HISTORIES = {"replicasets": ("deployment",), "controllerrevisions": ("statefulset", "daemonset")}
WORKLOADS = ("deployments", "statefulsets", "daemonsets")
SHARE = 0.7  # of time and questions that lists and histories may use; the rest is for pods
MOST_ASKED = 5  # workloads whose history is asked for one by one; more are read in one list
MOST_LOOKED_AT = 12  # workloads whose pods are looked at in one fetch
MOST_FAILED = 8  # jobs whose pods are asked why they failed, in one fetch
MOST_RECORDS = 1_000  # deployments of one fetch; the rest follows in the next


@dataclass(slots=True, kw_only=True)
class Look:
    """Collects what one fetch tells. `is_listed`: everything showed its identity, so that what is absent is gone.

    `has_looked_everywhere`: the pods of every workload in trouble were looked at, so that absent alerts are over.
    `has_rest`: so much was new that this namespace has to be looked at again for the rest.
    """

    http: Http
    client: KubernetesClient
    reading: Reading
    selector: str
    with_jobs: bool
    with_pods: bool
    backfill: timedelta
    records: list[Record] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    is_listed: bool = True
    has_looked_everywhere: bool = True
    has_rest: bool = False
    deployments: int = 0
    closed: set[str] = field(default_factory=set)  # namespaces whose pods we may not list
    looked_at: int = 0
    failed_jobs: int = 0

    async def read(self, namespace: str, place: Place) -> Place:
        """Read one namespace; returns what to remember of it."""
        workloads = await self._things(namespace, WORKLOADS, WORKLOAD, Kind.DEPLOYMENT)
        told = await self._read_rollouts(namespace, workloads, place)
        for workload in workloads:
            await self._read_trouble(workload, told.get(workload.uid))
        jobs = await self._read_jobs(namespace, place) if self.with_jobs else Place()
        return replace(jobs, workloads=told)

    @property
    def now(self) -> datetime:
        """The server's clock, or ours until it told its own."""
        return self.http.server_time or datetime.now(UTC)

    async def _things(
        self, namespace: str, resources: Iterable[str], shape: Any, rejected_as: Kind, *, selector: str | None = None
    ) -> list[Thing]:
        things: list[Thing] = []
        for resource in resources:
            wanted = self.selector if selector is None else selector
            items = await self.client.everything(resource, namespace, selector=wanted)
            found, rejected = read_things(
                items, resource.removesuffix("s"), shape, self.reading, rejected_as=rejected_as
            )
            things += found
            self.rejected += rejected
            self.is_listed = self.is_listed and not rejected
        return things

    async def _read_rollouts(self, namespace: str, workloads: Sequence[Thing], place: Place) -> dict[str, Told]:
        known = dict(place.workloads)
        moved = [one for one in workloads if _has_moved(one, known.get(one.uid))]
        pasts = await self._pasts(namespace, [one for one in moved if is_new_rollout(one, known.get(one.uid))])
        for workload in moved:
            if self.deployments >= MOST_RECORDS:
                self.has_rest = True
                break
            before = known.get(workload.uid)
            try:
                since = self.now - self.backfill
                news = news_of(workload, before, pasts.get(workload.uid, []), now=self.now, since=since)
            except UnreadableError as error:
                self._reject(workload, Kind.DEPLOYMENT, error)
                continue
            if news is not None:
                self.records += news.records
                self.deployments += len(news.records)
                known[workload.uid] = news.told
        present = {one.uid for one in workloads}
        if self.is_listed:
            gone = {uid: told for uid, told in known.items() if uid not in present}
            self.records += [ended_rollout(t.open, at=self.now, word="deleted") for t in gone.values() if t.open]
            known = {uid: told for uid, told in known.items() if uid in present}
        return known

    async def _pasts(self, namespace: str, moved: Sequence[Thing]) -> dict[str, list[Past]]:
        """The history of these workloads: asked for each when they are few, in whole lists when they are many."""
        items: list[Any] = []
        for resource, kinds in HISTORIES.items():
            some = [one for one in moved if one.kind in kinds]
            selectors = [selector_text(one.spec) for one in some]
            if len(some) > MOST_ASKED or not all(selectors):
                items += await self.client.everything(resource, namespace)
                continue
            for one, selector in zip(some, selectors, strict=True):
                items += await self.client.everything(resource, one.namespace, selector=selector)
        pasts, rejected = read_pasts(items)
        self.rejected += rejected
        return pasts

    async def _read_trouble(self, workload: Thing, told: Told | None) -> None:
        standing = standing_of(workload)
        has_settled = told is not None and told.state == DeploymentState.SUCCEEDED
        pods: list[Any] = []
        if is_troubled(standing) and self.with_pods:
            if self.looked_at >= MOST_LOOKED_AT or self.http.is_spent(share=SHARE):
                self.has_looked_everywhere = False
            else:
                self.looked_at += 1
                pods = await self._pods(workload.namespace, selector_text(workload.spec))
        self.records += read_alerts(workload, standing, pods, now=self.now, has_settled=has_settled)

    async def _pods(self, namespace: str, selector: str) -> list[Any]:
        """The pods of a selector; none when we may not list pods: the probe says so."""
        if not selector or not self.with_pods or namespace in self.closed:
            return []
        try:
            return [prune(pod, POD) for pod in await self.client.everything("pods", namespace, selector=selector)]
        except SourceError as error:
            if error.error_class is not ErrorClass.AUTH:
                raise
            self.closed.add(namespace)
            return []

    async def _read_jobs(self, namespace: str, place: Place) -> Place:
        cron_jobs = await self._things(namespace, ("cronjobs",), CRON_JOB, Kind.PIPELINE)
        jobs = await self._things(namespace, ("jobs",), JOB, Kind.RUN)
        if self.selector:  # the jobs of a CronJob do not carry its labels
            owners = {one.uid for one in cron_jobs}
            known = {one.uid for one in jobs}
            every = await self._things(namespace, ("jobs",), JOB, Kind.RUN, selector="")
            jobs += [one for one in every if one.uid not in known and one.owner.get("uid") in owners]
        self._add_pipelines(cron_jobs, jobs)
        open_runs: dict[str, Any] = {}
        for job in jobs:
            if place.jobs.get(job.uid) != job.version or not job.version:
                await self._read_job(job, is_known=job.uid in place.jobs)
            if state_of(job)[0] not in OVER:
                open_runs[job.uid] = remembered_run(run_of(job))
        present = {job.uid: job.version for job in jobs}
        lost = {uid: run for uid, run in place.open.items() if uid not in present}
        if not self.is_listed:
            return Place(jobs=present, open={**lost, **open_runs})
        self.records += [deleted_run(uid, run, at=self.now) for uid, run in lost.items()]
        return Place(jobs=present, open=open_runs)

    async def _read_job(self, job: Thing, *, is_known: bool) -> None:
        record = run_of(job)
        if not is_known and record.finished_at is not None and record.finished_at < self.now - self.backfill:
            return
        if record.state is RunState.FAILED:
            record = await self._with_reason(job, record)
        self.records.append(record)

    async def _with_reason(self, job: Thing, record: RunRecord) -> RunRecord:
        if self.failed_jobs >= MOST_FAILED or self.http.is_spent(share=SHARE):
            return record
        self.failed_jobs += 1
        reason = failure_of(await self._pods(job.namespace, f"job-name={job.name}"))
        return run_of(job, pod_error=reason) if reason else record

    def _add_pipelines(self, cron_jobs: Sequence[Thing], jobs: Sequence[Thing]) -> None:
        pipelines: dict[str, PipelineRecord] = {}
        for cron_job in cron_jobs:
            try:
                pipelines[cron_job.uid] = pipeline_of_cron_job(cron_job)
            except UnreadableError as error:
                self._reject(cron_job, Kind.PIPELINE, error)
                self.is_listed = False
        for job in jobs:
            pipelines.setdefault(pipeline_id(job), pipeline_of_job(job, self.reading))
        self.records += pipelines.values()

    def _reject(self, thing: Thing, kind: Kind, error: Exception) -> None:
        found = reject(thing.item, kind=kind, id_key="uid", error=error)
        self.rejected.append(replace(found, external_id=thing.uid))


def _has_moved(workload: Thing, told: Told | None) -> bool:
    """Whether its deployments may be news: not before its controller has seen the wish, and not at the same version."""
    if not is_seen_by_its_controller(workload):
        return False
    return told is None or not workload.version or told.version != workload.version
