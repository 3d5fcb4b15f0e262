"""Reads of prompts, their versions and where their labels point."""

from __future__ import annotations

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Exists, F, Func, JSONField, OuterRef, QuerySet
from django.db.models.functions import JSONObject

from apps.prompts.models import LabelMove, Prompt, PromptConflict, PromptLabel, PromptVersion
from apps.prompts.status import ConflictState

VERSIONS = 60  # in the list beside a prompt


def prompts() -> QuerySet[Prompt]:
    """Prompts with `pointers`: their labels and the number each points at, production first; and `has_conflict`."""
    labels = PromptLabel.objects.filter(prompt=OuterRef("pk")).order_by(
        F("environment__rank").desc(nulls_last=True), "name"
    )
    facts = JSONObject(name=F("name"), number=F("version__number"))
    pointers = Func(ArraySubquery(labels.values(facts=facts)), function="to_jsonb", output_field=JSONField())
    conflicts = PromptConflict.objects.filter(prompt=OuterRef("pk"), state=ConflictState.OPEN)
    rows = Prompt.objects.select_related("feature", "source")
    return rows.annotate(pointers=pointers, has_conflict=Exists(conflicts))


def prompts_of_feature(*, feature_id: int, limit: int = 8) -> list[Prompt]:
    """The prompts of one feature, the one that changed last first."""
    rows = prompts().filter(feature_id=feature_id, gone_at=None)
    return list(rows.order_by("-last_changed_at", "-id")[:limit])


def label_choices() -> list[tuple[str, str]]:
    """The labels in use, for a filter."""
    names = PromptLabel.objects.order_by("name").values_list("name", flat=True).distinct()
    return [(name, name) for name in names[:200]]


def versions(*, prompt_id: int, limit: int = VERSIONS) -> list[PromptVersion]:
    """The newest versions without their content."""
    rows = PromptVersion.objects.filter(prompt_id=prompt_id).defer("template", "messages", "model_config")
    return list(rows.order_by("-number")[:limit])


def find_version(*, prompt_id: int, number: int) -> PromptVersion | None:
    """One version with its content."""
    return PromptVersion.objects.filter(prompt_id=prompt_id, number=number).first()


def labels(*, prompt_id: int) -> list[PromptLabel]:
    """Where the labels point now, production first; `has_moved` is false for one that was only ever found there."""
    moves = LabelMove.objects.filter(prompt=OuterRef("prompt"), name=OuterRef("name"), from_version__isnull=False)
    rows = PromptLabel.objects.filter(prompt_id=prompt_id).select_related("version", "environment")
    rows = rows.annotate(has_moved=Exists(moves))
    rows = rows.defer("version__template", "version__messages", "version__model_config")
    return list(rows.order_by(F("environment__rank").desc(nulls_last=True), "name"))


def label_history(*, prompt_id: int, limit: int = 30) -> list[LabelMove]:
    """How labels moved, newest first."""
    rows = LabelMove.objects.filter(prompt_id=prompt_id).select_related("from_version", "to_version")
    heavy = [f"{side}__{name}" for side in ("from_version", "to_version") for name in ("template", "messages")]
    return list(rows.defer(*heavy).order_by("-at", "-id")[:limit])
