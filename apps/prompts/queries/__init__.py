"""Reads of prompts, their versions, labels and change requests."""

from apps.prompts.queries.approvals import may_approve, policy_for, standing, written_by
from apps.prompts.queries.gates import GateCase, gate_cases, gate_of
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
from apps.prompts.queries.snippets import messages_of, parent_names, parents

__all__ = [
    "VERSIONS",
    "GateCase",
    "find_version",
    "gate_cases",
    "gate_of",
    "label_choices",
    "label_history",
    "labels",
    "may_approve",
    "messages_of",
    "parent_names",
    "parents",
    "policy_for",
    "prompts",
    "prompts_of_feature",
    "standing",
    "versions",
    "written_by",
]
