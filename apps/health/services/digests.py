"""Weekly digests: who wants one, and sending each once.

The row of a person and a week is the claim: two workers cannot both have it. A worker that dies while it sends leaves
the claim, which somebody else may renew after a quarter of an hour; the mail then has the same Message-ID, so that a
mail server that got it already can tell.
"""

from __future__ import annotations

import logging
from collections.abc import Collection
from datetime import date, datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.core.signing import BadSignature, Signer
from django.db import connection, transaction
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone

from apps.accounts.models import User
from apps.catalog.models import Feature, Team
from apps.health.digesting import due_week
from apps.health.models import Digest, DigestWish
from apps.health.queries import week_of, zone_of

log = logging.getLogger(__name__)

AT_ONCE: Final = 10  # mails of one task
TRIES: Final = 5
RENEWED_AFTER: Final = timedelta(minutes=15)
_SIGNER: Final = Signer(salt="health.digest")
_CLAIM: Final = """
INSERT INTO health_digest AS known (user_id, week_on, claimed_at, tries, problem) VALUES (%s, %s, %s, 1, '')
ON CONFLICT (user_id, week_on) DO UPDATE SET claimed_at = excluded.claimed_at, tries = known.tries + 1
WHERE known.sent_at IS NULL AND known.tries < %s AND known.claimed_at <= excluded.claimed_at - %s
RETURNING id
"""


def choose_digest(
    *, user: User, is_wanted: bool, teams: Collection[Team], features: Collection[Feature], at: datetime
) -> DigestWish:
    """What a person wants to be told every week; nobody else's business, so no event."""
    with transaction.atomic():
        defaults = {"is_wanted": is_wanted, "changed_at": at}
        wish, _ = DigestWish.objects.update_or_create(user=user, defaults=defaults)
        wish.teams.set(teams)
        wish.features.set(features)
    return wish


def stop_digest(*, token: str, at: datetime) -> bool:
    """End the digest of whoever the link was sent to; False for a link that was not made here."""
    try:
        user_id = int(_SIGNER.unsign(token))
    except (BadSignature, ValueError):
        return False
    DigestWish.objects.filter(pk=user_id).update(is_wanted=False, changed_at=at)
    return True


def send_digests(*, at: datetime) -> str:
    """Send what is due, a few at once; one that fails keeps no other back."""
    wanted = DigestWish.objects.filter(is_wanted=True, user__is_active=True).exclude(user__email="")
    done = set(
        Digest.objects.filter(sent_at__isnull=False, week_on__gte=at.date() - timedelta(days=6)).values_list(
            "user_id", "week_on"
        )
    )
    sent = failed = 0
    for wish in wanted.select_related("user").order_by("pk"):
        monday = due_week(at, zone_of(wish.user))
        if monday is None or (wish.pk, monday) in done:
            continue
        digest = _claim(wish.user, monday, at)
        if digest and _send(digest, wish.user, monday, at):
            sent += 1
        elif digest:
            failed += 1
        if sent + failed >= AT_ONCE:
            break
    return f"{sent} digests sent, {failed} failed"


def _claim(user: User, monday: date, at: datetime) -> int | None:
    """The id of the claim, None where another worker has it or it was sent."""
    asked: list[Any] = [user.pk, monday, at, TRIES, RENEWED_AFTER]
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, asked)
        row = cursor.fetchone()
    return row[0] if row else None


def _send(digest_id: int, user: User, monday: date, at: datetime) -> bool:
    try:
        digest_mail(user=user, monday=monday, at=at).send()
    except Exception as error:  # a mail server says no in many ways; the next try is a quarter of an hour away
        log.warning("the digest of a person was not sent: %s", type(error).__name__)
        Digest.objects.filter(pk=digest_id).update(problem=f"{type(error).__name__}: {error}"[:500])
        return False
    Digest.objects.filter(pk=digest_id).update(sent_at=at, problem="")
    return True


def digest_mail(*, user: User, monday: date, at: datetime) -> EmailMultiAlternatives:
    """The mail, as text and as HTML, with the link that ends it."""
    base = settings.PUBLIC_URL or "http://localhost:8000"
    stop = f"{base}{reverse('health:digest-stop', args=[_SIGNER.sign(str(user.pk))])}"
    with timezone.override(zone_of(user)):
        week = week_of(user=user, monday=monday, at=at)
        context: dict[str, Any] = {"week": week, "user": user, "base": base, "stop": stop}
        text = render_to_string("health/digest_mail.txt", context)
        html = render_to_string("health/digest_mail.html", context)
    mail = EmailMultiAlternatives(
        subject=f"Your AI features, week before {monday:%d %B %Y}",
        body=text,
        to=[user.email],
        headers={
            "Message-ID": f"<digest-{user.pk}-{monday:%Y%m%d}@{urlsplit(base).hostname or 'localhost'}>",
            "List-Unsubscribe": f"<{stop}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        },
    )
    mail.attach_alternative(html, "text/html")
    return mail
