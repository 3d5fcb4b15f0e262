"""Which metrics mean something without configuration: the GenAI and HTTP conventions, and names of the glossary."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum

# Names in small letters with _ for everything else, without the unit that Prometheus puts at their end.
DURATIONS = frozenset(
    {
        "gen_ai_client_operation_duration",
        "gen_ai_server_request_duration",
        "http_server_request_duration",
        "http_server_duration",
        "http_server_requests",
        "http_request_duration",
    }
)
COUNTS = frozenset({"http_requests_total", "http_server_requests_total"})
COSTS = re.compile(r"gen_ai_usage_cost(_usd)?(_total|_sum)?")
# Operations of GenAI that no person waits for as an answer.
NOT_ANSWERS = frozenset({"embeddings", "execute_tool", "create_agent"})
STATUS_LABELS = ("http_response_status_code", "http_status_code", "status_code", "status", "code")
UNIT_SUFFIXES = {"_seconds": 1.0, "_milliseconds": 0.001, "_ms": 0.001}
UNITS = {"s": 1.0, "ms": 0.001, "us": 1e-6, "ns": 1e-9, "min": 60.0, "h": 3600.0}
_NO_LETTER = re.compile(r"[^a-z0-9]+")


class Role(StrEnum):
    """What a metric tells of the answers of a feature."""

    DURATION = "duration"  # how long they take, how many there are, how many fail
    COUNT = "count"  # how many there are, how many fail
    COST = "cost"  # what they cost


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """A metric that feeds measures: `key` names it among others of the same role, `factor` makes seconds of it."""

    role: Role
    key: str
    factor: float = 1.0


def meaning_of(name: str, *, unit: str, labels: Mapping[str, str], is_histogram: bool) -> Meaning | None:
    """What the metric means, None for one that is nothing but a series under its own name."""
    plain = plain_name(name)
    if COSTS.fullmatch(plain) and unit.lower() in ("usd", ""):
        return Meaning(role=Role.COST, key="gen_ai_usage_cost")
    if plain in COUNTS and not is_histogram:
        return Meaning(role=Role.COUNT, key=plain)
    base, factor = _without_unit(plain, unit)
    if base not in DURATIONS or not is_histogram or _plain(labels).get("gen_ai_operation_name") in NOT_ANSWERS:
        return None
    return Meaning(role=Role.DURATION, key=base, factor=factor)


def has_failed(labels: Mapping[str, str]) -> bool:
    """Whether what is counted under these labels failed: it names an error, or its HTTP status is 5xx."""
    plain = _plain(labels)
    status = next((plain[name] for name in STATUS_LABELS if name in plain), "")
    if status[:1].isdigit() or status[1:] == "xx":
        return status.startswith("5")
    return bool(plain.get("error_type")) or status.lower() in ("error", "failure", "failed")


def measure_named(name: str, slugs: Collection[str]) -> str:
    """The measure that a gauge is named after ("thumbs_up_ratio", "answers.groundedness" is none), or ""."""
    plain = plain_name(name)
    return plain if plain in slugs else ""


def plain_name(name: str) -> str:
    """Small letters and _: `http.server.request.duration` and `http_server_request_duration` are one name."""
    return _NO_LETTER.sub("_", name.lower()).strip("_")


def _without_unit(plain: str, unit: str) -> tuple[str, float]:
    for suffix, factor in UNIT_SUFFIXES.items():
        if plain.endswith(suffix):
            return plain.removesuffix(suffix), factor
    if plain == "http_server_duration" and not unit:
        return plain, 0.001  # the old convention counts milliseconds
    return plain, UNITS.get(unit, 1.0)


def _plain(labels: Mapping[str, str]) -> dict[str, str]:
    return {plain_name(name): value for name, value in labels.items()}
