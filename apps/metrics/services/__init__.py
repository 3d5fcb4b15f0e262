"""Everything that writes series and samples."""

from apps.metrics.services.budgets import set_budget
from apps.metrics.services.hours import roll_up_hours
from apps.metrics.services.house import keep_house
from apps.metrics.services.packs import pack_days
from apps.metrics.services.partitions import ensure_partitions, keep_partitions
from apps.metrics.services.primaries import refresh_primaries
from apps.metrics.services.remapping import remap
from apps.metrics.services.series import Telling, upsert_all_series, upsert_series

__all__ = [
    "Telling",
    "ensure_partitions",
    "keep_house",
    "keep_partitions",
    "pack_days",
    "refresh_primaries",
    "remap",
    "roll_up_hours",
    "set_budget",
    "upsert_all_series",
    "upsert_series",
]
