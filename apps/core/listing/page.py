"""One page of a list, as its template shows it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from apps.core.listing.declaration import Filter, Listing, Query
from apps.core.listing.keyset import Order
from apps.core.listing.state import State


@dataclass(frozen=True, slots=True)
class Head:
    """A column head: `direction` is "ascending" or "descending" when the list is sorted by it; `url` turns it."""

    label: str
    cls: str
    url: str
    direction: str


@dataclass(frozen=True, slots=True)
class Chip:
    """An active filter with the address that takes it off."""

    label: str
    text: str
    url: str


@dataclass(frozen=True, slots=True)
class Option:
    value: str
    label: str
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class Field:
    """A filter in the form, with what is chosen now."""

    filter: Filter
    options: tuple[Option, ...]
    text: str


class Page:
    """The rows of one page and the addresses around them."""

    def __init__(self, listing: Listing, state: State, queryset: Query) -> None:
        self.listing = listing
        self.state = state
        self._queryset = queryset

    @cached_property
    def rows(self) -> list[Any]:
        """The rows, in the order of the list; one query, one row more than is shown."""
        return self._read[0]

    @property
    def narrowed(self) -> Query:
        """Everything that passes the filters, for pages that draw more than one page of rows."""
        return self._queryset

    @property
    def next_url(self) -> str:
        """The page after this one, "" on the last."""
        return self._url("after", -1) if self._read[2] else ""

    @property
    def previous_url(self) -> str:
        return self._url("before", 0) if self._read[1] else ""

    @cached_property
    def order(self) -> Order:
        return self.state.order(self._queryset)

    @cached_property
    def _read(self) -> tuple[list[Any], bool, bool]:
        """(rows, is there a page before, is there one after)."""
        place, backwards = self.state.place(self.order)
        queryset = self.order.sorted(self._queryset, backwards=backwards)
        if place is not None:
            queryset = self.order.beyond(queryset, place, backwards=backwards)
        found = list(queryset[: self.listing.page_size + 1])
        has_more = len(found) > self.listing.page_size
        rows = found[: self.listing.page_size]
        if backwards:
            return rows[::-1], has_more, True
        return rows, place is not None, has_more

    def _url(self, side: str, index: int) -> str:
        if not self.rows:
            return self.state.url()
        return self.state.url(**{side: self.order.encode(self.order.place_of(self.rows[index]))})

    @property
    def notes(self) -> list[str]:
        """What in the address was ignored, one sentence each; complete once the rows were read."""
        _ = self.rows
        return self.state.notes

    @property
    def url(self) -> str:
        """This very page in its shortest form: what the address bar should say."""
        _ = self.rows
        return self.state.url(after=self.state.after, before="" if self.state.after else self.state.before)

    @property
    def first_url(self) -> str:
        return self.state.url()

    @property
    def bare_url(self) -> str:
        return self.state.bare_url()

    @property
    def csv_url(self) -> str:
        return self.state.url(format="csv")

    @property
    def json_url(self) -> str:
        return self.state.url(format="json")

    @property
    def is_filtered(self) -> bool:
        return bool(self.state.values)

    @property
    def is_first(self) -> bool:
        return not (self.state.after or self.state.before)

    @property
    def words(self) -> tuple[str, str]:
        """What the pager calls its two directions."""
        if not self.order.is_time:
            return "Previous", "Next"
        return ("Newer", "Older") if self.order.is_descending else ("Older", "Newer")

    @property
    def heads(self) -> Iterator[Head]:
        """Column heads; sorting by a new column starts ascending, again turns it round."""
        path = self.listing.sort_path(self.state.sort)
        for column in self.listing.columns:
            if not column.is_shown:
                continue
            is_current = bool(column.sort) and column.sort == path
            direction = ("descending" if self.state.sort.startswith("-") else "ascending") if is_current else ""
            turned = f"-{column.key}" if direction == "ascending" else column.key
            yield Head(column.label, column.cls, self.state.url(sort=turned) if column.sort else "", direction)

    @property
    def chips(self) -> Iterator[Chip]:
        """The active filters."""
        for one in self.listing.filters:
            labels = dict(self.state.options[one.key])
            for text in self.state.texts.get(one.key, []):
                shown = "" if one.kind == "bool" else str(labels.get(text, text))
                yield Chip(one.label, shown, self.state.url_without(one.key, text))

    @property
    def fields(self) -> Iterator[Field]:
        """The filters of the form."""
        for one in self.listing.filters:
            chosen = self.state.texts.get(one.key, [])
            options = tuple(Option(value, str(label), value in chosen) for value, label in self.state.options[one.key])
            yield Field(one, options, chosen[0] if chosen else "")

    @property
    def hidden(self) -> Iterator[tuple[str, str]]:
        """What the form must carry along: the page's own parameters and the order."""
        for key, texts in self.state.kept.items():
            yield from ((key, text) for text in texts)
        if self.state.sort != self.listing.default_sort:
            yield "sort", self.state.sort


def listing_page(request: Any, listing: Listing, queryset: Query) -> Page:
    """The page this request asks for."""
    state = State.of(request, listing)
    return Page(listing, state, state.narrowed(queryset))
