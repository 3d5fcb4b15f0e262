"""Whether features are ready for people: one row a feature, every check a column that is true, false or NULL.

NULL: the check does not apply, for instance an age limit where no data are kept. The database judges, so that the list
can be sorted and filtered by what is missing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import reduce
from operator import add
from typing import Any, Final

from django.contrib.postgres.expressions import ArraySubquery
from django.contrib.postgres.fields import ArrayField
from django.db.models import (
    BooleanField,
    Case,
    CharField,
    Exists,
    F,
    Func,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Value,
    When,
)
from django.urls import reverse

from apps.catalog.models import Component, ComponentKind, Feature, Promise
from apps.deployments.models import Deployment
from apps.deployments.status import DeploymentState
from apps.evaluations.models import EvaluationRun, EvaluationSuite
from apps.evaluations.status import EvaluationState
from apps.health.queries.reach import reach
from apps.health.readiness import CHECKS, WATCHED_FAMILIES, Check, families_text, unwatched
from apps.health.status import CheckState
from apps.metrics.families import Family
from apps.metrics.measures import MEASURES, measure, of_family
from apps.metrics.models import Budget, Series
from apps.monitors.models import Monitor, Slo
from apps.prompts.models import ApprovalPolicy, ChangeRequest, Prompt
from apps.prompts.status import ChangeState

TRIED_WITHIN: Final = timedelta(days=180)
EVALUATED_WITHIN: Final = timedelta(days=30)
SILENT_AFTER: Final = timedelta(days=1)
_KEEPS_DATA: Final = (ComponentKind.INDEX, ComponentKind.DATASTORE)
_YES, _NO = Value(True), Value(False)


@dataclass(frozen=True, slots=True)
class Checked:
    """One check of one feature: how it came out, what is missing, and where that is mended."""

    check: Check
    state: CheckState
    detail: str
    url: str


def readiness(*, at: datetime) -> QuerySet[Feature]:
    """Every feature that is not retired with its checks (`is_<key>`), how many apply, are met, are missing; which."""
    rows = Feature.objects.filter(is_retired=False).select_related("team")
    mine = Series.objects.filter(feature=OuterRef("pk"), is_primary=True).order_by()
    watching = Monitor.objects.filter(series__feature=OuterRef("pk"), is_enabled=True).order_by()
    rows = rows.annotate(
        measured=ArraySubquery(mine.values("measure").distinct()),
        watched=ArraySubquery(watching.values("series__measure").distinct()),
    )
    rows = rows.annotate(**{f"is_{key}": found for key, found in _facts(at, mine).items()})
    applies = reduce(add, (_counted(Q(**{f"is_{check.key}__isnull": False})) for check in CHECKS))
    met = reduce(add, (_counted(Q(**{f"is_{check.key}": True})) for check in CHECKS))
    return rows.annotate(applies=applies, met=met, lacks=_nouns()).annotate(missing=F("applies") - F("met"))


def _nouns() -> Func:
    """What is missing, as an array of nouns."""
    said = [Case(When(**{f"is_{check.key}": False}, then=Value(check.noun))) for check in CHECKS]
    template = "array_remove(ARRAY[%(expressions)s], NULL)"
    return Func(*said, template=template, output_field=ArrayField(CharField()))


def _facts(at: datetime, mine: QuerySet[Series]) -> dict[str, Any]:
    having, lacking = _data_limits()
    prompts = Prompt.objects.filter(feature=OuterRef("pk"), gone_at=None)
    deployed = Deployment.objects.filter(feature=OuterRef("pk"), state=DeploymentState.SUCCEEDED)
    rolled_back = deployed.filter(is_rollback=True, started_at__gte=at - TRIED_WITHIN)
    moved_back = ChangeRequest.objects.filter(prompt__feature=OuterRef("pk"), state=ChangeState.ROLLED_BACK)
    runs = EvaluationRun.objects.filter(suite__feature=OuterRef("pk"), state=EvaluationState.SUCCEEDED)
    suites = EvaluationSuite.objects.filter(feature=OuterRef("pk"))
    gating = {
        one["suite"] for gate in ApprovalPolicy.objects.values_list("gate", flat=True) for one in gate if "suite" in one
    }
    costs = mine.filter(measure="cost_rate")
    return {
        "owner": _yes(team__isnull=False),
        "on_call": Case(When(team__isnull=False, then=_is(~Q(team__on_call=""))), default=_NO),
        "runbook": _is(~Q(runbook_url="")),
        "promises": Exists(Promise.objects.filter(feature=OuterRef("pk"))),
        "monitors": _where(Q(measured__overlap=_slugs(WATCHED_FAMILIES)), _is(~_unwatched())),
        "numbers": _where(Exists(mine), _is(~Q(Exists(mine.filter(last_at__lt=at - SILENT_AFTER))))),
        "objective": Exists(Slo.objects.filter(feature=OuterRef("pk"))),
        "budget": _where(Exists(costs), _is(Q(Exists(Budget.objects.filter(feature=OuterRef("pk")))))),
        "data": Case(
            When(pk__in=lacking, then=_NO), When(pk__in=having, then=_YES), output_field=BooleanField(null=True)
        ),
        "suite": _where(Exists(prompts), _is(Q(Exists(suites.filter(pk__in=gating))))),
        "evaluated": _where(Exists(prompts), _is(Q(Exists(runs.filter(at__gte=at - EVALUATED_WITHIN))))),
        "rollback": _where(
            Q(Exists(deployed)) | Q(Exists(prompts)), _is(Q(Exists(rolled_back)) | Q(Exists(moved_back)))
        ),
    }


def _is(condition: Q) -> Case:
    return Case(When(condition, then=_YES), default=_NO, output_field=BooleanField())


def _yes(**condition: Any) -> Case:
    return _is(Q(**condition))


def _where(applies: Any, then: Case) -> Case:
    return Case(When(applies, then=then), default=None, output_field=BooleanField(null=True))


def _counted(condition: Q) -> Case:
    return Case(When(condition, then=Value(1)), default=Value(0), output_field=IntegerField())


def _slugs(families: tuple[Family, ...]) -> list[str]:
    return [entry.slug for family in families for entry in of_family(family)]


def _unwatched() -> Q:
    """Of some family something is measured and nothing is watched."""
    found = Q()
    for family in WATCHED_FAMILIES:
        slugs = _slugs((family,))
        found |= Q(measured__overlap=slugs) & ~Q(watched__overlap=slugs)
    return found


def _data_limits() -> tuple[set[int], set[int]]:
    """(features that answer from data, those of them whose data lack a limit of age)."""
    parts = reach(feature_ids=list(Feature.objects.filter(is_retired=False).values_list("pk", flat=True)))
    kept = dict(Component.objects.filter(kind__in=_KEEPS_DATA).values_list("pk", "freshness"))
    reading = [
        (part.feature_id, kept[pk]) for pk, found in parts.items() if pk in kept for part in found if part.is_data
    ]
    return {feature for feature, _ in reading}, {feature for feature, limit in reading if not limit}


def checks_of(*, row: Any) -> list[Checked]:
    """The checks of one row of `readiness`, what is missing first, what does not apply last."""
    found = [_checked(row, check) for check in CHECKS]
    return sorted(
        found, key=lambda one: (CheckState.MISSING, CheckState.MET, CheckState.NOT_APPLICABLE).index(one.state)
    )


def _checked(row: Any, check: Check) -> Checked:
    verdict = getattr(row, f"is_{check.key}")
    state = CheckState.NOT_APPLICABLE if verdict is None else CheckState.MET if verdict else CheckState.MISSING
    detail = _DETAILS[check.key](row) if state is CheckState.MISSING and check.key in _DETAILS else ""
    return Checked(check, state, detail, _mended_at(row, check.key))


def _unwatched_text(row: Any) -> str:
    measured, watched = (
        frozenset(measure(slug).family for slug in slugs if slug in MEASURES) for slugs in (row.measured, row.watched)
    )
    return families_text(unwatched(measured, watched))


_DETAILS: Final[dict[str, Callable[[Any], str]]] = {
    "monitors": _unwatched_text,
    "numbers": lambda _: "A number has been silent for more than a day.",
    "evaluated": lambda _: "No evaluation passed through within 30 days.",
    "rollback": lambda _: "None within half a year.",
    "suite": lambda _: "No rule for moving labels asks a suite of this feature.",
}


def _mended_at(row: Any, key: str) -> str:
    change = reverse("catalog:feature-change", args=[row.slug])
    team = reverse("catalog:team-change", args=[row.team.slug]) if row.team else change
    return {
        "on_call": team,
        "monitors": reverse("monitors:monitor-create"),
        "numbers": f"{reverse('metrics:series-list')}?feature={row.slug}",
        "objective": reverse("monitors:slo-create"),
        "budget": reverse("metrics:budget", args=[row.slug]),
        "data": f"{reverse('health:map')}?feature={row.slug}",
        "suite": reverse("prompts:policy-list"),
        "evaluated": f"{reverse('evaluations:run-list')}?feature={row.slug}",
        "rollback": f"{reverse('deployments:deployment-list')}?feature={row.slug}",
    }.get(key, change)
