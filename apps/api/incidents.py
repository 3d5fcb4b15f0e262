"""Incidents over the API: declare, feed, read, ask what changed before, give verdicts; times may lie in the past."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from apps.accounts.models import ApiToken, AuditEntry
from apps.api.bodies import entries, read_item
from apps.api.document import Api, described, described_body
from apps.api.entrance import let_in
from apps.api.errors import ApiError
from apps.api.incident_answers import entry_json, incident_json, suspects_json, update_json, verdict_json
from apps.api.incident_items import EntryItem, IncidentChangeItem, IncidentItem, UpdateItem, VerdictItem
from apps.api.reading import read_body
from apps.api.repeating import Answer, answer_once
from apps.api.times import optional_time
from apps.catalog.models import Component, Feature
from apps.incidents import services
from apps.incidents.models import Incident
from apps.incidents.queries.gathering import moment
from apps.incidents.queries.incidents import incidents, may_lead, with_state
from apps.incidents.queries.suspects import suspects_of
from apps.incidents.services.verdicts import Judged

API = AuditEntry.Origin.API
WRITE = "incidents:write"
MOST = 200
CLOCKS = ("impact_started_at", "detected_at", "acknowledged_at", "mitigated_at", "resolved_at")
LEADS = frozenset({"severity", "state"})  # what only who leads may change


def enter_to_read(request: HttpRequest) -> ApiToken:
    """The token of whoever reads; raises ApiError."""
    return let_in(request, scopes=["read", WRITE])


def enter_to_write(request: HttpRequest) -> ApiToken:
    """The token of whoever writes; raises ApiError."""
    return let_in(request, scopes=[WRITE])


def add_to(api: Api) -> None:
    """Give the API its addresses."""
    one = "/incidents/{int:pk}"
    _read(api, "/incidents", read_list, "incident-list", "Incidents, the newest first")
    _write(api, "post", "/incidents", declare, "incident-declare", "Declare an incident", IncidentItem)
    _read(api, one, read_one, "incident-read", "One incident")
    _write(api, "patch", one, change, "incident-change", "Change an incident, or move it", IncidentChangeItem)
    _read(api, f"{one}/suspects", suspects, "incident-suspects", "What changed before this")
    _write(api, "post", f"{one}/verdicts", judge, "incident-verdict", "Say what a suspect was", VerdictItem)
    _read(api, f"{one}/timeline", read_timeline, "incident-timeline", "The timeline")
    _write(api, "post", f"{one}/timeline", write_entry, "incident-entry", "Write on the timeline", EntryItem)
    _read(api, f"{one}/updates", read_updates, "incident-updates", "Status updates, the newest first")
    _write(api, "post", f"{one}/updates", post_update, "incident-update", "Post a status update", UpdateItem)


def _read(api: Api, path: str, view: Callable[..., Any], name: str, summary: str) -> None:
    api.get(path, auth=enter_to_read, url_name=name, operation_id=name, summary=summary,
            openapi_extra=described("read", WRITE, answer="object"))(view)  # fmt: skip


def _write(api: Api, method: str, path: str, view: Callable[..., Any], name: str, summary: str, item: Any) -> None:
    add = {"post": api.post, "patch": api.patch}[method]
    add(path, auth=enter_to_write, url_name=name, operation_id=name, summary=summary, description=item.__doc__,
        openapi_extra=described_body(WRITE, item=item))(view)  # fmt: skip


def read_list(
    request: HttpRequest, state: str = "", feature: str = "", since: str = "", until: str = "", limit: int = 50
) -> dict[str, Any]:
    """`state` may be "open"; `since` and `until` are of the start of the impact."""
    rows = incidents().prefetch_related("components", "duties")
    rows = with_state(rows, state) if state else rows
    rows = rows.filter(features__slug=feature) if feature else rows
    if start := optional_time(since, "since"):
        rows = rows.filter(impact_started_at__gte=start)
    if end := optional_time(until, "until"):
        rows = rows.filter(impact_started_at__lt=end)
    return {"incidents": [incident_json(one, request) for one in rows[: max(1, min(limit, MOST))]]}


def read_one(request: HttpRequest, pk: int) -> dict[str, Any]:
    """Everything that is said of it."""
    found = _incident(pk)
    verdicts = [verdict_json(one) for one in found.verdicts.all()]
    return incident_json(found, request) | {"verdicts": verdicts}


def declare(request: HttpRequest) -> HttpResponse:
    """201 with the incident; the person of the token commands it."""

    def work(token: ApiToken, body: bytes) -> Answer:
        item = read_item(IncidentItem, body)
        draft = services.Declaration(
            title=item.title,
            features=entries(Feature, item.features, field="features"),
            components=entries(Component, item.components, field="components"),
            severity=item.severity,
            kind=item.kind,
            visibility=item.visibility,
            summary=item.summary,
            clocks=services.Clocks(**{name: getattr(item, name) for name in CLOCKS}),
        )
        made = services.declare(draft=draft, actor=token.user, at=timezone.now(), origin=API)
        return Answer.of(201, incident_json(_incident(made.pk), request))

    return _once(request, work)


def change(request: HttpRequest, pk: int) -> HttpResponse:
    """200 with the incident as it is now."""

    def work(token: ApiToken, body: bytes) -> Answer:
        item, at = read_item(IncidentChangeItem, body), timezone.now()
        said = item.model_dump(exclude_unset=True, exclude={"state", "note", "features", "components"})
        values = {name: value for name, value in said.items() if value is not None}
        found = _incident(pk)
        if (LEADS & item.model_fields_set) and not may_lead(token.user, found):
            raise ApiError(403, "forbidden", "Only the commander, or somebody who leads everywhere, may do this.")
        features = entries(Feature, item.features, field="features") if item.features is not None else None
        parts = entries(Component, item.components, field="components") if item.components is not None else None
        if values or features is not None or parts is not None:
            services.change_incident(
                incident_id=pk, actor=token.user, at=at, values=values, features=features, components=parts, origin=API
            )
        if item.state is not None and item.state != found.state:
            services.move(incident_id=pk, to=item.state, actor=token.user, at=at, note=item.note, origin=API)
        return Answer.of(200, incident_json(_incident(pk), request))

    return _once(request, work)


def suspects(request: HttpRequest, pk: int, at: str = "") -> dict[str, Any]:
    """Ranked, each with its reasons. `at` asks what could be known at a moment; left out, everything is used."""
    found = _incident(pk)
    answer = suspects_of(incident=found, at=optional_time(at, "at") or timezone.now())
    verdicts = {one.suspect: str(one.verdict) for one in found.verdicts.all()}
    return {"incident": pk} | suspects_json(answer, verdicts, request)


def judge(request: HttpRequest, pk: int) -> HttpResponse:
    """201 with the verdict; a second one of the same suspect takes the place of the first."""

    def work(token: ApiToken, body: bytes) -> Answer:
        item, at = read_item(VerdictItem, body), timezone.now()
        answer = suspects_of(incident=_incident(pk), at=at)
        for place, one in enumerate(answer.ranking.suspects, start=1):
            if one.candidate.key == item.suspect:
                known = Judged(
                    key=one.candidate.key, kind=one.candidate.kind.value, title=one.candidate.title,
                    at=moment(one.candidate.at), component_id=one.candidate.component_id, rank=place, score=one.score,
                    event_id=one.candidate.event_id,
                )  # fmt: skip
                given = services.give_verdict(
                    incident_id=pk,
                    suspect=known,
                    verdict=item.verdict,
                    note=item.note,
                    actor=token.user,
                    at=at,
                    origin=API,
                )
                return Answer.of(201, verdict_json(given))
        raise ApiError(422, "invalid", "This incident has no such suspect.", field="suspect")

    return _once(request, work)


def read_timeline(request: HttpRequest, pk: int) -> dict[str, Any]:  # noqa: ARG001 - the signature documents the address
    """What people wrote, oldest first."""
    return {"entries": [entry_json(one) for one in _incident(pk).entries.all()[:1000]]}


def write_entry(request: HttpRequest, pk: int) -> HttpResponse:
    """201 with the entry."""

    def work(token: ApiToken, body: bytes) -> Answer:
        item = read_item(EntryItem, body)
        made = services.add_entry(
            incident_id=_incident(pk).pk, actor=token.user, at=timezone.now(), text=item.text, kind=item.kind,
            happened_at=item.at, until=item.until, is_pinned=item.is_pinned, origin=API,
        )  # fmt: skip
        return Answer.of(201, entry_json(made))

    return _once(request, work)


def read_updates(request: HttpRequest, pk: int) -> dict[str, Any]:  # noqa: ARG001
    """What everybody was told."""
    return {"updates": [update_json(one) for one in _incident(pk).updates.all()[:500]]}


def post_update(request: HttpRequest, pk: int) -> HttpResponse:
    """201 with the update."""

    def work(token: ApiToken, body: bytes) -> Answer:
        item = read_item(UpdateItem, body)
        made = services.post_update(
            incident_id=_incident(pk).pk, actor=token.user, at=timezone.now(), text=item.text, brief=item.brief,
            told_at=item.at, origin=API,
        )  # fmt: skip
        return Answer.of(201, update_json(made))

    return _once(request, work)


def _incident(pk: int) -> Incident:
    found = incidents().prefetch_related("components", "duties").filter(pk=pk).first()
    if found is None:
        raise ApiError(404, "not_found", "There is no incident with this number.")
    return found


def _once(request: HttpRequest, work: Callable[[ApiToken, bytes], Answer]) -> HttpResponse:
    """`work` in one transaction, answered once an Idempotency-Key; what does not fit is a 409."""
    token: ApiToken = request.auth  # type: ignore[attr-defined]  # what the entrance returned
    body = read_body(request)
    try:
        with transaction.atomic():
            return answer_once(request=request, token=token, body=body, work=lambda: work(token, body))
    except services.IncidentError as error:
        raise ApiError(409, "conflict", str(error)) from None
