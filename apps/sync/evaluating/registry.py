"""What the registry holds under a prompt's name, as a target of evaluations."""

from __future__ import annotations

from apps.evaluations.services import OrderError
from apps.evaluations.targets import Target, target_of
from apps.prompts.models import PromptLabel, PromptVersion


def labelled_target(*, subject: str, label: str) -> Target:
    """The version that the label points at now; OrderError when there is none, or when several prompts have it."""
    labels = PromptLabel.objects.select_related("version").filter(
        prompt__name=subject, prompt__gone_at=None, name=label
    )
    return _only([one.version for one in labels[:2]], f"{subject}@{label}")


def numbered_target(*, subject: str, version: str) -> Target:
    """The version with this number; OrderError as above."""
    if not (version.isascii() and version.isdigit() and len(version) < 10):
        raise OrderError("A version of a prompt is a number.")
    found = PromptVersion.objects.filter(prompt__name=subject, prompt__gone_at=None, number=int(version))
    return _only(list(found[:2]), f"{subject} {version}")


def _only(found: list[PromptVersion], what: str) -> Target:
    if len(found) != 1:
        raise OrderError(f"No prompt has {what}." if not found else f"Several sources have {what}.")
    (version,) = found
    return target_of(
        version=str(version.number),
        template=version.template,
        messages=version.messages,
        model_config=version.model_config,
        response_format=version.response_format,
    )
