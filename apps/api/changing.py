"""Change requests over the API: the same services as the pages, so the same refusals in the same words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import HttpRequest
from django.utils import timezone

from apps.accounts.models import ApiToken, AuditEntry
from apps.api import requests
from apps.api.document import Api, described
from apps.api.entrance import let_in
from apps.api.errors import ApiError
from apps.api.reading import read_body
from apps.api.repeating import Answer, answer_once
from apps.api.requests import Body, read_object
from apps.health import queries as health
from apps.prompts import queries
from apps.prompts.models import ChangeRequest, Prompt, PromptVersion
from apps.prompts.services import change_requests as changes
from apps.prompts.services.change_requests import ChangeInvalidError, ChangeRefusedError

Work = Callable[[int, Any, dict[str, Any]], Any]
ORIGIN = AuditEntry.Origin.API
MOST = 200
CODES = {403: "not_allowed", 409: "conflict", 422: "invalid"}


@dataclass(frozen=True, slots=True)
class Address:
    """One verb: its word in the address, the scope that it takes, its body, and the service behind it."""

    word: str
    scope: str
    body: type[Body]
    work: Work
    summary: str


def _apply(pk: int, _body: Any, by: dict[str, Any]) -> Any:
    change = _change(pk)
    return changes.apply_change(change_id=pk, obstacles=health.freezes_of(change=change, at=by["at"]), **by)


def _edit(pk: int, body: requests.Edit, by: dict[str, Any]) -> Any:
    version = _version(_change(pk).prompt, body.version)
    return changes.edit_change(change_id=pk, version=version, reason=body.reason, title=body.title, **by)


def _comment(pk: int, body: requests.Remark, by: dict[str, Any]) -> Any:
    pin = None
    if body.part and body.first_line:
        pin = changes.Pin(body.part, body.first_line, body.last_line or body.first_line)
    return changes.add_comment(change_id=pk, body=body.body, pin=pin, parent_id=body.answer_to, **by)


def _say(service: Callable[..., Any]) -> Work:
    return lambda pk, body, by: service(change_id=pk, seen_hash=body.seen_hash, note=body.note, **by)


def _because(service: Callable[..., Any]) -> Work:
    return lambda pk, body, by: service(change_id=pk, reason=body.reason, **by)


WRITE, APPROVE, GLASS = "changes:write", "changes:approve", "changes:break-glass"
ADDRESSES = (
    Address(
        "submit",
        WRITE,
        requests.Nothing,
        lambda pk, _, by: changes.submit_change(change_id=pk, **by),
        "Send a change for review",
    ),
    Address("edit", WRITE, requests.Edit, _edit, "Make another revision; approvals fall"),
    Address("cancel", WRITE, requests.Reason, _because(changes.cancel_change), "Withdraw a change"),
    Address(
        "schedule",
        WRITE,
        requests.Plan,
        lambda pk, body, by: changes.schedule_change(change_id=pk, apply_at=body.apply_at, **by),
        "Plan when a change is applied",
    ),
    Address("apply", WRITE, requests.Nothing, _apply, "Apply an approved change"),
    Address("roll-back", WRITE, requests.Reason, _because(changes.roll_back_change), "Roll a change back"),
    Address("comment", WRITE, requests.Remark, _comment, "Write a remark"),
    Address("approve", APPROVE, requests.Decision, _say(changes.approve_change), "Approve a revision"),
    Address("request-changes", APPROVE, requests.Decision, _say(changes.request_changes), "Ask for changes"),
    Address("reject", APPROVE, requests.Decision, _say(changes.reject_change), "Reject a change"),
    Address("break-glass", GLASS, requests.Reason, _because(changes.break_glass), "Apply without approval"),
)


def entering(scope: str) -> Callable[[HttpRequest], ApiToken]:
    """Whoever asks with a token of this scope; raises ApiError."""
    return lambda request: let_in(request, scopes=[scope])


def add_to(api: Api) -> None:
    """Give the API its addresses."""
    _give(api.get, "/change-requests", "read", "change-requests")(list_changes)
    _give(api.get, "/change-requests/{int:pk}", "read", "change-request")(get_change)
    _give(api.post, "/change-requests", WRITE, "propose-change", requests.Proposal)(propose)
    for address in ADDRESSES:
        _add(api, address)


def list_changes(request: HttpRequest, state: str = "", prompt: str = "", label: str = "") -> dict[str, Any]:
    """The newest 200 requests, narrowed by state, prompt and label."""
    rows = _visible(request, queries.change_requests())
    wanted = {"state": state, "prompt__name": prompt, "label": label}
    if any("\x00" in text for text in wanted.values()):
        raise ApiError(422, "invalid", "A filter holds a character that nothing has.")
    rows = rows.filter(**{name: text for name, text in wanted.items() if text})
    return {"items": [as_json(row, request) for row in rows.order_by("-changed_at", "-pk")[:MOST]]}


def get_change(request: HttpRequest, pk: int) -> dict[str, Any]:
    """One request with the hash that an approval has to name, its votes and what is missing."""
    change = _mine(request, pk)
    found = queries.readiness(change=change, at=timezone.now())
    votes = [
        {"who": str(vote.user), "decision": vote.decision, "revision": vote.revision.number, "at": vote.at.isoformat()}
        for vote in queries.votes_of(change=change)
    ]
    missing = {"valid": found.standing.valid, "needed": found.standing.needed, "gate": found.verdict.state.value}
    return as_json(change, request) | {"votes": votes, "approvals": missing, "reason": change.current.reason}


def propose(request: HttpRequest) -> Any:
    """A new request, sent for review at once unless `submit` is false."""

    def work(body: requests.Proposal, by: dict[str, Any]) -> ChangeRequest:
        prompt = _prompt(request, body.prompt, body.source)
        version = _version(prompt, body.version)
        words: dict[str, Any] = {
            "label": body.label,
            "title": body.title,
            "reason": body.reason,
            "is_submitted": body.submit,
        }
        return changes.propose_change(prompt=prompt, version=version, **words, **by)

    return _once(request, requests.Proposal, lambda body, by: work(body, by).pk, status=201)


def _add(api: Api, address: Address) -> None:
    def take(request: HttpRequest, pk: int) -> Any:
        def work(body: Body, by: dict[str, Any]) -> int:
            address.work(_mine(request, pk).pk, body, by)
            return pk

        return _once(request, address.body, work)

    path, name = f"/change-requests/{{int:pk}}/{address.word}", f"change-{address.word}"
    _give(api.post, path, address.scope, name, address.body, summary=address.summary)(take)


def _give(
    method: Callable[..., Any], path: str, scope: str, name: str, body: type[Body] | None = None, **more: Any
) -> Callable[[Callable[..., Any]], Any]:
    """The decorator that gives a function its address, and the document what it needs to know of it."""
    extra = described(scope, answer="object") | (_body(body) if body else {})
    names = {"url_name": name, "operation_id": name, "openapi_extra": extra}
    decorate: Callable[[Callable[..., Any]], Any] = method(path, auth=entering(scope), **names, **more)
    return decorate


def _once(
    request: HttpRequest, model: type[Body], work: Callable[[Any, dict[str, Any]], int], status: int = 200
) -> Any:
    """Do it and answer the request as it is now; a refusal of the service becomes one of the API, word for word."""
    raw, token = read_body(request), _token(request)
    body = read_object(raw, model)

    def carried() -> Answer:
        by: dict[str, Any] = {"actor": token.user, "at": timezone.now(), "origin": ORIGIN}
        try:
            pk = work(body, by)
        except ChangeRefusedError as refusal:
            field = refusal.field if isinstance(refusal, ChangeInvalidError) else ""
            raise ApiError(refusal.status, CODES[refusal.status], str(refusal), field=field) from None
        return Answer.of(status, as_json(queries.change_requests().get(pk=pk), request))

    return answer_once(request=request, token=token, body=raw, work=carried)


def as_json(change: ChangeRequest, request: HttpRequest) -> dict[str, Any]:
    """What the API says of a request."""
    revision = change.current
    return {
        "id": change.pk,
        "state": change.state,
        "prompt": change.prompt.name,
        "source": change.prompt.source.slug if change.prompt.source else "",
        "label": change.label,
        "title": change.title,
        "revision": revision.number,
        "hash": revision.content_hash,
        "from": revision.base.number if revision.base else None,
        "to": revision.version.number,
        "author": change.author.get_username(),
        "gate": change.gate_state,
        "created_at": change.created_at.isoformat(),
        "apply_at": _iso(change.apply_at),
        "applied_at": _iso(change.applied_at),
        "failure": change.failure,
        "url": request.build_absolute_uri(change.get_absolute_url()),
    }


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def _token(request: HttpRequest) -> ApiToken:
    token: ApiToken = request.auth  # type: ignore[attr-defined]  # what `entering` returned
    return token


def _visible(request: HttpRequest, rows: Any) -> Any:
    """A token for some sources sees only the prompts of those."""
    sources = _token(request).sources
    return rows.filter(prompt__source__slug__in=sources) if sources else rows


def _mine(request: HttpRequest, pk: int) -> ChangeRequest:
    found: ChangeRequest | None = _visible(request, queries.change_requests()).filter(pk=min(pk, 2**63 - 1)).first()
    if found is None:
        raise ApiError(404, "not_found", "There is no change request of this number.")
    return found


def _change(pk: int) -> ChangeRequest:
    return queries.change_requests().get(pk=pk)


def _prompt(request: HttpRequest, name: str, source: str) -> Prompt:
    sources = _token(request).sources
    if sources and source not in sources:
        raise ApiError(403, "wrong_source", "This token is for other sources; make one for this source.")
    known = Prompt.objects.filter(name=name.replace("\x00", ""), gone_at=None)
    slug = source.replace("\x00", "")
    found = known.filter(source__slug=slug).first() if source else known.filter(source=None).first()
    if found is None:
        raise ApiError(404, "not_found", "There is no such prompt; name its source if another system owns it.")
    return found


def _version(prompt: Prompt, number: int) -> PromptVersion:
    found = queries.find_version(prompt_id=prompt.pk, number=number) if 0 <= number < 2**31 else None
    if found is None:
        raise ApiError(422, "invalid", f"{prompt.name} has no version {number}.", field="version")
    return found


def _body(model: type[Body]) -> dict[str, Any]:
    schema = model.model_json_schema()
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}
