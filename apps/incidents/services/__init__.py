"""Everything that writes about incidents."""

from apps.incidents.services.actions import add_action, change_action, remind_of_actions
from apps.incidents.services.cases import add_regression_case
from apps.incidents.services.drafting import draft_from_events
from apps.incidents.services.errors import ConflictError, IncidentError
from apps.incidents.services.explaining import explain_alerts
from apps.incidents.services.incidents import Clocks, Declaration, acknowledge, change_incident, declare, move
from apps.incidents.services.reviews import save_review, set_review
from apps.incidents.services.roles import hand_over
from apps.incidents.services.timeline import add_entry, change_entry, pin_event
from apps.incidents.services.updates import post_update, remind
from apps.incidents.services.verdicts import give_verdict

__all__ = [
    "Clocks",
    "ConflictError",
    "Declaration",
    "IncidentError",
    "acknowledge",
    "add_action",
    "add_entry",
    "add_regression_case",
    "change_action",
    "change_entry",
    "change_incident",
    "declare",
    "draft_from_events",
    "explain_alerts",
    "give_verdict",
    "hand_over",
    "move",
    "pin_event",
    "post_update",
    "remind",
    "remind_of_actions",
    "save_review",
    "set_review",
]
