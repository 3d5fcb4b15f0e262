"""The tests of a mapping that are kept beside it: samples and the records they must become."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from enum import Enum
from typing import Any

from apps.connectors.errors import ConfigError, SourceError
from apps.connectors.providers.http.mapping import RecordMapping
from apps.connectors.providers.http.normalize import Read, read_answer, read_items
from apps.connectors.providers.http.rows import read_rows
from apps.connectors.providers.http.suggestions import did_you_mean, listed
from apps.connectors.records import Record, Rejected
from apps.connectors.values import UnreadableError, from_iso

FIELD = "tests"
MOST_TRIALS = 100
NOW = datetime(2026, 1, 1, tzinfo=UTC)  # of samples without a time of their own
_KEYS = frozenset({"name", "given", "answer", "expect"})
_REJECTED = "rejected"


def run_trials(config: Mapping[str, Any], mappings: Sequence[RecordMapping]) -> None:
    """Raise ConfigError unless every test gives what it expects; its sentence says the difference."""
    trials = config[FIELD] if config[FIELD] is not None else []
    if not isinstance(trials, list):
        raise ConfigError(FIELD, "The tests must be a list; begin every one with “- given: …”.")
    if len(trials) > MOST_TRIALS:
        raise ConfigError(FIELD, f"At most {MOST_TRIALS} tests fit beside one mapping.")
    for number, trial in enumerate(trials, start=1):
        where = f"Test {number}"
        _check(trial, where)
        where += f" ({trial['name']})" if isinstance(trial.get("name"), str) else ""
        outcomes = _outcomes(trial, where, config, mappings)
        _compare(trial["expect"], outcomes, where)


def _check(trial: Any, where: str) -> None:
    if not isinstance(trial, Mapping):
        raise ConfigError(FIELD, f"{where} is no object; write “- given: …” and below it “expect: […]”.")
    for key in trial:
        if key not in _KEYS:
            raise ConfigError(FIELD, f"{where}: “{key}” means nothing here{did_you_mean(str(key), _KEYS)}.")
    if ("given" in trial) == ("answer" in trial):
        raise ConfigError(FIELD, f"{where} needs `given` (an item or a list of items) or `answer` (a whole answer).")
    expected = trial.get("expect")
    if not isinstance(expected, list) or not all(isinstance(entry, Mapping) for entry in expected):
        raise ConfigError(FIELD, f"{where} needs `expect`: a list of records, each with the fields that matter.")


def _outcomes(
    trial: Mapping[str, Any], where: str, config: Mapping[str, Any], mappings: Sequence[RecordMapping]
) -> list[tuple[str, Record | Rejected]]:
    """(kind, record or rejected item), by mapping and in the order of the items."""
    asked = {entry["kind"] for entry in trial["expect"] if "kind" in entry}
    for kind in sorted(map(str, asked - {mapping.kind.value for mapping in mappings})):
        raise ConfigError(FIELD, f"{where} expects a {kind}, and no mapping makes one.")
    outcomes: list[tuple[str, Record | Rejected]] = []
    for mapping in mappings:
        if "given" in trial and asked and mapping.kind.value not in asked:
            continue
        outcomes += [(mapping.kind.value, one) for one in _in_order(_read(trial, where, config, mapping))]
    return outcomes


def _read(trial: Mapping[str, Any], where: str, config: Mapping[str, Any], mapping: RecordMapping) -> Read:
    if "given" in trial:
        given = trial["given"]
        return read_items(given if isinstance(given, list) else [given], mapping, at=NOW)
    answer = trial["answer"]
    try:
        if config["format"] == "csv" and isinstance(answer, str):
            answer = read_rows(answer, config).rows
        return read_answer(answer, [mapping], at=NOW)
    except SourceError as error:
        raise ConfigError(FIELD, f"{where}: {error.message}") from None


def _in_order(read: Read) -> Iterator[Record | Rejected]:
    """Records first, then what was rejected: both in the order of their items."""
    yield from read.records
    yield from read.rejected


def _compare(
    expected: Sequence[Mapping[str, Any]], outcomes: Sequence[tuple[str, Record | Rejected]], where: str
) -> None:
    for position, entry in enumerate(expected, start=1):
        if position > len(outcomes):
            break
        kind, got = outcomes[position - 1]
        _compare_one(entry, kind, got, f"{where}, record {position}")
    if len(expected) != len(outcomes):
        made = "; ".join(_named(kind, got) for kind, got in outcomes[:5])
        made = f"{len(outcomes)} ({made})" if outcomes else "none"
        raise ConfigError(FIELD, f"{where} expects {len(expected)} records, and the mapping makes {made}.")


def _named(kind: str, got: Record | Rejected) -> str:
    why = f", rejected: {got.reason}" if isinstance(got, Rejected) else ""
    return f"{kind} {got.external_id or 'without an id'}{why}"


def _compare_one(entry: Mapping[str, Any], kind: str, got: Record | Rejected, where: str) -> None:
    if entry.get("kind", kind) != kind:
        raise ConfigError(FIELD, f"{where} is a {kind}; expected is a {entry['kind']}.")
    if isinstance(got, Rejected):
        if _REJECTED not in entry:
            raise ConfigError(FIELD, f"{where} is rejected: {got.reason}. Write `{_REJECTED}: …` if that is meant.")
        if str(entry[_REJECTED]) not in got.reason:
            raise ConfigError(FIELD, f"{where} is rejected for another reason: {got.reason}.")
        return
    if _REJECTED in entry:
        raise ConfigError(FIELD, f"{where} is read as {kind} {got.external_id}; expected is that it is rejected.")
    for name, value in entry.items():
        if name != "kind":
            _compare_field(str(name), value, got, where)


def _compare_field(name: str, expected: Any, got: Record, where: str) -> None:
    known = {one.name for one in dataclasses.fields(got)} - {"raw"}
    if name not in known:
        hint = did_you_mean(name, known)
        raise ConfigError(FIELD, f"{where}: “{name}” is no field of it{hint}. Fields are {listed(known)}.")
    actual = getattr(got, name)
    if not agrees(expected, actual):
        raise ConfigError(FIELD, f"{where}: {name} is {shown(actual)}, expected is {shown(expected)}.")


def agrees(expected: Any, actual: Any) -> bool:
    """Whether a value is what the test wrote: times by their moment, numbers by value, objects by the named entries."""
    if isinstance(actual, datetime):
        try:
            return from_iso(expected) == actual
        except UnreadableError:
            return False
    if isinstance(actual, Decimal):
        try:
            return Decimal(str(expected)) == actual
        except InvalidOperation:
            return False
    if isinstance(actual, tuple):
        is_list = isinstance(expected, list) and len(expected) == len(actual)
        return is_list and all(agrees(one, other) for one, other in zip(expected, actual, strict=True))
    if dataclasses.is_dataclass(actual) and not isinstance(actual, type):
        actual = {one.name: getattr(actual, one.name) for one in dataclasses.fields(actual)}
    if isinstance(actual, Mapping):
        is_object = isinstance(expected, Mapping)
        return is_object and all(name in actual and agrees(value, actual[name]) for name, value in expected.items())
    if isinstance(actual, str) and isinstance(expected, int | float) and not isinstance(expected, bool):
        return actual == json.dumps(expected)  # an id written without quotes
    return type(expected) is not bool and expected == actual if not isinstance(actual, bool) else expected is actual


def shown(value: Any) -> str:
    """A value as a sentence names it."""
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, Enum):
        return f"“{value.value}”"
    if isinstance(value, str):
        return f"“{value[:80]}”"
    if isinstance(value, tuple | list):
        return f"[{', '.join(map(shown, value[:5]))}{', …' if len(value) > 5 else ''}]"
    return "nothing" if value is None else json.dumps(value, default=str, ensure_ascii=False)[:120]
