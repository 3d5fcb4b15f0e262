"""Secrets and personal data in the words of a prompt, found before a version is kept for ever. No framework.

The libraries that know them take 20 MB, so they are loaded by the first text that is looked through.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from threading import Lock
from typing import Final

_PLUGINS: Final = [  # those that know a shape; entropy alone would ring at every long word
    {"name": name}
    for name in (
        "AWSKeyDetector",
        "AzureStorageKeyDetector",
        "BasicAuthDetector",
        "GitHubTokenDetector",
        "GitLabTokenDetector",
        "JwtTokenDetector",
        "KeywordDetector",
        "NpmDetector",
        "OpenAIDetector",
        "PrivateKeyDetector",
        "PypiTokenDetector",
        "SendGridDetector",
        "SlackDetector",
        "StripeDetector",
        "TwilioKeyDetector",
    )
]
_ONE_AT_A_TIME: Final = Lock()  # the library keeps its settings in one global
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]){11,30}\b")
_CARD = re.compile(r"(?<![\d-])[3-6]\d{3}(?:[ -]?\d){9,15}(?![\d-])")
_EMAIL = re.compile(r"[\w.+-]{1,64}@((?:[\w-]{1,63}\.){1,5}[A-Za-z]{2,24})")
_FOR_EXAMPLES = re.compile(r"(^|\.)(example(\.(com|net|org))?|test|invalid|localhost)$", re.IGNORECASE)
_LEAK_ADVICE = "Take it out and change it where it is used: others may have read it already."
_DATA_ADVICE = "Replace it by a variable or by an invented value, such as one at example.com."


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found, where, the beginning of it, and how to go on."""

    kind: str
    place: str  # "Text, line 4"
    hint: str
    advice: str

    def __str__(self) -> str:
        return f"{self.kind} in {self.place} ({self.hint}). {self.advice}"


def scan(parts: Iterable[tuple[str, str]]) -> list[Finding]:
    """The findings in named texts, in reading order, each kind once a line."""
    from detect_secrets.settings import transient_settings

    found: list[Finding] = []
    with _ONE_AT_A_TIME, transient_settings({"plugins_used": _PLUGINS}):
        for name, text in parts:
            for number, line in enumerate(text.splitlines(), 1):
                place = f"{name}, line {number}"
                kinds = dict(_in_line(line))
                found += [Finding(kind, place, _masked(text), _advice(kind)) for kind, text in kinds.items()]
    return found


def _in_line(line: str) -> Iterator[tuple[str, str]]:
    """(kind, what it is) of a line; a number is named once, as the most exact thing that it can be."""
    import phonenumbers
    from detect_secrets.core.scan import scan_line
    from stdnum import iban, luhn

    for secret in scan_line(line):
        yield f"Secret ({secret.type})", secret.secret_value or ""
    for match in _IBAN.finditer(line):
        if iban.is_valid(match[0]):
            yield "Bank account (IBAN)", match[0]
    outside = _IBAN.sub(lambda match: " " * len(match[0]), line)
    cards = [match for match in _CARD.finditer(outside) if luhn.is_valid(re.sub(r"[ -]", "", match[0]))]
    for match in cards:
        yield "Card number", match[0]
    for match in _EMAIL.finditer(line):
        if not _FOR_EXAMPLES.search(match[1]):
            yield "E-mail address", match[0]
    for phone in phonenumbers.PhoneNumberMatcher(line, None):
        if not any(match.start() < phone.end and phone.start < match.end() for match in cards):
            yield "Phone number", phone.raw_string


def _masked(text: str) -> str:
    """Enough to find it, too little to use it."""
    return f"{text[:4]}…" if len(text) > 8 else "…"


def _advice(kind: str) -> str:
    return _LEAK_ADVICE if kind.startswith("Secret") else _DATA_ADVICE
