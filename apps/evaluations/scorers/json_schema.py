"""The answer is JSON that fits a schema."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from jsonschema import Draft202012Validator, ValidationError, validators
from jsonschema.exceptions import SchemaError, best_match
from referencing import Registry
from referencing.exceptions import Unresolvable

from apps.evaluations.scorers.base import Answer, Options, Scored, Scorer, refuse_unknown, shortened, verdict
from apps.evaluations.scorers.patience import check_pattern, is_found

_NOTHING_OUTSIDE: Registry[Any] = Registry()  # a schema never makes us fetch another one


def _pattern(_validator: Any, pattern: str, instance: Any, _schema: Any) -> Iterator[ValidationError]:
    if isinstance(instance, str) and not is_found(pattern, instance):
        yield ValidationError(f"{instance!r} does not match {pattern!r}")


_Validator = validators.extend(Draft202012Validator, {"pattern": _pattern})  # type: ignore[no-untyped-call]


def clean(options: Options) -> dict[str, Any]:
    refuse_unknown(options)
    return {}


def check(expected: Any) -> None:
    """ValueError for what is no schema, or for one whose patterns we do not run."""
    if not isinstance(expected, dict | bool):
        raise ValueError("expects a JSON Schema")
    try:
        Draft202012Validator.check_schema(expected)
    except SchemaError as error:
        raise ValueError(f"has no valid JSON Schema: {shortened(error.message)}") from None
    for name, value in _keywords(expected):
        if name == "patternProperties":
            raise ValueError("has a JSON Schema with patternProperties, which are not supported")
        if name == "pattern" and isinstance(value, str):
            check_pattern(value)


def score(answer: Answer, expected: Any, _options: Options) -> Scored:
    """The JSON may stand in a Markdown fence; the comment says the most important of what is wrong."""
    try:
        value = json.loads(_unfenced(answer.text))
    except (ValueError, RecursionError):
        return verdict(False, "The answer is not JSON.")
    try:
        error = best_match(_Validator(expected, registry=_NOTHING_OUTSIDE).iter_errors(value))
    except TimeoutError as late:
        return verdict(False, str(late))
    except (Unresolvable, RecursionError):
        return verdict(False, "The schema refers to something that is not in it.")
    return verdict(error is None, "" if error is None else shortened(f"{error.json_path}: {error.message}"))


def _unfenced(text: str) -> str:
    body = text.strip()
    if body.startswith("```") and body.endswith("```"):
        return body[3:-3].removeprefix("json")
    return body


def _keywords(schema: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(schema, dict):
        for name, value in schema.items():
            yield name, value
            yield from _keywords(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from _keywords(value)


JSON_SCHEMA = Scorer(
    kind="json_schema",
    label="JSON Schema",
    summary="The answer is JSON that fits the expected schema (draft 2020-12).",
    needs_expectation=True,
    clean=clean,
    check=check,
    score=score,
)
