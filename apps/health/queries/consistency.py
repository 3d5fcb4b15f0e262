"""The sets of revisions that run together, and what was judged of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import F, Q, QuerySet, Window
from django.db.models.functions import RowNumber

from apps.catalog.models import ComponentKind, Environment, Feature
from apps.deployments.models import Hold, RevisionKind, Running
from apps.health.bundling import Difference, differences, members_of
from apps.health.consistency import Key, PastSet, Piece, Place
from apps.health.facts import SetFact
from apps.health.models import Bundle, BundleStay, FeatureConsistency
from apps.health.queries.reach import Part, reach
from apps.health.status import SetStatus
from apps.prompts.models import PromptLabel

PROMPT: Final = "prompt"
REFRESH_AFTER: Final = timedelta(minutes=10)  # what no news has touched: the catalog may have changed
AT_ONCE: Final = 200  # features judged in one round of the sweep
PAST: Final = 50  # sets of the tested environment in which production is looked for
_SHARED: Final = (ComponentKind.MODEL, ComponentKind.INDEX, ComponentKind.PROMPT)  # through dependencies
Found = dict[int, dict[int, dict[Key, Piece]]]  # feature -> environment -> part


@dataclass(frozen=True, slots=True)
class Gathered:
    """What a bundle's page shows beside the bundle."""

    stays: list[BundleStay]
    others: list[Bundle]
    other: Bundle | None
    differences: list[Difference]


def places_of(*, feature_ids: Collection[int]) -> dict[int, list[Place]]:
    """feature -> the set of every environment in which anything of it runs; four queries, flat in history."""
    found: Found = defaultdict(lambda: defaultdict(dict))
    parts = reach(feature_ids=list(feature_ids))
    environments = Environment.objects.in_bulk()
    _add_running(found, parts, set(feature_ids))
    _add_prompts(found, parts, set(feature_ids))
    return {
        pk: sorted(
            (_place(environments[env], tuple(pieces.values())) for env, pieces in found[pk].items()),
            key=lambda place: (place.rank, place.name),
        )
        for pk in feature_ids
    }


def _place(environment: Environment, pieces: tuple[Piece, ...]) -> Place:
    return Place(
        id=environment.pk,
        name=environment.name,
        rank=environment.rank,
        is_production=environment.is_production,
        pieces=tuple(sorted(pieces, key=lambda piece: piece.key)),
    )


def _add_running(found: Found, parts: Mapping[int, list[Part]], wanted: set[int]) -> None:
    rows = Running.objects.filter(
        Q(deployment__feature__in=wanted) | Q(deployment__component__in=parts), deployment__environment__isnull=False
    ).select_related("deployment__revision", "deployment__component")
    for row in rows:
        deployment, component = row.deployment, row.deployment.component
        labels = deployment.labels
        piece = Piece(
            kind=row.kind,
            name=component.name if component else row.component_name,
            reference=deployment.revision.reference,
            since=row.since,
            by=deployment.deployed_by,
            url=deployment.get_absolute_url(),
            deployment_id=deployment.pk,
            embedder=str(labels.get("embedder", "")),
            dimensions=str(labels.get("dimensions", "")),
        )
        is_shared = component is not None and component.kind in _SHARED
        _add(
            found,
            _touched(deployment.feature_id, deployment.component_id, parts, is_shared),
            wanted,
            deployment.environment_id,
            piece,
        )


def _add_prompts(found: Found, parts: Mapping[int, list[Part]], wanted: set[int]) -> None:
    rows = PromptLabel.objects.filter(
        Q(prompt__feature__in=wanted) | Q(prompt__component__in=parts), environment__isnull=False, prompt__gone_at=None
    ).select_related("prompt", "version")
    for row in rows.defer("version__template", "version__messages", "version__model_config"):
        piece = Piece(
            kind=PROMPT,
            name=row.prompt.name,
            reference=f"v{row.version.number}",
            since=row.moved_at,
            by=row.moved_by,
            url=row.prompt.get_absolute_url(),
        )
        touched = _touched(row.prompt.feature_id, row.prompt.component_id, parts, is_shared=True)
        _add(found, touched, wanted, row.environment_id, piece)


def _touched(
    feature_id: int | None, component_id: int | None, parts: Mapping[int, list[Part]], is_shared: bool
) -> set[int]:
    """The features whose set it belongs to: its own, and those that reach a shared part."""
    found = {feature_id} if feature_id else set()
    return found | {part.feature_id for part in parts.get(component_id or 0, ()) if is_shared or part.distance == 0}


def _add(found: Found, touched: set[int], wanted: set[int], environment_id: int | None, piece: Piece) -> None:
    """Where two sources tell of the same part, the newest counts."""
    for feature_id in touched & wanted:
        known = found[feature_id][environment_id or 0]
        if piece.key not in known or known[piece.key].since < piece.since:
            known[piece.key] = piece


def past_sets(*, wanted: Mapping[int, int]) -> dict[int, list[PastSet]]:
    """feature -> the sets that its tested environment (`wanted`: feature -> environment) ran, newest first."""
    place = Window(RowNumber(), partition_by=F("feature_id"), order_by=[F("started_at").desc(), F("pk").desc()])
    pairs = Q()
    for feature_id, environment_id in wanted.items():
        pairs |= Q(feature_id=feature_id, environment_id=environment_id)
    if not wanted:
        return {}
    rows = BundleStay.objects.filter(pairs).annotate(place=place).filter(place__lte=PAST).select_related("bundle")
    found: dict[int, list[PastSet]] = defaultdict(list)
    for row in rows.order_by("feature_id", "place"):
        references = {one.key: one.reference for one in members_of(row.bundle.members)}
        found[row.feature_id].append(PastSet(references, row.ended_at))
    return found


def facts(*, feature_ids: Collection[int]) -> dict[int, SetFact]:
    """feature -> what the roll-up is told of its sets; nothing where nothing can be compared."""
    rows = FeatureConsistency.objects.filter(pk__in=feature_ids).exclude(status=SetStatus.UNKNOWN)
    return {
        row.pk: SetFact(
            slug=row.feature.slug,
            is_same=row.status == SetStatus.CONSISTENT,
            text=row.sentence,
            since=row.since,
            at=row.judged_at,
            has_wrong_embedder=row.has_wrong_embedder,
        )
        for row in rows.select_related("feature")
    }


def due_consistency(*, at: datetime) -> set[int]:
    """Features that were never judged, or not for a while."""
    is_due = Q(consistency__isnull=True) | Q(consistency__judged_at__lte=at - REFRESH_AFTER)
    rows = Feature.objects.filter(is_due, is_retired=False).order_by(F("consistency__judged_at").asc(nulls_first=True))
    return set(rows.values_list("pk", flat=True)[:AT_ONCE])


def judged() -> QuerySet[FeatureConsistency]:
    """The judgements that stand, for the list."""
    return FeatureConsistency.objects.filter(feature__is_retired=False).select_related("feature")


def stays_of(*, feature_id: int, limit: int = 20) -> list[BundleStay]:
    """Which bundles ran where, newest first."""
    rows = BundleStay.objects.filter(feature_id=feature_id).select_related("bundle", "environment")
    return list(rows.order_by("-started_at", "-id")[:limit])


def around(*, bundle: Bundle, other_id: str) -> Gathered:
    """Where and when a bundle ran, and how it differs from another one of its feature (by default the one before)."""
    stays = list(bundle.stays.select_related("environment").order_by("-started_at", "-id")[:50])
    others = list(
        Bundle.objects.filter(feature=bundle.feature_id).exclude(pk=bundle.pk).order_by("-first_seen_at")[:50]
    )
    earlier = next((one for one in others if one.first_seen_at <= bundle.first_seen_at), None)
    other = next((one for one in others if str(one.pk) == other_id), earlier)
    found = differences(members_of(other.members), members_of(bundle.members)) if other else []
    return Gathered(stays, others, other, found)


@dataclass(frozen=True, slots=True)
class Cell:
    """One part in one environment, with what was found about it; None where nothing is told or found."""

    place: Place
    piece: Piece | None
    finding: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class Line:
    """One part in every environment."""

    kind: str
    name: str
    cells: list[Cell]

    @property
    def kind_text(self) -> str:
        """The kind as people call it."""
        return str(dict(RevisionKind.choices).get(self.kind, self.kind.capitalize()))


def findings_of(judged: FeatureConsistency) -> list[dict[str, Any]]:
    """What was found, the worst first; `since` as a time again."""
    found = [one | {"since": datetime.fromisoformat(one["since"])} for one in judged.findings]
    return sorted(found, key=lambda one: (one["rule"] != "embedder", one["tone"] != "bad", one["kind"], one["name"]))


def deployed_in(*, places: Iterable[Place]) -> set[int]:
    """The deployments that the sets consist of; prompts are none."""
    return {piece.deployment_id for place in places for piece in place.pieces if piece.deployment_id}


def with_ways_back(
    findings: Iterable[dict[str, Any]], *, places: Iterable[Place], holds: Iterable[Hold]
) -> list[dict[str, Any]]:
    """The findings with `rollback_id`: the deployment to roll back from, once each; 0 where its place is held, or where
    another place changed last.
    """
    taken = {hold.broken_by_id or hold.deployment_id for hold in holds}
    live = {(place.id, piece.url): piece.deployment_id for place in places for piece in place.pieces}
    found = []
    for one in findings:
        way = live.get((one["place_id"], one["url"]), 0)
        found.append(one | {"rollback_id": 0 if way in taken else way})
        taken.add(way)
    return found


def lines_of(*, places: list[Place], findings: list[dict[str, Any]]) -> list[Line]:
    """The matrix of one feature: parts by kind and name, each cell with what was found about it."""
    wrong = {(one["place_id"], one["kind"], one["name"]): one for one in findings}
    keys = sorted({piece.key for place in places for piece in place.pieces})

    def cells(key: Key) -> list[Cell]:
        return [Cell(place, place.by_key.get(key), wrong.get((place.id, *key))) for place in places]

    return [Line(*key, cells(key)) for key in keys]
