"""GitHub's webhooks: signed with HMAC SHA-256 over the raw body, told apart by their delivery id."""

from __future__ import annotations

from collections.abc import Sequence

from apps.connectors.providers.github import gate
from apps.connectors.webhook import Delivery, Headers, Webhook, WebhookError, check_hmac

EVENTS = ("workflow_run", "workflow_job", "deployment", "deployment_status", "release", gate.EVENT)


def read(headers: Headers, body: bytes, secrets: Sequence[str]) -> Delivery:
    """The delivery, if it is signed with one of the secrets; a ping is valid and says nothing."""
    check_hmac(body=body, given=headers.get("x-hub-signature-256", ""), secrets=secrets, prefix="sha256=")
    delivery_id, event = headers.get("x-github-delivery", ""), headers.get("x-github-event", "")
    if not delivery_id or not event:
        raise WebhookError("X-GitHub-Delivery or X-GitHub-Event is missing; is this GitHub?")
    question = gate.read_question(event, body)
    return Delivery(delivery_id=delivery_id, event=event, is_relevant=event in EVENTS, question=question)


WEBHOOK = Webhook(
    help="In the repository or organisation: Settings, Webhooks, Add webhook. Content type application/json, the "
    "secret as entered here, and these events: Workflow runs, Workflow jobs, Deployments, Deployment statuses, "
    "Releases. To have deployments ask for leave, install a GitHub App with this address; the documentation says how.",
    read=read,
)
