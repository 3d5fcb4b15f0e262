"""**Test connection**: who the source is and what may be read of it, told in plain words."""

from __future__ import annotations

from dataclasses import dataclass

from apps.connectors.base import Scope
from apps.sources.asking import Failure, ask_source
from apps.sources.services import SourceDraft


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the test found: `sentence` for people; `field` names the input to mend, if it is one input's fault."""

    is_good: bool
    sentence: str
    version: str = ""
    scopes: tuple[Scope, ...] = ()
    error_class: str = ""
    field: str = ""

    @property
    def missing(self) -> list[Scope]:
        """The rights that the source does not grant."""
        return [scope for scope in self.scopes if not scope.is_granted]


def test_connection(*, draft: SourceDraft) -> Answer:
    """Ask the source who it is; never raises, never shows a secret."""
    found = ask_source(draft=draft, question=lambda connector: connector.probe())
    if isinstance(found, Failure):
        return Answer(is_good=False, sentence=found.sentence, error_class=found.error_class, field=found.field)
    return Answer(is_good=True, sentence=found.sentence, version=found.version, scopes=found.scopes)
