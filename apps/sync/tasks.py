"""What Celery runs: the tick that claims, and the work on one shard of claims. Neither is precious."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from celery import shared_task

from apps.sources import queries as sources
from apps.sources import services as source_services
from apps.sync import gating, moving, remapping, services, writing
from apps.sync.claims import PICKUP_SECONDS, Claim, claim_due_sources
from apps.sync.evaluating.running import carry_out_next
from apps.sync.evaluating.scheduling import start_due_schedules

SHARD = 500  # sources one task polls side by side


@shared_task
def poll_due_sources(**_: Any) -> str:
    """Claim what is due and hand it out in shards; a message that comes too late is dropped, the claim lapses."""
    at = sources.database_time()
    source_services.beat_heart(at=at)
    claims = claim_due_sources(at=at)
    for start in range(0, len(claims), SHARD):
        shard = claims[start : start + SHARD]
        poll_sources.apply_async(kwargs={"claims": [claim.to_json() for claim in shard]}, expires=PICKUP_SECONDS)
    return f"{len(claims)} sources are due"


@shared_task
def poll_sources(*, claims: Sequence[Sequence[Any]], **_: Any) -> str:
    """Poll one shard; what was superseded meanwhile is skipped."""
    tally = services.poll_all(claims=[Claim.from_json(claim) for claim in claims], at=sources.database_time())
    return str(tally)


@shared_task
def carry_out_remappings(**_: Any) -> str:
    """Heal what is stored after a change of the mapping rules; what is left over is taken up at the next tick."""
    changed = remapping.carry_out_remappings(at=sources.database_time())
    return f"{changed} rows were put elsewhere"


@shared_task
def answer_gates(**_: Any) -> str:
    """Tell systems that asked whether they may deploy; what cannot be sent is tried again."""
    return gating.answer_gates(at=sources.database_time())


@shared_task
def carry_out_evaluations(**_: Any) -> str:
    """A turn of the evaluation that is due for longest; what is left is taken up at the next tick."""
    started = start_due_schedules(at=sources.database_time())
    return f"{started} started on schedule; {carry_out_next()}"


@shared_task(acks_late=True, reject_on_worker_lost=True)
def push_label_moves(**_: Any) -> str:
    """Carry versions and approved moves into the systems that own the prompts.

    A lost worker's claims lapse and are taken again.
    """
    written = writing.write_versions(at=sources.database_time())
    return f"{written}; {moving.push_label_moves(at=sources.database_time())}"
