"""Labels: where each points now, and the append-only story of where it pointed before."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import F, Value
from django.db.models.functions import Greatest

from apps.catalog import queries as catalog
from apps.catalog.models import Environment
from apps.connectors.records import Kind, PromptLabelRecord
from apps.core import bulk
from apps.core.bulk import Row
from apps.core.fitting import fit, refuse_long, refuse_naive
from apps.events.services import NewEvent
from apps.events.status import Tone
from apps.prompts.models import LabelMove, Prompt, PromptLabel, PromptVersion
from apps.prompts.services.bypasses import note_outside_moves, places_left
from apps.prompts.services.prompts import LOCK, prompt_topics, prompts_by_external_id
from apps.sources.accepting import accept, newest
from apps.sources.models import Source, SourceState
from apps.sources.storing import Stored

RECENT = timedelta(hours=24)


@dataclass(slots=True)
class Move:
    """One label that points somewhere else now; `to` is None for one that was removed."""

    prompt: Prompt
    label: PromptLabel
    before: PromptVersion | None
    to: PromptVersion | None
    actor: str
    at: datetime
    is_news: bool = True
    is_rollback: bool = False


def upsert_labels(*, source: Source, records: Iterable[PromptLabelRecord], at: datetime) -> Stored:
    """Move labels to where the source says they point, with one row of history and one event for each real move.

    A label on a version that has not been read yet waits: its source tells all labels again in every poll. Moves that
    say when they happened are told in that order; one that is older than what is known changes nothing.
    """
    stored = Stored()
    told = list(records)
    bulk.lock(space=LOCK, number=source.pk)
    prompts = prompts_by_external_id(source=source, names={record.prompt_external_id for record in told})
    rows = accept(kind=Kind.PROMPT_LABEL, records=told, row_of=lambda record: _row(prompts, record), stored=stored)
    rows = newest(rows, key=lambda row: (row["prompt"].pk, row["name"], row["moved_at"]))
    moves = _moves(rows, at, _caught_up_at(source))
    if moves:
        _mark_rollbacks(moves)
        labels = list({id(move.label): move.label for move in moves}.values())
        known = [label for label in labels if label.pk is not None]
        PromptLabel.objects.bulk_create([label for label in labels if label.pk is None])
        PromptLabel.objects.bulk_update(known, ["version", "environment", "moved_at", "moved_by"])
        tell_moves(stored, source=source, moves=moves, at=at)
    return stored


def tell_moves(stored: Stored, *, source: Source, moves: Sequence[Move], at: datetime) -> None:
    """Append the history of `moves` and say in `stored` what they mean for others."""
    LabelMove.objects.bulk_create(
        LabelMove(
            prompt=move.prompt,
            name=move.label.name,
            from_version=move.before,
            to_version=move.to,
            at=move.at,
            actor=move.actor,
            is_rollback=move.is_rollback,
        )
        for move in moves
    )
    touched = {move.prompt.pk for move in moves}
    news = [move for move in moves if move.is_news]
    Prompt.objects.filter(pk__in={move.prompt.pk for move in news}).update(
        last_changed_at=Greatest(F("last_changed_at"), Value(at))
    )
    components = {move.prompt.component_id for move in moves if move.prompt.component_id}
    stored.changed += len(moves)
    stored.changed_ids |= {(Kind.PROMPT_LABEL, f"{move.prompt.external_id}@{move.label.name}") for move in moves}
    stored.events += [_event(move, source, move.at) for move in news]
    stored.events += note_outside_moves(moves=moves, at=at)
    stored.feature_ids |= {move.prompt.feature_id for move in moves if move.prompt.feature_id}
    stored.feature_ids |= catalog.blast_radius(components) if components else set()
    stored.set_ids |= stored.feature_ids
    stored.topics |= prompt_topics(touched)


def _caught_up_at(source: Source) -> datetime | None:
    """When everything the source had was read last; None during its first import, which may take many polls."""
    return SourceState.objects.filter(source=source).values_list("last_success_at", flat=True).first()


def _moves(rows: Sequence[Row], at: datetime, caught_up_at: datetime | None) -> list[Move]:
    prompts = [row["prompt"] for row in rows]
    found = PromptVersion.objects.order_by().filter(prompt__in=prompts, number__in={row["number"] for row in rows})
    versions = {(version.prompt_id, version.number): version for version in found.defer("template", "messages")}
    labels = PromptLabel.objects.filter(prompt__in=prompts).select_related("version")
    now = {(label.prompt_id, label.name): label for label in labels}
    left = places_left(prompts=prompts, at=at)
    environments = {environment.slug: environment for environment in Environment.objects.all()}
    moves = []
    for row in sorted(rows, key=lambda row: row["moved_at"] or at):
        place = (row["prompt"].pk, row["name"])
        if (*place, row["number"]) in left:
            continue
        version, label = versions.get((row["prompt"].pk, row["number"])), now.get(place)
        is_old = label is not None and row["moved_at"] is not None and row["moved_at"] < label.moved_at
        if version is not None and not is_old and (label is None or label.version_id != version.pk):
            is_news = bool(label or row["moved_at"]) or _is_first_label_news(version, at, caught_up_at)
            moves.append(_move(row, version, label, environments.get(row["name"]), at, is_news))
            now[place] = moves[-1].label
    return moves


def _move(
    row: Row,
    version: PromptVersion,
    label: PromptLabel | None,
    environment: Environment | None,
    at: datetime,
    is_news: bool,
) -> Move:
    prompt, before = row["prompt"], label.version if label else None
    label = label or PromptLabel(prompt=prompt, name=row["name"])
    label.version, label.environment = version, environment
    label.moved_at, label.moved_by = row["moved_at"] or at, row["moved_by"]
    return Move(prompt, label, before, version, row["moved_by"], label.moved_at, is_news)


def _is_first_label_news(version: PromptVersion, at: datetime, caught_up_at: datetime | None) -> bool:
    """Whether a label seen for the first time was set just now: its version was known before, or is brand new.

    Otherwise it is part of what the source brought when it was connected.
    """
    if caught_up_at is None:
        return False
    return version.first_seen_at <= caught_up_at or version.created_at >= at - RECENT


def _mark_rollbacks(moves: Sequence[Move]) -> None:
    """A move to a lower number that the label has pointed at before is a rollback."""
    down = [move for move in moves if _goes_down(move)]
    if not down:
        return
    earlier = LabelMove.objects.order_by().filter(prompt__in=[move.prompt for move in down], to_version__isnull=False)
    been: set[tuple[int, str, int | None]] = set(earlier.values_list("prompt_id", "name", "to_version_id"))
    for move in moves:  # in their order: what one of them set, a later one may go back to
        place = (move.prompt.pk, move.label.name, move.to.pk if move.to else None)
        move.is_rollback = _goes_down(move) and place in been
        been.add(place)


def _goes_down(move: Move) -> bool:
    return bool(move.before and move.to and move.to.number < move.before.number)


def _event(move: Move, source: Source, at: datetime) -> NewEvent:
    before = move.before.number if move.before else None
    to = move.to.number if move.to else None
    return NewEvent(
        kind="prompts:label:moved",
        at=at,
        title=f"{move.prompt.name[:150]} prompt: {_what(move, before, to)}",
        tone=Tone.WARN if move.is_rollback or to is None else Tone.INFO,
        actor=move.actor,
        is_change=True,
        is_demo=source.is_demo,
        feature_id=move.prompt.feature_id,
        component_id=move.prompt.component_id,
        environment_id=move.label.environment_id,
        source_id=source.pk,
        subject_kind="prompt_label",
        subject_id=move.label.pk,
        dedupe_key=f"prompt-label:{move.prompt.pk}:{move.label.name}:{before}:{to}:{at.timestamp():.3f}",
        url=move.prompt.url,
        data={
            "prompt_id": move.prompt.pk,
            "label": move.label.name,
            "from": before,
            "to": to,
            "is_rollback": move.is_rollback,
            "created_at": move.to.created_at.isoformat() if move.to else None,  # of the version
        },
        topics=(f"prompt-{move.prompt.pk}", "prompts"),
    )


def _what(move: Move, before: int | None, to: int | None) -> str:
    name = move.label.name
    if to is None:
        return f"{name} was removed from v{before}"
    if before is None:
        return f"{name} was set to v{to}"
    return f"{name} {'rolled back' if move.is_rollback else 'moved'} from v{before} to v{to}"


def _row(prompts: dict[str, Prompt], record: PromptLabelRecord) -> Row:
    prompt = prompts.get(record.prompt_external_id)
    if prompt is None:
        raise ValueError(f"Its prompt {fit(record.prompt_external_id, 100)} is not known.")
    if not 0 <= record.number < 2**31:
        raise ValueError(f"It points at version {record.number}, which no prompt can have.")
    return {
        "prompt": prompt,
        "name": refuse_long("The name of the label", record.name, 120),
        "number": record.number,
        "moved_by": fit(record.moved_by, 200),
        "moved_at": record.moved_at and refuse_naive("moved_at", record.moved_at),
    }
