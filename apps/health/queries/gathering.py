"""Everything the roll-up judges, for many features in a constant number of queries."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from apps.catalog.models import Feature
from apps.health.facts import AlertFact, DataFact, FeatureFacts, PipelineFact, PromiseFact, SetFact
from apps.health.models import FeatureHealth
from apps.health.queries import alerts, consistency, data, pipelines, promises
from apps.health.queries.reach import reach
from apps.health.queries.sources import SourceFacts


@dataclass(frozen=True, slots=True)
class Gathered:
    """The facts of one feature beside the judgement that stands."""

    feature: Feature
    facts: FeatureFacts
    previous: FeatureHealth | None


def gather(*, feature_ids: Collection[int], at: datetime) -> list[Gathered]:
    """The facts of each feature that exists, in the order of their ids."""
    features = {feature.pk: feature for feature in Feature.objects.filter(pk__in=feature_ids).order_by("pk")}
    previous = FeatureHealth.objects.in_bulk(list(features))
    sources = SourceFacts(at)
    parts = reach(feature_ids=list(features))
    promised = promises.facts(previous=previous, feature_ids=list(features), sources=sources, at=at)
    needed = pipelines.facts(feature_ids=list(features), parts=parts, sources=sources)
    firing = alerts.facts(feature_ids=list(features), parts=parts, sources=sources)
    datasets = data.facts(feature_ids=list(features), parts=parts)
    made_of = consistency.facts(feature_ids=list(features))
    return [
        Gathered(
            feature,
            _facts(feature, promised[pk], needed[pk], firing[pk], datasets[pk], made_of.get(pk)),
            previous.get(pk),
        )
        for pk, feature in features.items()
    ]


def _facts(
    feature: Feature,
    promised: list[PromiseFact],
    needed: list[PipelineFact],
    firing: list[AlertFact],
    datasets: list[DataFact],
    made_of: SetFact | None,
) -> FeatureFacts:
    behind = [fact.source for fact in promised] + [fact.source for fact in needed] + [fact.source for fact in firing]
    every = {source.slug: source for source in behind if source}
    return FeatureFacts(
        feature_id=feature.pk,
        name=feature.name,
        is_retired=feature.is_retired,
        promises=tuple(promised),
        pipelines=tuple(needed),
        alerts=tuple(firing),
        datasets=tuple(datasets),
        made_of=made_of,
        sources=tuple(every[slug] for slug in sorted(every)),
    )
