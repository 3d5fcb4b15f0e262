"""What templates ask about an API token."""

from __future__ import annotations

from datetime import datetime

from django import template

from apps.accounts.models import ApiToken
from apps.accounts.status import TokenState

register = template.Library()


@register.filter
def state_at(token: ApiToken, at: datetime) -> TokenState:
    """Whether the token opens anything at that time."""
    return token.state_at(at)
