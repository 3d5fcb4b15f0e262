"""What **Test connection** finds out: each right tried by itself, so that a missing one does not hide the others."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import Any, TypeVar

from apps.connectors.base import Scope
from apps.connectors.errors import ErrorClass, SourceError
from apps.connectors.providers.dagster.jobs import is_loaded, loaded_repositories
from apps.connectors.values import list_or_empty, object_or_empty

T = TypeVar("T")


class Tried:
    """The rights tried so far."""

    def __init__(self) -> None:
        self.scopes: list[Scope] = []

    async def ask(self, name: str, why: str, question: Awaitable[T]) -> T | None:
        """The answer, or None when the right is missing; raises SourceError for any other trouble."""
        try:
            answer = await question
        except SourceError as error:
            if error.error_class is not ErrorClass.AUTH:
                raise
            self.scopes.append(Scope(name=name, why=why, is_granted=False))
            return None
        self.scopes.append(Scope(name=name, why=why, is_granted=True))
        return answer


def describe(version: str, locations: Sequence[Any] | None, runs: int | None) -> str:
    """One sentence about what may be read: “Dagster 1.13 answers; it has 5 jobs in 1 code location and 3 runs.”"""
    name = f"Dagster {version}" if version else "Dagster"
    parts = []
    if locations is not None:
        jobs = sum(len(list_or_empty(repository.get("jobs"))) for _, repository in loaded_repositories(locations))
        parts.append(f"{_count(jobs, 'job')} in {_count(len(locations), 'code location')}")
    if runs is not None:
        parts.append(_count(runs, "run"))
    sentence = f"{name} answers; it has {' and '.join(parts)}." if parts else f"{name} answers."
    broken = sum(not is_loaded(object_or_empty(entry)) for entry in locations or ())
    return f"{sentence} {_count(broken, 'code location')} not loaded at the moment." if broken else sentence


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
