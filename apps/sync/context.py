"""What every page says when nothing is polled any more."""

from __future__ import annotations

from django.http import HttpRequest

from apps.sync.deadman.rule import Verdict
from apps.sync.deadman.watch import watch


def silence(_request: HttpRequest) -> dict[str, Verdict | None]:
    """`silence` in every template: the verdict of this process if it is a bad one. Asks no database."""
    verdict = watch.verdict
    return {"silence": verdict if verdict is not None and verdict.is_silent else None}
