"""Links between changes and trouble, and systems that ask, recorded by the code that records them in earnest."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from apps.accounts.models import User
from apps.connectors.gating import GateQuestion
from apps.deployments import services as deployments
from apps.deployments.status import AnswerState, LinkState
from apps.events.models import Event
from apps.sources.models import Source

AT = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def record_delivery(source: Source) -> None:
    """A deployment is blamed for its rollback, then not; an incident is linked; three questions are answered."""
    cause = Event.objects.get(kind="deployments:deployment:rolled-back")
    change = Event.objects.filter(kind="deployments:deployment:succeeded", at__lt=cause.at).latest("at", "pk")
    mei = User.objects.create(username="mei", full_name="Mei Lin")
    for minute, state in ((0, LinkState.CONFIRMED), (1, LinkState.CUT)):
        deployments.decide_link(
            change_id=change.pk,
            cause_id=cause.pk,
            state=state,
            actor=mei,
            reason="The load test began then.",
            at=AT + minute * MINUTE,
        )
    deployments.link_incident(
        change_id=change.pk,
        reference="incident-7",
        title="Answers are empty",
        url="/incidents/7/",
        began_at=change.at,
        ended_at=None,
        state=LinkState.INFERRED,
        actor="Jana Novak",
        at=AT + 2 * MINUTE,
    )
    for number, state in enumerate((AnswerState.APPROVED, AnswerState.REJECTED, AnswerState.FAILED)):
        _ask(source, state, number, AT + (3 + number) * MINUTE)


def _ask(source: Source, state: AnswerState, number: int, at: datetime) -> None:
    callback = f"https://api.github.com/repos/acme/checkout/actions/runs/{number}/deployment_protection_rule"
    asked = GateQuestion(
        repository="acme/checkout",
        environment="production",
        callback_url=callback,
        revision=f"{number}" * 40,
        asked_by="mei",
    )
    deployments.ask_gate(source=source, delivery_id=f"d{number}", question=asked, at=at)
    (question,) = deployments.claim_gates(at=at)
    if state is AnswerState.FAILED:
        deployments.mark_failed(question=question, error="GitHub takes no answer any more (422).", at=at)
        return
    reasons = [{"kind": "freeze", "text": "The freeze “Audit” holds: calm."}] if state is AnswerState.REJECTED else []
    deployments.mark_answered(question=question, state=state, reasons=reasons, at=at)
