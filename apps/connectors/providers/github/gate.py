"""GitHub's custom deployment protection rules: the question out of a webhook, and the answer as a GitHub App.

The App signs a short token with its private key, changes it for one of the installation that asked, and posts its
answer to the run. https://docs.github.com/en/actions/how-tos/deploy/configure-and-manage-deployments/create-custom-protection-rules
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from apps.connectors.body import parse_json
from apps.connectors.errors import ConfigError, ErrorClass, SourceError
from apps.connectors.failures import failure_of_status
from apps.connectors.gating import AnswerRefusedError, GateAnswer, GateQuestion
from apps.connectors.http import Http
from apps.connectors.providers.github.client import VERSION
from apps.connectors.values import expect_object, object_or_empty, optional_text, required_text

EVENT: Final = "deployment_protection_rule"
LONGEST_COMMENT: Final = 1000
TOKEN_SECONDS: Final = 540  # GitHub takes ten minutes at most; a minute is for clocks that differ
_PATH = re.compile(r"/repos/([^/]+/[^/]+)/actions/runs/\d{1,20}/deployment_protection_rule")
_OVER = {404, 409, 410, 422}  # the run is gone or decided


def read_question(event: str, body: bytes) -> GateQuestion | None:
    """What a verified delivery asks, None for one that asks nothing or cannot be read."""
    if event != EVENT:
        return None
    try:
        payload = expect_object(parse_json(body), host_says="The delivery")
        deployment = object_or_empty(payload.get("deployment"))
        installation = object_or_empty(payload.get("installation")).get("id")
        if optional_text(payload, "action") != "requested" or not isinstance(installation, int):
            return None
        return GateQuestion(
            repository=required_text(object_or_empty(payload.get("repository")), "full_name"),
            environment=required_text(payload, "environment"),
            callback_url=required_text(payload, "deployment_callback_url"),
            installation=str(installation),
            revision=optional_text(payload, "sha") or optional_text(deployment, "sha"),
            reference=optional_text(payload, "ref") or optional_text(deployment, "ref"),
            asked_by=optional_text(object_or_empty(deployment.get("creator")), "login"),
        )
    except (SourceError, ValueError):
        return None


def check_callback(question: GateQuestion, *, url: str, repositories: Sequence[str]) -> None:
    """Raise AnswerRefusedError unless the callback is on our API and about a repository of the source that asked."""
    rest = question.callback_url.removeprefix(url)
    found = _PATH.fullmatch(rest) if rest != question.callback_url else None
    known = {name.lower() for name in repositories}
    if found is None or found[1].lower() != question.repository.lower() or found[1].lower() not in known:
        raise AnswerRefusedError("The callback does not belong to a repository of this source, so nothing was sent.")


async def answer(
    http: Http, question: GateQuestion, told: GateAnswer, *, url: str, app_id: str, private_key: str, at: datetime
) -> None:
    """Tell GitHub; raises SourceError, and AnswerRefusedError when no answer is wanted any more."""
    headers = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": VERSION}
    app_token = signed_token(app_id=app_id, private_key=private_key, at=at)
    http.protect([app_token])
    made = await http.post_json(
        f"{url}/app/installations/{question.installation}/access_tokens",
        payload={},
        headers=headers | {"Authorization": f"Bearer {app_token}"},
    )
    token = required_text(expect_object(made.data, host_says="The answer about the installation"), "token")
    body: dict[str, Any] = {"environment_name": question.environment, "comment": told.comment[:LONGEST_COMMENT]}
    if told.may is not None:
        body["state"] = "approved" if told.may else "rejected"
    response = await http.deliver(
        question.callback_url,
        body=json.dumps(body).encode(),
        headers=headers | {"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
    )
    if 200 <= response.status < 300:
        return
    if response.status in _OVER:
        raise AnswerRefusedError(f"GitHub takes no answer any more ({response.status}). {response.text}".strip())
    host = question.callback_url.split("/")[2]
    raise failure_of_status(response.status, response.headers, host=host, detail=response.text) or SourceError(
        ErrorClass.PROTOCOL, f"{host} answered {response.status}, which is no answer we know."
    )


def signed_token(*, app_id: str, private_key: str, at: datetime) -> str:
    """The App's own token (a JWT, RS256), good for ten minutes; raises ConfigError for a key that is none."""
    issued = int(at.astimezone(UTC).timestamp()) - 60
    parts = [
        _part({"alg": "RS256", "typ": "JWT"}),
        _part({"iat": issued, "exp": issued + TOKEN_SECONDS, "iss": app_id}),
    ]
    text = ".".join(parts)
    signature = read_key(private_key).sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())
    return f"{text}.{_base64url(signature)}"


def read_key(text: str) -> rsa.RSAPrivateKey:
    """The private key out of PEM whose lines an input field may have run together; raises ConfigError."""
    found = re.fullmatch(r"\s*-----BEGIN ([A-Z ]+)-----(.*?)-----END \1-----\s*", text, re.DOTALL)
    if found is not None:
        inside = "".join(found[2].split())
        pem = f"-----BEGIN {found[1]}-----\n{inside}\n-----END {found[1]}-----\n"
        try:
            key = load_pem_private_key(pem.encode(), password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            key = None
        if isinstance(key, rsa.RSAPrivateKey):
            return key
    raise ConfigError("app_private_key", "This is no private key of a GitHub App; paste the whole .pem file.")


def _part(value: dict[str, Any]) -> str:
    return _base64url(json.dumps(value, separators=(",", ":")).encode())


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
