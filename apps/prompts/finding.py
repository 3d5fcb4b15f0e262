"""Which version of which prompt is meant by a name and a label or number: a handful of queries, however many exist."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from apps.core.fitting import is_storable
from apps.prompts.models import ChangeRequest, LabelRollout, Prompt, PromptLabel, PromptVersion
from apps.prompts.queries import policy_for
from apps.prompts.serving import LATEST, PRODUCTION
from apps.prompts.snippets import expand
from apps.prompts.status import ChangeState

MOST_NUMBER = 2**31 - 1


class NotServedError(Exception):
    """There is nothing to serve; `is_ambiguous` when there is too much. The text says what to do."""

    def __init__(self, message: str, *, is_ambiguous: bool = False) -> None:
        super().__init__(message)
        self.is_ambiguous = is_ambiguous


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A version with all the labels that point at it, and its words with the snippets put in that are named."""

    prompt: Prompt
    version: PromptVersion
    labels: tuple[str, ...]
    text: str
    messages: list[dict[str, Any]]
    snippets: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What is served, and while a rollout runs to which percentage something else."""

    usual: Served
    other: Served | None = None
    percent: int = 0
    salt: str = ""

    @property
    def names(self) -> frozenset[str]:
        """The prompts whose change changes this: itself and every snippet in it."""
        other = self.other.snippets if self.other else frozenset()
        return frozenset({self.usual.prompt.name}) | self.usual.snippets | other


def find_prompt(*, name: str, source: str) -> Prompt:
    """The prompt of that name: the portal's own, else the only source's; `source` says which source (short name)."""
    if not is_storable(name):
        raise NotServedError("No prompt has this name.")
    rows = Prompt.objects.filter(name=name, gone_at=None).select_related("source").order_by("id")
    return choose(rows[:50], name=name, source=source)


def choose(prompts: Iterable[Prompt], *, name: str, source: str) -> Prompt:
    """The one of several prompts with that name which is meant; they need `source`."""
    rows = list(prompts)
    if source:
        rows = [row for row in rows if row.source and row.source.slug == source]
    own = [row for row in rows if row.source is None]
    found = own or rows
    if not found:
        where = f" in the source {source[:80]}" if source else ""
        raise NotServedError(f"No prompt{where} is called “{name[:100]}”.")
    if len(found) > 1:
        names = ", ".join(sorted({row.source.slug for row in found if row.source}))
        message = f"{len(found)} prompts are called “{name[:100]}”; say which with ?source= (one of {names})."
        raise NotServedError(message, is_ambiguous=True)
    return found[0]


def find_by_number(*, name: str, number: int, source: str = "") -> Found:
    """That version."""
    prompt = find_prompt(name=name, source=source)
    versions = PromptVersion.objects.filter(prompt=prompt, number=min(number, MOST_NUMBER), gone_at=None)
    if (version := versions.first()) is None:
        raise NotServedError(f"“{name[:100]}” has no version {number}.")
    return Found(usual=_served(prompt, version, _labels(prompt), PRODUCTION))


def find_by_label(*, name: str, label: str, source: str = "") -> Found:
    """The version that the label points at, and the one that is being rolled out under it."""
    prompt = find_prompt(name=name, source=source)
    rows = _labels(prompt)
    row = next((row for row in rows if row.name == label), None)
    if row is None and label == LATEST:
        return Found(usual=_served(prompt, _newest(prompt), rows, PRODUCTION))
    if row is None:
        known = ", ".join(row.name for row in rows)[:200] or "none"
        raise NotServedError(f"“{name[:100]}” has no label “{label[:100]}”; its labels: {known}.")
    rollout = LabelRollout.objects.select_related("version").filter(label=row, base=row.version_id).first()
    usual = _served(prompt, PromptVersion.objects.get(pk=row.version_id), rows, label)
    if rollout is None or rollout.version.gone_at or not may_roll_out(label=row, version=rollout.version):
        return Found(usual=usual)
    salt = f"{prompt.pk}:{row.name}:{rollout.version.number}"
    return Found(usual=usual, other=_served(prompt, rollout.version, rows, label), percent=rollout.percent, salt=salt)


def may_roll_out(*, label: PromptLabel, version: PromptVersion) -> bool:
    """Whether some callers may get `version` under the label: a protected one needs a change approved for just this.

    Needs the label's prompt. The portal's own labels are all protected.
    """
    prompt = label.prompt
    if prompt.source_id is not None and policy_for(name=prompt.name, label=label.name) is None:
        return True
    approved = ChangeRequest.objects.filter(prompt=prompt, label=label.name, state=ChangeState.APPROVED)
    return approved.filter(revision__version=version).exists()


def _labels(prompt: Prompt) -> list[PromptLabel]:
    return list(PromptLabel.objects.filter(prompt=prompt).select_related("prompt").order_by("name"))


def _newest(prompt: Prompt) -> PromptVersion:
    version = PromptVersion.objects.filter(prompt=prompt, gone_at=None).order_by("-number").first()
    if version is None:
        raise NotServedError(f"“{prompt.name[:100]}” has no version yet.")
    return version


def _served(prompt: Prompt, version: PromptVersion, labels: list[PromptLabel], label: str) -> Served:
    """The version as it is served under `label`: snippets are put in as that label has them."""
    named: set[str] = set()

    def find(name: str) -> str | None:
        named.add(name)
        rows = PromptVersion.objects.filter(prompt__name=name, prompt__source=None, labels_now__name=label)
        return rows.values_list("template", flat=True).first()

    text, messages = version.template, version.messages
    if version.snippets:
        text = expand(text, find)
        messages = [message | {"content": expand(str(message.get("content", "")), find)} for message in messages]
    return Served(
        prompt=prompt,
        version=version,
        labels=tuple(row.name for row in labels if row.version_id == version.pk),
        text=text,
        messages=messages,
        snippets=frozenset(named),
    )
