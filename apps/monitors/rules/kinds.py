"""The kinds of monitors: what each watches for, in plain words, and the parameters that people may set."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any, Final

from apps.monitors.rules.burn import Burn
from apps.monitors.rules.change import Change
from apps.monitors.rules.decay import Decay
from apps.monitors.rules.drift import METHODS, Drift
from apps.monitors.rules.reading import ParameterError, Rule
from apps.monitors.rules.silence import Silence
from apps.monitors.rules.threshold import Threshold
from apps.monitors.rules.unusual import Unusual


@dataclass(frozen=True, slots=True)
class Parameter:
    """One thing to set. `choices` make it a choice; `default` None means that it may stay empty, unless required."""

    name: str
    label: str
    help: str = ""
    default: float | str | None = None
    choices: tuple[tuple[str, str], ...] = ()
    is_required: bool = False
    least: float | None = None
    most: float | None = None

    def check(self, value: Any) -> None:
        """ParameterError for what cannot be meant."""
        if self.choices:
            if value not in dict(self.choices):
                raise ParameterError(f"{self.label}: {str(value)[:40]!r} is none of the choices.")
            return
        if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
            raise ParameterError(f"{self.label}: {str(value)[:40]!r} cannot be read as a number.")
        if (self.least is not None and value < self.least) or (self.most is not None and value > self.most):
            raise ParameterError(f"{self.label}: {value:g} is out of range.")


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of monitor."""

    key: str
    label: str
    meaning: str
    unit: str  # of the value it compares: "" is the unit of the series
    make: Callable[[Mapping[str, Any], Mapping[str, Any]], Rule]
    parameters: tuple[Parameter, ...]
    history_days: float = 0.1  # that its first evaluation reads


def _direction(default: str, above: str = "higher is worse", below: str = "lower is worse") -> Parameter:
    return Parameter("direction", "Direction", default=default, choices=(("above", above), ("below", below)))


_ALERT = Parameter("alert", "Alert level", is_required=True)
_WARN = Parameter("warn", "Warning level", "Empty: no warning.")
_MARGIN = Parameter("margin", "Way back", "How far back across the level before it counts as over.", 0.0, least=0)
_SAMPLES = Parameter("samples", "Fewest samples", "Fewer in the window than this, and nothing is judged.", 1, least=1)

KINDS: Final[dict[str, Kind]] = {
    kind.key: kind
    for kind in (
        Kind(
            "threshold",
            "Level",
            "The mean of the last minutes is beyond a level.",
            "",
            Threshold,
            (
                _direction("above"),
                _ALERT,
                _WARN,
                Parameter("minutes", "Window in minutes", "", 5, least=1, most=1440),
                _MARGIN,
                _SAMPLES,
            ),
        ),
        Kind(
            "no_data",
            "No news",
            "The newest sample is too old.",
            "min",
            Silence,
            (Parameter("alert", "Alert after minutes", "", 30, is_required=True, least=1), _WARN),
        ),
        Kind(
            "change",
            "Sudden change",
            "The mean of the last minutes moved by so many percent against the minutes before.",
            "%",
            Change,
            (
                _direction("above", "a rise is worse", "a fall is worse"),
                Parameter("alert", "Alert at percent", "", 50, is_required=True, least=0),
                Parameter("warn", "Warn at percent", "Empty: no warning.", least=0),
                Parameter("minutes", "Window in minutes", "", 15, least=1, most=1440),
                _SAMPLES,
            ),
        ),
        Kind(
            "burn",
            "Error budget burns",
            "Too many bad samples for the objective: in an hour, in six hours, or steadily over three days.",
            "×",
            Burn,
            (
                _direction("above", "bad when above the limit", "bad when below the limit"),
                Parameter("limit", "Limit of a good sample", is_required=True),
                Parameter("objective", "Objective in percent", "Share of samples that must be good.", 99.0, least=0),
                Parameter("samples", "Fewest samples", "Fewer in the long window, and nothing is judged.", 6, least=1),
            ),
            history_days=3.1,
        ),
        Kind(
            "drift",
            "Drift",
            "The distribution of recent values moved away from that of the first days it watched.",
            "distance",
            Drift,
            (
                Parameter("method", "Method", default="psi", choices=tuple(METHODS.items())),
                Parameter("alert", "Alert level", "PSI: 0.25 is much. KS: 0 to 1.", 0.25, is_required=True, least=0),
                Parameter("warn", "Warning level", "PSI: 0.1 is some.", 0.1, least=0),
                Parameter("days", "Baseline in days", "", 7, least=0.04, most=14),
                Parameter("hours", "Window in hours", "", 24, least=0.1, most=168),
                Parameter("samples", "Fewest samples", "A small window differs by chance.", 60, least=5),
            ),
            history_days=15.0,
        ),
        Kind(
            "anomaly",
            "Unusual",
            "Unlike its own past: levels, jumps, spread, time of day and of week. It needs no level.",
            "score",
            Unusual,
            (
                Parameter("alert", "Score to alert at", "From 0 to 1; 0.5 suits most.", 0.5, is_required=True, least=0),
                Parameter("minutes", "Stay for minutes", "How long one peak counts.", 30, least=1),
            ),
            history_days=15.0,
        ),
        Kind(
            "decay",
            "Quiet decay",
            "Several weeks in a row a little worse, never bad enough for an alert.",
            "%",
            Decay,
            (
                _direction("below", "rising is worse", "falling is worse"),
                Parameter("weeks", "Weeks in a row", "", 4, least=2, most=8),
                Parameter("alert", "Percent in all", "Less than this is let pass.", 3, is_required=True, least=0),
                Parameter("samples", "Fewest samples a week", "", 3, least=1),
            ),
            history_days=70.0,
        ),
    )
}


def make_rule(kind: str, parameters: Mapping[str, Any], memory: Mapping[str, Any] | None = None) -> Rule:
    """The rule, going on from `memory`; ParameterError says in a sentence why it cannot be made."""
    if kind not in KINDS:
        raise ParameterError(f"Nobody knows the kind {kind!r}.")
    given = {name: value for name, value in parameters.items() if value is not None}
    for one in KINDS[kind].parameters:
        if one.name in given:
            one.check(given[one.name])
    return KINDS[kind].make(given, memory or {})
