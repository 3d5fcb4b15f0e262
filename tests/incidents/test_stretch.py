"""What part of its time a timeline shows, out of the address."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse

from apps.events.models import Event
from apps.events.services import NewEvent, record_events
from apps.incidents.stretch import Stretch, stretch_of, ticks

ONSET = datetime(2026, 11, 24, 14, 5, tzinfo=UTC)
ASKED = {"span": "", "at": "", "begin": "", "end": "", "onset": ONSET}
MINUTE = timedelta(minutes=1)


def test_a_width_lies_around_the_start_or_around_what_the_address_says():
    assert stretch_of(**ASKED | {"span": "1h"}) == Stretch(ONSET - 30 * MINUTE, ONSET + 30 * MINUTE, "1h")
    later = ONSET + 60 * MINUTE
    found = stretch_of(**ASKED | {"span": "15m", "at": f"{later.timestamp():.0f}"})
    assert found.middle == later


def test_a_drawn_stretch_goes_before_a_width():
    ends = {"begin": f"{ONSET.timestamp():.0f}", "end": f"{(ONSET + 7 * MINUTE).timestamp():.0f}", "span": "1h"}
    assert stretch_of(**ASKED | ends) == Stretch(ONSET, ONSET + 7 * MINUTE)


@pytest.mark.parametrize("wrong", [{"span": "2y"}, {"begin": "5", "end": "3"}, {"begin": "x", "end": "9" * 30}, {}])
def test_what_cannot_be_meant_is_the_whole_incident(wrong):
    assert stretch_of(**ASKED | wrong) is None


def test_what_a_stretch_says_of_itself_finds_it_again():
    moved = stretch_of(**ASKED | {"span": "6h"}).moved(0.5)
    said = dict(one.split("=") for one in moved.query.split("&"))
    assert stretch_of(**ASKED | {"span": said["span"], "at": said["at"]}) == moved


@pytest.mark.parametrize("span", ["15m", "1h", "6h", "24h"])
def test_the_axis_has_a_few_round_ticks_inside(span):
    stretch = stretch_of(**ASKED | {"span": span})
    found = ticks(stretch)
    assert 3 <= len(found) <= 7
    assert all(0 <= share <= 1 and stretch.start <= at <= stretch.end for share, at in found)


def a_run(feature, at, title):
    kind = "pipelines:run:failed"
    record_events(events=[NewEvent(kind=kind, at=at, title=title, feature_id=feature.pk, dedupe_key=title)])
    return Event.objects.get(dedupe_key=title)


@pytest.mark.django_db
def test_the_page_shows_what_lies_in_the_stretch_and_keeps_it_in_its_links(signed_in, outsider, incident, feature):
    start = incident.impact_started_at
    a_run(feature, start, "At the start")
    a_run(feature, start - 90 * MINUTE, "Long before")
    page = signed_in(outsider).get(reverse("incidents:timeline", args=[incident.pk]), {"span": "1h", "all": "1"})
    text = page.content.decode()
    assert "At the start" in text
    assert "Long before" not in text
    assert "span=6h" in text
    assert "lanes__dot" in text


@pytest.mark.django_db
def test_who_responds_pins_an_event_and_who_looks_cannot(signed_in, author, outsider, incident, feature):
    event = a_run(feature, incident.impact_started_at, "Half read")
    address = reverse("incidents:incident-pin", args=[incident.pk])
    assert signed_in(outsider).post(address, {"event": event.pk}).status_code == 403
    client = signed_in(author)
    assert client.get(address).status_code == 405
    assert client.post(address, {"event": "nonsense"}).status_code == 404
    client.post(address, {"event": event.pk})
    client.post(address, {"event": event.pk})
    entry = incident.entries.get(event_id=event.pk)
    assert (entry.text, entry.is_pinned) == ("Half read", True)
