"""What applying a document would change: a pure comparison of two descriptions of the catalog."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from apps.catalog.document.reading import Document
from apps.catalog.freshness import limits_text, whole_limits

Sign = Literal["+", "~", "-"]
Description = dict[str, Any]  # of one entry, without its slug; a team or feature is named by slug
Catalog = dict[str, dict[str, Description]]  # section -> slug -> description; a dependency's slug is "a → b"
ARROW = " → "
WORD = {
    "teams": "team", "environments": "environment", "features": "feature", "components": "component",
    "dependencies": "dependency",
}  # fmt: skip
SECTIONS = tuple(WORD)  # in the order in which they can be made


@dataclass(frozen=True, slots=True)
class Change:
    """One entry that comes (+), differs (~) or goes (-), with both sides of what differs."""

    sign: Sign
    section: str
    slug: str
    before: Description = field(default_factory=dict)
    after: Description = field(default_factory=dict)

    def lines(self) -> Iterator[str]:
        """The change as people read it."""
        name = f" ({self.after['name']})" if self.sign == "+" and "name" in self.after else ""
        yield f"{self.sign} {WORD[self.section]} {self.slug}{name}"
        for key in sorted({*self.before, *self.after} - {"promises"}) if self.sign == "~" else ():
            yield f"    {key}: {_shown(self.before.get(key))} → {_shown(self.after.get(key))}"
        if self.sign != "-":
            yield from self._promise_lines()

    def _promise_lines(self) -> Iterator[str]:
        was = {promise["measure"]: promise for promise in self.before.get("promises", ())}
        now = {promise["measure"]: promise for promise in self.after.get("promises", ())}
        for measure in sorted({*was, *now}):
            if was.get(measure) != now.get(measure):
                sign = "+" if measure not in was else "-" if measure not in now else "~"
                yield f"    {sign} promise {_promise(now.get(measure) or was[measure])}"


@dataclass(frozen=True, slots=True)
class CatalogDiff:
    """Everything that applying the document changes, and what it leaves alone though the document names it."""

    changes: tuple[Change, ...] = ()
    kept: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to change."""
        return not self.changes

    @property
    def removals(self) -> tuple[Change, ...]:
        """What would be removed."""
        return tuple(change for change in self.changes if change.sign == "-")

    def count(self, sign: Sign) -> int:
        """How many entries come, differ or go."""
        return sum(change.sign == sign for change in self.changes)

    def lines(self) -> list[str]:
        """The diff as people read it, line by line."""
        kept = [f"= {name} is yours, not part of the demo: left as it is" for name in self.kept]
        return [line for change in self.changes for line in change.lines()] + kept

    def __str__(self) -> str:
        return "\n".join(self.lines())


def plan(
    *, document: Document, current: Catalog, is_demo: bool, prune: bool, never_pruned: Collection[str] = ()
) -> CatalogDiff:
    """The changes that make `current` say what the document says.

    A key that the document leaves out stays as it is. Entries that it does not name stay too, unless `prune`: then
    those of the same sort (demo or not) go, and so do promises of a feature whose `promises` are given.
    A demo document never touches what is not demo; an ordinary one takes over what it names.
    """
    changes: list[Change] = []
    kept: list[str] = []
    wanted = {section: dict(_wanted(document, section)) for section in SECTIONS}
    for section in SECTIONS:
        for slug, said in wanted[section].items():
            old = current[section].get(slug)
            if old is not None and is_demo and not old["is_demo"]:
                kept += [f"{WORD[section]} {slug}"] if section != "dependencies" else []
                continue
            if change := _change(section, slug, old, said, is_demo=is_demo, prune=prune):
                changes.append(change)
    if prune:
        changes += _removals(current, wanted, is_demo, never_pruned)
    return CatalogDiff(tuple(changes), tuple(kept))


def _wanted(document: Document, section: str) -> Iterator[tuple[str, Description]]:
    for _, entry in document.entries(section):
        said = {key: value for key, value in entry.items() if key not in ("slug", "is_demo")}
        if section == "dependencies":
            yield f"{entry['from']}{ARROW}{entry['to']}", said
            continue
        if "timezone" in said:
            said["time_zone"] = said.pop("timezone")
        if "promises" in said:
            said["promises"] = sorted(map(_whole_promise, said["promises"]), key=lambda promise: promise["measure"])
        if "freshness" in said:
            said["freshness"] = whole_limits(said["freshness"])
        yield entry["slug"], said


def _whole_promise(promise: Mapping[str, Any]) -> Description:
    """The promise with every default said, so that two of them can be compared."""
    side = "at_most" if "at_most" in promise else "at_least"
    fails_at = promise.get("fails_at")
    return {
        "measure": promise["measure"],
        side: float(promise[side]),
        "fails_at": None if fails_at is None else float(fails_at),
        "window_minutes": promise.get("window_minutes", 15),
        "label": promise.get("label", ""),
    }


def _change(
    section: str, slug: str, old: Description | None, said: Description, *, is_demo: bool, prune: bool
) -> Change | None:
    if old is None:
        return Change("+", section, slug, {}, said | {"is_demo": is_demo})
    if section == "dependencies":
        return None
    new = old | said | {"is_demo": is_demo}
    if "promises" in said and not prune:
        named = {promise["measure"] for promise in said["promises"]}
        others = [promise for promise in old["promises"] if promise["measure"] not in named]
        new["promises"] = sorted([*said["promises"], *others], key=lambda promise: promise["measure"])
    keys = [key for key in new if new[key] != old[key]]
    if not keys:
        return None
    return Change("~", section, slug, {key: old[key] for key in keys}, {key: new[key] for key in keys})


def _removals(
    current: Catalog, wanted: Mapping[str, Mapping[str, Any]], is_demo: bool, never_pruned: Collection[str]
) -> Iterator[Change]:
    for section in reversed(SECTIONS):
        for slug, old in current[section].items():
            if slug not in wanted[section] and slug not in never_pruned and old["is_demo"] == is_demo:
                yield Change("-", section, slug, old, {})


def _promise(promise: Description) -> str:
    side = "at_most" if "at_most" in promise else "at_least"
    fails = "" if promise["fails_at"] is None else f", down at {promise['fails_at']:g}"
    return f"{promise['measure']} {side.replace('_', ' ')} {promise[side]:g}{fails}"


def _shown(value: Any) -> str:
    if value in ("", None, []):
        return "nothing"
    if isinstance(value, list):
        return ", ".join(str(part) for part in value)
    if isinstance(value, dict):
        return limits_text(value)
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
