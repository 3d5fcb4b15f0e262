"""Everything that reads deployments."""

from apps.deployments.queries.dora import Delivery, Group, Row, delivery
from apps.deployments.queries.freezes import Day, calendar, freezes, freezes_since
from apps.deployments.queries.history import (
    deployments,
    deployments_with_text,
    earlier_in_place,
    environment_names,
    history_of_place,
    is_live,
    live_of_feature,
    running,
)
from apps.deployments.queries.holds import RELATED_TO_HOLDS, hold_of, holds_of_places, open_holds
from apps.deployments.queries.matrix import (
    MOST_PLACES,
    Cell,
    Matrix,
    attempts,
    attempts_with_live,
    differing,
    matrix,
    troubled,
    with_text,
)

__all__ = [
    "MOST_PLACES",
    "RELATED_TO_HOLDS",
    "Cell",
    "Day",
    "Delivery",
    "Group",
    "Matrix",
    "Row",
    "attempts",
    "attempts_with_live",
    "calendar",
    "delivery",
    "deployments",
    "deployments_with_text",
    "differing",
    "earlier_in_place",
    "environment_names",
    "freezes",
    "freezes_since",
    "history_of_place",
    "hold_of",
    "holds_of_places",
    "is_live",
    "live_of_feature",
    "matrix",
    "open_holds",
    "running",
    "troubled",
    "with_text",
]
