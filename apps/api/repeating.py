"""A request that is sent again is answered again and stored once: the work of Idempotency-Key."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Self

import orjson
from django.db import OperationalError, connection, transaction
from django.http import HttpRequest, HttpResponse

from apps.accounts.models import ApiToken
from apps.api.errors import ApiError, waited_too_long
from apps.api.models import KeptAnswer
from apps.sync.finishing import limit_waiting

HEADER = "Idempotency-Key"
KEPT_FOR = timedelta(hours=24)
LONGEST_KEY = 200
AT_ONCE = 5_000  # answers one run of tidying removes

RESERVE = """
INSERT INTO api_keptanswer (token_id, key, digest, status, body, at) VALUES (%s, %s, %s, 0, '', %s)
ON CONFLICT (token_id, key) DO NOTHING RETURNING id
"""


@dataclass(frozen=True, slots=True)
class Answer:
    """A status and the JSON text of the body."""

    status: int
    body: str

    @classmethod
    def of(cls, status: int, value: dict[str, Any]) -> Self:
        """The answer that says `value`."""
        return cls(status, orjson.dumps(value).decode())

    def response(self) -> HttpResponse:
        return HttpResponse(self.body, status=self.status, content_type="application/json")


def answer_once(*, request: HttpRequest, token: ApiToken, body: bytes, work: Callable[[], Answer]) -> HttpResponse:
    """The answer of `work`, or with a known Idempotency-Key the first answer again, without any work.

    The answer is kept in the transaction of the work: either both are there or neither. A second request with the same
    key waits for the first. Raises ApiError: 400 for a bad key, 422 for a key that came with another body, 409 when
    the first one takes too long. A refusal of the whole request is not kept.
    """
    key = request.headers.get(HEADER, "")
    if not key:
        return work().response()
    if len(key) > LONGEST_KEY or not key.isprintable():
        message = f"An {HEADER} has up to {LONGEST_KEY} ordinary characters."
        raise ApiError(400, "invalid_key", message, field=HEADER)
    digest = hashlib.sha256(f"{request.method} {request.path}\n".encode() + body).hexdigest()
    try:
        with transaction.atomic():
            return _answer(token, key, digest, work)
    except OperationalError as error:
        if waited_too_long(error):
            raise _busy() from None
        raise


def _answer(token: ApiToken, key: str, digest: str, work: Callable[[], Answer]) -> HttpResponse:
    at = limit_waiting()
    KeptAnswer.objects.filter(token=token, key=key, at__lt=at - KEPT_FOR).delete()
    with connection.cursor() as cursor:
        cursor.execute(RESERVE, [token.pk, key, digest, at])  # waits while another request holds the key
        mine = cursor.fetchone()
    if mine is None:
        return _again(token, key, digest)
    answer = work()
    KeptAnswer.objects.filter(pk=mine[0]).update(status=answer.status, body=answer.body)
    return answer.response()


def _again(token: ApiToken, key: str, digest: str) -> HttpResponse:
    kept = KeptAnswer.objects.filter(token=token, key=key).first()
    if kept is None:
        raise _busy()
    if kept.digest != digest:
        message = f"This {HEADER} came with another request before; make a new key for every new request."
        raise ApiError(422, "key_reused", message, field=HEADER)
    response = Answer(kept.status, kept.body).response()
    response["Idempotent-Replayed"] = "true"
    return response


def _busy() -> ApiError:
    message = "The same request is still being worked on; send it again in a few seconds."
    return ApiError(409, "in_progress", message, headers={"Retry-After": "2"})


def tidy_answers(*, at: datetime) -> int:
    """Forget answers that are older than a day; returns how many went."""
    old = KeptAnswer.objects.filter(at__lt=at - KEPT_FOR).order_by("at").values_list("pk", flat=True)[:AT_ONCE]
    return KeptAnswer.objects.filter(pk__in=list(old)).delete()[0]
