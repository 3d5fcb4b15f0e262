"""What a list page declares: its columns, its filters, its order. Everything else follows from the address."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from functools import reduce
from typing import Any, Literal

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.dateparse import parse_date

Choices = Sequence[tuple[str, str]]
Query = QuerySet[Any, Any]
MAX_TEXT = 200


@dataclass(frozen=True)
class Column:
    """One column. `value`: an attribute path ("team.name") or a callable of the row; left out, the key itself.

    `sort`: the field, path ("team__name") or annotation to order by, "" when nobody can sort by it.
    `csv`: a callable of the row for exports, where the page shows something richer than the plain value.
    `is_shown`: False keeps the column for exports; the page shows its value inside another cell, or not at all.
    """

    key: str
    label: str
    value: str | Callable[[Any], Any] = ""
    sort: str = ""
    cls: str = ""
    csv: Callable[[Any], Any] | None = None
    is_shown: bool = True

    def read(self, row: Any) -> Any:
        """The value of one row; None as soon as something on the path is missing."""
        if callable(self.value):
            return self.value(row)
        found = reduce(_attribute, (self.value or self.key).replace("__", ".").split("."), row)
        return found() if callable(found) else found

    def export(self, row: Any) -> Any:
        """The value for CSV and JSON."""
        return self.csv(row) if self.csv else self.read(row)


@dataclass(frozen=True)
class Filter:
    """One filter. `apply`: a lookup ("state", "name__icontains") or a callable (queryset, value) -> queryset.

    The value is a string for "choice" and "text" (a list of strings when `is_multiple`), True for "bool", and for
    "date" the aware start of that day in the reader's zone. `choices` may be a callable of the request.
    """

    key: str
    label: str
    kind: Literal["choice", "text", "date", "bool"] = "choice"
    choices: Choices | Callable[[HttpRequest], Choices] = ()
    apply: str | Callable[[Query, Any], Query] = ""
    is_multiple: bool = False
    placeholder: str = ""

    def options(self, request: HttpRequest) -> Choices:
        """The choices as they are for this reader."""
        return self.choices(request) if callable(self.choices) else self.choices

    def parse(self, text: str, options: Choices) -> Any:
        """The value of one parameter; ValueError with a sentence for people when it is none."""
        if self.kind == "choice":
            if text in (value for value, _ in options):
                return text
            raise ValueError(f"“{text[:60]}” is not a {self.label.lower()} to choose")
        if self.kind == "date":
            return _start_of_day(text)
        if self.kind == "bool":
            if text == "1":
                return True
            raise ValueError(f"“{self.label}” is either 1 or left out")
        if "\x00" in text or len(text) > MAX_TEXT:
            raise ValueError(f"“{self.label}” takes up to {MAX_TEXT} ordinary characters")
        return text

    def narrow(self, queryset: Query, value: Any) -> Query:
        """The rows that pass."""
        if callable(self.apply):
            return self.apply(queryset, value)
        lookup = self.apply or self.key
        return queryset.filter(**{f"{lookup}__in" if self.is_multiple else lookup: value})


@dataclass(frozen=True)
class Listing:
    """A list page. `name` is part of element ids; `row_template` draws one `row`, left out the columns do it.

    `keep`: parameters of the page around it that its links must not lose. `topic`: a live topic; when it rings the
    page offers the news instead of moving what somebody reads. `is_shared`: every reader sees the same, for the row's
    template needs nothing but `row` and shows nothing that changes by itself other than ages, and its rows compare no
    time with the clock where half a minute matters; so rows and lists are drawn once while nothing changes (parts.py).
    """

    name: str
    columns: tuple[Column, ...]
    filters: tuple[Filter, ...] = ()
    default_sort: str = "-pk"
    page_size: int = 50
    row_template: str = "ui/_row.html"
    is_shared: bool = False
    caption: str = ""
    noun: str = "row"
    nouns: str = "rows"
    keep: tuple[str, ...] = ()
    topic: str = ""
    empty_title: str = "Nothing here yet"
    empty_text: str = ""
    empty_action: str = ""
    empty_url: str = ""
    has_export: bool = True

    @property
    def element_id(self) -> str:
        """The id of the part that is swapped."""
        return f"list-{self.name}"

    @property
    def form_id(self) -> str:
        return f"filter-{self.name}"

    def sort_path(self, sort: str) -> str | None:
        """The ORM path behind "started_at" or "-started_at", None when nobody declared it."""
        key = sort.removeprefix("-")
        if sort == self.default_sort and key not in (column.key for column in self.columns):
            return key
        return next((column.sort or None for column in self.columns if column.key == key), None)


def _attribute(found: Any, name: str) -> Any:
    return None if found is None else getattr(found, name)


def _start_of_day(text: str) -> datetime:
    day = parse_date(text)  # raises ValueError itself for the 31st of February
    if day is None:
        raise ValueError(f"“{text[:60]}” is not a day; write it like 2026-11-24")
    return datetime.combine(day, time.min, tzinfo=timezone.get_current_timezone())
