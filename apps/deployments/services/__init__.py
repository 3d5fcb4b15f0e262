"""Writing deployments as sources tell them, and what people decide about them."""

from apps.deployments.services.deployments import upsert_deployments
from apps.deployments.services.failures import LinkError, decide_link, link_incident
from apps.deployments.services.freezes import FreezeError, lift_freeze, plan_freeze
from apps.deployments.services.gates import (
    ask_gate,
    claim_gates,
    mark_answered,
    mark_delayed,
    mark_failed,
    mark_unknown,
)
from apps.deployments.services.holds import HoldError, ask_rollback, hold_place, lift_hold
from apps.deployments.services.remapping import remap

__all__ = [
    "FreezeError",
    "HoldError",
    "LinkError",
    "ask_gate",
    "ask_rollback",
    "claim_gates",
    "decide_link",
    "hold_place",
    "lift_freeze",
    "lift_hold",
    "link_incident",
    "mark_answered",
    "mark_delayed",
    "mark_failed",
    "mark_unknown",
    "plan_freeze",
    "remap",
    "upsert_deployments",
]
