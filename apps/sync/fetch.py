"""The conversations with the sources: side by side in one event loop, each on its own, no database."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from apps.connectors.errors import ErrorClass, SourceError
from apps.connectors.http import Http
from apps.connectors.pool import Pool
from apps.connectors.records import Batch
from apps.sources.secrets import SecretsError, decrypt_secrets
from apps.sources.wiring import make_connector, networks_of, open_door
from apps.sync.claims import Job
from apps.sync.looking import Look, Room, is_wanted, look

TOTAL_SECONDS = 30.0  # one source, everything included; Http's own limits lie below
SHORTEST_SECRET = 4  # characters; anything shorter is found in every text

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """What one conversation brought: a batch or an error, never both, and what it cost."""

    job: Job
    batch: Batch | None = None
    error: SourceError | None = None
    requests: int = 0
    bytes_read: int = 0
    skew_seconds: float | None = None  # upstream clock minus ours
    look: Look | None = None  # at the rights, if this poll had one
    secrets: tuple[str, ...] = field(default=(), repr=False)  # what must not be written down


async def fetch_all(*, jobs: Sequence[Job], hand_over: Callable[[Fetched], None]) -> None:
    """Fetch every job at once and hand each over as it completes; one slow or broken source delays no other."""
    room = Room()
    async with Pool() as pool, asyncio.TaskGroup() as group:
        for job in jobs:
            group.create_task(_fetch_one(job, pool, room, hand_over))


async def _fetch_one(job: Job, pool: Pool, room: Room, hand_over: Callable[[Fetched], None]) -> None:
    hand_over(await fetch_source(job=job, pool=pool, room=room))


async def fetch_source(*, job: Job, pool: Pool, room: Room) -> Fetched:
    """One conversation under one total deadline; whatever goes wrong comes back as an error with a class."""
    batch, error, http, secrets = None, None, Http(), dict[str, str]()
    try:
        source = job.source
        networks = networks_of(source.config, source.allowed_networks)
        http = open_door(networks=networks, trusted_ca=source.trusted_ca, pool=pool)
        secrets = decrypt_secrets(source)
        connector = make_connector(key=source.connector, config=source.config, secrets=secrets, http=http)
        async with asyncio.timeout(TOTAL_SECONDS), http:
            batch = await connector.fetch(job.cursor)
    except SourceError as failure:
        error = failure
    except SecretsError as failure:
        error = SourceError(ErrorClass.CONFIG, str(failure), is_permanent=True)
    except TimeoutError:
        error = SourceError(
            ErrorClass.TIMEOUT, f"The whole poll took more than {TOTAL_SECONDS:.0f} s; narrow the source."
        )
    except Exception as failure:
        logger.exception("fetching source %s failed on our side", job.source.slug)
        error = internal_error(failure)
    found = None
    if is_wanted(job=job, error=error):
        found = await look(job=job, secrets=secrets, pool=pool) if room.take() else Look(is_owed=True)
    return Fetched(
        job=job,
        batch=batch,
        error=error,
        requests=http.requests,
        bytes_read=http.bytes_read,
        skew_seconds=_skew(http.server_time),
        look=found,
        secrets=tuple(value for value in secrets.values() if len(value) >= SHORTEST_SECRET),
    )


def internal_error(failure: Exception) -> SourceError:
    """The error for a mistake of our own: the sentence names its kind, the log holds the rest."""
    return SourceError(
        ErrorClass.INTERNAL,
        f"Polling stopped on an error of the portal itself ({type(failure).__name__}); the worker's log says more.",
    )


def _skew(server_time: datetime | None) -> float | None:
    return None if server_time is None else round((server_time - datetime.now(UTC)).total_seconds(), 1)
