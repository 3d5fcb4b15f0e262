"""Why a run or a step failed, in one line: the cause that the people wrote, not the frame that Dagster puts around."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from apps.connectors.values import first_line, list_or_empty, object_or_empty, optional_text

_MODULE = re.compile(r"^dagster(\.\w+)+\.(?=\w)")


@dataclass(frozen=True, slots=True)
class Failure:
    """The errors of one run: its own, and those of its steps by step key."""

    error: str = ""
    steps: Mapping[str, str] = field(default_factory=dict)


def error_text(error: Mapping[str, Any]) -> str:
    """The first line of an error of Dagster's; of one that only wraps another, the other's."""
    own = first_line(error.get("message"))
    causes = [first_line(object_or_empty(cause).get("message")) for cause in list_or_empty(error.get("causes"))]
    text = causes[0] if causes and causes[0] and own.startswith("dagster.") else own
    return _MODULE.sub("", text)


def read_failure(events: Iterable[Any]) -> Failure:
    """The failure in the events of one run; a later failure of the same step replaces an earlier one."""
    of_run, frame, steps = "", "", dict[str, str]()
    for event in map(object_or_empty, events):
        error = error_text(object_or_empty(event.get("error")))
        kind = event.get("__typename")
        if kind == "ExecutionStepFailureEvent" and (step_key := optional_text(event, "stepKey")):
            steps[step_key] = error
        elif kind == "RunFailureEvent":
            of_run, frame = error, first_line(event.get("message"))
    return Failure(of_run or next(filter(None, steps.values()), "") or frame, steps)
