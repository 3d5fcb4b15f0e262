"""Rules that watch one stream each: pure, streaming, the same for live evaluation and for back-tests."""

from apps.monitors.rules.kinds import KINDS, Kind, Parameter, make_rule
from apps.monitors.rules.reading import Level, ParameterError, Reading, Rule

__all__ = ["KINDS", "Kind", "Level", "Parameter", "ParameterError", "Reading", "Rule", "make_rule"]
