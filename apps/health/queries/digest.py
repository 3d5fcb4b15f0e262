"""The week of a person's features: status, incidents, what helped or hurt, cost, late pipelines, open actions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Count, Q

from apps.accounts.models import User
from apps.catalog.models import Feature
from apps.core.ui import formats
from apps.events import queries as events
from apps.events.models import Event
from apps.health.digesting import monday_of, status_words, week_before
from apps.health.looking import is_telling
from apps.health.models import DigestWish
from apps.health.queries.history import spans_between
from apps.incidents.models import ActionItem, Incident
from apps.incidents.status import OPEN_ACTIONS, IncidentState
from apps.metrics import impacts
from apps.metrics import queries as metrics
from apps.metrics.effects import Verdict

JUDGED: Final = 6  # changes of a feature whose effect is worked out, the newest
SHOWN: Final = 5
_LATE: Final = ("pipelines:punctuality:late", "pipelines:punctuality:missed")


@dataclass(frozen=True, slots=True)
class Effect:
    """A change that helped or hurt, and in which way."""

    event: Event
    sentence: str


@dataclass(frozen=True, slots=True)
class FeatureWeek:
    """One feature's week."""

    feature: Feature
    status: str
    incidents: list[Incident]
    hurt: list[Effect]
    helped: list[Effect]
    cost: str
    late: list[str]
    actions: list[ActionItem]

    @property
    def is_calm(self) -> bool:
        """Whether there is nothing to tell beside status and cost."""
        return not (self.incidents or self.hurt or self.helped or self.late or self.actions)


@dataclass(frozen=True, slots=True)
class Week:
    """What one digest says; `until` is the Monday after it."""

    start: datetime
    until: datetime
    features: list[FeatureWeek]


def zone_of(user: User) -> ZoneInfo:
    """Where a person lives, as far as the portal knows."""
    return ZoneInfo(user.time_zone or settings.DEFAULT_ZONE)


def digest_features(*, user: User) -> list[Feature]:
    """What a person chose: single features, and all of the chosen teams; without a choice those of the own teams."""
    wish = DigestWish.objects.filter(pk=user.pk).first()
    rows = Feature.objects.filter(is_retired=False).order_by("tier", "name")
    mine = Q(team__memberships__user=user)
    if wish and (wish.teams.exists() or wish.features.exists()):
        mine = Q(pk__in=wish.features.values("pk")) | Q(team__in=wish.teams.values("pk"))
    return list(rows.filter(mine).distinct())


def week_of(*, user: User, monday: date | None = None, at: datetime) -> Week:
    """The week that ended before a Monday, by default the newest; some thirty questions a feature that changed."""
    zone = zone_of(user)
    start, end = week_before(monday or monday_of(at, zone), zone)
    features = digest_features(user=user)
    spans = spans_between(feature_ids=[one.pk for one in features], start=start, end=end)
    found = [_week(one, status_words(spans[one.pk], start=start, end=end), start, end, at) for one in features]
    return Week(start, end, sorted(found, key=lambda one: one.is_calm))


def _week(feature: Feature, status: str, start: datetime, end: datetime, at: datetime) -> FeatureWeek:
    running = Q(resolved_at=None) | Q(resolved_at__gte=start)
    incidents = Incident.objects.filter(running, features=feature, impact_started_at__lt=end)
    hurt, helped = _effects(feature, start, end, at)
    actions = ActionItem.objects.filter(incident__features=feature, state__in=OPEN_ACTIONS).select_related(
        "incident", "owner"
    )
    return FeatureWeek(
        feature=feature,
        status=status,
        incidents=list(incidents.exclude(state__in=[IncidentState.DISMISSED, IncidentState.DRAFT])[:SHOWN]),
        hurt=hurt,
        helped=helped,
        cost=_cost(feature, start, end, at),
        late=_late(feature, start, end),
        actions=list(actions[:SHOWN]),
    )


def _effects(feature: Feature, start: datetime, end: datetime, at: datetime) -> tuple[list[Effect], list[Effect]]:
    """(what hurt, what helped): only what moved so much that people should be told, however sure a smaller move is."""
    changes = events.changes_between(start=start, end=end, feature_id=feature.pk, only_production=True, limit=JUDGED)
    found: dict[Verdict, list[Effect]] = defaultdict(list)
    for event in changes:
        card = metrics.impact_card(event=event, window="6h", at=at)
        rows = [one for one in card.rows if is_telling(one.measure, one.effect.after_mean, one.expected)]
        found[impacts.overall(rows)].append(Effect(event, impacts.sentence(rows, collisions=len(card.collisions))))
    return found[Verdict.WORSE], found[Verdict.BETTER]


def _cost(feature: Feature, start: datetime, end: datetime, at: datetime) -> str:
    """ "€420 this week; the month is expected to take 92% of its budget", "" where nobody sends the cost."""
    means = metrics.window_means(feature_ids=[feature.pk], measures=[metrics.COST], start=start, end=end)
    row = next(iter(metrics.cost_rows(at=at, feature_id=feature.pk)), None)
    mean = means.get((feature.pk, metrics.COST))
    if row is None or mean is None:
        return ""
    spent = formats.number_text(mean * (end - start).total_seconds() / 3600, row.series.unit)
    share = row.budget_share
    rest = "no budget is set" if share is None else f"the month is expected to take {share:.0%} of its budget"
    return f"{spent} this week; {rest}"


def _late(feature: Feature, start: datetime, end: datetime) -> list[str]:
    """ "Nightly index is late (3 times)", the most frequent first."""
    rows = Event.objects.filter(feature=feature, kind__in=_LATE, at__gte=start, at__lt=end).order_by()
    counted: Iterable[tuple[str, int]] = (
        rows.values_list("title").annotate(times=Count("pk")).order_by("-times")[:SHOWN]
    )
    return [f"{title} ({times} times)" if times > 1 else title for title, times in counted]
