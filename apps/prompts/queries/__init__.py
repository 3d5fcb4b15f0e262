"""Reads of prompts, their versions, labels and change requests."""

from apps.prompts.queries.approvals import may_approve, policy_for, standing, written_by
from apps.prompts.queries.bypasses import open_bypasses
from apps.prompts.queries.changes import (
    Readiness,
    change_requests,
    changes_of,
    changes_with_text,
    due_changes,
    readiness,
    suggested_reviewers,
    threads_of,
    verbs_for,
    votes_of,
    waiting_for,
    waiting_for_gate,
    why_not_deciding,
)
from apps.prompts.queries.duties import Breach, Duty, duties
from apps.prompts.queries.evidence import evidence
from apps.prompts.queries.gates import GateCase, gate_cases, gate_of, gate_runs_under_way
from apps.prompts.queries.prompts import (
    VERSIONS,
    find_version,
    label_choices,
    label_history,
    labels,
    prompts,
    prompts_of_feature,
    versions,
)
from apps.prompts.queries.rollouts import rollout_of, rollouts_of
from apps.prompts.queries.snippets import messages_of, parent_names, parents
from apps.prompts.queries.syncing import SyncStanding, sync_of

__all__ = [
    "VERSIONS",
    "Breach",
    "Duty",
    "GateCase",
    "Readiness",
    "SyncStanding",
    "change_requests",
    "changes_of",
    "changes_with_text",
    "due_changes",
    "duties",
    "evidence",
    "find_version",
    "gate_cases",
    "gate_of",
    "gate_runs_under_way",
    "label_choices",
    "label_history",
    "labels",
    "may_approve",
    "messages_of",
    "open_bypasses",
    "parent_names",
    "parents",
    "policy_for",
    "prompts",
    "prompts_of_feature",
    "readiness",
    "rollout_of",
    "rollouts_of",
    "standing",
    "suggested_reviewers",
    "sync_of",
    "threads_of",
    "verbs_for",
    "versions",
    "votes_of",
    "waiting_for",
    "waiting_for_gate",
    "why_not_deciding",
    "written_by",
]
