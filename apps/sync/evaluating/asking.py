"""Asking an OpenAI-compatible server, through the one door: paced, side by side, no database."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from apps.connectors.errors import ErrorClass, SourceError
from apps.connectors.http import Http, Limits
from apps.connectors.pool import Pool
from apps.evaluations.models import EvaluationEndpoint
from apps.sources.secrets import SecretsError, decrypt_secrets
from apps.sources.wiring import open_door

ANSWER_SECONDS = 60.0  # one question with its retries
RATE_LIMIT_TRIES = 4
LONGEST_WAIT = 20.0  # seconds; whoever wants us away for longer ends the turn
MILLION = Decimal(1_000_000)
LIMITS = Limits(total_seconds=ANSWER_SECONDS, fetch_seconds=3_600, max_requests=100_000, attempts=3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One answer of a model; `cost` in USD by the endpoint's prices."""

    text: str
    latency_ms: float
    input_tokens: int
    output_tokens: int
    cost: Decimal
    attempts: int


class Pacer:
    """Lets through so many a minute, evenly; made for one event loop."""

    def __init__(self, per_minute: int) -> None:
        self._gap = 60.0 / per_minute
        self._next = 0.0

    async def turn(self) -> None:
        """Wait for the next free moment."""
        now = asyncio.get_running_loop().time()
        at = max(now, self._next)
        self._next = at + self._gap
        await asyncio.sleep(at - now)


class Line:
    """The line to one endpoint: its door, its credentials and its pace."""

    def __init__(self, endpoint: EvaluationEndpoint, pool: Pool) -> None:
        self._endpoint = endpoint
        self._pacer = Pacer(endpoint.requests_per_minute)
        self.room = asyncio.Semaphore(endpoint.concurrency)
        self.http: Http = open_door(networks=endpoint.allowed_networks, pool=pool, limits=LIMITS)
        try:
            key = decrypt_secrets(endpoint).get("api_key", "")
        except SecretsError as error:
            raise SourceError(ErrorClass.CONFIG, str(error), is_permanent=True) from None
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}

    async def ask(self, messages: Sequence[Mapping[str, str]], parameters: Mapping[str, Any], model: str) -> Reply:
        """The model's answer; raises SourceError. Being asked to slow down is obeyed a few times, if it is short."""
        payload = {**parameters, "model": model, "messages": [dict(message) for message in messages]}
        url = self._endpoint.base_url.rstrip("/") + "/chat/completions"
        for attempt in range(1, RATE_LIMIT_TRIES + 1):
            await self._pacer.turn()
            clock = asyncio.get_running_loop().time
            began = clock()
            try:
                answer = await self.http.post_json(url, payload=payload, headers=self._headers)
            except SourceError as error:
                wait = error.retry_after or 2.0**attempt / 2
                is_last = attempt == RATE_LIMIT_TRIES or wait > LONGEST_WAIT
                if error.error_class is not ErrorClass.RATE_LIMIT or is_last:
                    raise
                await asyncio.sleep(wait)
                continue
            return self._reply(answer.data, (clock() - began) * 1_000, attempt)
        raise AssertionError("the last attempt returns or raises")

    def _reply(self, data: Any, latency_ms: float, attempts: int) -> Reply:
        try:
            text = _text(data["choices"][0]["message"]["content"])
            usage = data.get("usage") or {}
            given, made = int(usage.get("prompt_tokens") or 0), int(usage.get("completion_tokens") or 0)
        except (KeyError, IndexError, TypeError, ValueError, AttributeError):
            message = "The endpoint's answer is not the one of an OpenAI-compatible server; check its address."
            raise SourceError(ErrorClass.SCHEMA, message) from None
        cost = (given * self._endpoint.input_price + made * self._endpoint.output_price) / MILLION
        return Reply(
            text=text,
            latency_ms=latency_ms,
            input_tokens=max(0, given),
            output_tokens=max(0, made),
            cost=cost,
            attempts=attempts,
        )


def _text(content: Any) -> str:
    """Plain text, also where it comes in parts; nothing at all for an answer that only calls tools."""
    if isinstance(content, list):
        return "".join(str(part.get("text", "")) for part in content)
    return "" if content is None else str(content)
