"""Writes about mapping rules by people: each audited, and each asks for everything stored to be looked at anew."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.db.models import Max

from apps.accounts.models import User
from apps.accounts.services import differences, record_audit
from apps.catalog.models import Component, Environment, Feature
from apps.events import services as events
from apps.sources.identity import rules
from apps.sources.models import ExternalName, MappingRule, Remapping, Source


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleDraft:
    """What people decide about a rule; patterns and paths are already checked."""

    pattern: str
    kind: str = ""
    source: Source | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    payload: Mapping[str, str] = field(default_factory=dict)
    component: Component | None = None
    feature: Feature | None = None
    environment: Environment | None = None
    note: str = ""
    is_enabled: bool = True


def create_rule(*, draft: RuleDraft, actor: User | None) -> MappingRule:
    """The new rule, tried after all others."""
    with transaction.atomic():
        last = MappingRule.objects.aggregate(last=Max("position"))["last"] or 0
        rule = MappingRule(position=last + 1, created_by=actor)
        _fill(rule, draft)
        rule.save()
        record_audit(actor=actor, action="mapping:add", subject=rule, after=_audited(rule))
        request_remapping(reason=f"A rule for {rule} was added", actor=actor)
    return rule


def change_rule(*, rule: MappingRule, draft: RuleDraft, actor: User | None) -> MappingRule:
    """The rule as changed, at its place in the order."""
    with transaction.atomic():
        rule = MappingRule.objects.select_for_update().get(pk=rule.pk)
        before = _audited(rule)
        _fill(rule, draft)
        rule.save()
        old, new = differences(before, _audited(rule))
        record_audit(actor=actor, action="mapping:change", subject=rule, before=old, after=new)
        request_remapping(reason=f"The rule for {rule} was changed", actor=actor)
    return rule


def remove_rule(*, rule: MappingRule, actor: User | None) -> None:
    """The rule is gone; what it had placed is looked at anew."""
    with transaction.atomic():
        record_audit(actor=actor, action="mapping:remove", subject=rule, before=_audited(rule))
        request_remapping(reason=f"The rule for {rule} was removed", actor=actor)
        rule.delete()


def move_rule(*, rule: MappingRule, is_up: bool, actor: User | None) -> bool:
    """Swap the rule with its neighbor in the order; False when it is the first or last already."""
    with transaction.atomic():
        order = list(MappingRule.objects.select_for_update().order_by("position", "pk"))
        place = next((index for index, row in enumerate(order) if row.pk == rule.pk), None)
        other = None if place is None else place + (-1 if is_up else 1)
        if place is None or other is None or not 0 <= other < len(order):
            return False
        order[place], order[other] = order[other], order[place]
        for position, row in enumerate(order, start=1):
            row.position = position
        MappingRule.objects.bulk_update(order, ["position"])
        record_audit(actor=actor, action="mapping:move", subject=rule, after={"position": other + 1})
        request_remapping(reason=f"The rule for {rule} is tried {'earlier' if is_up else 'later'}", actor=actor)
    return True


def map_name(
    *, name: ExternalName, component: Component | None, feature: Feature | None, actor: User | None
) -> MappingRule:
    """One click: a rule for exactly this name of this source."""
    pattern = rules.literal(name.name)[: rules.LONGEST_PATTERN]
    draft = RuleDraft(pattern=pattern, kind=name.kind, source=name.source, component=component, feature=feature)
    return create_rule(draft=draft, actor=actor)


def set_ignored(*, name: ExternalName, is_ignored: bool, actor: User | None) -> bool:
    """Whether people wait for this name to be placed; False when that was so already."""
    with transaction.atomic():
        moved = ExternalName.objects.filter(pk=name.pk, is_ignored=not is_ignored).update(is_ignored=is_ignored)
        if moved:
            action = "mapping:ignore" if is_ignored else "mapping:notice"
            record_audit(actor=actor, action=action, subject=name, after={"is_ignored": is_ignored})
            events.ring(topics=["mapping"])
    return bool(moved)


def request_remapping(*, reason: str, actor: User | None) -> None:
    """Ask a worker to put everything stored where the rules say now; one that has not begun yet serves both."""
    if not Remapping.objects.filter(started_at=None, finished_at=None).exists():
        Remapping.objects.create(reason=reason[:300], requested_by=actor)
    events.ring(topics=["mapping"])


def _fill(rule: MappingRule, draft: RuleDraft) -> None:
    rule.pattern, rule.kind, rule.source = draft.pattern, draft.kind, draft.source
    rule.labels, rule.payload = dict(draft.labels), dict(draft.payload)
    rule.component, rule.feature, rule.environment = draft.component, draft.feature, draft.environment
    rule.note, rule.is_enabled = draft.note, draft.is_enabled


def _audited(rule: MappingRule) -> dict[str, Any]:
    return {
        "pattern": rule.pattern,
        "kind": rule.kind,
        "source": rule.source_id,
        "labels": rule.labels,
        "payload": rule.payload,
        "component": rule.component_id,
        "feature": rule.feature_id,
        "environment": rule.environment_id,
        "note": rule.note,
        "is_enabled": rule.is_enabled,
    }
