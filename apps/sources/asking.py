"""One short conversation with a source as it is typed into the form: nothing is stored, nothing is raised."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from apps.connectors.base import Connector
from apps.connectors.errors import ConfigError, ErrorClass, SourceError
from apps.connectors.http import Limits
from apps.sources.services import SourceDraft
from apps.sources.wiring import make_connector, networks_of, open_door

TOTAL_SECONDS = 15.0  # below the time a page waits for a fragment
LIMITS = Limits(total_seconds=6.0, fetch_seconds=12.0, max_requests=20, attempts=2)

logger = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why there is no answer: `sentence` for people; `field` names the input to mend, if it is one input's fault."""

    sentence: str
    error_class: str
    field: str = ""


def ask_source(*, draft: SourceDraft, question: Callable[[Connector], Awaitable[T]]) -> T | Failure:
    """The answer to a question, asked with the draft's own secrets and nothing else; never shows a secret."""
    try:
        return asyncio.run(_ask(draft, question))
    except ConfigError as error:
        return Failure(sentence=error.message, error_class=error.error_class, field=error.field)
    except SourceError as error:
        return Failure(sentence=error.message, error_class=error.error_class)
    except TimeoutError:
        sentence = f"The source did not answer within {TOTAL_SECONDS:.0f} s."
        return Failure(sentence=sentence, error_class=ErrorClass.TIMEOUT)
    except Exception as error:
        logger.exception("asking a %s source from the form failed on our side", draft.connector)
        sentence = f"It stopped on an error of the portal itself ({type(error).__name__}); its log says more."
        return Failure(sentence=sentence, error_class=ErrorClass.INTERNAL)


async def _ask(draft: SourceDraft, question: Callable[[Connector], Awaitable[T]]) -> T:
    networks = networks_of(draft.config, draft.allowed_networks)
    http = open_door(networks=networks, trusted_ca=draft.trusted_ca, limits=LIMITS)
    connector = make_connector(key=draft.connector, config=draft.config, secrets=draft.secrets, http=http)
    async with asyncio.timeout(TOTAL_SECONDS), http:
        return await question(connector)
