"""Mail about incidents: the ledger says what happened, followers and duties say whom it is for, rows say what is due.

A worker that dies between sending and writing it down sends the letter again: twice is better than never.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta
from smtplib import SMTPException
from typing import Final

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.db.models import Q
from django.urls import reverse

from apps.accounts.models import User
from apps.events.models import Event
from apps.incidents.models import ActionItem, Incident, RoleKind, Visibility
from apps.notifications.models import Follower, Letter, MailPlace
from apps.notifications.outbox import read_horizon

BATCH: Final = 500
AT_ONCE: Final = 50
WAITS: Final = (timedelta(minutes=1), timedelta(minutes=10), timedelta(hours=1), timedelta(hours=6))
TOLD: Final = frozenset(
    {
        "incidents:incident:declared",
        "incidents:incident:mitigated",
        "incidents:incident:reopened",
        "incidents:incident:resolved",
        "incidents:update:posted",
    }
)
OWED: Final = frozenset({"incidents:update:due", "incidents:action:due"})

logger = logging.getLogger(__name__)


def is_mail_set() -> bool:
    """Whether an administrator said which server mail goes through."""
    return bool(settings.IS_MAIL_SET)


def write_letters(*, at: datetime) -> int:
    """Letters for what is new in the ledger; returns how many. The first time, reading begins at the end."""
    with transaction.atomic():
        settled = read_horizon().settled
        place = MailPlace.objects.select_for_update(skip_locked=True).first()
        if place is None:
            MailPlace.objects.get_or_create(pk=1, defaults={"transaction": settled, "event": 0})
            return 0
        beyond = Q(transaction__gt=place.transaction) | Q(transaction=place.transaction, pk__gt=place.event)
        rows = Event.objects.filter(beyond, transaction__gte=place.transaction, transaction__lt=settled)
        found = list(rows.order_by("transaction", "pk")[:BATCH])
        if not found:
            return 0
        place.transaction, place.event = found[-1].transaction, found[-1].pk
        place.save(update_fields=["transaction", "event"])
        return sum(write_letters_about(event=event, at=at) for event in found if event.kind in TOLD | OWED)


def send_letters(*, at: datetime) -> int:
    """Send what is due, each letter by one worker; returns how many went. What fails is tried again four times."""
    due, sent = Letter.objects.filter(next_try_at__lte=at).order_by("next_try_at", "pk"), 0
    for pk in list(due.values_list("pk", flat=True)[:AT_ONCE]):
        with transaction.atomic():
            rows = due.select_for_update(skip_locked=True, of=("self",)).select_related("user")
            letter = rows.filter(pk=pk).first()
            if letter is not None:
                _send(letter, at)
                sent += letter.sent_at is not None
    return sent


def write_letters_about(*, event: Event, at: datetime) -> int:
    """A letter for everybody whom the event is for and who has an address; returns how many. Without a server, none."""
    if not is_mail_set():
        return 0
    readers = User.objects.filter(pk__in=_readers(event), is_active=True).exclude(email="")
    letters = [Letter(user=user, event_id=event.pk, queued_at=at, next_try_at=at) for user in readers]
    Letter.objects.bulk_create(letters, ignore_conflicts=True)
    return len(letters)


def _readers(event: Event) -> Iterable[int]:
    """Followers of what everybody may know; of what somebody owes, that person."""
    incident = Incident.objects.filter(pk=event.subject_id or 0).first()
    if incident is None:
        return []
    if event.kind == "incidents:action:due":
        owner = ActionItem.objects.filter(pk=event.data.get("action_id"), owner__isnull=False)
        return owner.values_list("owner", flat=True)
    if event.kind == "incidents:update:due":
        duties = incident.duties.filter(role=RoleKind.COMMANDER, until=None, user__isnull=False)
        return duties.values_list("user", flat=True)
    if incident.visibility != Visibility.INTERNAL:
        return []
    wanted = Q(feature=None) | Q(feature__in=incident.features.values("pk"))
    return Follower.objects.filter(wanted).order_by().values_list("user", flat=True).distinct()


def _send(letter: Letter, at: datetime) -> None:
    letter.attempts += 1
    try:
        _message(letter).send()
        letter.sent_at, letter.next_try_at, letter.error = at, None, ""
    except Event.DoesNotExist:
        letter.next_try_at, letter.error = None, "The event is not in the ledger any more."
    except (OSError, SMTPException) as error:
        logger.warning("letter %s was not sent: %s", letter.pk, error)
        is_last = letter.attempts > len(WAITS)
        letter.next_try_at = None if is_last else at + WAITS[letter.attempts - 1]
        letter.error = f"{type(error).__name__}: {error}"[:500]
    letter.save()


def _message(letter: Letter) -> EmailMessage:
    event = Event.objects.get(pk=letter.event_id)
    here = settings.PUBLIC_URL
    stop = f"{here}{reverse('notifications:updates')}"
    because = "you asked for it" if event.kind in TOLD else "it waits for you"
    lines = [event.title, "", *([event.detail, ""] if event.detail else [])]
    lines += [f"{here}/incidents/{event.subject_id}/", "", "--", f"You get this because {because}. Change that: {stop}"]
    return EmailMessage(
        subject=f"[OpsPortal] {' '.join(event.title.split())}"[:200],
        body="\n".join(lines),
        to=[letter.user.email],
        headers={"Message-ID": f"<letter-{letter.pk}@opsportal>", "List-Unsubscribe": f"<{stop}>"} if here else {},
    )
