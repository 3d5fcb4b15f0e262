"""The line of a failed task's log that says why: Airflow 3 writes events with fields, Airflow 2 plain text."""

from __future__ import annotations

import re
from typing import Any

from apps.connectors.values import first_line, list_or_empty, object_or_empty, optional_text

_BAD_LEVELS = {"error", "critical"}
# "ValueError: no rows", "airflow.exceptions.AirflowException: Bash command failed", "KeyboardInterrupt"
_EXCEPTION = re.compile(r"^(?:\w+\.)*[A-Z]\w*(?:Error|Exception|Exit|Interrupt|Timeout|Failure|Fault)(?::\s.*)?$")
_ERROR = re.compile(r"\bERROR - (.+)$")


def error_in_events(log: Any) -> str:
    """Of Airflow 3's events the exception of the first that failed, else the first event of level error."""
    spoken = ""
    for event in map(object_or_empty, list_or_empty(object_or_empty(log).get("content"))):
        if optional_text(event, "level").lower() not in _BAD_LEVELS:
            continue
        if raised := _raised(event.get("error_detail")):
            return raised
        spoken = spoken or first_line(event.get("event"))
    return spoken


def _raised(detail: Any) -> str:
    """`ValueError: no rows`, of the outermost exception: Airflow lists a cause after what it led to."""
    for item in map(object_or_empty, list_or_empty(detail)):
        if kind := optional_text(item, "exc_type"):
            value = first_line(item.get("exc_value"))
            return f"{kind}: {value}"[:512] if value else kind
    return ""


def error_in_text(content: str) -> str:
    """Of Airflow 2's text the first exception after a traceback, else the first line of level ERROR.

    The API wraps it as the text of a Python list, [('host', 'line\\nline')], with escaped line ends.
    """
    lines = content.replace("\\n", "\n").splitlines()
    is_traced, spoken = False, ""
    for line in lines:
        is_traced = is_traced or line.startswith("Traceback (most recent call last)")
        if is_traced and _EXCEPTION.match(line.strip()) and not line.startswith(" "):
            return first_line(line)
        if not spoken and (found := _ERROR.search(line)):
            spoken = first_line(found[1])
    return spoken
