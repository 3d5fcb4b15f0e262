"""Who hears the live stream, and whether they still may."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from apps.accounts.models import User

READER = "opsportal.reader"  # where in the ASGI scope the view leaves whom it let in

STANDING = """
SELECT person.id, person.password, person.session_generation, asked.session_key
FROM unnest(%s::text[], %s::bigint[]) AS asked (session_key, user_id)
JOIN django_session AS session USING (session_key)
JOIN accounts_user AS person ON person.id = asked.user_id
WHERE session.expire_date > now() AND person.is_active
"""


class Reader(NamedTuple):
    """A person in one session; `auth_hash` changes with the password, the role and a locked account."""

    user_id: int
    session_key: str
    auth_hash: str


def still_standing(readers: Collection[Reader]) -> set[Reader]:
    """Those whose session lives and whose account is active and unchanged; one query for all.

    A session never passes to somebody else: signing in and out gives it another key.
    """
    keys, ids = [reader.session_key for reader in readers], [reader.user_id for reader in readers]
    found = User.objects.raw(STANDING, [keys, ids])
    # the query adds the key to its person
    now = {Reader(user.pk, user.session_key, user.get_session_auth_hash()) for user in found}  # type: ignore[attr-defined]
    return now & set(readers)
