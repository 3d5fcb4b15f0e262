"""The reader of the ledger: each event is looked at once, in commit order, whoever crashes."""

from __future__ import annotations

from datetime import datetime

from django.db import connection, transaction
from django.db.models import Q

from apps.events.models import Event
from apps.incidents.models import LedgerPlace
from apps.incidents.services.drafting import KINDS, draft_from_events

BATCH = 500
SETTLED = "SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint"


def read_ledger(*, at: datetime) -> int:
    """Drafts out of what is new in the ledger; returns how many. The place moves in the transaction of the drafts.

    Rows of transactions that are still open are waited for. The first time, reading begins at the end.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(SETTLED)
            (settled,) = cursor.fetchone() or (0,)
        place = LedgerPlace.objects.select_for_update(skip_locked=True).first()
        if place is None:
            LedgerPlace.objects.get_or_create(pk=1, defaults={"transaction": settled, "event": 0})
            return 0
        beyond = Q(transaction__gt=place.transaction) | Q(transaction=place.transaction, pk__gt=place.event)
        rows = Event.objects.filter(beyond, transaction__gte=place.transaction, transaction__lt=settled)
        found = list(rows.select_related("component", "environment").order_by("transaction", "pk")[:BATCH])
        if not found:
            return 0
        place.transaction, place.event = found[-1].transaction, found[-1].pk
        place.save(update_fields=["transaction", "event"])
        return draft_from_events(events=[event for event in found if event.kind in KINDS], at=at)
