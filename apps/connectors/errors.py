"""What can go wrong between us and a source, in classes that people and the poller both understand."""

from __future__ import annotations

from enum import StrEnum


class ErrorClass(StrEnum):
    CONFIG = "config"  # the form is filled in wrongly
    DNS = "dns"
    UNREACHABLE = "unreachable"  # refused, reset, no route
    TLS = "tls"
    TIMEOUT = "timeout"
    BLOCKED_ADDRESS = "blocked_address"  # our own address rule said no
    REDIRECT = "redirect"
    AUTH = "auth"  # 401, 403
    AUTH_OR_PROXY = "auth_or_proxy"  # HTML where JSON was promised
    NOT_FOUND = "not_found"
    RATE_LIMIT = "rate_limit"
    UPSTREAM = "upstream"  # 5xx
    TOO_LARGE = "too_large"
    PROTOCOL = "protocol"  # truncated, bad framing, bad encoding
    MALFORMED = "malformed"  # not JSON, NaN, duplicate keys, too deep
    SCHEMA = "schema"  # JSON, but not the shape the vendor documents
    REJECTED = "rejected"  # any other 4xx: the source refuses the question
    INTERNAL = "internal"  # our own bug


class SourceError(Exception):
    """One failed conversation with a source.

    message: one sentence for people, without secrets, saying what happened and what to do.
    is_permanent: asking again soon cannot help (credentials, configuration, redirect).
    retry_after: seconds the source asked us to stay away, already clamped to 1 s … 1 h, or None.
    """

    def __init__(
        self, error_class: ErrorClass, message: str, *, is_permanent: bool = False, retry_after: float | None = None
    ) -> None:
        super().__init__(message)
        self.error_class = error_class
        self.message = message
        self.is_permanent = is_permanent
        self.retry_after = retry_after


class ConfigError(SourceError):
    """The source's form cannot work as filled in; `field` names the input to mend."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(ErrorClass.CONFIG, message, is_permanent=True)
        self.field = field


class MovedMeanwhileError(SourceError):
    """What should be moved points elsewhere by now; moving it would undo what somebody else did."""

    def __init__(self, *, label: str, now: str, expected: str) -> None:
        message = f"{label} points at {now} there now, not at {expected}; nothing was moved."
        super().__init__(ErrorClass.REJECTED, message, is_permanent=True)


def check_move(*, label: str, now: int | None, expected: int | None, wanted: int) -> bool:
    """Whether there is anything to move; raises MovedMeanwhileError where the label is at neither end of the move."""
    if now == wanted:
        return False
    if now != expected:
        texts = ["nothing" if number is None else f"version {number}" for number in (now, expected)]
        raise MovedMeanwhileError(label=label, now=texts[0], expected=texts[1])
    return True


class WrittenMeanwhileError(SourceError):
    """The prompt has a version there that the author of ours did not know; the next poll brings it."""

    def __init__(self, *, now: int, expected: int) -> None:
        message = f"The newest version is {now} there now, not {expected}; nothing was written."
        super().__init__(ErrorClass.UPSTREAM, message)


def check_base(*, now: int, expected: int) -> None:
    """Raise WrittenMeanwhileError unless the newest version there is the one that ours follows."""
    if now != expected:
        raise WrittenMeanwhileError(now=now, expected=expected)
