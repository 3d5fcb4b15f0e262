"""Holds: set by a rollback or by hand, lifted only by a person, and loud when another system goes against them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction

from apps.accounts.models import User
from apps.accounts.services import record_audit
from apps.core.bulk import Row
from apps.core.ui.formats import short_revision
from apps.deployments.models import Deployment, Hold, Running
from apps.deployments.status import DeploymentState
from apps.events.services import NewEvent, record_events, ring
from apps.events.status import Tone
from apps.sources.models import Source

RECENT: Final = timedelta(hours=24)  # an older rollback is read from the past: history, nobody holds it any more
PLACE: Final = ("component_name", "environment_name", "kind")
_UNDER_WAY: Final = (DeploymentState.RUNNING, DeploymentState.SUCCEEDED)
_CAME_TO_NOTHING: Final = (DeploymentState.FAILED, DeploymentState.CANCELLED)


class HoldError(Exception):
    """Why it cannot be done, in a sentence for people."""


def hold_place(*, running: Running, actor: User, reason: str, at: datetime) -> Hold:
    """Ask that what runs in a place stays; raises HoldError when the place is held already."""
    with transaction.atomic():
        hold = _set(running, actor, reason, at, deployment=running.deployment)
        record_audit(actor=actor, action="hold:set", subject=hold, after=_facts(hold), reason=reason)
        title = f"{hold.component_name[:100]} is held at {_held(hold)} in {hold.deployment.where[:60]}"
        _tell(_by_person(hold, "deployments:hold:set", title, Tone.INFO, str(actor), reason, at))
    return hold


def ask_rollback(*, running: Running, to: Deployment, actor: User, reason: str, at: datetime) -> Hold:
    """Ask that a place goes back to what ran there before, and stays: a hold that the other system has to meet.

    Raises HoldError when the place is held already, or when something else came there meanwhile.
    """
    with transaction.atomic():
        now = Running.objects.select_for_update().filter(pk=running.pk, deployment=running.deployment_id)
        if not now.exists():
            raise HoldError("Something else runs there now. Look at it before you ask for a rollback.")
        hold = _set(
            running,
            actor,
            reason,
            at,
            deployment=to,
            away_from=running.deployment.revision,
            broken_by=running.deployment,
            broken_at=at,
        )
        record_audit(actor=actor, action="hold:ask", subject=hold, after=_facts(hold), reason=reason)
        title = f"{hold.component_name[:100]} should go back to {_held(hold)} in {to.where[:60]}"
        _tell(_by_person(hold, "deployments:hold:asked", title, Tone.WARN, str(actor), reason, at))
    return hold


def _set(running: Running, actor: User, reason: str, at: datetime, **fields: Any) -> Hold:
    place = {name: getattr(running, name) for name in ("source_id", *PLACE)}
    fields |= {"held_at": at, "held_by": str(actor), "user": actor, "reason": reason}
    hold, is_new = Hold.objects.get_or_create(**place, lifted_at=None, defaults=fields)
    if not is_new:
        raise HoldError("This place is held already. Lift that hold first to set another one.")
    return hold


def lift_hold(*, hold_id: int, actor: User, reason: str, at: datetime) -> Hold:
    """End a hold; raises HoldError when somebody has lifted it before."""
    with transaction.atomic():
        found = Hold.objects.select_for_update(of=("self",)).select_related("deployment__revision")
        hold = found.get(pk=hold_id)
        if hold.lifted_at:
            raise HoldError(f"{hold.lifted_by or 'Somebody'} has lifted this hold already.")
        hold.lifted_at, hold.lifted_by, hold.lift_reason = at, str(actor), reason
        hold.save(update_fields=["lifted_at", "lifted_by", "lift_reason"])
        record_audit(actor=actor, action="hold:lift", subject=hold, before=_facts(hold), reason=reason)
        title = f"{hold.component_name[:100]} is no longer held at {_held(hold)} in {hold.deployment.where[:60]}"
        _tell(_by_person(hold, "deployments:hold:lifted", title, Tone.INFO, str(actor), reason, at))
    return hold


def note_holds(*, source: Source, written: Sequence[Row], kinds: Mapping[int, str], at: datetime) -> list[NewEvent]:
    """Hold the places that were rolled back, and tell which deployments go against a hold."""
    news = [row for row in written if row["state"] != row["old_state"]]
    if not news:
        return []
    held = _open_holds(source, news)
    live = _live_rollbacks(news, at)
    found: list[NewEvent] = []
    for row in sorted(news, key=lambda row: row["started_at"]):
        place = (row["component_name"], row["environment_name"], kinds[row["revision_id"]])
        hold = held.get(place)
        if row["id"] in live:
            held[place] = _hold_rollback(source, row, place, hold)
            found.append(_rolled_back(held[place], row, source))
        elif hold and (event := _judge(hold, row, source)):
            found.append(event)
    return found


def _open_holds(source: Source, news: Sequence[Row]) -> dict[tuple[str, str, str], Hold]:
    rows = Hold.objects.filter(
        source=source, lifted_at=None, component_name__in={row["component_name"] for row in news}
    ).select_related("deployment__revision", "deployment__environment")
    return {(hold.component_name, hold.environment_name, hold.kind): hold for hold in rows}


def _live_rollbacks(news: Sequence[Row], at: datetime) -> set[int]:
    """Rollbacks of the last day that are what runs now."""
    back = [
        row["id"]
        for row in news
        if row["is_rollback"] and row["state"] == DeploymentState.SUCCEEDED and _live_at(row) >= at - RECENT
    ]
    return set(Running.objects.filter(deployment__in=back).values_list("deployment_id", flat=True)) if back else set()


def _live_at(row: Row) -> datetime:
    at: datetime = row["finished_at"] or row["started_at"]
    return at


def _hold_rollback(source: Source, row: Row, place: tuple[str, str, str], hold: Hold | None) -> Hold:
    """A new hold, or the open one moved to what was rolled back to now; who asked for just that, and why, stays."""
    is_met = hold is not None and hold.user_id and hold.deployment.revision_id == row["revision_id"]
    hold = hold or Hold(source=source, **dict(zip(PLACE, place, strict=True)))
    hold.deployment_id, hold.away_from_id = row["id"], row["previous_revision_id"]
    if not is_met:
        hold.held_at, hold.held_by, hold.user = _live_at(row), row["deployed_by"], None
        hold.reason = row["description"] or f"Rolled back from {row['previous'] or 'another revision'}."
    hold.broken_by, hold.broken_at = None, None
    hold.save()
    return hold


def _judge(hold: Hold, row: Row, source: Source) -> NewEvent | None:
    """The event of a deployment against the hold; one that came to nothing takes its mark away again."""
    if row["state"] in _CAME_TO_NOTHING and hold.broken_by_id == row["id"]:
        _look_again(hold)
        return None
    if row["revision_id"] == hold.deployment.revision_id:
        _came_back(hold, row)
        return None
    if row["started_at"] <= hold.counts_from or row["state"] not in _UNDER_WAY:
        return None
    hold.broken_by_id, hold.broken_at = row["id"], row["started_at"]
    hold.save(update_fields=["broken_by", "broken_at"])
    return _broken(hold, row, source)


def _look_again(hold: Hold) -> None:
    """The attempt came to nothing, so what runs there says whether the hold is met."""
    place = {name: getattr(hold, name) for name in ("source_id", *PLACE)}
    live = Running.objects.filter(**place).exclude(deployment__revision=hold.deployment.revision_id)
    other = live.select_related("deployment").first()
    hold.broken_by = other.deployment if other else None
    hold.broken_at = max(other.deployment.started_at, hold.counts_from) if other else None
    hold.save(update_fields=["broken_by", "broken_at"])


def _came_back(hold: Hold, row: Row) -> None:
    """What is held went live again, in a way that is no rollback: going forward to it, for instance."""
    if hold.broken_at and row["state"] == DeploymentState.SUCCEEDED and _live_at(row) > hold.broken_at:
        hold.deployment_id, hold.broken_by, hold.broken_at = row["id"], None, None
        hold.save(update_fields=["deployment", "broken_by", "broken_at"])


def _broken(hold: Hold, row: Row, source: Source) -> NewEvent:
    what = (
        "that was rolled back comes again" if row["revision_id"] == hold.away_from_id else "is put there all the same"
    )
    place = f"{row['component_name'][:80]} is held at {_held(hold)} in {row['where'][:60]}"
    return _event(
        row,
        source,
        kind="deployments:hold:broken",
        at=row["started_at"],
        title=f"{place}, and {short_revision(row['reference'])[:60]} {what}",
        tone=Tone.BAD,
        detail=f"Held by {hold.held_by or 'nobody known'}: {hold.reason}",
        dedupe_key=f"hold-broken:{hold.pk}:{row['id']}",
    )


def _rolled_back(hold: Hold, row: Row, source: Source) -> NewEvent:
    reference = short_revision(row["reference"])[:80]
    asked = f"Asked for by {hold.held_by}: " if hold.user_id else ""
    return _event(
        row,
        source,
        kind="deployments:hold:set",
        at=_live_at(row),
        title=f"{row['component_name'][:100]} is held at {reference} in {row['where'][:60]}",
        tone=Tone.INFO,
        detail=f"{asked}{hold.reason}",
        dedupe_key=f"hold-set:{row['id']}",
    )


def _event(row: Row, source: Source, **fields: Any) -> NewEvent:
    return NewEvent(
        actor=row["deployed_by"],
        is_demo=source.is_demo,
        feature_id=row["feature_id"],
        component_id=row["component_id"],
        environment_id=row["environment_id"],
        source_id=source.pk,
        subject_kind="deployment",
        subject_id=row["id"],
        url=row["url"],
        **fields,
    )


def _by_person(hold: Hold, kind: str, title: str, tone: Tone, actor: str, reason: str, at: datetime) -> NewEvent:
    deployment = hold.deployment
    return NewEvent(
        kind=kind,
        at=at,
        title=title,
        tone=tone,
        detail=reason,
        actor=actor,
        is_change=True,
        feature_id=deployment.feature_id,
        component_id=deployment.component_id,
        environment_id=deployment.environment_id,
        source_id=hold.source_id,
        subject_kind="deployment",
        subject_id=deployment.pk,
    )


def _tell(event: NewEvent) -> None:
    record_events(events=[event])
    ring(topics={"deployments"})


def _held(hold: Hold) -> str:
    return short_revision(hold.deployment.revision.reference)[:80]


def _facts(hold: Hold) -> dict[str, Any]:
    return {"component": hold.component_name, "environment": hold.environment_name, "revision": _held(hold)}
