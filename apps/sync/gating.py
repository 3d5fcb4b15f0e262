"""Answers to systems that ask before they deploy: judged at the last moment, sent by the connector that was asked."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from apps.catalog.models import Environment, Feature
from apps.connectors.errors import SourceError
from apps.connectors.gating import AnswerRefusedError, GateAnswer
from apps.connectors.http import Limits
from apps.connectors.pool import Pool
from apps.connectors.records import Kind
from apps.deployments import services as deployments
from apps.deployments.models import GateQuestion
from apps.deployments.services.deployments import known_as
from apps.deployments.status import AnswerState
from apps.health import queries as health
from apps.sources.mapping import Mapper
from apps.sources.secrets import SecretsError, decrypt_secrets
from apps.sources.wiring import make_connector, networks_of, open_door

TOTAL_SECONDS: Final = 20.0  # of one answer; below the lease of its claim
LIMITS: Final = Limits(total_seconds=8.0, fetch_seconds=18.0, attempts=1, max_requests=4)
UNKNOWN: Final = (
    "OpsPortal does not know yet which feature this is. Map the repository and the environment to the catalog there; "
    "the answer follows by itself."
)

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is to be told of one question; `state` None while nobody knows its feature."""

    question: GateQuestion
    state: AnswerState | None
    reasons: tuple[dict[str, str], ...] = ()

    @property
    def answer(self) -> GateAnswer:
        if self.state is None:
            return GateAnswer(may=None, comment=UNKNOWN)
        lines = [f"- {one['text']}" for one in self.reasons]
        return GateAnswer(
            may=self.state is AnswerState.APPROVED,
            comment="\n".join(["OpsPortal: not now.", *lines]) if lines else "OpsPortal: nothing speaks against it.",
        )


@dataclass(frozen=True, slots=True)
class Outcome:
    """How sending went: "" for a good one; `is_over` when another try is of no use."""

    error: str = ""
    is_over: bool = False
    retry_after: float | None = None


def answer_gates(*, at: datetime) -> str:
    """Answer what is due; returns a sentence."""
    verdicts = [judge(question, at) for question in deployments.claim_gates(at=at)]
    to_send = [one for one in verdicts if one.state is not None or not one.question.is_told_unknown]
    outcomes = asyncio.run(_send_all(to_send, at)) if to_send else []
    sent = dict(zip((one.question.pk for one in to_send), outcomes, strict=True))
    for verdict in verdicts:
        _finish(verdict, sent.get(verdict.question.pk, Outcome()), at)
    return f"{len(verdicts)} questions whether something may be deployed were looked at"


def judge(question: GateQuestion, at: datetime) -> Verdict:
    """What speaks against it now, as the catalog knows the repository and the environment now."""
    labels = known_as(question.repository, question.environment_name, {"repository": question.repository})
    place = Mapper(question.source).resolve(
        kind=Kind.DEPLOYMENT, name=question.repository, labels=labels, is_noted=False
    )
    feature = Feature.objects.filter(pk=place.feature_id or 0).first()
    environment = Environment.objects.filter(pk=place.environment_id or 0).first()
    if feature is None or environment is None:
        return Verdict(question, None)
    found = health.obstacles(feature=feature, environment=environment, at=at)
    state = AnswerState.REJECTED if found else AnswerState.APPROVED
    return Verdict(question, state, tuple({"kind": one.kind, "text": one.text} for one in found))


async def _send_all(verdicts: Sequence[Verdict], at: datetime) -> list[Outcome]:
    async with Pool() as pool:
        return await asyncio.gather(*(_send(one, pool, at) for one in verdicts))


async def _send(verdict: Verdict, pool: Pool, at: datetime) -> Outcome:
    """One answer under one deadline; whatever goes wrong comes back as an outcome."""
    question, source = verdict.question, verdict.question.source
    try:
        networks = networks_of(source.config, source.allowed_networks)
        http = open_door(networks=networks, trusted_ca=source.trusted_ca, pool=pool, limits=LIMITS)
        secrets = decrypt_secrets(source)
        connector = make_connector(key=source.connector, config=source.config, secrets=secrets, http=http)
        async with asyncio.timeout(TOTAL_SECONDS), http:
            await connector.answer(question.question, verdict.answer, at=at)
    except AnswerRefusedError as refusal:
        return Outcome(str(refusal), is_over=True)
    except SourceError as failure:
        return Outcome(failure.message, retry_after=failure.retry_after)
    except SecretsError as failure:
        return Outcome(str(failure))
    except TimeoutError:
        return Outcome(f"It did not take the answer within {TOTAL_SECONDS:.0f} s.")
    except Exception as failure:
        logger.exception("answering question %s failed on our side", question.pk)
        return Outcome(f"Answering stopped on an error of the portal itself ({type(failure).__name__}).")
    return Outcome()


def _finish(verdict: Verdict, outcome: Outcome, at: datetime) -> None:
    question = verdict.question
    if outcome.is_over:
        deployments.mark_failed(question=question, error=outcome.error, at=at)
    elif outcome.error:
        deployments.mark_delayed(question=question, error=outcome.error, at=at, retry_after=outcome.retry_after)
    elif verdict.state is None:
        deployments.mark_unknown(question=question, at=at)
    else:
        deployments.mark_answered(question=question, state=verdict.state, reasons=verdict.reasons, at=at)
