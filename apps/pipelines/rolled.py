"""What became of the runs of each pipeline, rolled up: one row a day, and from these one row a period for lists."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

import orjson
from django.contrib.postgres.fields import ArrayField
from django.db import models

PERIODS: Final = (7, 30, 90)  # days
HARDLY: Final = 5  # percent; less is no difference worth a word


class RunDay(models.Model):
    """The runs of one pipeline that passed or failed and began on one day (UTC); of others nothing is counted.

    Written by `services.reliability`, which works due days out anew from the runs themselves, so late news is right.
    Red stretches: `first_bad_at` is the first failure before `first_good_at`, the first success; `greens` are the
    seconds from failure to success of stretches that begin and end after that; `red_since` is the first failure
    after the last success. Durations are seconds of runs that passed.
    """

    pipeline = models.ForeignKey("pipelines.Pipeline", on_delete=models.CASCADE, related_name="days")
    day = models.DateField()
    is_due = models.BooleanField(default=True)
    succeeded = models.PositiveIntegerField(default=0)
    retried = models.PositiveIntegerField(default=0)  # of those that succeeded: only at a later attempt
    failed = models.PositiveIntegerField(default=0)
    took_median = models.FloatField(null=True)
    took_p95 = models.FloatField(null=True)
    first_bad_at = models.DateTimeField(null=True)
    first_good_at = models.DateTimeField(null=True)
    red_since = models.DateTimeField(null=True)
    greens = ArrayField(models.PositiveIntegerField(), default=list)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["pipeline", "day"],
                include=["succeeded", "retried", "failed"],  # what strips of lists read lies in the index
                name="one_row_a_pipeline_and_day",
            )
        ]
        indexes = [models.Index(fields=["pipeline", "day"], name="runday_due", condition=models.Q(is_due=True))]

    def __str__(self) -> str:
        return f"{self.pipeline_id} on {self.day}"


class Reliability(models.Model):
    """How reliable one pipeline was over the `days` up to and with `until`; no row: no run passed or failed in them.

    Shares are of the runs that passed or failed. `flaky_rate` counts what went wrong and righted itself: failures
    hidden by a retry, and red stretches that turned green again. `took_change`: the later half against the earlier.
    """

    pipeline = models.ForeignKey("pipelines.Pipeline", on_delete=models.CASCADE, related_name="reliability")
    days = models.PositiveSmallIntegerField()
    until = models.DateField()
    rolled_at = models.DateTimeField()
    succeeded = models.PositiveIntegerField()
    retried = models.PositiveIntegerField()
    failed = models.PositiveIntegerField()
    success_rate = models.FloatField()
    flaky_rate = models.FloatField()
    green_count = models.PositiveIntegerField()
    green_median = models.FloatField(null=True)  # seconds from the first failure to the next success
    took_median = models.FloatField(null=True)  # seconds: the median of the days' medians
    took_change = models.FloatField(null=True)  # 0.2: a fifth slower
    red_since = models.DateTimeField(null=True)  # None: its last run passed

    class Meta:
        verbose_name_plural = "reliability"
        ordering = ["-flaky_rate", "-id"]
        constraints = [models.UniqueConstraint(fields=["pipeline", "days"], name="one_row_a_pipeline_and_period")]
        indexes = [
            models.Index(fields=["days", "-flaky_rate", "-id"], name="reliability_flakiest"),
            models.Index(fields=["until"], name="reliability_outdated"),
        ]

    def __str__(self) -> str:
        return f"{self.pipeline_id} over {self.days} days"

    @property
    def ended(self) -> int:
        """The runs that passed or failed."""
        return self.succeeded + self.failed

    @property
    def took_change_text(self) -> str:
        """ "12% slower", "5% faster"; "" where nothing is known or it hardly differs."""
        change = round((self.took_change or 0) * 100)
        return f"{abs(change)}% {'slower' if change > 0 else 'faster'}" if abs(change) >= HARDLY else ""

    @property
    def strip(self) -> list[str]:
        """The days of a row out of `queries.reliability`, oldest first: all passed, some retried or failed, none."""
        rows = orjson.loads(getattr(self, "daily", "[]"))
        found = {row["day"]: _cell(row["succeeded"], row["retried"], row["failed"]) for row in rows}
        return [found.get(day.isoformat(), "none") for day in _days(self.until, self.days)]

    @property
    def strip_text(self) -> str:
        """The same in words."""
        said = {"bad": "with failures", "warn": "with retries", "ok": "all good", "none": "without runs"}
        counts = {word: self.strip.count(key) for key, word in said.items()}
        return f"Of {self.days} days: " + ", ".join(f"{number} {word}" for word, number in counts.items() if number)


def _cell(succeeded: int, retried: int, failed: int) -> str:
    if failed:
        return "bad"
    return "warn" if retried else "ok" if succeeded else "none"


def _days(until: date, number: int) -> list[date]:
    return [until - timedelta(days=back) for back in range(number - 1, -1, -1)]
