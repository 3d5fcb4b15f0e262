"""Django's answer to a question for a prompt: everything that is refused is refused here, whoever keeps the rest."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from apps.accounts.models import ApiToken
from apps.api.document import Api, described
from apps.api.entrance import let_in
from apps.api.errors import ApiError
from apps.api.serving.rendering import Shape, offer_of, own_shape, respond
from apps.api.serving.slot import Grant, fill
from apps.prompts.finding import Found, NotServedError, find_by_label, find_by_number
from apps.prompts.serving import PRODUCTION, Offer

SCOPE = "prompt:read"
LONGEST_KEY = 200  # characters of a caller's key
EXAMPLE = {
    "name": "search/answers",
    "version": 7,
    "labels": ["production"],
    "type": "text",
    "text": "Answer {{question}} from {{passages}}.",
    "config": {"model": "small-1", "temperature": 0.2},
    "variables": ["question", "passages"],
    "response_format": None,
    "hash": "6c8f3a0c8b7d2f7c5be4d0ab4f7e7a3f0a4c7c1b7c1c3a6f3c6b2b7b0c1d2e3f",
    "source": None,
}


def enter_for_prompts(request: HttpRequest) -> ApiToken:
    """The token of whoever asks; raises ApiError."""
    return let_in(request, scopes=[SCOPE], is_counted=False)


def add_to(api: Api) -> None:
    """Give the API its address; a prompt may be called like an address below it."""
    for path, is_told in (("/prompts/reports", False), ("/prompts/{path:name}", True)):
        api.get(
            path,
            auth=enter_for_prompts,
            url_name="prompt" if is_told else None,
            operation_id="prompt" if is_told else "prompt-called-reports",
            include_in_schema=is_told,
            summary="Fetch a prompt",
            description="The version that a label points at (production, if nothing is said), or one by its number. "
            "With `key` a caller stays on its side of a rollout; `source` says which prompt when several share a name.",
            openapi_extra=described(SCOPE, example=EXAMPLE, answer="prompt"),
        )(prompt if is_told else prompt_called_reports)


def prompt(
    request: HttpRequest, name: str, label: str = "", version: str = "", source: str = "", key: str = ""
) -> HttpResponse:
    """The prompt as JSON, or 304."""
    token: ApiToken = request.auth  # type: ignore[attr-defined]  # what enter_for_prompts returned
    asked = find(name=name, label=label, version=version, source=source)
    return answer(request, token=token, found=asked, key=key, shape=own_shape)


def prompt_called_reports(
    request: HttpRequest, label: str = "", version: str = "", source: str = "", key: str = ""
) -> HttpResponse:
    """The same for a prompt of that name."""
    return prompt(request, "reports", label, version, source, key)


def find(*, name: str, label: str, version: str, source: str) -> Found:
    """What is served under a name; raises ApiError 404, 409 or 422."""
    if label and version:
        raise ApiError(422, "unreadable", "Say either ?label= or ?version=, not both.")
    is_number = version.isascii() and version.isdecimal() and len(version) < 11
    if version and not is_number:
        raise ApiError(422, "unreadable", "The version must be a whole number.", field="version")
    try:
        if version:
            return find_by_number(name=name, number=int(version), source=source)
        return find_by_label(name=name, label=label or PRODUCTION, source=source)
    except NotServedError as error:
        status, code = (409, "ambiguous") if error.is_ambiguous else (404, "not_found")
        raise ApiError(status, code, str(error)) from None


def answer(request: HttpRequest, *, token: ApiToken, found: Found, key: str, shape: Shape) -> HttpResponse:
    """What the token may see of it, in one of the shapes; raises ApiError 403 and 422."""
    if len(key) > LONGEST_KEY:
        raise ApiError(422, "unreadable", f"The key is longer than {LONGEST_KEY} characters.", field="key")
    offer, grant = offer_of(found, shape=shape), Grant.of(token)
    _check(grant, offer)
    fill(request, grant=grant, offer=offer, names=found.names, key=key)
    return respond(request, offer.for_key(key))


def _check(grant: Grant, offer: Offer) -> None:
    if not grant.opens(offer):
        raise ApiError(403, "wrong_prompt", "This token is for other prompts; make one for this folder and source.")
