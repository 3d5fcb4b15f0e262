"""Approved label moves on their way out: claimed, checked once more, carried out side by side, and how it went."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from apps.connectors.errors import ErrorClass, SourceError
from apps.connectors.pool import Pool
from apps.connectors.records import MoveLabel
from apps.connectors.registry import get_connector
from apps.health import services as health
from apps.prompts.models import LabelPush
from apps.prompts.services import bypasses
from apps.prompts.services import change_requests as changes
from apps.prompts.services.change_requests.pushing import ClaimedPush
from apps.sources.models import Source
from apps.sources.queries import database_time
from apps.sources.secrets import SecretsError, decrypt_secrets
from apps.sources.wiring import make_connector, networks_of, open_door
from apps.sync.fetch import internal_error

logger = logging.getLogger(__name__)

TOTAL_SECONDS = 30.0  # one move, everything included; far below the lease of its claim
FIRST_PAUSE = timedelta(seconds=15)
LONGEST_PAUSE = timedelta(minutes=10)
MOST_ATTEMPTS = 12  # over about an hour and a half
# What asking again cannot mend, though a poll would try again.
FINAL = frozenset({ErrorClass.NOT_FOUND, ErrorClass.REJECTED, ErrorClass.CONFIG, ErrorClass.AUTH})


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """One claimed move with everything that it takes to carry it out without the database."""

    push: ClaimedPush
    source: Source
    from_number: int | None


def push_label_moves(*, at: datetime) -> str:
    """Let alerts follow what was moved outside approval, and carry out what is due; says how it went.

    A crash in between repeats a move, which changes nothing there.

    The approval is asked again while claiming, under the lock of its request, and where the label is just before the
    move, in the other system itself.
    """
    health.judge_bypasses(at=at)
    errands = _errands(changes.claim_pushes(at=at))
    if not errands:
        return "nothing is due"
    failures = asyncio.run(_push_all(errands))
    now = database_time()
    moved = sum(_note(errand, failure, now) for errand, failure in zip(errands, failures, strict=True))
    health.judge_bypasses(at=now)
    return f"{moved} of {len(errands)} labels were moved"


def next_try(*, failure: SourceError, attempt: int, at: datetime) -> datetime | None:
    """When to try again: twice as late each time, or as the source asks; None gives it up."""
    if failure.is_permanent or failure.error_class in FINAL or attempt >= MOST_ATTEMPTS:
        return None
    pause = min(FIRST_PAUSE * (1 << (attempt - 1)), LONGEST_PAUSE)
    return at + max(pause, timedelta(seconds=failure.retry_after or 0))


def _errands(claimed: Sequence[ClaimedPush]) -> list[Errand]:
    sources = {source.pk: source for source in Source.objects.filter(pk__in={push.source_id for push in claimed})}
    rows = LabelPush.objects.filter(pk__in=[push.push_id for push in claimed])
    numbers = dict(rows.values_list("pk", "from_version__number"))
    return [
        Errand(push=push, source=sources[push.source_id], from_number=numbers.get(push.push_id)) for push in claimed
    ]


async def _push_all(errands: Sequence[Errand]) -> list[SourceError | None]:
    async with Pool() as pool:
        return list(await asyncio.gather(*(_push(errand, pool) for errand in errands)))


async def _push(errand: Errand, pool: Pool) -> SourceError | None:
    """None when it is done; whatever goes wrong comes back as an error with a class."""
    source, push = errand.source, errand.push
    if not source.is_enabled:
        return SourceError(ErrorClass.UNREACHABLE, f"{source.name} is paused; resume it, and the label moves.")
    if not get_connector(source.connector).moves_labels:
        return SourceError(ErrorClass.CONFIG, f"The portal cannot move labels in {source.name}; move it there.")
    try:
        networks = networks_of(source.config, source.allowed_networks)
        http = open_door(networks=networks, trusted_ca=source.trusted_ca, pool=pool)
        connector = make_connector(
            key=source.connector, config=source.config, secrets=decrypt_secrets(source), http=http
        )
        async with asyncio.timeout(TOTAL_SECONDS), http:
            await connector.push(_move(errand))
    except SourceError as failure:
        return failure
    except SecretsError as failure:
        return SourceError(ErrorClass.CONFIG, str(failure), is_permanent=True)
    except TimeoutError:
        return SourceError(ErrorClass.TIMEOUT, f"{source.name} did not move {push.label} within {TOTAL_SECONDS:.0f} s.")
    except Exception as failure:
        logger.exception("moving a label in source %s failed on our side", source.slug)
        return internal_error(failure)
    return None


def _move(errand: Errand) -> MoveLabel:
    push = errand.push
    return MoveLabel(
        prompt_external_id=push.external_id,
        label=push.label,
        number=push.to_number,
        version_external_id=push.to_external_id,
        from_number=errand.from_number,
    )


def _note(errand: Errand, failure: SourceError | None, at: datetime) -> bool:
    """Write down how it went; whether the label moved."""
    push = errand.push
    if failure is not None:
        again = next_try(failure=failure, attempt=push.attempt, at=at)
        changes.mark_apply_failed(
            push_id=push.push_id, claim_id=push.claim_id, why=failure.message, at=at, next_try_at=again
        )
        return False
    if not changes.mark_applied(push_id=push.push_id, claim_id=push.claim_id, at=at):
        return False
    bypasses.settle_label(prompt_id=push.prompt_id, label=push.label, at=at)
    return True
