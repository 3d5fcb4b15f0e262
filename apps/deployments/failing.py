"""What people, and apps above, say about the link between a change and the trouble that followed it."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from apps.deployments.status import CauseKind, LinkState
from apps.events.models import Event


class ChangeFailure(models.Model):
    """One link between a change of the ledger and trouble. Links that are only inferred have no row.

    `reference` names the trouble: "event-42" for what the ledger tells (`cause` is that event), else what another app
    calls it, such as "incident-7". `ended_at` is None while it lasts.
    """

    # the ledger is append-only, so nothing here can lose its event
    change = models.ForeignKey(Event, on_delete=models.DO_NOTHING, related_name="failures", db_constraint=False)
    cause = models.ForeignKey(Event, null=True, on_delete=models.DO_NOTHING, related_name="+", db_constraint=False)
    cause_kind = models.CharField(max_length=10, choices=CauseKind.choices)
    reference = models.CharField(max_length=80)
    title = models.CharField(max_length=300, blank=True)
    url = models.CharField(max_length=300, blank=True)
    state = models.CharField(max_length=10, choices=LinkState.choices)
    began_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    decided_by = models.CharField(max_length=200, blank=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    decided_at = models.DateTimeField()
    reason = models.TextField(blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["change", "reference"], name="one_link_a_change_and_trouble")]

    def __str__(self) -> str:
        return f"{self.reference} after {self.change_id}: {self.state}"
