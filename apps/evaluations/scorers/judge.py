"""A model scores the answer: a pinned model, asked a pinned question, answering in JSON."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any, Final

from apps.evaluations.scorers.base import Options, Scored, Scorer, clean_number, refuse_unknown, shortened
from apps.evaluations.targets import rendered

QUESTION: Final = (
    "You grade the answer of an assistant. Question and context:\n{{input}}\n\nExpected:\n{{expected}}\n\n"
    "Answer to grade:\n{{output}}\n\n"
    'Reply with JSON only: {"score": a number from 0 (wrong) to 1 (right), "reason": "one sentence"}.'
)
_SCORE: Final = re.compile(r"\{.*\}", re.DOTALL)


def clean(options: Options) -> dict[str, Any]:
    """The options with the question written out, so that a later change of the usual one changes no suite."""
    refuse_unknown(options, "endpoint", "model", "question", "least")
    endpoint, model = options.get("endpoint"), options.get("model")
    if not isinstance(endpoint, str) or not endpoint:
        raise ValueError("endpoint must name the endpoint on which the judge is asked.")
    if not isinstance(model, str) or not model:
        raise ValueError("model must name the judging model with its version, so that it is pinned.")
    question = options.get("question") or QUESTION
    if not isinstance(question, str) or "{{output}}" not in question:
        raise ValueError("question must contain {{output}}, where the answer goes.")
    return {
        "endpoint": endpoint,
        "model": model,
        "question": question,
        "least": clean_number(options, "least", 0.7, high=1.0),
    }


def pinned_name(options: Options) -> str:
    """The model with a fingerprint of its question: "gpt-5-mini · 1f3a9c2e"; results of another judge do not count."""
    digest = hashlib.sha256(str(options["question"]).encode()).hexdigest()[:8]
    return f"{str(options['model'])[:180]} · {digest}"


def question_of(*, inputs: Mapping[str, Any], expected: Any, output: str, options: Options) -> list[dict[str, str]]:
    """What the judge is asked. The answer is filled in last and in one pass: braces in it change nothing."""
    values = {
        **inputs,
        "input": "\n".join(f"{name}: {value}" for name, value in inputs.items()),
        "expected": expected if isinstance(expected, str) else json.dumps(expected, ensure_ascii=False),
        "output": output,
    }
    return rendered([{"role": "user", "content": str(options["question"])}], values)


def read_reply(reply: str, options: Options) -> Scored:
    """The judge's score; ValueError when the reply holds none: no verdict is no pass."""
    found = _SCORE.search(reply)
    try:
        data = json.loads(found[0]) if found else None
        value = data["score"] if isinstance(data, dict) else None
    except (ValueError, KeyError, RecursionError):
        value = None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise ValueError(f"The judge gave no score from 0 to 1: “{shortened(reply)}”.")
    reason = str(data.get("reason", "")) if isinstance(data, dict) else ""
    return Scored(float(value), value >= options.get("least", 0.7), shortened(reason, 500))


JUDGE = Scorer(
    kind="judge",
    label="LLM judge",
    summary="A pinned model grades the answer from 0 to 1.",
    needs_expectation=False,
    clean=clean,
)
