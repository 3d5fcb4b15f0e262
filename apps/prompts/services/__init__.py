"""Writing prompts, versions and labels: as sources tell them, and as people write them here."""

from apps.prompts.services.absences import mark_absent
from apps.prompts.services.authoring import FoundSomethingError, add_version, create_prompt
from apps.prompts.services.bypasses import adopt_bypass, revert_bypass
from apps.prompts.services.guards import resume_rollout, return_rollout
from apps.prompts.services.labels import upsert_labels
from apps.prompts.services.prompts import upsert_prompts
from apps.prompts.services.remapping import remap
from apps.prompts.services.rollouts import set_rollout
from apps.prompts.services.upstream import resolve_conflict, set_truth, take_back, write_upstream
from apps.prompts.services.uses import ToldUse, record_uses
from apps.prompts.services.versions import upsert_versions

__all__ = [
    "FoundSomethingError",
    "ToldUse",
    "add_version",
    "adopt_bypass",
    "create_prompt",
    "mark_absent",
    "record_uses",
    "remap",
    "resolve_conflict",
    "resume_rollout",
    "return_rollout",
    "revert_bypass",
    "set_rollout",
    "set_truth",
    "take_back",
    "upsert_labels",
    "upsert_prompts",
    "upsert_versions",
    "write_upstream",
]
