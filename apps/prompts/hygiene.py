"""Prompts that nobody looks after: what each one lacks, found in the database, so that a list can be filtered by it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db.models import (
    BooleanField,
    Case,
    Exists,
    ExpressionWrapper,
    Max,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    When,
)
from django.db.models.expressions import RawSQL

from apps.evaluations.models import EvaluationRun
from apps.prompts.models import Prompt, PromptUse, PromptVersion

UNUSED_AFTER = timedelta(days=30)
FINDINGS = {
    "unused": "Not fetched in 30 days",
    "unevaluated": "Never evaluated",
    "undeclared": "A variable that is not declared",
    "unowned": "No owner",
    "duplicate": "Same text as another prompt",
}
_UNDECLARED = r"""
EXISTS (
    SELECT 1 FROM prompts_promptversion AS version,
         regexp_matches(version.template || ' ' || version.messages::text,
                        '\{\{\s*([A-Za-z_][A-Za-z0-9_.\-]*)\s*\}\}', 'g') AS found
    WHERE version.prompt_id = prompts_prompt.id AND version.number = prompts_prompt.latest_number
      AND NOT found[1] = ANY(version.variables)
)
"""


def neglected(*, at: datetime) -> QuerySet[Prompt]:
    """Prompts that are there, with a true or false for every finding and `last_fetched_at` as callers told it.

    A prompt younger than 30 days may still be waiting for its first caller; it does not count as unused.
    """
    uses = PromptUse.objects.filter(prompt=OuterRef("pk")).order_by().values("prompt")
    newest = PromptVersion.objects.filter(prompt=OuterRef("pk"), number=OuterRef("latest_number"))
    same = PromptVersion.objects.filter(content_hash=OuterRef("newest_hash"), prompt__gone_at=None)
    old = at - UNUSED_AFTER
    rows = Prompt.objects.filter(gone_at=None).select_related("feature__team", "component__team", "source")
    return rows.annotate(
        last_fetched_at=Subquery(uses.annotate(last=Max("last_heard_at")).values("last")),
        newest_hash=Subquery(newest.values("content_hash")),
    ).annotate(
        is_unused=_is(Q(first_seen_at__lt=old) & (Q(last_fetched_at=None) | Q(last_fetched_at__lt=old))),
        is_unevaluated=~Exists(EvaluationRun.objects.filter(subject=OuterRef("name"))),
        is_undeclared=RawSQL(_UNDECLARED, [], output_field=BooleanField()),  # noqa: S611 - a constant
        is_unowned=_is(Q(feature__team=None) & Q(component__team=None)),
        is_duplicate=Exists(same.exclude(prompt=OuterRef("pk"))),
    )


def with_findings(rows: QuerySet[Prompt], wanted: list[str]) -> QuerySet[Prompt]:
    """Those that lack one of the `wanted` things, or anything at all."""
    found = Q()
    for finding in [one for one in wanted if one in FINDINGS] or FINDINGS:
        found |= Q(**{f"is_{finding}": True})
    return rows.filter(found)


def findings_of(row: Any) -> list[str]:
    """What one row of `neglected` lacks, in words."""
    return [words for finding, words in FINDINGS.items() if getattr(row, f"is_{finding}", False)]


def _is(condition: Q) -> Any:
    return ExpressionWrapper(Case(When(condition, then=True), default=False), output_field=BooleanField())
