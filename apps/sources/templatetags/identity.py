"""Suggestions for names, for the templates."""

from __future__ import annotations

from typing import Any

from django import template
from django.template import RequestContext

from apps.sources.identity import queries
from apps.sources.identity.suggesting import Suggestion, suggest
from apps.sources.models import ExternalName

register = template.Library()
_KEY = "identity-candidates"


@register.simple_tag(takes_context=True)
def suggestions_for(context: RequestContext, name: ExternalName) -> list[Suggestion]:
    """The likeliest places of a name, best first; the catalog is read once a page."""
    kept: dict[Any, Any] = context.render_context.dicts[0]
    if _KEY not in kept:
        kept[_KEY] = queries.candidates()
    return suggest(kind=name.kind, name=name.name, labels=name.labels, candidates=kept[_KEY])
