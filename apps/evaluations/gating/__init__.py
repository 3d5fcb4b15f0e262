"""May this version go live, as far as evaluations say? Pure rules.

Every scorer of every required suite has to be shown no worse than the live baseline, up to a margin
(`significance.py`); a failed safety case fails the gate whatever the average says; what is missing, expired, of
another judge or of older cases never counts, and of the rest all do: running again is no second chance (`picking.py`).
"""

from apps.evaluations.gating.facts import (
    SAFETY,
    CaseScore,
    GateReason,
    GateRequirement,
    GateRow,
    GateRun,
    GateVerdict,
    Pick,
    Pool,
    RunFact,
    Scores,
    Standing,
    State,
    SuiteFact,
)
from apps.evaluations.gating.judging import Pair, judge_gate, level, picks

__all__ = [
    "SAFETY",
    "CaseScore",
    "GateReason",
    "GateRequirement",
    "GateRow",
    "GateRun",
    "GateVerdict",
    "Pair",
    "Pick",
    "Pool",
    "RunFact",
    "Scores",
    "Standing",
    "State",
    "SuiteFact",
    "judge_gate",
    "level",
    "picks",
]
