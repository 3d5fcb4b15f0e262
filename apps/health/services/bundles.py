"""Every set that runs somewhere, kept under one id, with where and when it ran."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime

from django.db.models import Q

from apps.catalog.models import Feature
from apps.events.services import NewEvent
from apps.events.status import Tone
from apps.health.bundling import Member, alias, set_hash
from apps.health.consistency import Place
from apps.health.models import Bundle, BundleStay

Spot = tuple[int, int]  # feature and environment


@dataclass(frozen=True, slots=True)
class _Change:
    """A place whose set is another one than before."""

    feature: Feature
    place: Place
    members: list[Member]
    digest: str
    before: BundleStay | None


def record_stays(*, features: Mapping[int, Feature], places: Mapping[int, list[Place]], at: datetime) -> list[NewEvent]:
    """Keep the sets that are new in their places; returns the news of promotions. The caller holds the features."""
    opened = BundleStay.objects.filter(feature__in=features, ended_at=None).select_related("bundle")
    open_now: dict[Spot, BundleStay] = {(stay.feature_id, stay.environment_id): stay for stay in opened}
    changes = [
        change
        for pk, found in places.items()
        for place in found
        if place.pieces and (change := _change(features[pk], place, open_now.get((pk, place.id))))
    ]
    _end_emptied(open_now, places, at)
    if not changes:
        return []
    kept = _keep(changes, at)
    changes.sort(key=lambda one: one.place.rank)  # a set that is new everywhere comes up from below
    return [event for one in changes if (event := _move(one, kept[one.feature.pk, one.digest], at))]


def _change(feature: Feature, place: Place, before: BundleStay | None) -> _Change | None:
    members = sorted(piece.member for piece in place.pieces)
    digest = set_hash(members)
    return None if before and before.bundle.hash == digest else _Change(feature, place, members, digest, before)


def _end_emptied(open_now: Mapping[Spot, BundleStay], places: Mapping[int, list[Place]], at: datetime) -> None:
    full = {(pk, place.id) for pk, found in places.items() for place in found if place.pieces}
    emptied = [stay.pk for spot, stay in open_now.items() if spot not in full]
    if emptied:
        BundleStay.objects.filter(pk__in=emptied).update(ended_at=at)


def _keep(changes: list[_Change], at: datetime) -> dict[tuple[int, str], Bundle]:
    """The bundles of these sets, made where they are new."""
    wanted = Q(feature__in={one.feature.pk for one in changes}, hash__in={one.digest for one in changes})
    known = {(bundle.feature_id, bundle.hash): bundle for bundle in Bundle.objects.filter(wanted)}
    for one in changes:
        if (one.feature.pk, one.digest) not in known:
            known[one.feature.pk, one.digest] = Bundle.objects.create(
                feature=one.feature,
                hash=one.digest,
                alias=alias(one.digest),
                members=[asdict(member) for member in one.members],
                first_seen_at=at,
            )
    return known


def _move(change: _Change, bundle: Bundle, at: datetime) -> NewEvent | None:
    """The old stay ends where the new one begins: with the last of its parts, but never before the old one began."""
    start = min(at, max(piece.since for piece in change.place.pieces))
    if change.before:
        start = start if start > change.before.started_at else at
        BundleStay.objects.filter(pk=change.before.pk).update(ended_at=start)
    is_promotion = _has_come_up(change, bundle)
    BundleStay.objects.create(
        feature=change.feature,
        bundle=bundle,
        environment_id=change.place.id,
        started_at=start,
        is_promotion=is_promotion,
    )
    return _promoted(change, bundle, start) if is_promotion and change.before else None


def _has_come_up(change: _Change, bundle: Bundle) -> bool:
    """Whether the set ran in an earlier environment and is new in this one."""
    ranks = list(bundle.stays.values_list("environment_id", "environment__rank"))
    return any(rank < change.place.rank for _, rank in ranks) and change.place.id not in {pk for pk, _ in ranks}


def _promoted(change: _Change, bundle: Bundle, at: datetime) -> NewEvent:
    return NewEvent(
        kind="health:bundle:promoted",
        at=at,
        title=f"{change.feature.name}: the set {bundle.alias} was promoted to {change.place.name}",
        tone=Tone.OK,
        is_demo=change.feature.is_demo,
        feature_id=change.feature.pk,
        environment_id=change.place.id,
        subject_kind="bundle",
        subject_id=bundle.pk,
        dedupe_key=f"promoted:{bundle.pk}:{change.place.id}",
    )
