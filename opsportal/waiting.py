"""Work that somebody asked for: looked for once a second in one statement, and sent on only when there is some.

A tick of its own for each would cost a message, a thread and a handful of statements a second, nearly always in vain.
"""

from datetime import datetime

from django.db import connection

# The task that does it, and where its work lies; it is claimed there, so sending a task once too often is harmless.
WAITING = {
    "apps.sync.tasks.push_label_moves": """(
        SELECT state, leased_until, next_try_at FROM prompts_labelpush
        UNION ALL
        SELECT state, leased_until, next_try_at FROM prompts_versionpush push
         WHERE NOT EXISTS (SELECT FROM prompts_promptconflict WHERE ours_id = push.id AND state = 'open')) AS push
        WHERE state IN ('queued', 'failed', 'pushing')
          AND CASE state WHEN 'pushing' THEN leased_until ELSE next_try_at END <= %(at)s""",
    "apps.sync.tasks.answer_gates": "deployments_gatequestion WHERE next_try_at <= %(at)s",
    "apps.sync.tasks.carry_out_evaluations": """(
        SELECT FROM evaluations_order
         WHERE due_at <= %(at)s AND (claimed_until IS NULL OR claimed_until <= %(at)s)
        UNION ALL
        SELECT FROM evaluations_suiteschedule WHERE is_enabled AND due_at <= %(at)s) AS due""",
    "apps.sync.tasks.carry_out_remappings": "sources_remapping WHERE finished_at IS NULL",
    "apps.monitors.tasks.run_backtests": "monitors_backtest WHERE state = 'queued'",
    "apps.notifications.tasks.deliver_events": "notifications_subscription WHERE is_enabled",
    "apps.notifications.tasks.replay_events": "notifications_replay WHERE finished_at IS NULL",
    "apps.health.tasks.apply_due_changes": """prompts_changerequest
        WHERE state = 'approved' AND apply_at <= %(at)s""",
}
_ANY = "SELECT " + ", ".join(f"EXISTS (SELECT FROM {place})" for place in WAITING.values())  # noqa: S608 - the table above


def waiting_tasks(*, at: datetime) -> list[str]:
    """The names of the tasks for which there is something to do."""
    with connection.cursor() as cursor:
        cursor.execute(_ANY, {"at": at})
        found = cursor.fetchone()
    assert found is not None
    return [name for name, is_waiting in zip(WAITING, found, strict=True) if is_waiting]
