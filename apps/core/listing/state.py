"""What the address asks of a list, with everything it could not understand told instead of guessed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.http import HttpRequest, QueryDict
from django.utils.http import urlencode

from apps.core.listing.declaration import Choices, Filter, Listing, Query
from apps.core.listing.keyset import Order, Place

OWN = ("sort", "after", "before", "format", "view")  # ?view=all: not as the reader's default view


def has_default(request: HttpRequest) -> bool:
    """Whether this reader opens this list in another way than it is; links to it as it is must then say so."""
    return request.path in getattr(getattr(request, "user", None), "default_views", ())


@dataclass
class State:
    """Filters, order and position out of one address."""

    listing: Listing
    path: str
    kept: dict[str, list[str]]
    values: dict[str, Any] = field(default_factory=dict)  # filter key -> parsed value
    texts: dict[str, list[str]] = field(default_factory=dict)  # filter key -> as in the address
    options: dict[str, Choices] = field(default_factory=dict)
    sort: str = ""
    after: str = ""
    before: str = ""
    notes: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, request: HttpRequest, listing: Listing) -> State:
        """The state of this request; what is wrong ends up in `notes` and is otherwise ignored."""
        kept = {key: request.GET.getlist(key) for key in listing.keep if key in request.GET}
        if has_default(request):
            kept["view"] = ["all"]
        state = cls(listing, request.path, kept)
        for one in listing.filters:
            state.options[one.key] = one.options(request)
            state._read_filter(one, request.GET)
        state._read_sort(request.GET.get("sort", ""))
        state.after, state.before = request.GET.get("after", ""), request.GET.get("before", "")
        known = {*OWN, *listing.keep, *(one.key for one in listing.filters)}
        for key in request.GET:
            if key not in known:
                state.notes.append(f"“{key[:60]}” is no filter of this list, so it was ignored.")
        return state

    def narrowed(self, queryset: Query) -> Query:
        """The rows that pass every filter."""
        for one in self.listing.filters:
            if one.key in self.values:
                queryset = one.narrow(queryset, self.values[one.key])
        return queryset

    def order(self, queryset: Query) -> Order:
        """The total order of the rows."""
        path = self.listing.sort_path(self.sort)
        if path is None:
            raise LookupError(f"{self.listing.name} declares no order “{self.sort}”")
        return Order.of(queryset, self.sort, path)

    def place(self, order: Order) -> tuple[Place | None, bool]:
        """Where the page begins, and whether it is read backwards; a bad cursor means the first page."""
        cursor = self.after or self.before
        try:
            return (order.decode(cursor), bool(self.before and not self.after)) if cursor else (None, False)
        except ValueError:
            self.notes.append("The position in this address belongs to another list or order; this is the first page.")
            self.after = self.before = ""
            return None, False

    def url(self, **changes: str | None) -> str:
        """This list with some parameters changed (None removes one); always back at the first page unless told."""
        return f"{self.path}?{query}" if (query := self._query(changes)) else self.path

    def url_without(self, key: str, text: str) -> str:
        """This list without one value of one filter."""
        rest = {key: [other for other in self.texts[key] if other != text]}
        query = urlencode(list(self._pairs({}, {**self.texts, **rest})))
        return f"{self.path}?{query}" if query else self.path

    def bare_url(self) -> str:
        """This list with no filter at all, in the same order."""
        query = urlencode(list(self._pairs({}, {})))
        return f"{self.path}?{query}" if query else self.path

    def _query(self, changes: dict[str, str | None]) -> str:
        return urlencode(list(self._pairs(changes, self.texts)))

    def _pairs(self, changes: dict[str, str | None], texts: dict[str, list[str]]) -> Iterator[tuple[str, str]]:
        for key, kept in self.kept.items():
            yield from ((key, text) for text in kept)
        for key, chosen in texts.items():
            yield from ((key, text) for text in chosen)
        sort = changes.pop("sort", self.sort)
        if sort and sort != self.listing.default_sort:
            yield "sort", sort
        yield from ((key, value) for key, value in changes.items() if value)

    def _read_filter(self, one: Filter, query: QueryDict) -> None:
        found, texts = [], []
        for text in dict.fromkeys(text.strip() for text in query.getlist(one.key)):
            if not text:
                continue
            try:
                found.append(one.parse(text, self.options[one.key]))
                texts.append(text)
            except ValueError as error:
                self.notes.append(f"{str(error)[:1].upper()}{str(error)[1:]}, so that filter was ignored.")
        if found:
            self.values[one.key] = found if one.is_multiple else found[-1]
            self.texts[one.key] = texts if one.is_multiple else texts[-1:]

    def _read_sort(self, sort: str) -> None:
        self.sort = self.listing.default_sort
        if sort and self.listing.sort_path(sort) is None:
            self.notes.append(f"This list cannot be sorted by “{sort[:60]}”, so it keeps its usual order.")
        elif sort:
            self.sort = sort
