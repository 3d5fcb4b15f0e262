"""What is missing from complete listings: gone at the second time, never deleted, back as soon as it is seen."""

from __future__ import annotations

from datetime import datetime

from apps.connectors.records import Kind, Listing
from apps.core import bulk
from apps.pipelines.models import Pipeline, Run
from apps.pipelines.services.due import mark_due
from apps.pipelines.services.last_runs import move_last_runs
from apps.pipelines.services.pipelines import LOCK, TOPICS, pipeline_topics
from apps.sources.models import Source
from apps.sources.storing import Stored

_OF_SOURCE = "kept.source_id = %(source_id)s"
_OF_PIPELINE = """
    kept.source_id = %(source_id)s AND kept.pipeline_id = (
        SELECT pipeline.id FROM pipelines_pipeline AS pipeline
        WHERE pipeline.source_id = %(source_id)s AND pipeline.external_id = %(scope_id)s
    )
"""


def mark_absent(*, source: Source, listing: Listing, at: datetime) -> Stored:
    """Count the absence of pipelines, or of runs (`scope`: their pipeline's external id); steps are never gone."""
    match listing.kind:
        case Kind.PIPELINE:
            return _absent_pipelines(source, listing, at)
        case Kind.RUN:
            return _absent_runs(source, listing, at)
        case _:
            return Stored()


def _absent_pipelines(source: Source, listing: Listing, at: datetime) -> Stored:
    bulk.lock(space=LOCK, number=source.pk)
    written = bulk.count_absences(
        table="pipelines_pipeline", scope=_OF_SOURCE, listed=listing.external_ids, now=at, source_id=source.pk
    )
    gone = [row["id"] for row in written if row["is_gone"]]
    mark_due(pipeline_ids=gone, at=at)
    features = Pipeline.objects.filter(pk__in=gone, feature__isnull=False).values_list("feature_id", flat=True)
    return Stored(changed=len(gone), feature_ids={pk for pk in features if pk}, topics=pipeline_topics(gone))


def _absent_runs(source: Source, listing: Listing, at: datetime) -> Stored:
    bulk.lock(space=LOCK, number=source.pk)
    written = bulk.count_absences(
        table="pipelines_run",
        scope=_OF_PIPELINE if listing.scope else _OF_SOURCE,
        listed=listing.external_ids,
        now=at,
        source_id=source.pk,
        scope_id=listing.scope,
    )
    gone = Run.objects.filter(pk__in=[row["id"] for row in written if row["is_gone"]])
    runs = list(gone.values("id", "pipeline_id"))
    if runs:
        move_last_runs(runs=runs, at=at)
        mark_due(pipeline_ids={run["pipeline_id"] for run in runs}, at=at)
    topics = pipeline_topics(sorted({run["pipeline_id"] for run in runs}))
    return Stored(changed=len(runs), topics=topics | {f"run-{run['id']}" for run in runs[:TOPICS]})
