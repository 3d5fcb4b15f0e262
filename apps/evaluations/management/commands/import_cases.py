"""`manage.py import_cases SUITE FILE`: cases out of a file into a suite of our own, as on its page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from apps.evaluations.models import EvaluationSuite
from apps.evaluations.services import SuiteError, import_cases


class Command(BaseCommand):
    help = (
        "Import cases (CSV, or JSON Lines where the file ends in .jsonl); a wrong line is told and nothing is changed."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("suite", help="The suite's name.")
        parser.add_argument("file", type=Path)
        parser.add_argument("--replace", action="store_true", help="End the cases that the file does not have.")

    def handle(self, *args: Any, suite: str, file: Path, replace: bool, **options: Any) -> None:
        found = EvaluationSuite.objects.filter(name=suite, setup__isnull=False).first()
        if found is None:
            raise CommandError(f"No suite of ours is called “{suite}”.")
        try:
            text = file.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise CommandError(f"{file} cannot be read as UTF-8 text: {error}") from None
        try:
            count = import_cases(
                suite=found,
                text=text,
                is_jsonl=file.suffix in (".jsonl", ".ndjson"),
                replaces=replace,
                file=file.name,
                actor=None,
                at=timezone.now(),
            )
        except SuiteError as error:
            raise CommandError("\n".join([*error.errors, "Nothing was changed."])) from None
        self.stdout.write(f"{found} has {count:,} cases now.")
