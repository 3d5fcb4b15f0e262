"""Writing alerts as sources tell them."""

from apps.monitors.services.alerts import mark_absent, upsert_alerts
from apps.monitors.services.bypasses import follow_bypasses
from apps.monitors.services.punctuality import follow_punctuality
from apps.monitors.services.remapping import remap

__all__ = ["follow_bypasses", "follow_punctuality", "mark_absent", "remap", "upsert_alerts"]
