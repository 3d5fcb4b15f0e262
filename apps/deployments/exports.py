"""The DORA measures for machines: as JSON values, and every change as a line of CSV."""

from __future__ import annotations

import csv
import io
from dataclasses import asdict
from typing import Any, Final

from apps.core.listing.export import cell
from apps.deployments.dora import Measures, Spread
from apps.deployments.queries.dora import Delivery, Group, Row

HEADS: Final = (
    ("at", "Went live"),
    ("what", "What"),
    ("title", "Change"),
    ("feature", "Feature"),
    ("team", "Team"),
    ("environment", "Where"),
    ("is_rollback", "Rollback"),
    ("lead_seconds", "Lead time in seconds"),
    ("lead_from", "Lead time counts from"),
    ("failed", "Failed"),
    ("failures", "Failures after it"),
    ("recovery_seconds", "Recovered in seconds"),
)


def as_csv(delivery: Delivery) -> str:
    """One line a change, newest first, with the mark that spreadsheets look for."""
    buffer = io.StringIO()
    write = csv.writer(buffer)
    write.writerow([head for _, head in HEADS])
    for row in delivery.rows:
        values = change(row)
        write.writerow([cell(values[key]) for key, _ in HEADS])
    return "\ufeff" + buffer.getvalue()


def as_json(delivery: Delivery) -> dict[str, Any]:
    """The measures with the question they answer, and every change."""
    return summary(delivery) | {"changes": [change(row) for row in delivery.rows]}


def summary(delivery: Delivery) -> dict[str, Any]:
    """The measures without the changes."""
    return {
        "question": asdict(delivery.question),
        "start": delivery.start.isoformat(),
        "end": delivery.end.isoformat(),
        "is_cut": delivery.is_cut,
        "measures": measures(delivery.measures),
        "by_kind": [_group(group) for group in delivery.by_kind],
        "by_team": [_group(group) for group in delivery.by_team],
        "by_feature": [_group(group) for group in delivery.by_feature],
    }


def measures(found: Measures) -> dict[str, Any]:
    """The five measures; every median and mean with the number of values it is made of and of those not known."""
    return {
        "changes": found.changes,
        "rollbacks": found.rollbacks,
        "deployment_frequency": {"changes_a_week": found.a_week},
        "lead_time_for_changes": _spread(found.lead),
        "change_failure_rate": {"rate": found.failure_rate, "failed": found.failed, "of": found.changes},
        "failed_deployment_recovery_time": _spread(found.recovery),
        "rework_rate": {"rate": found.rework_rate, "rework": found.rework, "of": found.changes + found.rollbacks},
    }


def change(row: Row) -> dict[str, Any]:
    """One change with what is known of it."""
    feature, recovery, lead = row.event.feature, row.recovery, row.change.lead
    return {
        "at": row.change.at.isoformat(),
        "what": row.change.kind,
        "title": row.event.title,
        "feature": feature.slug if feature else None,
        "team": feature.team.slug if feature and feature.team else None,
        "environment": row.event.environment.slug if row.event.environment else None,
        "is_rollback": row.change.is_rollback,
        "lead_seconds": lead.total_seconds() if lead is not None else None,
        "lead_from": row.change.begun_by,
        "failed": row.has_failed,
        "failures": "; ".join(f"{one.title} ({one.link.state})" for one in row.blames),
        "recovery_seconds": recovery.total_seconds() if recovery is not None else None,
    }


def _group(group: Group) -> dict[str, Any]:
    return {"name": group.name, **measures(group.measures)}


def _spread(found: Spread) -> dict[str, Any]:
    return {
        "median_seconds": found.median,
        "mean_seconds": found.mean,
        "number": found.number,
        "unknown": found.unknown,
    }
