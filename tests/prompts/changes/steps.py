"""Short words for what people do to a change request; a test names only what it is about."""

from __future__ import annotations

from datetime import timedelta
from itertools import count
from typing import Any

from django.contrib.messages import get_messages

from apps.accounts.models import User
from apps.prompts.content import content_hash
from apps.prompts.models import ApprovalPolicy, ChangeRequest, Prompt, PromptVersion
from apps.prompts.services import change_requests as changes
from tests.prompts.records import NOW, days_ago

_number = count(1)


def later(minutes: float = 1):
    return NOW + timedelta(minutes=minutes)


def make_person(username: str, role: str, **fields: Any) -> User:
    return User.objects.create_user(
        username, password="correct horse battery", role=role, full_name=username.title(), **fields
    )


def make_own_prompt(versions: int = 3, **fields: Any) -> Prompt:
    """A prompt without a source."""
    name = fields.pop("name", f"support/reply-{next(_number)}")
    defaults = {"external_id": name, "name": name, "first_seen_at": days_ago(9), "last_changed_at": days_ago(9)}
    prompt = Prompt.objects.create(**defaults | fields)
    for number in range(1, versions + 1):
        make_version(prompt, number)
    return prompt


def make_version(prompt: Prompt, number: int, **fields: Any) -> PromptVersion:
    template = fields.pop("template", f"Answer {{{{question}}}}, take {number}.")
    defaults = {
        "external_id": f"{prompt.name}/{number}",
        "template": template,
        "variables": ["question"],
        "content_hash": content_hash(template=template, messages=[], model_config={}, response_format=None),
        "created_at": days_ago(9),
        "first_seen_at": days_ago(9),
    }
    version = PromptVersion.objects.create(prompt=prompt, number=number, **defaults | fields)
    Prompt.objects.filter(pk=prompt.pk).update(latest_number=number)
    return version


def make_policy(**fields: Any) -> ApprovalPolicy:
    defaults = {"folder_pattern": "*", "label_pattern": "production", "minimum_approvals": 2, "changed_at": days_ago(9)}
    return ApprovalPolicy.objects.create(**defaults | fields)


def propose(prompt: Prompt, actor, number: int = 1, *, is_submitted: bool = True, **fields: Any) -> ChangeRequest:
    version = PromptVersion.objects.get(prompt=prompt, number=number)
    defaults = {"label": "production", "title": "Never promise a date", "reason": "Customers took it as a promise."}
    defaults |= {"at": NOW, "is_submitted": is_submitted}
    return changes.propose_change(prompt=prompt, version=version, actor=actor, **defaults | fields)


def approve(change: ChangeRequest, actor, **fields: Any) -> ChangeRequest:
    seen = ChangeRequest.objects.get(pk=change.pk).current.content_hash
    defaults = {"seen_hash": seen, "at": NOW}
    return changes.approve_change(change_id=change.pk, actor=actor, **defaults | fields)


def apply(change: ChangeRequest, actor, **fields: Any) -> ChangeRequest:
    return changes.apply_change(change_id=change.pk, actor=actor, **{"at": NOW} | fields)


def edit(change: ChangeRequest, actor, number: int = 2, **fields: Any) -> ChangeRequest:
    version = PromptVersion.objects.get(prompt=change.prompt, number=number)
    defaults = {"version": version, "reason": "Better words.", "at": NOW}
    return changes.edit_change(change_id=change.pk, actor=actor, **defaults | fields)


def go_live(prompt: Prompt, author, approver, number: int = 1) -> ChangeRequest:
    """A change that is applied: the label points at `number`."""
    change = propose(prompt, author, number)
    approve(change, approver)
    return apply(change, author)


def live(prompt: Prompt, label: str = "production") -> int | None:
    return prompt.labels_now.filter(name=label).values_list("version__number", flat=True).first()


def state(change: ChangeRequest) -> str:
    return ChangeRequest.objects.values_list("state", flat=True).get(pk=change.pk)


def page_status(answer: Any) -> int:
    """200 where a page led on after it was done; the page of applying leads on with a complaint as well."""
    if answer.status_code != 302:
        return answer.status_code
    return 409 if any(told.level_tag == "error" for told in get_messages(answer.wsgi_request)) else 200
