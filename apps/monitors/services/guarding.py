"""Monitors and objectives that guard a rollout of a prompt: what they say is told to it in the same transaction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

from django.db import transaction

from apps.accounts.models import User
from apps.monitors import queries
from apps.monitors.models import Alert, Monitor, MonitorCondition, Slo
from apps.monitors.status import MonitorState, SloState
from apps.prompts import services as prompts
from apps.prompts.models import LabelRollout, PromptLabel
from apps.prompts.services.change_requests import ChangeInvalidError
from apps.prompts.services.guards import Said, note_said
from apps.prompts.status import GuardHealth, GuardKind

MOST: Final = 50  # guards of one rollout
_MONITORS: Final = {
    MonitorState.FINE: GuardHealth.HEALTHY,
    MonitorState.WARNING: GuardHealth.UNHEALTHY,
    MonitorState.ALERTING: GuardHealth.ALERTING,
}
_OBJECTIVES: Final = {
    SloState.WITHIN: (GuardHealth.HEALTHY, "Within its budget."),
    SloState.BURNING: (GuardHealth.UNHEALTHY, "Its error budget burns."),
    SloState.EXHAUSTED: (GuardHealth.ALERTING, "Its error budget is used up."),
    SloState.NOT_MEASURED: (GuardHealth.UNKNOWN, "It was not measured yet."),
}


def roll_out(
    *,
    label_id: int,
    number: int,
    percent: int,
    actor: User,
    at: datetime,
    guards: Sequence[str] | None = None,
    **how: Any,
) -> LabelRollout | None:
    """`prompts.set_rollout` with guards named "monitor:7" or "objective:3".

    Without `guards` one that runs keeps its own, and a new one is guarded by all that watches the features of the
    prompt. They are locked first, so that no judgement falls between what is read here and what is kept there.
    """
    with transaction.atomic():
        label = PromptLabel.objects.select_related("prompt__component").get(pk=label_id)
        if guards is None and not _runs(label, number):
            guards = queries.default_guards(prompt=label.prompt)
        said = None if guards is None else _lock(guards)
        return prompts.set_rollout(
            label_id=label_id, number=number, percent=percent, actor=actor, at=at, guards=said, **how
        )


def tell_rollouts(*, condition: MonitorCondition, is_muted: bool, at: datetime) -> None:
    """Let the rollouts that a monitor guards know its judgement; the caller holds its row."""
    note_said(said=_of_monitor(condition, is_muted=is_muted), at=at)


def tell_rollouts_of_slo(*, slo: Slo, at: datetime) -> None:
    """The same for an objective."""
    note_said(said=_of_slo(slo), at=at)


def tell_unknown(*, monitor: Monitor, why: str, at: datetime) -> None:
    """Let them know at once that nobody judges by this monitor now."""
    said = Said(
        kind=GuardKind.MONITOR, number=monitor.pk, name=monitor.name, health=GuardHealth.UNKNOWN, why=why, at=None
    )
    note_said(said=said, at=at)


def _runs(label: PromptLabel, number: int) -> bool:
    rows = LabelRollout.objects.filter(label=label, base=label.version_id, version__number=number)
    return rows.filter(watch__isnull=False).exists()


def _lock(keys: Iterable[str]) -> list[Said]:
    """What the guards of these names say, locked in one order; ChangeInvalidError for a name that nothing has."""
    wanted = set(keys)
    if len(wanted) > MOST:
        raise ChangeInvalidError(f"At most {MOST} monitors and objectives can guard a rollout.", field="guards")
    numbers: dict[str, list[int]] = {kind: [] for kind in GuardKind.values}
    for key in wanted:
        kind, _, number = key.partition(":")
        if kind in numbers and number.isascii() and number.isdecimal() and len(number) < 19:
            numbers[kind].append(int(number))
    conditions = MonitorCondition.objects.select_for_update(of=("self",)).select_related("monitor")
    said = [
        _of_monitor(one, is_muted=one.state == MonitorState.ALERTING and not _has_alert(one.monitor))
        for one in conditions.filter(pk__in=numbers[GuardKind.MONITOR]).order_by("pk")
    ]
    slos = Slo.objects.select_for_update(of=("self",)).filter(pk__in=numbers[GuardKind.OBJECTIVE])
    said += [_of_slo(one) for one in slos.order_by("pk")]
    if missing := sorted(wanted - {f"{one.kind}:{one.number}" for one in said}):
        raise ChangeInvalidError(f"There is no {missing[0][:60]} to guard it.", field="guards")
    return said


def _has_alert(monitor: Monitor) -> bool:
    return Alert.objects.filter(monitor=monitor, resolved_at=None).exists()


def _of_monitor(condition: MonitorCondition, *, is_muted: bool) -> Said:
    """A muted monitor opens no alert and stops nothing, and yet it is not healthy."""
    monitor = condition.monitor
    health = _MONITORS.get(MonitorState(condition.state), GuardHealth.UNKNOWN)
    health, why = (health, condition.why) if monitor.is_enabled else (GuardHealth.UNKNOWN, "It is switched off.")
    if health == GuardHealth.ALERTING and is_muted:
        health, why = GuardHealth.UNHEALTHY, f"It is muted, and would alert: {why}"
    alerts = Alert.objects.filter(monitor=monitor, resolved_at=None).values_list("pk", flat=True)
    return Said(
        kind=GuardKind.MONITOR,
        number=monitor.pk,
        name=monitor.name,
        health=health,
        why=why,
        at=condition.evaluated_at,
        alert_id=alerts.first() if health == GuardHealth.ALERTING else None,
    )


def _of_slo(slo: Slo) -> Said:
    health, why = _OBJECTIVES[SloState(slo.state)]
    return Said(kind=GuardKind.OBJECTIVE, number=slo.pk, name=slo.name, health=health, why=why, at=slo.measured_at)
