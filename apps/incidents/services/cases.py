"""What failed becomes a case that every later version must pass."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from apps.accounts.models import User
from apps.evaluations import services as evaluations
from apps.evaluations.models import Case, EvaluationSuite
from apps.incidents.models import Incident
from apps.incidents.queries import cases
from apps.incidents.services.errors import IncidentError
from apps.incidents.services.timeline import add_entry
from apps.incidents.status import EntryKind

SAFETY = "safety"


def add_regression_case(
    *,
    incident_id: int,
    suite: EvaluationSuite,
    inputs: Mapping[str, Any],
    expected: Any,
    is_safety: bool,
    actor: User,
    at: datetime,
) -> Case:
    """Put the failing example into the suite and a word about it on the timeline; both or neither. IncidentError."""
    with transaction.atomic():
        incident = Incident.objects.select_for_update().get(pk=incident_id)
        try:
            case = evaluations.add_case(
                suite=suite,
                inputs=inputs,
                expected=expected,
                origin=cases.origin_of(incident.pk),
                key=_key(incident, suite, inputs),
                actor=actor,
                at=at,
                tags=[SAFETY] if is_safety else [],
            )
        except evaluations.SuiteError as error:
            raise IncidentError(str(error)) from error
        text = f"What failed is case “{case.key}” of {suite.name} now; later versions must pass it."
        add_entry(incident_id=incident.pk, actor=actor, at=at, text=text, kind=EntryKind.ACTION)
    return case


def _key(incident: Incident, suite: EvaluationSuite, inputs: Mapping[str, Any]) -> str:
    """ "incident-7", "incident-7-2": so a gate says where a case comes from. The same question keeps its key."""
    known = list(Case.objects.filter(suite=suite, origin=cases.origin_of(incident.pk)).order_by("pk"))
    same = next((case.key for case in known if case.inputs == dict(inputs)), None)
    number = len({case.key for case in known}) + 1
    return same or f"incident-{incident.pk}{f'-{number}' if number > 1 else ''}"
