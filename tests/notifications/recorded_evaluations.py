"""A suite of our own, recorded by the services that record it in earnest: its cases, its schedule, a run of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from apps.accounts.models import User
from apps.catalog.models import Feature
from apps.evaluations import services
from apps.evaluations.services import EndpointDraft, SuiteDraft
from apps.evaluations.status import OrderReason
from apps.evaluations.targets import text_target

AT = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
CASES = "key,question,expected\nrefund,How do I get a refund?,Within 30 days.\nopening,When are you open?,From 9 to 17."


def record_evaluations(feature: Feature) -> None:
    """A suite gets its cases and a schedule; somebody has it run and stops that."""
    rosa = User.objects.create_user("rosa", role="engineer", full_name="Rosa Lindgren")
    endpoint = EndpointDraft(name="Staging gateway", base_url="https://gateway.example.com/v1", model="small")
    draft = SuiteDraft(
        name="search-promises",
        feature=feature,
        endpoint=services.create_endpoint(draft=endpoint, actor=rosa, at=AT),
        scorers=[{"kind": "exact"}],
    )
    suite = services.create_suite(draft=draft, actor=rosa, at=AT)
    services.import_cases(
        suite=suite, text=CASES, is_jsonl=False, replaces=False, file="cases.csv", actor=rosa, at=AT + MINUTE
    )
    nightly = {"cron": "0 3 * * *", "time_zone": "Europe/Berlin"}
    services.plan_schedule(
        suite=suite, subject="search-answers", label="production", actor=rosa, at=AT + 2 * MINUTE, **nightly
    )
    run = services.start_run(
        suite=suite,
        subject="search-answers",
        target=text_target(version="2", template="Answer {{question}}."),
        reason=OrderReason.MANUAL,
        actor=rosa,
        at=AT + 3 * MINUTE,
    )
    assert services.cancel_run(run=run, actor=rosa, at=AT + 4 * MINUTE)
