"""Why a verb was refused, in a sentence for people; the page and the API show the same one."""

from __future__ import annotations


class ChangeRefusedError(Exception):
    """It cannot be done; nothing was written."""

    status = 409


class ChangeConflictError(ChangeRefusedError):
    """Something moved in between: look again."""


class ChangeNotAllowedError(ChangeRefusedError):
    """This person may not."""

    status = 403


class ChangeInvalidError(ChangeRefusedError):
    """What was asked for makes no sense; `field` names what to change."""

    status = 422

    def __init__(self, message: str, *, field: str = "") -> None:
        super().__init__(message)
        self.field = field
