"""The address of Langfuse's public API at which its SDK fetches a prompt: another shape of the same answers.

The SDK signs in with a key pair (HTTP Basic). Its secret key is an API token; the public key may be anything.
"""

from __future__ import annotations

import base64
import binascii

from django.http import HttpRequest, JsonResponse
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_GET

from apps.api.entrance import let_in
from apps.api.errors import ApiError
from apps.api.serving.reference import SCOPE, answer, find
from apps.api.serving.rendering import langfuse_shape


@require_GET
def prompt(request: HttpRequest, name: str) -> HttpResponseBase:
    """The prompt as Langfuse would answer; a refusal carries the sentence as `message`."""
    asked = request.GET
    try:
        token = let_in(request, scopes=[SCOPE], read=_secret_key, is_counted=False)
        found = find(
            name=name, label=asked.get("label", ""), version=asked.get("version", ""), source=asked.get("source", "")
        )
        return answer(request, token=token, found=found, key=asked.get("key", ""), shape=langfuse_shape)
    except ApiError as error:
        body = {"message": error.message, "error": error.code}
        return JsonResponse(body, status=error.status, headers=error.headers)


@require_GET
def projects(request: HttpRequest) -> HttpResponseBase:
    """The one project of every key, for the SDK's `auth_check`."""
    try:
        let_in(request, scopes=[SCOPE], read=_secret_key, is_counted=False)
    except ApiError as error:
        return JsonResponse({"message": error.message, "error": error.code}, status=error.status, headers=error.headers)
    project = {"id": "opsportal", "name": "OpsPortal", "metadata": {}}
    return JsonResponse({"data": [project | {"organization": project}]})


def _secret_key(request: HttpRequest) -> str:
    """The token out of “Basic base64(public:secret)”."""
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    try:
        pair = base64.b64decode(text.strip(), validate=True).decode() if scheme.lower() == "basic" else ""
    except (binascii.Error, UnicodeDecodeError):
        pair = ""
    secret = pair.partition(":")[2]
    if not secret:
        message = "Sign in with a key pair (HTTP Basic) whose secret key is an API token of the portal."
        raise ApiError(401, "unauthorized", message, headers={"WWW-Authenticate": "Basic"})
    return secret
