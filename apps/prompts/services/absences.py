"""What is missing from complete listings: a label is removed at once, a prompt or version is gone the second time."""

from __future__ import annotations

from datetime import datetime

from django.db.models import F, Value
from django.db.models.functions import Concat

from apps.connectors.records import Kind, Listing
from apps.core import bulk
from apps.prompts.models import Prompt, PromptLabel, PromptVersion
from apps.prompts.services.labels import Move, tell_moves
from apps.prompts.services.prompts import LOCK, prompt_topics
from apps.sources.models import Source
from apps.sources.storing import Stored

_PROMPTS = "kept.source_id = %(source_id)s"
_VERSIONS = """
    kept.prompt_id IN (
        SELECT prompt.id FROM prompts_prompt AS prompt
        WHERE prompt.source_id = %(source_id)s AND (%(scope_id)s = '' OR prompt.external_id = %(scope_id)s)
    )
"""


def mark_absent(*, source: Source, listing: Listing, at: datetime) -> Stored:
    """Take note of the prompts, versions or labels that a complete listing (of one prompt with a `scope`) lacks."""
    bulk.lock(space=LOCK, number=source.pk)
    match listing.kind:
        case Kind.PROMPT:
            gone = _count("prompts_prompt", _PROMPTS, source, listing, at)
            prompts = set(gone)
        case Kind.PROMPT_VERSION:
            gone = _count("prompts_promptversion", _VERSIONS, source, listing, at)
            prompts = set(PromptVersion.objects.filter(pk__in=gone).values_list("prompt_id", flat=True))
        case Kind.PROMPT_LABEL:
            return _removed_labels(source, listing, at)
        case _:
            return Stored()
    features = Prompt.objects.filter(pk__in=prompts, feature__isnull=False).values_list("feature_id", flat=True)
    return Stored(changed=len(gone), feature_ids={pk for pk in features if pk}, topics=prompt_topics(prompts))


def _count(table: str, scope: str, source: Source, listing: Listing, at: datetime) -> list[int]:
    """The keys of the rows that are gone now."""
    written = bulk.count_absences(
        table=table, scope=scope, listed=listing.external_ids, now=at, source_id=source.pk, scope_id=listing.scope
    )
    return [row["id"] for row in written if row["is_gone"]]


def _removed_labels(source: Source, listing: Listing, at: datetime) -> Stored:
    labels = PromptLabel.objects.filter(prompt__source=source).select_related("prompt", "version")
    if listing.scope:
        labels = labels.filter(prompt__external_id=listing.scope)
    named = labels.annotate(told_as=Concat(F("prompt__external_id"), Value("@"), F("name")))
    removed = [label for label in named if label.told_as not in listing.external_ids]
    stored = Stored()
    if removed:
        moves = [Move(label.prompt, label, label.version, None, "", at) for label in removed]
        tell_moves(stored, source=source, moves=moves, at=at)
        PromptLabel.objects.filter(pk__in=[label.pk for label in removed]).delete()
    return stored
