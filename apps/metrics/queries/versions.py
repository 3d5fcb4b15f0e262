"""Measures of single versions of a prompt: series of its feature whose labels name the prompt and a version."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Q

from apps.metrics.models import Series

KEYS = ("prompt_version", "version")  # of the label that holds the number
MOST = 200


@dataclass(frozen=True, slots=True)
class VersionMeasures:
    """What is measured of one version, newest value each."""

    version: str
    series: tuple[Series, ...]


def measures_of_versions(*, feature_id: int, prompt: str) -> list[VersionMeasures]:
    """The versions of a prompt that are measured, the highest first."""
    has_number = Q(labels__has_any_keys=KEYS)
    rows = Series.objects.filter(has_number, feature_id=feature_id, labels__prompt=prompt, last_at__isnull=False)
    found: dict[str, list[Series]] = {}
    for series in rows.order_by("measure", "name")[:MOST]:
        number = next(str(series.labels[key]) for key in KEYS if key in series.labels)
        found.setdefault(number.removeprefix("v"), []).append(series)
    order = sorted(found, key=lambda text: (text.isdecimal(), int(text) if text.isdecimal() else 0), reverse=True)
    return [VersionMeasures(text, tuple(found[text])) for text in order]
