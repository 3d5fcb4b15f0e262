"""What evaluations say of a change: of the prompt itself, and of every prompt that takes it in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from apps.evaluations import queries as evaluations
from apps.evaluations.gating import GateRequirement, GateVerdict, State
from apps.evaluations.targets import Target
from apps.prompts.models import ChangeRequest, PromptLabel, PromptVersion
from apps.prompts.queries.approvals import policy_for
from apps.prompts.queries.snippets import messages_of, parents

MOST_ALIKE = 20
_WORST_FIRST = (State.FAILED, State.EXPIRED, State.WAITING, State.PASSED)


@dataclass(frozen=True, slots=True)
class GateCase:
    """One prompt that has to be shown no worse: the change's own, or a parent of the snippet that changes."""

    subject: str
    requirements: tuple[GateRequirement, ...]
    candidate: Target
    baseline: Target | None
    alike: tuple[str, ...] = ()  # versions that say exactly the same as the candidate


def gate_cases(*, change: ChangeRequest) -> list[GateCase]:
    """What the gate of a change looks at; empty without a gate."""
    revision = change.current
    cases = []
    if change.gate:
        base = _target(revision.base, change.label) if revision.base else None
        candidate = _target(revision.version, change.label)
        alike = _alike(revision.version)
        cases.append(GateCase(change.prompt.name, _requirements(change.gate), candidate, base, alike))
    if change.prompt.source_id is None:
        touched = parents(name=change.prompt.name, label=change.label)
        cases += [case for label in touched if (case := _of_parent(change, label))]
    return cases


def gate_of(*, change: ChangeRequest, at: datetime) -> GateVerdict:
    """The verdict of all cases together: the worst of them."""
    return together([_verdict(case, at) for case in gate_cases(change=change)])


def gate_runs_under_way(*, change: ChangeRequest, at: datetime) -> list[evaluations.UnderWay]:
    """The executions that the gate of a change waits for."""
    found = []
    for case in gate_cases(change=change):
        sides = [side.version for side in (case.candidate, case.baseline) if side is not None]
        suites = {one.suite_id for one in case.requirements}
        found += evaluations.runs_under_way(suite_ids=suites, subject=case.subject, versions=sides, at=at)
    return found


def together(verdicts: Sequence[GateVerdict]) -> GateVerdict:
    """One verdict out of several."""
    states = {verdict.state for verdict in verdicts}
    return GateVerdict(
        state=next((state for state in _WORST_FIRST if state in states), State.NOT_REQUIRED),
        reasons=tuple(reason for verdict in verdicts for reason in verdict.reasons),
        rows=tuple(row for verdict in verdicts for row in verdict.rows),
        runs=tuple(run for verdict in verdicts for run in verdict.runs),
    )


def _verdict(case: GateCase, at: datetime) -> GateVerdict:
    return evaluations.gate_verdict(
        requirements=case.requirements,
        candidate=case.candidate.version,
        baseline=case.baseline.version if case.baseline else None,
        subject=case.subject,
        at=at,
        alike=case.alike,
    )


def _alike(version: PromptVersion) -> tuple[str, ...]:
    """The same words under another number are no new chance."""
    rows = PromptVersion.objects.filter(prompt_id=version.prompt_id, content_hash=version.content_hash)
    return tuple(str(number) for number in rows.exclude(pk=version.pk).values_list("number", flat=True)[:MOST_ALIKE])


def _of_parent(change: ChangeRequest, parent: PromptLabel) -> GateCase | None:
    """The parent as it would read with the proposed snippet: its version is called "12+tone@5"."""
    policy = policy_for(name=parent.prompt.name, label=parent.name)
    if policy is None or not policy.gate or parent.prompt_id == change.prompt_id:
        return None
    snippet = change.current.version
    name = f"{parent.version.number}+{change.prompt.name}@{snippet.number}"[:120]
    changed = _target(parent.version, parent.name, name=name, instead={change.prompt.name: snippet})
    return GateCase(parent.prompt.name, _requirements(policy.gate), changed, _target(parent.version, parent.name))


def _target(
    version: PromptVersion, label: str, *, name: str = "", instead: dict[str, PromptVersion] | None = None
) -> Target:
    return Target(
        version=name or str(version.number),
        messages=messages_of(version=version, label=label, instead=instead),
        parameters=version.model_config,
    )


def _requirements(stored: Sequence[dict[str, Any]]) -> tuple[GateRequirement, ...]:
    return tuple(GateRequirement.from_json(one) for one in stored)
