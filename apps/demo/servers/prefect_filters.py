"""Which runs a question to Prefect means, and how Prefect refuses a question it does not understand."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from apps.demo.servers.prefect_shapes import deployment_id, flow_id
from apps.demo.world.dice import DAY, World
from apps.demo.world.runs import LONGEST, Plan, State, state_at, upcoming
from apps.demo.world.systems import pipelines_of, plans_of

FLOWS = pipelines_of("prefect")
KEPT = 45 * DAY
MAX_LIMIT = 200
OPEN_TYPES = frozenset({"SCHEDULED", "PENDING", "RUNNING", "PAUSED", "CANCELLING"})
STATE_TYPES = (
    "SCHEDULED", "PENDING", "RUNNING", "COMPLETED", "FAILED", "CANCELLED", "CRASHED", "PAUSED", "CANCELLING",
)  # fmt: skip
RUN_SORTS = (
    "ID_DESC", "START_TIME_ASC", "START_TIME_DESC", "EXPECTED_START_TIME_ASC", "EXPECTED_START_TIME_DESC",
    "NAME_ASC", "NAME_DESC", "NEXT_SCHEDULED_START_TIME_ASC", "END_TIME_DESC",
)  # fmt: skip
SPANS = ("start_time", "end_time", "expected_start_time")
FAR = 9e9  # seconds: after every run


class InvalidQuestion(Exception):  # noqa: N818 - it becomes an answer, not a failure of ours
    """A 422 with this body."""

    def __init__(self, body: dict[str, Any]) -> None:
        super().__init__(str(body))
        self.body = body


def one_of(body: Mapping[str, Any], loc: list[str | int], value: object, allowed: tuple[str, ...]) -> None:
    """Refuse a value that is not in an enumeration, as pydantic words it."""
    if value not in allowed:
        quoted = [f"'{name}'" for name in allowed]
        expected = f"{', '.join(quoted[:-1])} or {quoted[-1]}"
        raise _invalid(
            body,
            type="enum",
            loc=["body", *loc],
            msg=f"Input should be {expected}",
            input=value,
            ctx={"expected": expected},
        )


def _invalid(body: Mapping[str, Any], **detail: Any) -> InvalidQuestion:
    return InvalidQuestion(
        {"exception_message": "Invalid request received.", "exception_detail": [detail], "request_body": dict(body)}
    )


def page_of(body: Mapping[str, Any]) -> tuple[int, int]:
    """(offset, limit) of a question."""
    limit, offset = body.get("limit", MAX_LIMIT), body.get("offset", 0)
    for name, value in (("limit", limit), ("offset", offset)):
        if not isinstance(value, int) or isinstance(value, bool):
            raise _invalid(
                body, type="int_type", loc=["body", name], msg="Input should be a valid integer", input=value
            )
    if limit > MAX_LIMIT:
        raise InvalidQuestion({"detail": f"Invalid limit: must be less than or equal to {MAX_LIMIT}."})
    if offset < 0:
        raise _invalid(
            body, type="greater_than_equal", loc=["body", "offset"], msg="Input should be greater than or equal to 0",
            input=offset, ctx={"ge": 0},
        )  # fmt: skip
    return offset, max(limit, 0)


@dataclass(frozen=True, slots=True)
class RunFilter:
    """The conditions on runs; None is no condition. Spans are (from, to) in seconds, both included."""

    ids: frozenset[str] | None
    flow_ids: frozenset[str] | None
    deployment_ids: frozenset[str] | None
    state_types: frozenset[str] | None
    state_names: frozenset[str] | None
    spans: dict[str, tuple[float, float]]

    def accepts(self, world: World, plan: Plan, state: State, at: float) -> bool:
        """Whether a run, as it is at a time, meets every condition."""
        return (
            _is_in(self.state_types, state.type)
            and _is_in(self.state_names, state.name)
            and all(_is_within(_moment(plan, name, at), span) for name, span in self.spans.items())
            and _is_in(self.ids, plan.id)
            and (self.flow_ids is None or flow_id(world, plan.pipeline) in self.flow_ids)
            and (self.deployment_ids is None or deployment_id(world, plan.pipeline) in self.deployment_ids)
        )

    def due_between(self, at: float) -> tuple[int, int]:
        """The earliest and latest time at which a run that meets the conditions can have been due."""
        first, last = at - KEPT, at
        if self.state_types is not None and self.state_types <= OPEN_TYPES:
            first = max(first, at - LONGEST)
        for name, (start, end) in self.spans.items():
            first = max(first, start if name == "expected_start_time" else start - LONGEST)
            last = min(last, end)
        return int(first), int(last)


def _is_in(wanted: frozenset[str] | None, value: str) -> bool:
    return wanted is None or value in wanted


def _is_within(moment: float | None, span: tuple[float, float]) -> bool:
    return moment is not None and span[0] <= moment <= span[1]


def _moment(plan: Plan, name: str, at: float) -> float | None:
    if name == "expected_start_time":
        return plan.due_at
    moment = plan.starts_at if name == "start_time" else plan.ends_at
    return moment if moment <= at else None


def read_run_filter(world: World, body: Mapping[str, Any]) -> RunFilter:
    """The conditions in a question; raises InvalidQuestion."""
    runs, flows, deployments = (_part(body, name) for name in ("flow_runs", "flows", "deployments"))
    state = runs.get("state") or {}
    types = _texts(body, state.get("type"), ["flow_runs", "state", "type", "any_"])
    for number, value in enumerate((state.get("type") or {}).get("any_") or []):
        one_of(body, ["flow_runs", "state", "type", "any_", number], value, STATE_TYPES)
    flow_ids = _texts(body, flows.get("id"), ["flows", "id", "any_"])
    if (names := _texts(body, flows.get("name"), ["flows", "name", "any_"])) is not None:
        named = frozenset(flow_id(world, pipeline.slug) for pipeline in FLOWS if pipeline.slug in names)
        flow_ids = named if flow_ids is None else flow_ids & named
    own = _texts(body, runs.get("deployment_id"), ["flow_runs", "deployment_id", "any_"])
    joined = _texts(body, deployments.get("id"), ["deployments", "id", "any_"])
    return RunFilter(
        ids=_texts(body, runs.get("id"), ["flow_runs", "id", "any_"]),
        flow_ids=flow_ids,
        deployment_ids=joined if own is None else own if joined is None else own & joined,
        state_types=types,
        state_names=_texts(body, state.get("name"), ["flow_runs", "state", "name", "any_"]),
        spans={name: _span(body, name, runs[name]) for name in SPANS if runs.get(name)},
    )


def _part(body: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = body.get(name) or {}
    if not isinstance(part, Mapping):
        raise _invalid(
            body, type="model_attributes_type", loc=["body", name],
            msg="Input should be a valid dictionary or object to extract fields from", input=part,
        )  # fmt: skip
    return part


def _texts(body: Mapping[str, Any], condition: Any, loc: list[str | int]) -> frozenset[str] | None:
    """The values of an `any_` condition, None without one."""
    values = condition.get("any_") if isinstance(condition, Mapping) else None
    if values is None:
        return None
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise _invalid(body, type="list_type", loc=["body", *loc], msg="Input should be a valid list", input=values)
    return frozenset(values)


def _span(body: Mapping[str, Any], name: str, condition: Mapping[str, Any]) -> tuple[float, float]:
    after, before = (_seconds(body, name, key, condition.get(key)) for key in ("after_", "before_"))
    return (0.0 if after is None else after), (FAR if before is None else before)


def _seconds(body: Mapping[str, Any], name: str, key: str, value: Any) -> float | None:
    if value is None:
        return None
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise _invalid(
            body, type="datetime_from_date_parsing", loc=["body", "flow_runs", name, key],
            msg="Input should be a valid datetime or date, invalid character in year", input=value,
        ) from None  # fmt: skip
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def find_runs(world: World, wanted: RunFilter, at: float) -> list[Plan]:
    """The runs that meet the conditions, oldest first: those that were due, and the next ones of each flow."""
    first, last = wanted.due_between(at)
    found: Iterable[Plan] = plans_of(world, "prefect", first, last) if first <= last else []
    if wanted.state_types is None or "SCHEDULED" in wanted.state_types:
        found = [*found, *(plan for pipeline in FLOWS for plan in upcoming(world, pipeline, at))]
    return [plan for plan in found if wanted.accepts(world, plan, state_at(plan, at), at)]


def sort_runs(plans: list[Plan], sort: str) -> list[Plan]:
    """The runs in the order of one of Prefect's sorts."""
    keys: dict[str, Callable[[Plan], Any]] = {
        "ID_DESC": lambda plan: plan.id,
        "START_TIME_ASC": lambda plan: (plan.starts_at, plan.id),
        "START_TIME_DESC": lambda plan: (plan.starts_at, plan.id),
        "EXPECTED_START_TIME_ASC": lambda plan: (plan.due_at, plan.id),
        "EXPECTED_START_TIME_DESC": lambda plan: (plan.due_at, plan.id),
        "NAME_ASC": lambda plan: (plan.name, plan.id),
        "NAME_DESC": lambda plan: (plan.name, plan.id),
        "NEXT_SCHEDULED_START_TIME_ASC": lambda plan: (plan.due_at, plan.id),
        "END_TIME_DESC": lambda plan: (plan.ends_at, plan.id),
    }
    return sorted(plans, key=keys[sort], reverse=sort.endswith("DESC"))
