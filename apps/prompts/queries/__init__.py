"""Reads of prompts, their versions, labels and change requests."""

from apps.prompts.queries.approvals import may_approve, policy_for, standing, written_by
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

__all__ = [
    "VERSIONS",
    "find_version",
    "label_choices",
    "label_history",
    "labels",
    "may_approve",
    "policy_for",
    "prompts",
    "prompts_of_feature",
    "standing",
    "versions",
    "written_by",
]
