"""`manage.py backtest_anomaly FILE.csv`: an anomaly score for every row of a file, in one pass, without a database."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.monitors.anomaly import Detector
from apps.monitors.anomaly.rows import HEAD, BadRowError, read_rows


class Command(BaseCommand):
    help = "Read timestamp,value rows and print timestamp,value,anomaly_score; 0.5 and more is worth a look."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", metavar="FILE.csv", help="header timestamp,value; - is standard input")

    def handle(self, *_args: Any, file: str, **_options: Any) -> None:
        try:
            if file == "-":
                self._score(sys.stdin)
            else:
                with Path(file).open(encoding="utf-8-sig", newline="") as lines:
                    self._score(lines)
        except BadRowError as error:
            raise CommandError(f"{file}, {error}") from None
        except UnicodeDecodeError as error:
            raise CommandError(f"{file}: this is not UTF-8 text (byte {error.start})") from None
        except OSError as error:
            raise CommandError(f"{file}: {error.strerror or error}") from None

    def _score(self, lines: Iterable[str]) -> None:
        writer = csv.writer(self.stdout, lineterminator="")  # OutputWrapper ends each line itself
        writer.writerow([*HEAD, "anomaly_score"])
        detector = Detector()
        for row in read_rows(lines):
            writer.writerow([row.timestamp, row.text, f"{detector.step(row.at, row.value):.6f}"])
