"""Versions on their way into the systems that keep the prompts: claimed, sent once each, and how it went."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from apps.connectors.errors import ErrorClass, SourceError
from apps.connectors.http import Limits
from apps.connectors.pool import Pool
from apps.connectors.records import WriteVersion
from apps.connectors.registry import get_connector
from apps.prompts.services import upstream
from apps.prompts.services.upstream import ClaimedVersion
from apps.sources.models import Source
from apps.sources.queries import database_time
from apps.sources.secrets import SecretsError, decrypt_secrets
from apps.sources.wiring import make_connector, networks_of, open_door
from apps.sync.fetch import internal_error
from apps.sync.moving import next_try

logger = logging.getLogger(__name__)

TOTAL_SECONDS: Final = 30.0  # far below the lease of a claim
LIMITS: Final = Limits(attempts=1)  # a question that is sent twice would write twice; the next try looks first


def write_versions(*, at: datetime) -> str:
    """Send what is due; says how it went. A crash in between is no harm: what is there is known by its marker."""
    claimed = upstream.claim_versions(at=at)
    if not claimed:
        return "no version is due"
    failures = asyncio.run(_write_all(claimed))
    now = database_time()
    written = sum(_note(one, failure, now) for one, failure in zip(claimed, failures, strict=True))
    return f"{written} of {len(claimed)} versions were written"


async def _write_all(claimed: Sequence[ClaimedVersion]) -> list[SourceError | None]:
    async with Pool() as pool:
        return list(await asyncio.gather(*(_write(one, pool) for one in claimed)))


async def _write(claimed: ClaimedVersion, pool: Pool) -> SourceError | None:
    """None when it is done; whatever goes wrong comes back as an error with a class."""
    source = claimed.push.prompt.source
    assert source is not None
    if not source.is_enabled:
        return SourceError(ErrorClass.UNREACHABLE, f"{source.name} is paused; resume it, and the version is sent.")
    if not get_connector(source.connector).writes_versions:
        return SourceError(ErrorClass.CONFIG, f"The portal cannot write versions to {source.name}; write it there.")
    try:
        await _ask(claimed, source, pool)
    except SourceError as failure:
        return failure
    except SecretsError as failure:
        return SourceError(ErrorClass.CONFIG, str(failure), is_permanent=True)
    except TimeoutError:
        return SourceError(ErrorClass.TIMEOUT, f"{source.name} took no version within {TOTAL_SECONDS:.0f} s.")
    except Exception as failure:
        logger.exception("writing a version to source %s failed on our side", source.slug)
        return internal_error(failure)
    return None


async def _ask(claimed: ClaimedVersion, source: Source, pool: Pool) -> None:
    push = claimed.push
    networks = networks_of(source.config, source.allowed_networks)
    http = open_door(networks=networks, trusted_ca=source.trusted_ca, pool=pool, limits=LIMITS)
    secrets = decrypt_secrets(source)
    connector = make_connector(key=source.connector, config=source.config, secrets=secrets, http=http)
    version = WriteVersion(
        prompt_external_id=push.prompt.external_id,
        prompt_name=push.prompt.name,
        base_number=push.base_number,
        marker=push.marker,
        commit_message=f"{push.commit_message}\n\n{push.marker}",
        **push.wording,
    )
    async with asyncio.timeout(TOTAL_SECONDS), http:
        await connector.write(version)


def _note(claimed: ClaimedVersion, failure: SourceError | None, at: datetime) -> bool:
    """Write down how it went; whether the version is there."""
    if failure is None:
        return upstream.mark_written(claimed=claimed, at=at)
    again = next_try(failure=failure, attempt=claimed.push.attempts, at=at)
    upstream.mark_write_failed(claimed=claimed, why=failure.message, at=at, next_try_at=again)
    return False
