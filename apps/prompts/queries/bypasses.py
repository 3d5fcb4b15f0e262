"""Protected labels that were moved past the approval."""

from __future__ import annotations

from apps.prompts.models import LabelBypass
from apps.prompts.status import BypassState


def open_bypasses(*, prompt_id: int) -> list[LabelBypass]:
    """Those of a prompt that nobody has dealt with yet; none has its content."""
    heavy = [f"{side}__{name}" for side in ("expected", "found") for name in ("template", "messages")]
    rows = LabelBypass.objects.filter(prompt=prompt_id, state=BypassState.OPEN).select_related("expected", "found")
    return list(rows.defer(*heavy))
