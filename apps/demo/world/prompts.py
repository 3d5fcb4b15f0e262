"""The versions of each prompt and where its aliases point at a time."""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from dataclasses import dataclass, replace
from functools import lru_cache

from apps.demo.world.changes import Change, history
from apps.demo.world.company import FEATURE, TEAM, user_name
from apps.demo.world.dice import DAY, World
from apps.demo.world.sheets import SHEETS
from apps.demo.world.sheets.base import Sheet
from apps.demo.world.stage import Deed

BORN_BEFORE = 40 * DAY  # version 1 was written so long before counting starts
SETTINGS = ("temperature", "max_tokens")
REFRESH = "Refresh the examples with recent questions; the score had been slipping for three weeks"
EXAMPLES = "\n## Examples\nFollow the answers that reviewers rated 5 in {month}:\n{{{{examples}}}}\n"
MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Version:
    """One version of one prompt: immutable words, who wrote them and why. `flaw` is known only to the world."""

    prompt: str
    number: int
    created_at: int
    text: str
    settings: tuple[tuple[str, str], ...]
    message: str
    author: str
    flaw: str = ""
    change: Change | None = None
    chosen: tuple[tuple[str, int], ...] = ()  # slot -> option
    examples: str = ""
    moves: tuple[tuple[str, int], ...] = ()  # labels that people moved here by hand, and when

    @property
    def body(self) -> str:
        """The words as a registry keeps them: plain, or JSON messages for a chat prompt."""
        if not SHEETS[self.prompt].is_chat:
            return self.text
        messages = [{"role": "system", "content": self.text}, {"role": "user", "content": "{{message}}"}]
        return json.dumps(messages, ensure_ascii=False)


def versions_until(world: World, prompt: str, at: int) -> tuple[Version, ...]:
    """Every version that had been written by a time, oldest first; version 1 is older than all counting."""
    versions = _versions(world, prompt, at // DAY + 1)  # a version may be written the day before it is planned for
    return _with_deeds(world, prompt, at, versions[: max(1, bisect_right(versions, at, key=_written_at))])


def _with_deeds(world: World, prompt: str, at: int, planned: tuple[Version, ...]) -> tuple[Version, ...]:
    """The versions with those that people published by hand, and with the labels that they moved."""
    published = list(world.stage.done("publish", prompt, at))
    moved = list(world.stage.done("move", prompt, at))
    if not published and not moved:
        return planned
    versions = list(planned)
    for deed in published:
        place = bisect_right(versions, deed.at, key=_written_at)
        versions.insert(place, _published(prompt, deed, versions[place - 1]))
    return tuple(
        replace(one, number=number, moves=tuple((deed.value, deed.at) for deed in moved if deed.number == number))
        for number, one in enumerate(versions, start=1)
    )


def _published(prompt: str, deed: Deed, before: Version) -> Version:
    """What somebody put live at once, with a flaw, and made of the version before it."""
    sheet, author = SHEETS[prompt], TEAM[FEATURE[prompt].team].people[0]
    message = next(flaw.message for flaw in sheet.flaws if flaw.key == deed.value)
    change = Change("prompt", prompt, "harm", deed.value, author, deed.at, deed.at, deed.at, deed.at)
    chosen = dict(before.chosen)
    return _version(sheet, 0, deed.at, chosen, before.examples, deed.value, message, user_name(author), change)


def _written_at(version: Version) -> int:
    return version.created_at


@lru_cache(maxsize=32)
def _versions(world: World, prompt: str, day: int) -> tuple[Version, ...]:
    """The versions planned up to a day; each is made of the one before it."""
    sheet = SHEETS[prompt]
    chosen = dict.fromkeys(sheet.slots, 0)
    examples = ""
    born = world.starts_at - BORN_BEFORE
    first = TEAM[FEATURE[prompt].team].people[0]
    versions = [_version(sheet, 1, born, chosen, "", "", "First version", user_name(first), None)]
    for number, change in enumerate(history(world, "prompt", prompt, day), start=2):
        if change.reason == "refresh":
            examples = EXAMPLES.format(month=MONTHS[_month(change.live_at)])
            message = REFRESH
        elif change.reason == "harm":
            message = next(flaw.message for flaw in sheet.flaws if flaw.key == change.flaw)
        else:
            message = _improve(world, sheet, chosen, number)
            if change.reason == "mend":
                message = f"Take back version {number - 1}. {message}"
        author = user_name(change.author)
        versions.append(
            _version(sheet, number, change.created_at, chosen, examples, change.flaw, message, author, change)
        )
    return tuple(versions)


def _improve(world: World, sheet: Sheet, chosen: dict[str, int], number: int) -> str:
    """Choose other words for one slot, in place; the message of whoever chose them."""
    slot = world.pick(sorted(sheet.slots), "slot", sheet.feature, number)
    options = sheet.slots[slot]
    step = 1 + int(world.roll("option", sheet.feature, number) * (len(options) - 1))
    chosen[slot] = (chosen[slot] + step) % len(options)
    return options[chosen[slot]][1]


def _version(
    sheet: Sheet,
    number: int,
    created_at: int,
    chosen: dict[str, int],
    examples: str,
    flaw: str,
    message: str,
    author: str,
    change: Change | None,
) -> Version:
    words = {slot: sheet.slots[slot][option][0] for slot, option in chosen.items()}
    words |= {found.slot: found.words for found in sheet.flaws if found.key == flaw}
    settings = {"temperature": sheet.temperature, "max_tokens": sheet.max_tokens}
    settings |= {name: words[name] for name in SETTINGS if name in words}
    text = _fill(sheet.text, words) + examples
    return Version(
        *(sheet.feature, number, created_at, text, tuple(settings.items()), message, author, flaw, change),
        chosen=tuple(chosen.items()),
        examples=examples,
    )


def _fill(text: str, words: dict[str, str]) -> str:
    """The text with its slots filled; lines that held nothing but an empty slot are gone."""
    lines = []
    for line in text.splitlines():
        filled = re.sub(r"<<(\w+)>>", lambda found: words[found[1]], line)
        if filled or not line:
            lines.append(filled)
    return "\n".join(lines) + "\n"


def _month(at: int) -> int:
    """Number of the month before the one of a time, from 0 for January (close enough for a text)."""
    return int(at / (DAY * 30.44) - 1) % 12


def aliases_at(versions: tuple[Version, ...], at: int) -> dict[str, int]:
    """Where `production` and `staging`, and labels that people set by hand, point at a time: version numbers."""
    found: dict[str, tuple[int, int]] = {"production": (0, 1), "staging": (0, 1)}  # since when, and where to
    for version in versions:
        change = version.change
        if change is None:
            continue
        if change.staged_at <= at:
            found["staging"] = change.staged_at, version.number
        if change.live_at <= at and (change.rolled_back_at is None or at < change.rolled_back_at):
            found["production"] = max(found["production"][0], change.live_at), version.number
        elif change.live_at <= at:
            found["production"] = max(found["production"][0], change.rolled_back_at or 0), found["production"][1]
    for version in versions:
        for label, moved_at in version.moves:
            if found.get(label, (0, 0))[0] <= moved_at <= at:
                found[label] = moved_at, version.number
    return {label: number for label, (_, number) in found.items()}
