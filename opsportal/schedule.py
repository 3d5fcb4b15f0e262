"""Every periodic task, one table. Beat only ticks; what is due is decided in PostgreSQL (see also waiting.py)."""

from typing import Any

SCHEDULE: dict[str, dict[str, Any]] = {
    "tick": {
        "task": "opsportal.tasks.tick",
        "schedule": 1.0,
        "options": {"expires": 1.0},
    },
    "judge-bypasses": {
        "task": "apps.sync.tasks.push_label_moves",
        "schedule": 15.0,
        "options": {"expires": 15.0},
    },
    "judge-pipelines": {
        "task": "apps.health.tasks.judge_due_pipelines",
        "schedule": 15.0,
        "options": {"expires": 15.0},
    },
    "roll-up-reliability": {
        "task": "apps.pipelines.tasks.roll_up_reliability",
        "schedule": 15.0,
        "options": {"expires": 15.0},
    },
    "refresh-health": {
        "task": "apps.health.tasks.refresh_due_health",
        "schedule": 15.0,
        "options": {"expires": 15.0},
    },
    "evaluate-monitors": {
        "task": "apps.monitors.tasks.evaluate_monitors",
        "schedule": 15.0,
        "options": {"expires": 15.0},
    },
    "measure-slos": {
        "task": "apps.monitors.tasks.measure_slos",
        "schedule": 60.0,
        "options": {"expires": 60.0},
    },
    "follow-incidents": {
        "task": "apps.incidents.tasks.follow_incidents",
        "schedule": 5.0,
        "options": {"expires": 5.0},
    },
    "explain-alerts": {
        "task": "apps.incidents.tasks.explain_alerts",
        "schedule": 5.0,
        "options": {"expires": 5.0},
    },
    "settle-waiting-changes": {
        "task": "apps.health.tasks.settle_waiting_changes",
        "schedule": 30.0,
        "options": {"expires": 30.0},
    },
    "send-digests": {
        "task": "apps.health.tasks.send_digests",
        "schedule": 60.0,
        "options": {"expires": 60.0},
    },
    "set-demo-monitors": {
        "task": "apps.demo.tasks.set_demo_monitors",
        "schedule": 60.0,
        "options": {"expires": 60.0},
    },
    "send-mail": {
        "task": "apps.notifications.tasks.send_mail",
        "schedule": 10.0,
        "options": {"expires": 10.0},
    },
    "tidy-notifications": {
        "task": "apps.notifications.tasks.tidy_notifications",
        "schedule": 3600.0,
        "options": {"expires": 3600.0},
    },
    "keep-partitions": {
        "task": "apps.metrics.tasks.keep_partitions",
        "schedule": 3600.0,
        "options": {"expires": 3600.0},
    },
    "pack-days": {
        "task": "apps.metrics.tasks.pack_days",
        "schedule": 3600.0,
        "options": {"expires": 3600.0},
    },
    "forget-answers": {
        "task": "apps.api.tasks.forget_answers",
        "schedule": 3600.0,
        "options": {"expires": 3600.0},
    },
    "tidy-sources": {
        "task": "apps.sources.tasks.tidy_sources",
        "schedule": 3600.0,
        "options": {"expires": 3600.0},
    },
}
