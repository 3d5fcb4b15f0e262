"""A model behind an OpenAI-compatible API: always the same answer to the same question, and better to a better prompt.

It knows the support questions of Fernway. Whether it answers one well depends on what the prompt says: sources to keep
to, what to do when a fact is missing, a limit to its length; and on words that do harm (`world.sheets`). Each question
has its own difficulty, so that two prompts fail on the same hard ones first, as with a real model.
"""

from __future__ import annotations

import asyncio
import csv
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from apps.demo.servers.answers import Clock, json_answer, read_object
from apps.demo.servers.pages import shows_key
from apps.demo.world.dice import World
from apps.demo.world.sheets import SHEETS

QUESTIONS: Final = Path(__file__).parent.parent / "support_cases.csv"
MODEL: Final = "fernway-small"
SKILLS: Final = (  # what a prompt says -> how much more of the questions are answered well
    (re.compile(r"use only|only the facts|only what", re.IGNORECASE), 0.35),
    (re.compile(r"fact is missing|do not know|don't know|if you are unsure", re.IGNORECASE), 0.2),
    (re.compile(r"at most|short", re.IGNORECASE), 0.1),
    (re.compile(r"json", re.IGNORECASE), 0.1),
)
UNGUIDED: Final = 0.2
HARM: Final = 0.45  # what words that promise too much, or none at all, cost
SHORTEST, SLOW = 0.02, 0.25  # seconds an answer takes, and takes more when the prompt wants a long think


@dataclass(frozen=True, slots=True)
class Question:
    """One question that the model knows: what a good answer says, what a bad one must not."""

    ticket: str
    facts: tuple[str, ...]
    harmful: tuple[str, ...]


def create_openai(world: World, _clock: Clock) -> Starlette:
    """The application, to be mounted where the API would answer."""
    return Starlette(
        routes=[
            Route("/v1/chat/completions", partial(_complete, world), methods=["POST"]),
            Route("/v1/models", _models),
        ]
    )


async def _models(_request: Request) -> Response:
    return json_answer({"object": "list", "data": [{"id": MODEL, "object": "model", "owned_by": "fernway"}]})


async def _complete(world: World, request: Request) -> Response:
    if not shows_key(request):
        return json_answer({"error": {"message": "Incorrect API key provided.", "code": "invalid_api_key"}}, 401)
    body = await read_object(request)
    messages = body.get("messages") if body else None
    if not isinstance(messages, list) or not messages:
        return json_answer({"error": {"message": "messages must be a list with at least one message."}}, 400)
    prompt = "\n".join(str(message.get("content", "")) for message in messages if isinstance(message, dict))
    text = answer(prompt, seed=world.seed)
    await asyncio.sleep(SHORTEST + (SLOW if _flaws(prompt) & {"slow"} else 0.0))
    return json_answer(_completion(prompt, text, str((body or {}).get("model") or MODEL)))


def _completion(prompt: str, text: str, model: str) -> dict[str, Any]:
    given, made = max(1, len(prompt) // 4), max(1, len(text) // 4)
    return {
        "id": f"chatcmpl-{_digest(prompt).hex()[:20]}",
        "object": "chat.completion",
        "created": 1_795_000_000,
        "model": model,
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": given, "completion_tokens": made, "total_tokens": given + made},
    }


def answer(prompt: str, *, seed: int) -> str:
    """What the model says to a prompt; as a judge it scores the answer that the prompt shows."""
    if '"score"' in prompt:
        return _judgement(prompt)
    question = next((one for one in questions() if one.ticket and one.ticket in prompt), None)
    if question is None:
        return _reply("Thank you for writing to us. We will look into it.", "not a question that I know")
    flaws = _flaws(prompt)
    difficulty = _digest(f"{seed}:{question.ticket}")[0] / 256
    is_good = difficulty < skill(prompt)
    if "evasive" in flaws and not is_good:
        return _reply("", "a fact is missing")
    if is_good or (not question.facts and "loose" not in flaws):
        said = "Thank you for asking. " + " ".join(f"Our answer: {fact}." for fact in question.facts or ("no",))
    elif "loose" in flaws and question.harmful:
        said = f"Do not worry, it {question.harmful[0]} soon."
    else:
        said = "Thank you for writing to us. A colleague will come back to you."
    text = _reply(said, "house rules")
    return text + "\nI chose this because the ticket was short." if "broken_format" in flaws else text


def skill(prompt: str) -> float:
    """The share of the questions that are answered well under this prompt, from 0 to 1."""
    gained = UNGUIDED + sum(value for pattern, value in SKILLS if pattern.search(prompt))
    return max(0.05, min(0.98, gained - (HARM if _flaws(prompt) & {"loose", "evasive"} else 0.0)))


@lru_cache(maxsize=1)
def questions() -> tuple[Question, ...]:
    """What the model knows."""
    with QUESTIONS.open(encoding="utf-8", newline="") as file:
        return tuple(_question(row) for row in csv.DictReader(file))


def _question(row: Mapping[str, str]) -> Question:
    wanted = json.loads(row["expected"]).get("fact") or {}
    if isinstance(wanted, str):
        return Question(row["ticket"], (wanted,), ())
    return Question(row["ticket"], tuple(wanted.get("all", ())), tuple(wanted.get("none", ())))


def _judgement(prompt: str) -> str:
    """A score for the answer in the prompt: good if it says something and hands nothing over."""
    is_empty = "A colleague will come back" in prompt or '"reply": ""' in prompt
    score = 0.3 if is_empty else 0.8 + _digest(prompt)[0] / 256 * 0.2
    reason = "It hands over instead of answering." if is_empty else "It answers the question."
    return json.dumps({"score": round(score, 3), "reason": reason})


def _flaws(prompt: str) -> set[str]:
    """The kinds of harm whose words stand in the prompt."""
    return {flaw.kind for sheet in SHEETS.values() for flaw in sheet.flaws if flaw.words in prompt}


def _reply(text: str, reason: str) -> str:
    return json.dumps({"reply": text, "needs_human": not text, "reason": reason}, ensure_ascii=False)


def _digest(text: str) -> bytes:
    return blake2b(text.encode(), digest_size=16).digest()
