"""What a piece of a page asked the database, so that one can ask again whether it would still be drawn the same."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from django.db import connection

MOST: Final = 12  # statements; asking more again would not pay
_READING: Final = ("SELECT", "WITH")


@dataclass(frozen=True, slots=True)
class Asked:
    """Statements in their order with a digest of all that PostgreSQL answered."""

    statements: tuple[tuple[str, Any], ...]
    digest: bytes

    def holds(self) -> bool:
        """Whether the answers are still the same: then the same code asks the same and draws the same."""
        digest = hashlib.blake2b()
        with connection.cursor() as cursor:
            for sql, params in self.statements:
                cursor.execute(sql, params)
                digest.update(_answer(cursor.pgresult))
        return digest.digest() == self.digest


class Listener:
    """An execute wrapper that notes what is asked; `asked` is None when it cannot be asked again."""

    def __init__(self) -> None:
        self._statements: list[tuple[str, Any]] = []
        self._digest = hashlib.blake2b()
        self._is_sure = True

    def __call__(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        answer = execute(sql, params, many, context)
        result = getattr(context["cursor"], "pgresult", None)
        self._is_sure = self._is_sure and not many and result is not None and sql.lstrip().startswith(_READING)
        if self._is_sure and len(self._statements) < MOST:
            self._digest.update(_answer(result))
        self._statements.append((sql, params))
        return answer

    def lose_sight(self) -> None:
        """Something was asked past the wrappers, so the list is not complete."""
        self._is_sure = False

    @property
    def asked(self) -> Asked | None:
        """What was asked until now."""
        is_sure = self._is_sure and len(self._statements) <= MOST
        return Asked(tuple(self._statements), self._digest.digest()) if is_sure else None


def lose_sight() -> None:
    """For what asks on a cursor of its own: whoever listens cannot ask that again."""
    for wrapper in connection.execute_wrappers:
        if isinstance(wrapper, Listener):
            wrapper.lose_sight()


def _answer(result: Any) -> bytes:
    """Every value as PostgreSQL wrote it, each with its length, so that no two answers look alike."""
    values = [result.get_value(row, column) for row in range(result.ntuples) for column in range(result.nfields)]
    sizes = [-1 if value is None else len(value) for value in values]
    return repr((result.ntuples, result.nfields, sizes)).encode() + b"".join(value or b"" for value in values)
