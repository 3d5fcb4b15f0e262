"""What may guard a rollout, and what does where nobody chose."""

from __future__ import annotations

from apps.monitors.models import Monitor, Slo
from apps.prompts.models import Prompt
from apps.prompts.status import GuardKind

_MOST = 50


def default_guards(*, prompt: Prompt) -> list[str]:
    """The keys ("monitor:7") of the monitors and objectives of the features that the prompt is a part of."""
    features = {prompt.feature_id, prompt.component.feature_id if prompt.component else None} - {None}
    monitors = Monitor.objects.filter(series__feature__in=features, is_enabled=True).order_by("pk")
    keys = [f"{GuardKind.MONITOR}:{pk}" for pk in monitors.values_list("pk", flat=True)[:_MOST]]
    slos = Slo.objects.filter(feature__in=features).order_by("pk").values_list("pk", flat=True)
    return [*keys, *(f"{GuardKind.OBJECTIVE}:{pk}" for pk in slos[:_MOST])][:_MOST]


def guards_to_choose() -> list[tuple[str, str]]:
    """(key, words) of every monitor that is switched on and every objective, by name."""
    monitors = Monitor.objects.filter(is_enabled=True).values_list("pk", "name", "series__feature__name")
    slos = Slo.objects.values_list("pk", "name", "feature__name")
    rows = [(f"{GuardKind.MONITOR}:{pk}", "monitor", name, feature) for pk, name, feature in monitors.order_by("name")]
    rows += [(f"{GuardKind.OBJECTIVE}:{pk}", "objective", name, feature) for pk, name, feature in slos.order_by("name")]
    return [(key, f"{name} ({kind}{f' of {feature}' if feature else ''})") for key, kind, name, feature in rows]
