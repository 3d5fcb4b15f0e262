"""When a change request has what it needs: a pure rule over the votes on one revision."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fnmatch import fnmatchcase


@dataclass(frozen=True, slots=True)
class Yes:
    """One approval of the revision: who gave it, when, for which teams, and whether that person still may."""

    user_id: int
    at: datetime
    team_ids: frozenset[int] = frozenset()
    still_may: bool = True


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a revision is: `valid` of `needed` approvals, the teams that are missing, and those who lapsed."""

    valid: int
    needed: int
    missing_team_ids: tuple[int, ...] = ()
    lapsed: tuple[int, ...] = field(default=())

    @property
    def is_met(self) -> bool:
        """Whether enough people said yes, one of every required team among them."""
        return self.valid >= self.needed and not self.missing_team_ids


def judge(
    *, given: Iterable[Yes], needed: int, required_team_ids: Sequence[int], vote_days: int, at: datetime
) -> Standing:
    """What the approvals are worth at `at`: one lapses after `vote_days`, or once its person may not approve."""
    oldest = at - timedelta(days=vote_days)
    votes = list(given)
    valid = [yes for yes in votes if yes.still_may and yes.at >= oldest]
    teams = {team for yes in valid for team in yes.team_ids}
    return Standing(
        valid=len({yes.user_id for yes in valid}),
        needed=needed,
        missing_team_ids=tuple(team for team in required_team_ids if team not in teams),
        lapsed=tuple(yes.user_id for yes in votes if yes not in valid),
    )


def most_specific(patterns: Iterable[tuple[int, str, str]], *, name: str, label: str) -> int | None:
    """The id of the rule that counts, out of (id, prompt pattern, label pattern): the one that says most."""
    found = [
        (len(prompts.replace("*", "")), len(labels.replace("*", "")), -pk)
        for pk, prompts, labels in patterns
        if fnmatchcase(name, prompts) and fnmatchcase(label, labels)
    ]
    return -max(found)[2] if found else None
