"""The demo's mapping rules: where the names that its systems use say by themselves what they are about."""

from __future__ import annotations

from dataclasses import dataclass

from apps.catalog.models import Component
from apps.demo.world.systems import prompts_in
from apps.sources.identity.services import RuleDraft, create_rule
from apps.sources.models import Source


@dataclass(frozen=True, slots=True)
class DemoRule:
    """One rule for the names of one source, by its connector; `component` is a slug, "" where the name says it."""

    connector: str
    pattern: str
    note: str
    kind: str = ""
    component: str = ""
    experiment: str = ""  # of a series; "" for any


RULES = (
    DemoRule("dagster", "{component}", "A job is called after what it keeps fresh", "pipeline"),
    DemoRule("github", "fernway/{component}", "A repository is called after its service"),
    DemoRule("github", "fernway/{component}: *", "Workflows belong to the service of their repository", "pipeline"),
    *(
        DemoRule(
            "mlflow", "*", "Scores belong to what they judge", "series", f"{name}-evaluation", f"{name}-evaluation"
        )
        for name in prompts_in("mlflow")
    ),
    DemoRule("langfuse", "*", "Numbers of the whole project, which traces two features", "series", "support-traces"),
)


def add_rules(source: Source) -> None:
    """The rules for a source that was created just now; they go with it."""
    for rule in RULES:
        if rule.connector == source.connector:
            component = Component.objects.filter(slug=rule.component).first()
            draft = RuleDraft(
                pattern=rule.pattern,
                kind=rule.kind,
                source=source,
                labels={"experiment": rule.experiment} if rule.experiment else {},
                component=component,
                note=rule.note,
            )
            create_rule(draft=draft, actor=None)
