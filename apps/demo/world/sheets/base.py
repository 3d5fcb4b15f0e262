"""What a prompt is made of before chance writes its versions: a text with slots, and what people put into them."""

from __future__ import annotations

from dataclasses import dataclass

Option = tuple[str, str]  # the words in the text, and the commit message of whoever chose them


@dataclass(frozen=True, slots=True)
class Flaw:
    """Words that looked fine in review and do harm in production, in one slot."""

    kind: str
    slot: str
    words: str
    message: str

    @property
    def key(self) -> str:
        """Its name within its prompt: `slow:passages`."""
        return f"{self.kind}:{self.slot}"


@dataclass(frozen=True, slots=True)
class Sheet:
    """A prompt: `<<slot>>` marks a choice; a line that ends up empty because of a slot is left out.

    The slots `temperature` and `max_tokens` belong to the model's settings, not to the text.
    """

    feature: str
    text: str
    slots: dict[str, tuple[Option, ...]]
    flaws: tuple[Flaw, ...]
    temperature: str = "0.2"
    max_tokens: str = "700"
    is_chat: bool = False
    registry: str = "mlflow"  # where its team keeps it


def warmth(*degrees: str) -> tuple[Option, ...]:
    """Options of the temperature slot."""
    return tuple((degree, f"Set temperature to {degree}") for degree in degrees)
