"""Incidents, recorded by the services that record them in earnest: from a draft to the review."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from apps.accounts.models import User
from apps.catalog.models import Feature
from apps.events.models import Event
from apps.incidents import services
from apps.incidents.models import Incident, RoleKind
from apps.incidents.services.explaining import explain
from apps.incidents.services.verdicts import Judged
from apps.incidents.status import ActionState, IncidentState, ReviewState, Severity, SuspectVerdict
from apps.monitors.models import Alert

AT = datetime(2026, 11, 24, 9, 50, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def record_incidents(feature: Feature) -> None:
    """A draft that was nothing, and an incident that comes back once before it is over and talked about."""
    dana = User.objects.create_user("dana", role="commander", full_name="Dana Cole")
    _explained()
    _dismissed(dana)
    incident = _declared(feature, dana)
    _worked_on(incident, dana)
    _told(incident, dana)
    _ended(incident, dana)
    _reviewed(incident, dana)


def _explained() -> None:
    """What had changed before the alert, as it looked three minutes later: it never came to convince."""
    alert = Alert.objects.select_related("source").get(name="SlowAnswers")
    assert [explain(alert=alert, at=AT - minutes * MINUTE) for minutes in (8, 5)] == [False, True]


def _dismissed(dana: User) -> None:
    assert (
        services.draft_from_events(
            events=Event.objects.filter(kind="monitors:alert:opened", at__gte=AT - 10 * MINUTE), at=AT
        )
        == 1
    )
    draft = Incident.objects.get(state=IncidentState.DRAFT)
    note = "The load test was announced."
    services.move(incident_id=draft.pk, to=IncidentState.DISMISSED, actor=dana, at=AT + MINUTE, note=note)


def _declared(feature: Feature, dana: User) -> Incident:
    draft = services.Declaration(
        title="Answers cite the wrong documents",
        features=[feature],
        severity=Severity.SEV2,
        clocks=services.Clocks(impact_started_at=AT, detected_at=AT + MINUTE),
    )
    return services.declare(draft=draft, actor=dana, at=AT + 2 * MINUTE)


def _worked_on(incident: Incident, dana: User) -> None:
    yusuf = User.objects.create_user("yusuf", role="engineer", full_name="Yusuf Demir")
    one = {"incident_id": incident.pk, "actor": dana}
    services.acknowledge(**one, at=AT + 3 * MINUTE)
    services.hand_over(**one, role=RoleKind.COMMANDER, to=yusuf, at=AT + 4 * MINUTE)
    services.add_entry(**one, text="Half of the citations point at the old index.", at=AT + 5 * MINUTE)
    services.change_incident(**one, values={"severity": Severity.SEV1}, at=AT + 6 * MINUTE)
    change = Event.objects.get(kind="source:change:reported")
    suspect = Judged(
        key=f"event-{change.pk}",
        kind="flag",
        title=change.title,
        at=change.at,
        component_id=change.component_id,
        rank=1,
        score=0.8,
        event_id=change.pk,
    )
    judged = {"suspect": suspect, "verdict": SuspectVerdict.CAUSE, "note": "It began a minute after."}
    services.give_verdict(**one, **judged, at=AT + 7 * MINUTE)


def _told(incident: Incident, dana: User) -> None:
    """An update, then none for half an hour, which is too long for its severity."""
    text = "Some answers name the wrong document. We know the cause and switch the reranker off."
    services.post_update(
        incident_id=incident.pk, actor=dana, at=AT + 8 * MINUTE, text=text, brief="Some answers name the wrong document"
    )
    assert services.remind(at=AT + 39 * MINUTE) == 1


def _ended(incident: Incident, dana: User) -> None:
    states = (
        (IncidentState.IDENTIFIED, "The reranker was switched on without its index."),
        (IncidentState.MONITORING, "The reranker is off."),
        (IncidentState.INVESTIGATING, "It is back in the evening traffic."),
        (IncidentState.RESOLVED, "No wrong citation for an hour."),
    )
    for number, (state, note) in enumerate(states):
        at = AT + (40 + number) * MINUTE
        services.move(incident_id=incident.pk, to=state, actor=dana, at=at, note=note)


def _reviewed(incident: Incident, dana: User) -> None:
    at = AT + 50 * MINUTE
    one = {"incident_id": incident.pk, "actor": dana}
    services.save_review(**one, text="A flag went out before its index.", version=0, at=at)
    services.set_review(**one, state=ReviewState.DONE, owner=dana, meeting_at=None, at=at + MINUTE)
    action = services.add_action(
        **one, title="Build the index before the flag", owner=dana, due_on=AT.date(), at=at + 2 * MINUTE
    )
    assert services.remind_of_actions(at=at + 2 * MINUTE) == 1
    services.change_action(action_id=action.pk, actor=dana, at=at + 3 * MINUTE, state=ActionState.DONE)
