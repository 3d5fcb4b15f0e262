"""**Test connection**: one short conversation with a source as it is typed into the form, told in plain words."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass

from apps.connectors.base import Probe, Scope
from apps.connectors.errors import ConfigError, ErrorClass, SourceError
from apps.connectors.http import Limits
from apps.sources.services import SourceDraft
from apps.sources.wiring import make_connector, networks_of, open_door

TOTAL_SECONDS = 15.0  # below the time a page waits for a fragment
LIMITS = Limits(total_seconds=6.0, fetch_seconds=12.0, max_requests=20, attempts=2)

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the test found: `sentence` for people; `field` names the input to mend, if it is one input's fault."""

    is_good: bool
    sentence: str
    version: str = ""
    scopes: tuple[Scope, ...] = ()
    error_class: str = ""
    field: str = ""

    @property
    def missing(self) -> list[Scope]:
        """The rights that the source does not grant."""
        return [scope for scope in self.scopes if not scope.is_granted]


def test_connection(*, draft: SourceDraft) -> Answer:
    """Ask the source who it is, with the draft's own secrets and nothing else; never raises, never shows a secret."""
    try:
        probe = asyncio.run(_probe(draft))
    except ConfigError as error:
        return Answer(is_good=False, sentence=error.message, error_class=error.error_class, field=error.field)
    except SourceError as error:
        return Answer(is_good=False, sentence=error.message, error_class=error.error_class)
    except TimeoutError:
        sentence = f"The source did not answer within {TOTAL_SECONDS:.0f} s."
        return Answer(is_good=False, sentence=sentence, error_class=ErrorClass.TIMEOUT)
    except Exception as error:
        logger.exception("the connection test of a %s source failed on our side", draft.connector)
        sentence = f"The test stopped on an error of the portal itself ({type(error).__name__}); its log says more."
        return Answer(is_good=False, sentence=sentence, error_class=ErrorClass.INTERNAL)
    return Answer(is_good=True, sentence=probe.sentence, version=probe.version, scopes=probe.scopes)


async def _probe(draft: SourceDraft) -> Probe:
    networks = networks_of(draft.config, draft.allowed_networks)
    http = open_door(networks=networks, trusted_ca=draft.trusted_ca, limits=LIMITS)
    connector = make_connector(key=draft.connector, config=draft.config, secrets=draft.secrets, http=http)
    async with asyncio.timeout(TOTAL_SECONDS), http:
        return await connector.probe()
