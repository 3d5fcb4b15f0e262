"""What can be connected: the connectors in groups, narrowed by a few words, each with its documentation."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings

from apps.connectors.base import Connector, Group
from apps.connectors.records import Kind
from apps.connectors.registry import CONNECTORS
from apps.core.ui.markdown import markdown


@dataclass(frozen=True, slots=True)
class Offer:
    """What pages show of a connector; `brings` are the kinds of its records in words."""

    key: str
    name: str
    summary: str
    brings: tuple[str, ...]
    is_polled: bool
    has_preview: bool
    has_help: bool


@dataclass(frozen=True, slots=True)
class Shelf:
    """The connectors of one group, as their registry lists them."""

    group: Group
    offers: tuple[Offer, ...]


def offer_of(kind: type[Connector]) -> Offer:
    """What pages show of a connector; a class itself the templates would call."""
    brings = tuple(_plural(one) for one in Kind if one in kind.kinds)
    has_help = bool(kind.docs) and (settings.BASE_DIR / kind.docs).is_file()
    return Offer(kind.key, kind.name, kind.summary, brings, kind.is_polled, kind.has_preview, has_help)


def shelves(words: str = "") -> list[Shelf]:
    """The groups with the connectors that all of `words` speak of: name, summary, group or what they bring."""
    wanted = words.casefold().split()
    found = []
    for group in Group:
        offers = (offer_of(kind) for kind in CONNECTORS.values() if kind.group is group)
        fitting = tuple(offer for offer in offers if all(word in _spoken(offer, group) for word in wanted))
        if fitting:
            found.append(Shelf(group, fitting))
    return found


def help_text(kind: type[Connector]) -> str | None:
    """The connector's page of the documentation as markup, None where it is not installed."""
    path = settings.BASE_DIR / kind.docs
    return markdown(path.read_text(encoding="utf-8")) if kind.docs and path.is_file() else None


def _spoken(offer: Offer, group: Group) -> str:
    return " ".join((offer.key, offer.name, offer.summary, group, *offer.brings)).casefold()


def _plural(kind: Kind) -> str:
    word = str(kind).replace("_", " ")
    return word if word.endswith("s") else f"{word}s"
