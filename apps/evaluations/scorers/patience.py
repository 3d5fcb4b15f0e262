"""Regular expressions that people write, matched with a time limit.

Python's own engine cannot be interrupted and one bad pattern may run for years, so a match happens in a small process
of its own that is ended when it takes too long. Starting one takes some 20 ms, little beside asking a model.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import Final

SECONDS: Final = 2.0
LONGEST_PATTERN: Final = 2_000
LONGEST_TEXT: Final = 100_000
_PROGRAM: Final = (
    "import json, re, sys\n"
    "pattern, text = json.load(sys.stdin)\n"
    "sys.stdout.write('1' if re.search(pattern, text) else '0')\n"
)


def check_pattern(pattern: object) -> None:
    """ValueError for what is no regular expression."""
    if not isinstance(pattern, str) or not 0 < len(pattern) <= LONGEST_PATTERN:
        raise ValueError(f"expects a regular expression of at most {LONGEST_PATTERN:,} characters")
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"has no valid regular expression: {error}") from None


def is_found(pattern: str, text: str, *, seconds: float = SECONDS) -> bool:
    """Whether the pattern matches somewhere in the text; raises TimeoutError when that takes too long to say."""
    question = json.dumps([pattern, text[:LONGEST_TEXT]])
    command = [sys.executable, "-I", "-S", "-c", _PROGRAM]
    try:
        done = subprocess.run(command, input=question, capture_output=True, text=True, timeout=seconds, check=True)  # noqa: S603 - our own program
    except (subprocess.TimeoutExpired, subprocess.CalledProcessError):
        raise TimeoutError(f"The pattern took more than {seconds:g} seconds on this text.") from None
    return done.stdout == "1"
