"""Writing prompts, versions and labels: as sources tell them, and as people write them here."""

from apps.prompts.services.absences import mark_absent
from apps.prompts.services.authoring import FoundSomethingError, add_version, create_prompt
from apps.prompts.services.labels import upsert_labels
from apps.prompts.services.prompts import upsert_prompts
from apps.prompts.services.remapping import remap
from apps.prompts.services.versions import upsert_versions

__all__ = [
    "FoundSomethingError",
    "add_version",
    "create_prompt",
    "mark_absent",
    "remap",
    "upsert_labels",
    "upsert_prompts",
    "upsert_versions",
]
