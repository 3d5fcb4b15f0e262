"""Regression cases: those that came of an incident, and the suites that can take another."""

from __future__ import annotations

from django.db.models import QuerySet
from django.db.models.expressions import Case as SqlCase
from django.db.models.expressions import Value, When

from apps.evaluations.models import Case, EvaluationSuite
from apps.incidents.models import Incident


def origin_of(incident_id: int) -> str:
    """How a case names the incident that it comes from."""
    return f"incident {incident_id}"


def cases_of(*, incident: Incident) -> list[Case]:
    """The cases that came of it and still count, by suite."""
    rows = Case.objects.filter(origin=origin_of(incident.pk), until__isnull=True).select_related("suite")
    return list(rows.order_by("suite__name", "key"))


def suites_for(*, incident: Incident) -> QuerySet[EvaluationSuite]:
    """The portal's own suites, those of the affected features first."""
    features = list(incident.features.values_list("pk", flat=True))
    is_near = SqlCase(When(feature__in=features, then=Value(0)), default=Value(1))
    return EvaluationSuite.objects.filter(setup__isnull=False).order_by(is_near, "name")
