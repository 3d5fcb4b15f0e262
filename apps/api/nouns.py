"""What can be reported: one row a kind of thing, read by the addresses, the OpenAPI document and the page alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from apps.api import known
from apps.connectors.providers.push import readers
from apps.connectors.providers.push.normalize import Key, Reader
from apps.sources.models import Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Noun:
    """One kind of thing: its word in the address, the scope it takes, how it is read, and an item to copy."""

    path: str
    scope: str
    reader: Reader
    summary: str
    example: dict[str, Any]
    known: Callable[[Source, Sequence[Key]], known.Known] = known.nothing_known

    @property
    def meaning(self) -> str:
        """One sentence or two, those of the item's class."""
        return self.reader.item.__doc__ or ""


NOUNS: tuple[Noun, ...] = (
    Noun(
        path="pipelines",
        scope="push:runs",
        reader=readers.PIPELINES,
        summary="Pipelines",
        example={
            "external_id": "nightly-index",
            "name": "Nightly index",
            "schedule": "0 3 * * *",
            "labels": {"component": "search-index"},
        },
    ),
    Noun(
        path="runs",
        scope="push:runs",
        reader=readers.RUNS,
        summary="Runs",
        known=known.known_runs,
        example={
            "external_id": "nightly-index-4711",
            "pipeline": "nightly-index",
            "state": "failed",
            "started_at": "2026-11-24T03:00:00Z",
            "finished_at": "2026-11-24T03:12:30Z",
            "trigger": "schedule",
            "revision": "9fceb02",
            "error": "The vector store refused the connection",
            "url": "https://ci.example.com/runs/4711",
        },
    ),
    Noun(
        path="task-runs",
        scope="push:runs",
        reader=readers.TASK_RUNS,
        summary="Steps of runs",
        known=known.known_task_runs,
        example={
            "external_id": "embed",
            "run": "nightly-index-4711",
            "name": "Embed the documents",
            "state": "failed",
            "position": 1,
        },
    ),
    Noun(
        path="deployments",
        scope="push:deployments",
        reader=readers.DEPLOYMENTS,
        summary="Deployments",
        known=known.known_deployments,
        example={
            "external_id": "ranker-118",
            "component": "ranker",
            "environment": "production",
            "revision": "9fceb02",
            "state": "succeeded",
            "deployed_by": "ann",
        },
    ),
    Noun(
        path="prompt-versions",
        scope="push:prompts",
        reader=readers.PROMPT_VERSIONS,
        summary="Versions of prompts",
        known=known.known_prompts,
        example={
            "prompt": "greeting",
            "number": 7,
            "template": "Greet {name} in one friendly sentence.",
            "commit_message": "Shorter",
            "author": "ann",
            "aliases": ["production"],
        },
    ),
    Noun(
        path="evaluations",
        scope="push:evaluations",
        reader=readers.EVALUATIONS,
        summary="Evaluations",
        known=known.known_evaluations,
        example={
            "external_id": "golden-set-93",
            "suite": "golden set",
            "subject": "greeting",
            "version": "7",
            "judge": "gpt-judge 2026-10",
            "scores": [{"scorer": "helpfulness", "value": 0.91, "passed": True, "count": 120}],
        },
    ),
    Noun(
        path="samples",
        scope="push:samples",
        reader=readers.SAMPLES,
        summary="Samples",
        example={"name": "answer_seconds_p95", "unit": "s", "value": 1.8, "labels": {"feature": "search-answers"}},
    ),
    Noun(
        path="alerts",
        scope="push:alerts",
        reader=readers.ALERTS,
        summary="Alerts",
        example={
            "external_id": "queue-too-long",
            "name": "QueueTooLong",
            "state": "firing",
            "severity": "page",
            "summary": "4,000 documents wait to be embedded.",
        },
    ),
    Noun(
        path="changes",
        scope="push:changes",
        reader=readers.CHANGES,
        summary="Other changes",
        example={
            "external_id": "flag-reranker-12",
            "what": "flag",
            "title": "Reranker switched on for everybody",
            "actor": "ann",
            "before": "off",
            "after": "on",
            "environment": "production",
        },
    ),
)
