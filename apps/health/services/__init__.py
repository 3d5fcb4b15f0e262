"""Everything that writes health."""

from apps.health.services.announcing import announce, withdraw_announcement
from apps.health.services.bypasses import judge_bypasses
from apps.health.services.changes import apply_due_changes, settle_waiting_changes
from apps.health.services.consistency import refresh_consistency
from apps.health.services.data import refresh_data
from apps.health.services.digests import choose_digest, send_digests, stop_digest
from apps.health.services.looks import mark_seen, note_look
from apps.health.services.punctuality import judge_pipelines
from apps.health.services.refreshing import refresh_due, refresh_health
from apps.health.services.replaying import backfill_health

__all__ = [
    "announce",
    "apply_due_changes",
    "backfill_health",
    "choose_digest",
    "judge_bypasses",
    "judge_pipelines",
    "mark_seen",
    "note_look",
    "refresh_consistency",
    "refresh_data",
    "refresh_due",
    "refresh_health",
    "send_digests",
    "settle_waiting_changes",
    "stop_digest",
    "withdraw_announcement",
]
