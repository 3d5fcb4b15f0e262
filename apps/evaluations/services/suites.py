"""Suites of our own: what they are called, where they belong, what runs them and what scores them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.text import slugify

from apps.accounts.models import User
from apps.accounts.services import record_audit
from apps.catalog.models import Component, Feature
from apps.evaluations.casefile import CaseDraft
from apps.evaluations.models import EvaluationEndpoint, EvaluationSuite, SuiteSetup
from apps.evaluations.queries.ours import current_cases
from apps.evaluations.scorers.registry import check_case, clean_scorers
from apps.evaluations.services.house import ensure_own_source
from apps.evaluations.services.versions import SuiteError, locked, newest, next_version


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteDraft:
    """What people decide about a suite beside its cases."""

    name: str
    description: str = ""
    feature: Feature | None = None
    endpoint: EvaluationEndpoint | None = None
    scorers: Sequence[Mapping[str, Any]] = ()


def create_suite(*, draft: SuiteDraft, actor: User | None, at: datetime) -> EvaluationSuite:
    """The new suite, with its scorers as version 1 and no cases yet; SuiteError."""
    scorers = _scorers(draft)
    with transaction.atomic():
        source = ensure_own_source(is_demo=draft.endpoint is not None and draft.endpoint.is_demo)
        if EvaluationSuite.objects.filter(source=source, name=draft.name).exists():
            raise SuiteError("A suite has this name already.")
        component = Component.objects.filter(slug=slugify(draft.name), kind="evaluation_suite").first()
        feature_id = draft.feature.pk if draft.feature else (component.feature_id if component else None)
        suite = EvaluationSuite.objects.create(
            source=source, name=draft.name, component=component, feature_id=feature_id, first_seen_at=at
        )
        setup = SuiteSetup.objects.create(suite=suite, description=draft.description, endpoint=draft.endpoint)
        next_version(suite, setup, scorers=scorers, note="Made", actor=actor, at=at)
        record_audit(actor=actor, action="suite:add", subject=suite, after={"name": suite.name})
    return suite


def change_suite(*, suite: EvaluationSuite, draft: SuiteDraft, actor: User | None, at: datetime) -> int:
    """The number of its newest version, a new one if the scorers changed; SuiteError, also if cases no longer fit."""
    scorers = _scorers(draft)
    with transaction.atomic():
        setup = locked(suite)
        others = EvaluationSuite.objects.filter(source_id=suite.source_id, name=draft.name).exclude(pk=suite.pk)
        if others.exists():
            raise SuiteError("A suite has this name already.")
        suite.name, suite.feature = draft.name, draft.feature
        suite.save(update_fields=["name", "feature"])
        setup.description, setup.endpoint = draft.description, draft.endpoint
        setup.save(update_fields=["description", "endpoint"])
        if scorers != newest(suite, setup).scorers:
            _check_fit(current_cases(suite), scorers)
            next_version(suite, setup, scorers=scorers, note="Scorers changed", actor=actor, at=at)
        record_audit(actor=actor, action="suite:change", subject=suite, after={"name": suite.name})
    return setup.version


def _scorers(draft: SuiteDraft) -> list[dict[str, Any]]:
    if not draft.name.strip():
        raise SuiteError("The suite needs a name.")
    try:
        return clean_scorers(list(draft.scorers))
    except ValueError as error:
        raise SuiteError(str(error)) from None


def _check_fit(cases: Sequence[CaseDraft], scorers: Sequence[Mapping[str, Any]]) -> None:
    errors = []
    for case in cases:
        try:
            check_case(scorers, case.expected, case.tags)
        except ValueError as error:
            errors.append(f"Case {case.key}: {error}")
    if errors:
        raise SuiteError(*errors[:10])
