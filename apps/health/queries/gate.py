"""What speaks against a deployment now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from apps.catalog.models import Environment, Feature
from apps.deployments import queries as deployments
from apps.deployments.freezing import freezes_at
from apps.deployments.models import Hold
from apps.evaluations.models import EvaluationSuite
from apps.evaluations.status import EvaluationState
from apps.health.models import FeatureConsistency, FeatureHealth
from apps.health.rules import PAGING
from apps.health.status import HealthStatus, SetStatus
from apps.incidents.models import Incident
from apps.incidents.status import OPEN_STATES
from apps.monitors.models import Alert, Slo
from apps.monitors.status import AlertState


@dataclass(frozen=True, slots=True)
class Obstacle:
    """One reason to wait: its kind for machines, a sentence for people, since when, and the page about it."""

    kind: str
    text: str
    since: datetime
    path: str


def obstacles(*, feature: Feature, environment: Environment, at: datetime) -> list[Obstacle]:
    """What speaks against it: freezes, holds, trouble, spent budgets, failed safety cases, an untested set."""
    return [
        *_frozen(feature, environment, at),
        *_held(feature, environment),
        *_incidents(feature),
        *_alerting(feature),
        *_spent(feature),
        *_unsafe(feature),
        *_down(feature),
        *_mixed(feature),
    ]


def _frozen(feature: Feature, environment: Environment, at: datetime) -> list[Obstacle]:
    known = {freeze.pk: freeze for freeze in deployments.freezes_since(at=at)}
    found = freezes_at([freeze.window for freeze in known.values()], feature.pk, environment.pk, at)
    return [
        Obstacle(
            "freeze",
            f"The freeze “{window.name}” holds: {known[window.id].reason}",
            window.starts_at,
            known[window.id].get_absolute_url(),
        )
        for window in found
    ]


def _held(feature: Feature, environment: Environment) -> list[Obstacle]:
    return [
        Obstacle(
            "hold",
            _hold_text(hold),
            hold.held_at,
            hold.deployment.get_absolute_url(),
        )
        for hold in deployments.open_holds()
        if hold.deployment.feature_id == feature.pk and hold.deployment.environment_id == environment.pk
    ]


def _hold_text(hold: Hold) -> str:
    revision, who = hold.deployment.revision.reference, f" by {hold.held_by}" if hold.held_by else ""
    if hold.is_asked:
        return f"{hold.component_name} should go back to {revision}, asked for{who}: {hold.reason}"
    return f"{hold.component_name} is held at {revision}{who}: {hold.reason}"


def _incidents(feature: Feature) -> list[Obstacle]:
    rows = Incident.objects.filter(features=feature, state__in=OPEN_STATES).order_by("impact_started_at", "pk")
    return [
        Obstacle("incident", f"The incident “{row.title}” is open.", row.impact_started_at, row.get_absolute_url())
        for row in rows
    ]


def _spent(feature: Feature) -> list[Obstacle]:
    rows = Slo.objects.filter(feature=feature, budget_left__lte=0.0).order_by("pk")
    return [
        Obstacle("budget", f"The error budget of “{row.name}” is spent.", row.measured_at, row.get_absolute_url())
        for row in rows
        if row.measured_at
    ]


def _unsafe(feature: Feature) -> list[Obstacle]:
    """Suites of the portal's own whose newest results fail a safety case; other failures are for people to weigh."""
    found = []
    for suite in EvaluationSuite.objects.filter(feature=feature, setup__isnull=False).order_by("name"):
        run = suite.runs.filter(state=EvaluationState.SUCCEEDED).order_by("-at", "-id").first()
        safety = suite.cases.filter(tags__contains=["safety"], until__isnull=True).values("key")
        failed = run.scores.filter(is_passed=False, case__in=safety).values("case").distinct().count() if run else 0
        if run and failed:
            cases = "a safety case" if failed == 1 else f"{failed} safety cases"
            text = f"{run.what or 'What runs'} fails {cases} of “{suite.name}”."
            found.append(Obstacle("evaluation", text, run.at, run.get_absolute_url()))
    return found


def _alerting(feature: Feature) -> list[Obstacle]:
    rows = Alert.objects.filter(feature=feature, state=AlertState.FIRING, resolved_at__isnull=True)
    return [
        Obstacle("alert", f"The alert “{row.name}” fires.", row.opened_at, row.get_absolute_url())
        for row in rows.order_by("opened_at", "pk")
        if row.severity.lower() in PAGING
    ]


def _down(feature: Feature) -> list[Obstacle]:
    rows = FeatureHealth.objects.filter(pk=feature.pk, status=HealthStatus.DOWN)
    return [Obstacle("down", row.sentence, row.since, feature.get_absolute_url()) for row in rows]


def _mixed(feature: Feature) -> list[Obstacle]:
    rows = FeatureConsistency.objects.filter(pk=feature.pk, status=SetStatus.MIXED)
    return [Obstacle("set", row.sentence, row.since, feature.get_absolute_url()) for row in rows]
