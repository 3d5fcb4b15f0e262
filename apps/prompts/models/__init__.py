"""Prompts and their versions, labels, and the change requests that move labels."""

from apps.prompts.models.bypasses import LabelBypass
from apps.prompts.models.change_requests import ChangeRequest, ChangeRevision, Comment, Vote
from apps.prompts.models.effects import AfterReview, LabelPush
from apps.prompts.models.guarding import RolloutGuard, RolloutWatch
from apps.prompts.models.policies import ApprovalPolicy
from apps.prompts.models.prompts import LabelMove, Prompt, PromptKind, PromptLabel, PromptVersion, ScanOverride
from apps.prompts.models.serving import LabelRollout, PromptUse
from apps.prompts.models.syncing import PromptConflict, VersionPush

__all__ = [
    "AfterReview",
    "ApprovalPolicy",
    "ChangeRequest",
    "ChangeRevision",
    "Comment",
    "LabelBypass",
    "LabelMove",
    "LabelPush",
    "LabelRollout",
    "Prompt",
    "PromptConflict",
    "PromptKind",
    "PromptLabel",
    "PromptUse",
    "PromptVersion",
    "RolloutGuard",
    "RolloutWatch",
    "ScanOverride",
    "VersionPush",
    "Vote",
]
