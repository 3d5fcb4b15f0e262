"""By what the numbers of a feature can be split, and which labels say so. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Split:
    """One way to split: the labels that name it, the first one that is there counts."""

    key: str
    label: str
    labels: tuple[str, ...]
    question: str

    def value(self, labels: Mapping[str, str]) -> str:
        """What a series is part of, "" when it does not say."""
        return next((text for name in self.labels if (text := labels.get(name, ""))), "")


SPLITS: Final = {
    split.key: split
    for split in (
        Split("client", "Client", ("client", "client_app", "app"), "Which app or site asks?"),
        Split("device", "Device", ("device_class", "device", "device_type"), "Phone, tablet or desk?"),
        Split("network", "Network", ("network", "network_type", "connection_type"), "Over which network?"),
        Split("region", "Region", ("region", "country"), "From where?"),
        Split("app_version", "App version", ("app_version", "client_version"), "Which version of the app?"),
        Split(
            "model", "Model", ("model", "model_name", "gen_ai_request_model", "fallback_model"), "Which model answers?"
        ),
        Split("prompt_version", "Prompt version", ("prompt_version", "prompt"), "Which version of the prompt?"),
        Split("step", "Fallback step", ("fallback_step", "step"), "Which answer of the fallback chain?"),
    )
}
ENVIRONMENT: Final = Split("environment", "Environment", ("environment", "env"), "Where does it run?")
_PLACES: Final = frozenset({"feature", "component", "environment", "env", "job", "instance"})


def split_of(key: str) -> Split | None:
    """The split that an address names."""
    return ENVIRONMENT if key == ENVIRONMENT.key else SPLITS.get(key)


def others(labels: Mapping[str, str], split: Split) -> int:
    """How many labels narrow a series down besides the one it is split by: the fewest speaks for the part."""
    return len(set(labels) - _PLACES - set(split.labels))
