"""The reader of the ledger sees every event once, however late it was committed."""

from __future__ import annotations

import threading

import pytest
from django.db import connection, transaction
from django.utils import timezone

from apps.events.models import Event
from apps.incidents.models import Incident, LedgerPlace
from apps.incidents.services.reading import read_ledger
from tests.factories import make_feature


def page(feature, title):
    Event.objects.create(
        kind="monitors:alert:opened", at=timezone.now(), title=title, feature=feature, data={"severity": "page"}
    )


@pytest.mark.django_db(transaction=True)
def test_it_begins_at_the_end_and_reads_each_event_once():
    feature = make_feature()
    page(feature, "before")
    assert read_ledger(at=timezone.now()) == 0
    page(feature, "after")
    assert (read_ledger(at=timezone.now()), read_ledger(at=timezone.now())) == (1, 0)
    assert Incident.objects.get().title == "after"


@pytest.mark.django_db(transaction=True)
def test_what_commits_late_is_not_passed_by():
    late, early = make_feature(), make_feature()
    read_ledger(at=timezone.now())
    assert LedgerPlace.objects.exists()
    written, may_commit = threading.Event(), threading.Event()

    def slow():
        with transaction.atomic():
            page(late, "late")
            written.set()
            may_commit.wait(10)
        connection.close()

    thread = threading.Thread(target=slow)
    thread.start()
    written.wait(10)
    page(early, "early")
    read_ledger(at=timezone.now())
    may_commit.set()
    thread.join()
    read_ledger(at=timezone.now())
    assert set(Incident.objects.values_list("title", flat=True)) == {"late", "early"}
