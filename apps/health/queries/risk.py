"""What to know before a label of a prompt moves: reach, state, trouble, other changes, freezes. A few questions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from apps.catalog import queries as catalog
from apps.catalog.models import Environment, Feature
from apps.core.ui.status import VOCABULARY, StatusLook
from apps.deployments import queries as deployments
from apps.deployments.freezing import freezes_at
from apps.events import queries as events
from apps.health.models import FeatureHealth
from apps.health.queries.history import uptime_ratio
from apps.health.status import HealthStatus
from apps.incidents.models import Incident
from apps.incidents.status import OPEN_STATES
from apps.monitors.models import Alert, Slo
from apps.monitors.status import AlertState
from apps.prompts.models import ChangeRequest
from apps.prompts.status import OPEN

WINDOW = timedelta(hours=2)
DAYS = 30
NAMED = 3


@dataclass(frozen=True, slots=True)
class Risk:
    """One line: how it looks, what it says, what stands below, and the page about it."""

    look: StatusLook
    text: str
    note: str = ""
    path: str = ""


def risks(*, change: ChangeRequest, at: datetime) -> list[Risk]:
    """Everything that a reviewer should know, calm lines included: a missing warning is news as well."""
    feature = change.prompt.feature
    return [
        _reach(change),
        *([_state(feature), *_uptime(feature, at), *_budgets(feature)] if feature else []),
        *([*_incidents(feature), *_alerts(feature)] if feature else []),
        _others(change, at),
        *[Risk(_look("warn"), sentence) for sentence in freezes_of(change=change, at=change.apply_at or at)],
    ]


def freezes_of(*, change: ChangeRequest, at: datetime) -> list[str]:
    """The freezes that hold at `at` where the label lives, in sentences."""
    environment = Environment.objects.filter(slug=change.label[:80]).first()
    known = {freeze.pk: freeze for freeze in deployments.freezes_since(at=at)}
    where = environment.pk if environment else None
    found = freezes_at([freeze.window for freeze in known.values()], change.prompt.feature_id, where, at)
    return [f"The freeze “{window.name}” holds: {known[window.id].reason}" for window in found]


def _look(key: str) -> StatusLook:
    return StatusLook({"ok": "Fine:", "warn": "Take care:", "bad": "Trouble:"}.get(key, "Note:"), *VOCABULARY[key])


def _reach(change: ChangeRequest) -> Risk:
    prompt = change.prompt
    ids = catalog.blast_radius({prompt.component_id}) if prompt.component_id else set()
    ids |= {prompt.feature_id} if prompt.feature_id else set()
    names = list(Feature.objects.filter(pk__in=ids).order_by("tier", "name").values_list("name", flat=True))
    if not names:
        return Risk(_look("note"), "It is not known which features use this prompt", "Map it in the catalog.")
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return Risk(_look("note"), f"Touches {', '.join(names[:NAMED])}{more}")


def _state(feature: Feature) -> Risk:
    row = FeatureHealth.objects.filter(pk=feature.pk).first()
    status = HealthStatus(row.status) if row else HealthStatus.UNKNOWN
    keys = {HealthStatus.HEALTHY: "ok", HealthStatus.DEGRADED: "warn", HealthStatus.DOWN: "bad"}
    words = {HealthStatus.STALE: "Its sources have gone quiet", HealthStatus.UNKNOWN: "No source tells how it does"}
    text = words.get(status, f"{feature.name} is {status.label.lower()} now")
    return Risk(_look(keys.get(status, "stale")), text, row.sentence if row else "", feature.get_absolute_url())


def _uptime(feature: Feature, at: datetime) -> list[Risk]:
    ratio = uptime_ratio(feature_id=feature.pk, days=DAYS, at=at)
    if ratio is None:
        return []
    look = "ok" if ratio >= 0.99 else "warn"
    return [Risk(_look(look), f"Kept its promises {ratio:.1%} of the last {DAYS} days")]


def _budgets(feature: Feature) -> list[Risk]:
    """The objective that is worst off."""
    row = Slo.objects.filter(feature=feature, budget_left__isnull=False).order_by("budget_left", "pk").first()
    if row is None or row.budget_left is None:
        return []
    look = "ok" if row.budget_left > 0.5 else "warn" if row.budget_left > 0 else "bad"
    text = (
        f"{max(0.0, row.budget_left):.0%} of the error budget is left" if row.budget_left > 0 else "No budget is left"
    )
    return [Risk(_look(look), text, row.name, row.get_absolute_url())]


def _incidents(feature: Feature) -> list[Risk]:
    rows = Incident.objects.filter(features=feature, state__in=OPEN_STATES).order_by("severity", "pk")
    found = [
        Risk(_look("bad"), f"The incident “{row.title}” is open", "", row.get_absolute_url()) for row in rows[:NAMED]
    ]
    return found or [Risk(_look("ok"), "No incident is open")]


def _alerts(feature: Feature) -> list[Risk]:
    rows = Alert.objects.filter(feature=feature, state=AlertState.FIRING, resolved_at=None).order_by("opened_at")
    firing = [Risk(_look("bad"), f"The alert “{row.name}” fires", "", row.get_absolute_url()) for row in rows[:NAMED]]
    return firing or [Risk(_look("ok"), "No alert fires")]


def _others(change: ChangeRequest, at: datetime) -> Risk:
    """What else changed lately, or is planned around the same time, for the same feature."""
    feature_id, moment = change.prompt.feature_id, change.apply_at or at
    told = events.changes_between(start=at - WINDOW, end=at, feature_id=feature_id) if feature_id else []
    planned = ChangeRequest.objects.filter(
        prompt__feature=change.prompt.feature, state__in=OPEN, apply_at__range=(moment - WINDOW, moment + WINDOW)
    ).exclude(pk=change.pk)
    titles = [event.title for event in told[-NAMED:]] + [f"planned: {row.title}" for row in planned[:NAMED]]
    number = len(told) + planned.count()
    if not number:
        return Risk(_look("ok"), "Nothing else changes around the same time")
    word = "change" if number == 1 else "changes"
    return Risk(_look("warn"), f"{number} other {word} around the same time", "; ".join(titles))
