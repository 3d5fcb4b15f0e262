"""The mapping of a source: what people wrote, checked and compiled. Every mistake is named with its place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from jmespath.parser import ParsedResult

from apps.connectors.errors import ConfigError
from apps.connectors.providers.http.expressions import compile_expression
from apps.connectors.providers.http.reading import is_nothing, own_word, time_reader
from apps.connectors.providers.http.suggestions import did_you_mean, listed
from apps.connectors.providers.http.targets import Dialect, Target, carries, targets_of
from apps.connectors.records import Kind
from apps.connectors.values import UnreadableError

FIELD = "mapping"
MOST_MAPPINGS = 30
_KEYS = frozenset(
    {"kind", "items", "children", "fields", "constants", "labels", "states", "triggers", "complete", "times", "zone"}
)
_TIMES = ("iso", "seconds", "millis")
_LISTABLE = frozenset(  # kinds that can be called gone, or over, when a whole list lacks them
    {Kind.PIPELINE, Kind.RUN, Kind.PROMPT, Kind.PROMPT_VERSION, Kind.PROMPT_LABEL, Kind.ALERT}
)
_WORDS = {"states": "state", "triggers": "trigger"}  # the key of the mapping -> the field it translates


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordMapping:
    """One entry of the mapping, ready for use. `constants` are values of fields already read.

    `number` counts from 1 and names the entry in messages; `constant_state` is the word behind a fixed state.
    """

    number: int
    kind: Kind
    items: ParsedResult
    children: ParsedResult | None
    fields: Mapping[str, tuple[Target, ParsedResult]]
    constants: Mapping[str, Any]
    labels: Mapping[str, ParsedResult]
    dialect: Dialect
    is_complete: bool = False
    constant_state: str = ""

    @property
    def where(self) -> str:
        """How messages call this entry."""
        return f"Mapping {self.number} ({self.kind.value})"


@dataclass(slots=True)
class _Entry:
    """One entry on its way through the checks."""

    number: int
    raw: Mapping[str, Any]
    kind: Kind = Kind.RUN
    targets: Mapping[str, Target] = field(default_factory=dict)

    @property
    def where(self) -> str:
        return f"Mapping {self.number} ({self.kind.value})"

    def wrong(self, message: str) -> ConfigError:
        """The error whose sentence begins with the place."""
        return ConfigError(FIELD, f"{self.where}: {message}")

    def object(self, key: str) -> Mapping[str, Any]:
        """The object under `key`, {} when it is absent."""
        value = self.raw.get(key)
        if value is None:
            return {}
        if not isinstance(value, Mapping):
            raise self.wrong(f"`{key}` must be an object, like {key}: {{name: …}}.")
        return value


def read_mappings(value: Any) -> list[RecordMapping]:
    """The compiled mapping; raises ConfigError naming the entry, the field and what to write."""
    if not isinstance(value, list):
        raise ConfigError(FIELD, "The mapping must be a list; begin every entry with “- kind: …”.")
    if len(value) > MOST_MAPPINGS:
        raise ConfigError(FIELD, f"At most {MOST_MAPPINGS} entries fit into one mapping.")
    return [_read(raw, number) for number, raw in enumerate(value, start=1)]


def _read(raw: Any, number: int) -> RecordMapping:
    entry = _begin(raw, number)
    dialect = Dialect(time=_time(entry), words=_words(entry))
    constants, constant_state = _constants(entry, dialect)
    fields = {
        name: (entry.targets[name], _compiled(entry, f"fields.{name}", text)) for name, text in _named(entry, "fields")
    }
    twice = sorted(set(fields) & set(constants))
    if twice:
        raise entry.wrong(f"“{twice[0]}” stands under `fields` and under `constants`; keep one.")
    _demand(entry, {*fields, *constants})
    return RecordMapping(
        number=number,
        kind=entry.kind,
        items=_compiled(entry, "items", raw.get("items", "@")),
        children=_compiled(entry, "children", raw["children"]) if "children" in raw else None,
        fields=fields,
        constants=constants,
        labels=_labels(entry),
        dialect=dialect,
        is_complete=_is_complete(entry),
        constant_state=constant_state,
    )


def _begin(raw: Any, number: int) -> _Entry:
    """The entry with its kind, when its keys are known ones."""
    if not isinstance(raw, Mapping):
        raise ConfigError(FIELD, f"Mapping {number} is no object; write “- kind: run” and below it the fields.")
    kinds = {kind.value for kind in Kind}
    if raw.get("kind") not in kinds:
        given = str(raw.get("kind") or "")
        said = f"“{given[:40]}” is no kind{did_you_mean(given, kinds)}" if given else "it has no kind"
        raise ConfigError(FIELD, f"Mapping {number}: {said}. The kinds are {listed(kinds)}.")
    entry = _Entry(number, raw, Kind(raw["kind"]))
    entry.targets = targets_of(entry.kind)
    for key in raw:
        if key not in _KEYS:
            raise entry.wrong(f"“{key}” means nothing here{did_you_mean(str(key), _KEYS)}. Known are {listed(_KEYS)}.")
    return entry


def _named(entry: _Entry, key: str) -> list[tuple[str, Any]]:
    """The entries under `fields` or `constants`, when every name is a field of the kind."""
    found = entry.object(key)
    for name in found:
        if name == "labels" and carries(entry.kind, "labels"):
            raise entry.wrong("labels have their own key: write `labels: {name: expression}` beside `fields`.")
        if name == "raw_state" and "state" in entry.targets:
            raise entry.wrong("raw_state is kept by itself: it is what `state` finds. Remove it.")
        if name not in entry.targets:
            hint = did_you_mean(str(name), entry.targets)
            raise entry.wrong(f"“{name}” is no field of it{hint}. Fields are {listed(entry.targets)}.")
    return list(found.items())


def _compiled(entry: _Entry, name: str, text: Any) -> ParsedResult:
    return compile_expression(text, field=FIELD, where=f"{entry.where}: `{name}`")


def _constants(entry: _Entry, dialect: Dialect) -> tuple[dict[str, Any], str]:
    values, state = {}, ""
    for name, value in _named(entry, "constants"):
        if is_nothing(value):
            raise entry.wrong(f"the constant “{name}” is empty; give it a value or remove it.")
        try:
            values[name] = entry.targets[name].read(value, dialect)
        except UnreadableError as error:
            raise entry.wrong(f"the constant “{name}” cannot be used: {error}.") from None
        if name == "state" and carries(entry.kind, "raw_state"):
            state = own_word(value)
    return values, state


def _demand(entry: _Entry, given: set[str]) -> None:
    """Every field without a default must be filled."""
    missing = [target.name for target in entry.targets.values() if target.is_required and target.name not in given]
    if missing:
        example = f"fields: {{{missing[0]}: some.path}}"
        raise entry.wrong(
            f"needs {' and '.join(f'“{name}”' for name in missing)}; write `{example}` with a JMESPath expression, "
            f"or `constants: {{{missing[0]}: …}}` if it is always the same."
        )
    if entry.kind is Kind.SERIES and not given & {"value", "samples"}:
        raise entry.wrong("needs “value” (one number an item) or “samples” (a list of [time, value]) under `fields`.")
    if entry.kind is Kind.PROMPT_VERSION and not given & {"template", "messages"}:
        raise entry.wrong("needs “template” (a text) or “messages” (a chat) under `fields`.")


def _labels(entry: _Entry) -> dict[str, ParsedResult]:
    found = entry.object("labels")
    if found and not carries(entry.kind, "labels"):
        raise entry.wrong("records of this kind carry no labels; remove `labels`.")
    return {str(name): _compiled(entry, f"labels.{name}", text) for name, text in found.items()}


def _words(entry: _Entry) -> dict[str, dict[str, str]]:
    """The translations of states and triggers, by field."""
    words = {}
    for key, name in _WORDS.items():
        given = entry.object(key)
        vocabulary = entry.targets[name].vocabulary if name in entry.targets else None
        if given and vocabulary is None:
            raise entry.wrong(f"records of this kind have no {name}; remove `{key}`.")
        if vocabulary is not None:
            words[name] = {
                str(theirs): _our_word(entry, key, theirs, ours, vocabulary) for theirs, ours in given.items()
            }
    return words


def _our_word(entry: _Entry, key: str, theirs: str, ours: Any, vocabulary: type[StrEnum]) -> str:
    known = {member.value for member in vocabulary}
    if ours not in known:
        hint = did_you_mean(str(ours), known)
        raise entry.wrong(f"`{key}.{theirs}` is “{ours}”, which is none of ours{hint}. Write one of {listed(known)}.")
    return str(ours)


def _time(entry: _Entry) -> Any:
    style, zone = entry.raw.get("times", "iso"), entry.raw.get("zone")
    if not isinstance(style, str) or (style not in _TIMES and "%" not in style):
        raise entry.wrong("`times` is iso, seconds, millis, or a pattern like “%d.%m.%Y %H:%M”.")
    try:
        return time_reader(style, ZoneInfo(zone) if zone is not None else None)
    except (ZoneInfoNotFoundError, ValueError, TypeError, OSError):
        raise entry.wrong(f"“{zone}” is no time zone; write it like Europe/Berlin or UTC.") from None


def _is_complete(entry: _Entry) -> bool:
    value = entry.raw.get("complete", False)
    if not isinstance(value, bool):
        raise entry.wrong("`complete` is true or false.")
    if value and entry.kind not in _LISTABLE:
        raise entry.wrong(f"`complete` means nothing for it; it does for {listed(kind.value for kind in _LISTABLE)}.")
    return value
