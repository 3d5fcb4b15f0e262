"""On which days something is due: every day, some weekdays, business days, the month's end, the n-th weekday."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Final

import holidays

ONE_DAY: Final = timedelta(days=1)
LAST: Final = -1  # as `nth`: the last one of the month
_NAMES: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_NTH: Final = {1: "first", 2: "second", 3: "third", 4: "fourth", 5: "fifth", LAST: "last"}


class DayRule(StrEnum):
    DAILY = "daily"
    WEEKDAYS = "weekdays"
    BUSINESS = "business"
    MONTH_END = "month_end"
    LAST_BUSINESS = "last_business"
    NTH_WEEKDAY = "nth_weekday"


@dataclass(frozen=True, slots=True)
class Days:
    """A set of days. `weekdays` (0 is Monday) serve WEEKDAYS; `nth` with the first of them NTH_WEEKDAY.

    `country` (ISO 3166, "DE" or "DE-BY") takes its public holidays out of BUSINESS and LAST_BUSINESS days.
    """

    rule: DayRule = DayRule.DAILY
    weekdays: tuple[int, ...] = ()
    nth: int = 1
    country: str = ""

    def __post_init__(self) -> None:
        if self.rule in (DayRule.WEEKDAYS, DayRule.NTH_WEEKDAY) and not self.weekdays:
            raise ValueError("Choose at least one weekday.")
        if any(day not in range(7) for day in self.weekdays) or self.nth not in _NTH:
            raise ValueError("A weekday is 0 (Monday) to 6, and its number in the month 1 to 5 or -1.")
        if self.country and not is_country(self.country):
            raise ValueError(f"“{self.country}” is no country with known holidays; write DE, or DE-BY for a region.")

    def __contains__(self, day: date) -> bool:
        match self.rule:
            case DayRule.DAILY:
                return True
            case DayRule.WEEKDAYS:
                return day.weekday() in self.weekdays
            case DayRule.BUSINESS:
                return self._is_business(day)
            case DayRule.MONTH_END:
                return (day + ONE_DAY).month != day.month
            case DayRule.LAST_BUSINESS:
                return self._is_business(day) and not any(map(self._is_business, _rest_of_month(day)))
            case DayRule.NTH_WEEKDAY:
                return day.weekday() == self.weekdays[0] and self._has_number(day)

    def between(self, first: date, last: date) -> Iterator[date]:
        """The days from `first` to `last`, both included."""
        for number in range((last - first).days + 1):
            if (day := first + number * ONE_DAY) in self:
                yield day

    @property
    def text(self) -> str:
        """ "every business day (DE)", "the last Friday of the month"."""
        where = f" ({self.country})" if self.country else ""
        match self.rule:
            case DayRule.DAILY:
                return "every day"
            case DayRule.WEEKDAYS:
                return f"every {', '.join(_NAMES[day] for day in sorted(self.weekdays))}"
            case DayRule.BUSINESS:
                return f"every business day{where}"
            case DayRule.MONTH_END:
                return "the last day of the month"
            case DayRule.LAST_BUSINESS:
                return f"the last business day of the month{where}"
            case DayRule.NTH_WEEKDAY:
                return f"the {_NTH[self.nth]} {_NAMES[self.weekdays[0]]} of the month"

    def _is_business(self, day: date) -> bool:
        return day.weekday() < 5 and not (self.country and day in _holidays(self.country, day.year))

    def _has_number(self, day: date) -> bool:
        if self.nth == LAST:
            return not any(other.weekday() == day.weekday() for other in _rest_of_month(day))
        return (day.day - 1) // 7 + 1 == self.nth


def is_country(text: str) -> bool:
    """Whether holidays are known for "DE" or "DE-BY"."""
    country, _, region = text.partition("-")
    known = holidays.list_supported_countries(include_aliases=False)
    return country in known and (not region or region in known[country])


@lru_cache(maxsize=512)
def _holidays(country: str, year: int) -> frozenset[date]:
    name, _, region = country.partition("-")
    return frozenset(holidays.country_holidays(name, subdiv=region or None, years=year))


def _rest_of_month(day: date) -> Iterator[date]:
    for number in range(day.day + 1, monthrange(day.year, day.month)[1] + 1):
        yield day.replace(day=number)
