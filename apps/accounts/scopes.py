"""What an API token may do: one table, read by the form, the API and its documentation alike.

A token never does more than its person may at that moment: each scope names the action of `permissions.MAY` behind it.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TokenScope:
    """One thing a token may be allowed: a word for the form, a sentence for people, the person's own right."""

    key: str
    label: str
    meaning: str
    action: str = "source:push"


SCOPES: dict[str, TokenScope] = {
    scope.key: scope
    for scope in (
        TokenScope("push:runs", "Report runs", "pipelines, their runs and the steps of runs"),
        TokenScope("push:deployments", "Report deployments", "which revision was put where"),
        TokenScope("push:prompts", "Report prompts", "versions of prompts and where their labels point"),
        TokenScope("push:evaluations", "Report evaluations", "results of evaluation suites"),
        TokenScope("push:samples", "Report samples", "numbers over time, also by OTLP and remote write"),
        TokenScope("push:changes", "Report changes", "what else was changed: configuration, flags, models"),
        TokenScope("push:alerts", "Report alerts", "alerts that fire or have ended"),
        TokenScope(
            "prompt:read", "Fetch prompts", "the text of prompts, and telling who serves them", action="portal:read"
        ),
        TokenScope(
            "changes:write",
            "Propose and apply changes",
            "change requests: propose, edit, apply, roll back",
            action="change:propose",
        ),
        TokenScope(
            "changes:approve",
            "Review changes",
            "approve, return or reject what others wrote",
            action="change:propose",  # who may approve is asked for every request: a role in a team may be enough
        ),
        TokenScope(
            "changes:break-glass",
            "Break the glass",
            "apply a change without approval, loudly",
            action="change:break-glass",
        ),
        TokenScope(
            "incidents:write",
            "Respond to incidents",
            "declare them, move them, write their timeline, judge suspects",
            action="incident:respond",
        ),
        TokenScope("catalog:write", "Describe the catalog", "features, components and dependencies", "catalog:change"),
        TokenScope("sources:write", "Make sources", "sources that report by themselves", action="source:change"),
        TokenScope("run:evaluations", "Run evaluations", "start runs of the portal's own suites", action="suite:run"),
        TokenScope("watch", "Watch", "set monitors, acknowledge alerts", action="monitor:change"),
        TokenScope(
            "read",
            "Read",
            "how a source is doing, whether a deployment may start, monitors, objectives, alerts, evaluations",
            action="portal:read",
        ),
    )
}
