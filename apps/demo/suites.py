"""One suite of the portal's own in the demo: made, filled and planned by the same services as its pages use."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from apps.catalog.models import Feature
from apps.demo.servers.openai import MODEL, QUESTIONS
from apps.demo.servers.pages import KEY
from apps.evaluations import services as evaluations
from apps.evaluations.models import EvaluationEndpoint, EvaluationSuite
from apps.evaluations.services import EndpointDraft, SuiteDraft

NAME = "Support questions"
ENDPOINT = "Fernway model"
SUBJECT, LABEL, CRON, ZONE = "support-reply", "production", "15 */2 * * *", "Europe/Berlin"
FIRST_RUN = timedelta(minutes=2)  # by then the prompts have been read


def scorers() -> list[dict[str, Any]]:
    """What the answers are scored by."""
    return [
        {"name": "fact", "kind": "contains"},
        {"name": "length", "kind": "length", "options": {"least": 20, "most": 1200}},
        {"name": "latency", "kind": "latency", "options": {"most_ms": 2_000}},
    ]


def load_suite(*, base: str, at: datetime) -> bool:
    """Whether the suite was made; its endpoint follows the address of the simulated systems."""
    draft = EndpointDraft(
        name=ENDPOINT,
        base_url=f"{base.rstrip('/')}/openai/v1",
        model=MODEL,
        api_key=KEY,
        requests_per_minute=1_200,
        input_price=Decimal("0.40"),
        output_price=Decimal("1.60"),
        allowed_networks=["127.0.0.0/8", "::1/128"],
    )
    endpoint = EvaluationEndpoint.objects.filter(is_demo=True, name=ENDPOINT).first()
    if endpoint is None:
        endpoint = evaluations.create_endpoint(draft=draft, actor=None, at=at, is_demo=True)
    elif endpoint.base_url != draft.base_url:
        evaluations.change_endpoint(endpoint=endpoint, draft=draft, actor=None)
    if EvaluationSuite.objects.filter(setup__endpoint=endpoint).exists():
        return False
    _make(endpoint, at)
    return True


def _make(endpoint: EvaluationEndpoint, at: datetime) -> None:
    suite = evaluations.create_suite(
        draft=SuiteDraft(
            name=NAME,
            description="Questions that customers of Fernway really ask, and four that must never go wrong.",
            feature=Feature.objects.filter(slug="support-reply").first(),
            endpoint=endpoint,
            scorers=scorers(),
        ),
        actor=None,
        at=at,
    )
    evaluations.import_cases(
        suite=suite,
        text=QUESTIONS.read_text(encoding="utf-8"),
        is_jsonl=False,
        replaces=True,
        file=QUESTIONS.name,
        actor=None,
        at=at,
    )
    schedule = evaluations.plan_schedule(
        suite=suite, subject=SUBJECT, label=LABEL, cron=CRON, time_zone=ZONE, actor=None, at=at
    )
    evaluations.hurry_schedule(schedule=schedule, at=at + FIRST_RUN)
