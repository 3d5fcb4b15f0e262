"""From records to candidates: several rows of one thing become one, and what took a change back is noted on it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from apps.incidents.suspects.facts import Candidate, CauseKind
from apps.incidents.suspects.pipelines import pipeline_candidates
from apps.incidents.suspects.rows import AlertRow, ChangeRow, RunRow

K = CauseKind
WORDS: dict[str, CauseKind] = {
    **dict.fromkeys(("model", "llm", "embedding", "embedder", "embedding_model", "model_version", "weights"), K.MODEL),
    **dict.fromkeys(("index", "reindex", "retrieval", "index_build", "vector_index", "corpus"), K.INDEX),
    **dict.fromkeys(("config", "configuration", "flag", "feature_flag", "setting", "settings"), K.CONFIG),
    **dict.fromkeys(("infrastructure", "quota", "limit", "rate_limit", "cache", "schedule"), K.CONFIG),
    **dict.fromkeys(("permission", "secret", "scaling", "capacity", "traffic"), K.CONFIG),
    **dict.fromkeys(("prompt", "prompt_label", "label"), K.PROMPT),
    **dict.fromkeys(("deployment", "deploy", "release", "rollout", "code", "rollback"), K.DEPLOYMENT),
    **dict.fromkeys(("incident", "outage", "provider", "provider_incident", "degradation", "maintenance"), K.PROVIDER),
    **dict.fromkeys(("pipeline", "data", "schema", "dataset", "ingestion"), K.PIPELINE),
}  # fmt: skip
COMPONENTS: dict[str, CauseKind] = {
    "prompt": K.PROMPT,
    "model": K.MODEL,
    "index": K.INDEX,
    "pipeline": K.PIPELINE,
    "provider": K.PROVIDER,
}
OVER = frozenset(
    {"resolved", "completed", "finished", "closed", "ended", "recovered", "operational", "postmortem", "ok"}
)
BACK = ("revert", "rolled back", "rollback", "roll back", "restored")
FAILED = "deployments:deployment:failed"
STARTED = "deployments:deployment:started"


def candidates_of(
    *, changes: Sequence[ChangeRow], runs: Sequence[RunRow], alerts: Sequence[AlertRow], start: float, end: float
) -> list[Candidate]:
    """Everything that began from `start` to `end`; what came later only says what was taken back."""
    found = [*_changed(changes), *pipeline_candidates(runs, end=end), *_alerting(alerts)]
    return [one for one in found if start <= one.at and one.begun_at <= end]


def kind_of(row: ChangeRow) -> CauseKind:
    """The kind of suspect that a change is: by its own word, else by what it changed."""
    if row.kind.startswith("prompts:"):
        return K.PROMPT
    if row.kind.startswith("deployments:"):
        found = COMPONENTS.get(row.component_kind, K.DEPLOYMENT)
        return K.DEPLOYMENT if found in (K.PIPELINE, K.PROVIDER) else found
    word = row.what.strip().lower().replace(" ", "_").replace("-", "_")
    known = WORDS.get(word) or next((WORDS[part] for part in word.split("_") if part in WORDS), None)
    return known or COMPONENTS.get(row.component_kind, K.OTHER)


def _changed(rows: Sequence[ChangeRow]) -> list[Candidate]:
    by_thing: dict[str, list[ChangeRow]] = {}
    for row in sorted(rows, key=lambda row: (row.at, row.event_id)):
        by_thing.setdefault(row.thing, []).append(row)
    return [one for some in by_thing.values() for one in _of_one_thing(some)]


def _of_one_thing(rows: Sequence[ChangeRow]) -> Iterable[Candidate]:
    """The changes of one thing, oldest first: a rollout is one change, and an incident lasts until it is resolved."""
    if kind_of(rows[0]) is K.PROVIDER:
        return _episodes(rows)
    told: dict[str, Candidate] = {}
    last: dict[str, ChangeRow] = {}
    for row in rows:
        for key, earlier in last.items():
            if key != row.key and told[key].undone_at is None and _takes_back(row, earlier):
                told[key] = replace(told[key], undone_at=row.at, undone_by=_back_text(row))
        begun = told[row.key].begun_at if row.key in told else row.at
        told[row.key] = replace(_candidate(row), begun_at=min(begun, row.at))
        last[row.key] = row
    return told.values()


def _takes_back(row: ChangeRow, earlier: ChangeRow) -> bool:
    """Whether `row` puts things back to what they were before `earlier`."""
    if row.kind in (FAILED, STARTED):
        return False
    if earlier.before and row.after:
        return row.after == earlier.before
    words = f"{row.title} {row.detail} {row.kind}".lower().replace("-", " ")
    return any(word in words for word in BACK)


def _back_text(row: ChangeRow) -> str:
    return "it was rolled back" if row.kind.startswith(("deployments:", "prompts:")) else "it was taken back"


def _episodes(rows: Sequence[ChangeRow]) -> Iterable[Candidate]:
    """A provider's announcements: from the first that says something is wrong to the one that says it is over."""
    found: list[Candidate] = []
    is_open = False
    for row in rows:
        is_over = row.after.strip().lower().replace(" ", "_") in OVER or "resolved" in row.title.lower()
        if is_over and is_open:
            found[-1] = replace(found[-1], undone_at=row.at, undone_by="it was resolved")
        elif not is_over and not is_open:
            found.append(_candidate(row))
        is_open = not is_over
    return found


def _candidate(row: ChangeRow) -> Candidate:
    return Candidate(
        key=row.key,
        kind=kind_of(row),
        title=row.title,
        at=row.at,
        begun_at=row.at,
        component_id=row.component_id,
        feature_id=row.feature_id,
        is_elsewhere=row.is_elsewhere,
        is_failed=row.kind == FAILED,
        actor=row.actor,
        url=row.url,
        detail=row.detail,
        event_id=row.event_id,
    )


def _alerting(rows: Sequence[AlertRow]) -> list[Candidate]:
    """A provider's alert is its incident; any other one upstream is more likely a symptom of something deeper."""
    return [
        Candidate(
            key=f"alert-{row.id}",
            kind=K.PROVIDER if row.component_kind == "provider" else K.UPSTREAM,
            title=row.title,
            at=row.opened_at,
            begun_at=row.opened_at,
            component_id=row.component_id,
            feature_id=row.feature_id,
            undone_at=row.resolved_at,
            undone_by="it was resolved" if row.resolved_at else "",
            is_elsewhere=row.is_elsewhere,
            url=row.url,
        )
        for row in rows
    ]
