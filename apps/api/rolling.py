"""Rollouts of prompts over the API: the same services as the pages, so the same guards and the same words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from django.utils import timezone

from apps.accounts.models import ApiToken, AuditEntry
from apps.api import requests
from apps.api.changing import CODES, WRITE, entering
from apps.api.document import Api, described
from apps.api.errors import ApiError
from apps.api.reading import read_body
from apps.api.repeating import Answer, answer_once
from apps.api.requests import Body, read_object
from apps.monitors import services as monitors
from apps.prompts import services as prompts
from apps.prompts.models import LabelRollout, PromptLabel, RolloutWatch
from apps.prompts.services.change_requests import ChangeInvalidError, ChangeRefusedError
from apps.prompts.status import OnAlert

Work = Callable[[Any, dict[str, Any]], int]
MOST = 200
_JOINED = ("label__prompt__source", "base", "version", "watch")


def add_to(api: Api) -> None:
    """Give the API its addresses."""
    reading: dict[str, Any] = {"auth": entering("read"), "openapi_extra": described("read", answer="object")}
    api.get("/rollouts", url_name="rollouts", operation_id="rollouts", summary="Rollouts under way", **reading)(
        list_rollouts
    )
    api.get("/rollouts/{int:label}", url_name="rollout", operation_id="rollout", summary="One rollout", **reading)(
        get_rollout
    )
    _post(api, "/rollouts", "set-rollout", "Begin, change or end a rollout", requests.Rollout)(set_rollout)
    _post(api, "/rollouts/{int:label}/resume", "resume-rollout", "Go on after an alert", requests.Resume)(resume)
    _post(api, "/rollouts/{int:label}/return", "return-rollout", "End it for a reason", requests.Reason)(give_back)


def list_rollouts(request: HttpRequest) -> dict[str, Any]:
    """Rollouts with their guards, those of the labels that were changed last before the others; 200 at most."""
    return {"items": [as_json(row) for row in _visible(request).order_by("-changed_at", "-pk")[:MOST]]}


def get_rollout(request: HttpRequest, label: int) -> dict[str, Any]:
    """The rollout under the label of this number: its share, what each guard says, and why it may not grow."""
    return as_json(_mine(request, label))


def set_rollout(request: HttpRequest) -> Any:
    """Let a share of the callers get another version; grows only while every guard is healthy and has been."""

    def work(body: requests.Rollout, by: dict[str, Any]) -> int:
        label = _label(request, body)
        on_alert = OnAlert(body.on_alert) if body.on_alert else None
        how: dict[str, Any] = {"guards": body.guards, "soak_minutes": body.soak_minutes, "on_alert": on_alert}
        monitors.roll_out(label_id=label.pk, number=body.version, percent=body.percent, **how, **by)
        return label.pk

    return _once(request, requests.Rollout, work)


def resume(request: HttpRequest, label: int) -> Any:
    """Go on with a rollout that an alert stopped."""

    def work(body: requests.Resume, by: dict[str, Any]) -> int:
        label_id = _mine(request, label).label_id
        prompts.resume_rollout(label_id=label_id, reason=body.reason, drops_alerting=body.drops_alerting, **by)
        return label_id

    return _once(request, requests.Resume, work)


def give_back(request: HttpRequest, label: int) -> Any:
    """End a rollout: everybody gets what the label says."""

    def work(body: requests.Reason, by: dict[str, Any]) -> int:
        label_id = _mine(request, label).label_id
        prompts.return_rollout(label_id=label_id, reason=body.reason, **by)
        return label_id

    return _once(request, requests.Reason, work)


def as_json(rollout: LabelRollout) -> dict[str, Any]:
    """What the API says of a rollout; `id` is the number of the label."""
    label, at = rollout.label, timezone.now()
    watch: RolloutWatch | None = getattr(rollout, "watch", None)
    told = {
        "id": label.pk,
        "prompt": label.prompt.name,
        "source": label.prompt.source.slug if label.prompt.source else "",
        "label": label.name,
        "from": rollout.base.number,
        "to": rollout.version.number,
        "percent": rollout.percent,
        "changed_at": rollout.changed_at.isoformat(),
        "changed_by": rollout.changed_by,
    }
    return told | ({} if watch is None else _watch_json(watch, at))


def _watch_json(watch: RolloutWatch, at: Any) -> dict[str, Any]:
    return {
        "state": watch.state,
        "on_alert": watch.on_alert,
        "soak_minutes": watch.soak_minutes,
        "healthy_seconds": watch.healthy_at(at),
        "obstacle": watch.obstacle_at(at),
        "stopped_at": watch.stopped_at.isoformat() if watch.stopped_at else None,
        "stopped_why": watch.stopped_why,
        "guards": [
            {
                "key": one.key,
                "name": one.name,
                "health": one.health,
                "why": one.why,
                "judged_at": one.judged_at.isoformat() if one.judged_at else None,
            }
            for one in watch.guards.all()
        ],
    }


def _post(api: Api, path: str, name: str, summary: str, body: type[Body]) -> Callable[[Callable[..., Any]], Any]:
    content = {"application/json": {"schema": body.model_json_schema()}}
    extra = described(WRITE, answer="object") | {"requestBody": {"required": True, "content": content}}
    names: dict[str, Any] = {"url_name": name, "operation_id": name, "summary": summary, "openapi_extra": extra}
    decorate: Callable[[Callable[..., Any]], Any] = api.post(path, auth=entering(WRITE), **names)
    return decorate


def _once(request: HttpRequest, model: type[Body], work: Work) -> Any:
    """Do it and answer the rollout as it is now, an object without `percent` where it is over."""
    raw, token = read_body(request), _token(request)
    body = read_object(raw, model)

    def carried() -> Answer:
        by: dict[str, Any] = {"actor": token.user, "at": timezone.now(), "origin": AuditEntry.Origin.API}
        try:
            label_id = work(body, by)
        except ChangeRefusedError as refusal:
            field = refusal.field if isinstance(refusal, ChangeInvalidError) else ""
            raise ApiError(refusal.status, CODES[refusal.status], str(refusal), field=field) from None
        found = LabelRollout.objects.select_related(*_JOINED).filter(label=label_id).first()
        return Answer.of(200, as_json(found) if found else {"id": label_id, "state": "over"})

    return answer_once(request=request, token=token, body=raw, work=carried)


def _token(request: HttpRequest) -> ApiToken:
    token: ApiToken = request.auth  # type: ignore[attr-defined]  # what `entering` returned
    return token


def _visible(request: HttpRequest) -> Any:
    """A token for some sources sees only the prompts of those."""
    rows = LabelRollout.objects.select_related(*_JOINED).prefetch_related("watch__guards")
    sources = _token(request).sources
    return rows.filter(label__prompt__source__slug__in=sources) if sources else rows


def _mine(request: HttpRequest, label: int) -> LabelRollout:
    found: LabelRollout | None = _visible(request).filter(label=min(label, 2**63 - 1)).first()
    if found is None:
        raise ApiError(404, "not_found", "Nothing is rolled out under a label of this number.")
    return found


def _label(request: HttpRequest, body: requests.Rollout) -> PromptLabel:
    sources = _token(request).sources
    if sources and body.source not in sources:
        raise ApiError(403, "wrong_source", "This token is for other sources; make one for this source.")
    words = [one.replace("\x00", "") for one in (body.prompt, body.label, body.source)]
    rows = PromptLabel.objects.filter(prompt__name=words[0], name=words[1], prompt__gone_at=None)
    found = rows.filter(prompt__source__slug=words[2]) if words[2] else rows.filter(prompt__source=None)
    if (label := found.first()) is None:
        raise ApiError(404, "not_found", "There is no such label; name the source if another system owns the prompt.")
    return label
