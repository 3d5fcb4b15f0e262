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

_WORST_FIRST = (State.FAILED, State.EXPIRED, State.WAITING, State.PASSED)


@dataclass(frozen=True, slots=True)
class GateCase:
    """One prompt that has to be shown no worse: the change's own, or a parent of the snippet that changes."""

    subject: str
    requirements: tuple[GateRequirement, ...]
    candidate: Target
    baseline: Target | None


def gate_cases(*, change: ChangeRequest) -> list[GateCase]:
    """What the gate of a change looks at; empty without a gate."""
    revision = change.current
    cases = []
    if change.gate:
        base = _target(revision.base, change.label) if revision.base else None
        candidate = _target(revision.version, change.label)
        cases.append(GateCase(change.prompt.name, _requirements(change.gate), candidate, base))
    if change.prompt.source_id is None:
        touched = parents(name=change.prompt.name, label=change.label)
        cases += [case for label in touched if (case := _of_parent(change, label))]
    return cases


def gate_of(*, change: ChangeRequest, at: datetime) -> GateVerdict:
    """The verdict of all cases together: the worst of them."""
    return together([_verdict(case, at) for case in gate_cases(change=change)])


def together(verdicts: Sequence[GateVerdict]) -> GateVerdict:
    """One verdict out of several."""
    states = {verdict.state for verdict in verdicts}
    return GateVerdict(
        state=next((state for state in _WORST_FIRST if state in states), State.NOT_REQUIRED),
        reasons=tuple(reason for verdict in verdicts for reason in verdict.reasons),
        rows=tuple(row for verdict in verdicts for row in verdict.rows),
    )


def _verdict(case: GateCase, at: datetime) -> GateVerdict:
    return evaluations.gate_verdict(
        requirements=case.requirements,
        candidate=case.candidate.version,
        baseline=case.baseline.version if case.baseline else None,
        subject=case.subject,
        at=at,
    )


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
