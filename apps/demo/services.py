"""Setting the demo up and taking it out again; everything else about it goes the way of any other source."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from django.db import connection, transaction
from django.utils import timezone

from apps.catalog.document.reading import Document, read_document
from apps.catalog.services import CatalogDiff, apply_catalog
from apps.connectors.registry import get_connector
from apps.demo.rules import add_rules
from apps.demo.sources import DemoSource, demo_sources
from apps.demo.suites import load_suite
from apps.deployments.models import Deployment, Revision
from apps.evaluations.models import EvaluationEndpoint, EvaluationRun, EvaluationSuite
from apps.events.models import Event
from apps.metrics.models import Series
from apps.monitors.models import Alert
from apps.pipelines.models import Pipeline, Run
from apps.prompts.models import Prompt
from apps.sources.models import Source
from apps.sources.services import SourceDraft, change_source, create_source, remove_source

CATALOG = Path(__file__).parent / "catalog.yaml"


@dataclass(frozen=True, slots=True)
class Loaded:
    """What `load_demo` did: the catalog's changes, and the names of the sources by what became of them."""

    catalog: CatalogDiff
    created: tuple[str, ...]
    changed: tuple[str, ...]
    unchanged: tuple[str, ...]


def load_demo(*, base: str) -> Loaded:
    """Describe Fernway in the catalog and set up its sources at `base`; a second time changes nothing."""
    outcome: dict[str, list[str]] = {"created": [], "changed": [], "unchanged": []}
    with transaction.atomic():
        diff = apply_catalog(document=read_document(CATALOG.read_text(encoding="utf-8")), is_demo=True)
        for wanted in demo_sources(base):
            outcome[_set_up(wanted)].append(wanted.name)
        load_suite(base=base, at=timezone.now())
    return Loaded(diff, tuple(outcome["created"]), tuple(outcome["changed"]), tuple(outcome["unchanged"]))


def _set_up(wanted: DemoSource) -> str:
    """Create the source, or change it when it differs; says which."""
    config = get_connector(wanted.connector).clean(wanted.config)
    config.pop("allowed_networks", None)  # a column of its own
    draft = SourceDraft(
        name=wanted.name,
        connector=wanted.connector,
        config=config,
        interval_seconds=wanted.interval,
        secrets=wanted.secrets,
    )
    source = Source.objects.filter(is_demo=True, connector=wanted.connector, name=wanted.name).first()
    if source is None:
        add_rules(create_source(draft=draft, actor=None, is_demo=True))
        return "created"
    if source.config == config and source.interval_seconds == wanted.interval:
        return "unchanged"
    change_source(source=source, draft=draft, actor=None)
    return "changed"


def remove_demo() -> dict[str, int]:
    """Remove what came from demo sources, the sources, and the demo's part of the catalog; how many of each went.

    All or nothing; raises CatalogError when something that is not demo still needs a part of it.
    """
    with transaction.atomic():
        counts = _counts()
        counts["samples"] = _delete_samples()
        told = Deployment.objects.filter(source__is_demo=True)
        revisions = list(told.values_list("revision_id", flat=True).distinct())
        for source in Source.objects.filter(is_demo=True):
            remove_source(source=source, actor=None)
        EvaluationEndpoint.objects.filter(is_demo=True).delete()
        Revision.objects.filter(pk__in=revisions, deployments__isnull=True).delete()
        counts["events"] = _delete_events()
        diff = apply_catalog(document=Document({}), is_demo=True, prune=True)
        for change in diff.removals:
            counts[change.section] = counts.get(change.section, 0) + 1
    return {name: count for name, count in counts.items() if count}


def _counts() -> dict[str, int]:
    """How much came from demo sources, before it goes."""
    return {
        "sources": Source.objects.filter(is_demo=True).count(),
        "pipelines": Pipeline.objects.filter(source__is_demo=True).count(),
        "runs": Run.objects.filter(source__is_demo=True).count(),
        "deployments": Deployment.objects.filter(source__is_demo=True).count(),
        "prompts": Prompt.objects.filter(source__is_demo=True).count(),
        "suites": EvaluationSuite.objects.filter(setup__endpoint__is_demo=True).count(),
        "evaluations": EvaluationRun.objects.filter(source__is_demo=True).count(),
        "alerts": Alert.objects.filter(source__is_demo=True).count(),
        "series": Series.objects.filter(source__is_demo=True).count(),
    }


def _delete_samples() -> int:
    """Samples have no foreign key that would take them along."""
    theirs = (
        "series_id IN (SELECT series.id FROM metrics_series series"
        " JOIN sources_source source ON source.id = series.source_id WHERE source.is_demo)"
    )
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM metrics_packed WHERE {theirs}")  # noqa: S608 - constant text
        cursor.execute(f"DELETE FROM metrics_sample WHERE {theirs}")  # noqa: S608 - constant text
        return int(cursor.rowcount)


def _delete_events() -> int:
    """The ledger lets go of demo rows only while this setting is on, and it is on for this transaction alone."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL opsportal.purge_demo = 'on'")
        deleted, _ = Event.objects.filter(is_demo=True).delete()
        cursor.execute("SET LOCAL opsportal.purge_demo = 'off'")
    return deleted
