"""What goes wrong with a request of a machine, in one shape: {"error": {"code", "message", "field"?}}."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.db import OperationalError
from django.http import Http404, HttpRequest, JsonResponse
from django.http.response import HttpResponseBase
from django.utils.log import log_response
from psycopg.errors import LockNotAvailable, QueryCanceled

View = Callable[..., HttpResponseBase]


class ApiError(Exception):
    """A request that is refused: a status, a code for machines, a sentence for people that says what to do.

    The sentence never holds a token or a secret. `headers` go onto the answer (Retry-After, WWW-Authenticate).
    """

    def __init__(
        self, status: int, code: str, message: str, *, field: str = "", headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.field = status, code, message, field
        self.headers = headers or {}

    def answer(self) -> JsonResponse:
        """The response."""
        error = {"code": self.code, "message": self.message} | ({"field": self.field} if self.field else {})
        return JsonResponse({"error": error}, status=self.status, headers=self.headers)


def waited_too_long(error: OperationalError) -> bool:
    """Whether the database gave up because something else held what was needed, so that trying again helps."""
    return isinstance(error.__cause__, LockNotAvailable | QueryCanceled)


def for_machines(view: View) -> View:
    """A view that machines call: no session, no form token, and every refusal in the one shape.

    An ApiError becomes its answer; a mistake of our own becomes a 500 that says no more, with the traceback in the log.
    """

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            response = view(request, *args, **kwargs)
        except ApiError as error:
            return error.answer()
        except RequestDataTooBig:
            return TOO_LARGE.answer()
        except Http404:
            return NOT_FOUND.answer()
        except Exception as error:
            return _our_mistake(request, error)
        return _not_allowed(request, response) if response.status_code == 405 else response

    guarded.csrf_exempt = True  # type: ignore[attr-defined]  # how Django marks a view
    guarded.login_required = False  # type: ignore[attr-defined]
    return guarded


NOT_FOUND = ApiError(404, "not_found", "There is nothing at this address; see the documentation at /api/.")
TOO_LARGE = ApiError(413, "too_large", "The body is larger than 1 MiB; send it in several requests.")


def _not_allowed(request: HttpRequest, response: HttpResponseBase) -> JsonResponse:
    allowed = response.headers.get("Allow", "POST")
    message = f"{request.method} means nothing here; send {allowed}."
    return ApiError(405, "method_not_allowed", message, headers={"Allow": allowed}).answer()


def _our_mistake(request: HttpRequest, error: Exception) -> JsonResponse:
    message = "The portal failed on a mistake of its own; nothing was stored. Send it again in a while."
    response = ApiError(500, "internal", message).answer()
    log_response("%s failed", request.path, response=response, request=request, exception=error)
    return response
