"""Who serves what: one row a prompt, label, caller and instance, kept up by what the callers report."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from psycopg import sql

from apps.core import bulk
from apps.core.bulk import Row
from apps.events import services as events
from apps.events.services import NewEvent
from apps.events.status import Tone
from apps.prompts.finding import NotServedError, choose
from apps.prompts.models import Prompt, PromptVersion
from apps.prompts.propagation import Propagation, propagations

_UPSERT = sql.SQL(
    """
    INSERT INTO prompts_promptuse AS kept (prompt_id, label, caller, instance, version_id, served, fallbacks,
                                           serving_since, first_heard_at, last_heard_at)
    SELECT told.*, %(at)s, %(at)s, %(at)s
    FROM unnest(%(prompt_id)b::bigint[], %(label)b::text[], %(caller)b::text[], %(instance)b::text[],
                %(version_id)b::bigint[], %(served)b::bigint[], %(fallbacks)b::bigint[]) AS told
    ON CONFLICT (prompt_id, label, caller, instance) DO UPDATE
    SET served = kept.served + excluded.served, fallbacks = kept.fallbacks + excluded.fallbacks,
        last_heard_at = GREATEST(kept.last_heard_at, excluded.last_heard_at), version_id = excluded.version_id,
        serving_since = CASE WHEN kept.version_id IS NOT DISTINCT FROM excluded.version_id
                             THEN kept.serving_since ELSE excluded.serving_since END
    RETURNING kept.prompt_id, kept.label, kept.serving_since = %(at)s AS is_news
    """
)
_COLUMNS = ("prompt_id", "label", "caller", "instance", "version_id", "served", "fallbacks")


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldUse:
    """One item of a report. `number` None is the caller's fallback text, "" as `label` asks for a number."""

    name: str
    source: str = ""
    label: str = ""
    number: int | None = None
    served: int = 0
    fallbacks: int = 0


def record_uses(
    *, caller: str, instance: str, told: Sequence[ToldUse], may_tell: Callable[[Prompt], bool], at: datetime
) -> list[str]:
    """Store a report; for each item "" or a sentence that says why it was refused.

    A label that every caller serves now is told once in the ledger, with the time that it took.
    """
    with transaction.atomic():
        known = _known(told)
        rows: dict[tuple[int, str], Row] = {}
        refusals = []
        for item in told:
            try:
                row = _row(item, known, may_tell) | {"caller": caller, "instance": instance}
            except (NotServedError, ValueError) as error:
                refusals.append(str(error))
                continue
            refusals.append("")
            if (same := rows.get((row["prompt_id"], row["label"]))) is not None:
                row |= {name: row[name] + same[name] for name in ("served", "fallbacks")}
            rows[row["prompt_id"], row["label"]] = row
        if rows:
            _store([rows[key] for key in sorted(rows)], at)
    return refusals


def _store(rows: Sequence[Row], at: datetime) -> None:
    written = bulk.fetch(_UPSERT, bulk.columns_of(rows, _COLUMNS) | {"at": at})
    news = {row["prompt_id"] for row in written if row["is_news"]}
    if not news:
        return
    labels = {(row["prompt_id"], row["label"]) for row in written if row["is_news"]}
    found = [one for one in propagations(prompt_ids=news, at=at) if (one.prompt_id, one.label) in labels]
    events.record_events(events=[event for one in found if (event := _converged(one)) is not None])
    events.ring(topics=[f"prompt-{pk}" for pk in news])


def _converged(one: Propagation) -> NewEvent | None:
    if one.converged_at is None or not one.has_moved:
        return None
    prompt = Prompt.objects.get(pk=one.prompt_id)
    return NewEvent(
        kind="prompts:label:converged",
        at=one.converged_at,
        title=f"{prompt.name[:150]} prompt: every caller serves {one.label} v{one.number}",
        tone=Tone.OK,
        detail=f"{one.instances} instances of {one.callers} callers, {one.took_text} after the label moved.",
        feature_id=prompt.feature_id,
        component_id=prompt.component_id,
        subject_kind="prompt_label",
        subject_id=one.label_id,
        dedupe_key=f"converged:{one.label_id}:{one.number}:{one.moved_at.timestamp():.3f}",
        data={"prompt_id": prompt.pk, "label": one.label, "number": one.number, "seconds": one.took_seconds},
    )


@dataclass(frozen=True, slots=True)
class _Known:
    prompts: dict[str, list[Prompt]]
    versions: dict[tuple[int, int], int]


def _known(told: Sequence[ToldUse]) -> _Known:
    prompts: dict[str, list[Prompt]] = defaultdict(list)
    for prompt in Prompt.objects.filter(name__in={item.name for item in told}, gone_at=None).select_related("source"):
        prompts[prompt.name].append(prompt)
    pks = [prompt.pk for rows in prompts.values() for prompt in rows]
    numbers = {item.number for item in told if item.number is not None}
    found = PromptVersion.objects.order_by().filter(prompt__in=pks, number__in=numbers)
    versions = {(prompt, number): pk for prompt, number, pk in found.values_list("prompt_id", "number", "pk")}
    return _Known(prompts, versions)


def _row(item: ToldUse, known: _Known, may_tell: Callable[[Prompt], bool]) -> Row:
    prompt = choose(known.prompts.get(item.name, ()), name=item.name, source=item.source)
    if not may_tell(prompt):
        raise ValueError("This token is for other prompts.")
    version_id = None
    if item.number is not None and (version_id := known.versions.get((prompt.pk, item.number))) is None:
        raise ValueError(f"“{item.name[:100]}” has no version {item.number}.")
    return {
        "prompt_id": prompt.pk,
        "label": item.label,
        "version_id": version_id,
        "served": item.served,
        "fallbacks": item.fallbacks,
    }
