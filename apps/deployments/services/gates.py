"""Questions whether something may be deployed: stored once, claimed for an answer, and how that went.

A claim lapses with its lease, so an answer may be sent twice when a sender dies; the vendor takes the first.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db import connection, transaction

from apps.connectors.gating import GateQuestion as Question
from apps.core.fitting import fit
from apps.core.ui.formats import short_revision
from apps.deployments.gating import GateQuestion
from apps.deployments.status import AnswerState
from apps.events.services import NewEvent, record_events, ring
from apps.events.status import Tone
from apps.sources.models import Source

LEASE_SECONDS: Final = 40
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=5), timedelta(minutes=10)
UNKNOWN_PAUSE: Final = timedelta(minutes=1)  # until a mapping is looked at again
GIVEN_UP_AFTER: Final = timedelta(hours=24)
_CLAIM = """
WITH due AS (
    SELECT question.id FROM deployments_gatequestion question
      JOIN sources_source source ON source.id = question.source_id AND source.is_enabled
     WHERE question.next_try_at <= %(at)s
     ORDER BY question.next_try_at, question.id LIMIT %(most)s FOR UPDATE OF question SKIP LOCKED
)
UPDATE deployments_gatequestion question
   SET claim_id = gen_random_uuid(), tries = tries + 1, next_try_at = %(at)s + make_interval(secs => %(lease)s)
  FROM due WHERE question.id = due.id
RETURNING question.id
"""
_KINDS = {
    AnswerState.APPROVED: ("deployments:gate:approved", Tone.OK, "may be deployed"),
    AnswerState.REJECTED: ("deployments:gate:rejected", Tone.WARN, "may not be deployed"),
    AnswerState.FAILED: ("deployments:gate:failed", Tone.BAD, "waits for an answer that could not be given"),
}


def ask_gate(*, source: Source, delivery_id: str, question: Question, at: datetime) -> bool:
    """Keep a question until it is answered; False for one that is known already."""
    _, is_new = GateQuestion.objects.get_or_create(
        source=source,
        delivery_id=fit(delivery_id, 200),
        defaults={
            "repository": fit(question.repository, 300),
            "environment_name": fit(question.environment, 120),
            "callback_url": fit(question.callback_url, 1000),
            "installation": fit(question.installation, 40),
            "revision": fit(question.revision, 300),
            "reference": fit(question.reference, 300),
            "asked_by": fit(question.asked_by, 200),
            "asked_at": at,
            "next_try_at": at,
        },
    )
    return is_new


def claim_gates(*, at: datetime, most: int = 50) -> list[GateQuestion]:
    """Questions that are due, each for one caller only; those of paused sources wait."""
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, {"at": at, "most": most, "lease": LEASE_SECONDS})
        ids = [row[0] for row in cursor.fetchall()]
    return list(GateQuestion.objects.filter(pk__in=ids).select_related("source").order_by("pk"))


def mark_answered(
    *, question: GateQuestion, state: AnswerState, reasons: Sequence[dict[str, str]], at: datetime
) -> bool:
    """The vendor took the answer; False when the claim was lost to somebody else meanwhile."""
    return _end(question, state, at, reasons=list(reasons), answered_at=at, error="")


def mark_unknown(*, question: GateQuestion, at: datetime) -> bool:
    """The vendor was told that nobody knows the feature; it is looked at again until somebody maps it."""
    if at - question.asked_at > GIVEN_UP_AFTER:
        return mark_failed(question=question, error="Nobody mapped its repository and environment in time.", at=at)
    return _later(question, at + UNKNOWN_PAUSE, is_told_unknown=True, error="", reasons=[])


def mark_delayed(*, question: GateQuestion, error: str, at: datetime, retry_after: float | None = None) -> bool:
    """It could not be sent; later again, and after a day no more."""
    if at - question.asked_at > GIVEN_UP_AFTER:
        return mark_failed(question=question, error=error, at=at)
    pause = min(FIRST_PAUSE * 2 ** min(question.tries - 1, 10), LONGEST_PAUSE)
    return _later(question, at + max(pause, timedelta(seconds=min(retry_after or 0, 3600))), error=fit(error))


def mark_failed(*, question: GateQuestion, error: str, at: datetime) -> bool:
    """No answer is wanted any more, or none could be given."""
    return _end(question, AnswerState.FAILED, at, error=fit(error))


def _end(question: GateQuestion, state: AnswerState, at: datetime, **values: Any) -> bool:
    with transaction.atomic():
        if not _write(question, state=state, next_try_at=None, claim_id=None, **values):
            return False
        record_events(events=[_event(question, state, at, values)])
        ring(topics=["gates"])
    return True


def _later(question: GateQuestion, when: datetime, **values: Any) -> bool:
    return _write(question, next_try_at=when, claim_id=None, **values)


def _write(question: GateQuestion, **values: Any) -> bool:
    """Only the holder of the claim writes."""
    claim: UUID | None = question.claim_id
    return bool(GateQuestion.objects.filter(pk=question.pk, claim_id=claim, claim_id__isnull=False).update(**values))


def _event(question: GateQuestion, state: AnswerState, at: datetime, values: dict[str, Any]) -> NewEvent:
    kind, tone, verdict = _KINDS[state]
    what = f"{question.repository[:120]} {short_revision(question.revision)[:40]}".strip()
    reasons = [one["text"] for one in values.get("reasons", [])]
    return NewEvent(
        kind=kind,
        at=at,
        title=f"{what} {verdict} into {question.environment_name[:60]}",
        tone=tone,
        detail=" ".join(reasons) or values.get("error", ""),
        actor=question.asked_by,
        is_demo=question.source.is_demo,
        source_id=question.source_id,
        subject_kind="gate",
        subject_id=question.pk,
        dedupe_key=f"gate:{question.pk}:{state}",
        data={"repository": question.repository, "environment": question.environment_name},
    )
