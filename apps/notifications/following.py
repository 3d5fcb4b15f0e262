"""Who wants updates by mail; each person decides for themselves."""

from __future__ import annotations

from datetime import datetime

from apps.accounts.models import User
from apps.catalog.models import Feature
from apps.notifications.models import Follower


def follow(*, user: User, feature: Feature | None, at: datetime) -> None:
    """Mail updates of the feature, of every incident without one; asking twice changes nothing."""
    Follower.objects.get_or_create(user=user, feature=feature, defaults={"since": at})


def unfollow(*, user: User, feature: Feature | None) -> None:
    """Mail them no more."""
    Follower.objects.filter(user=user, feature=feature).delete()


def is_following(*, user: User, feature: Feature | None) -> bool:
    """Whether the person gets them."""
    return Follower.objects.filter(user=user, feature=feature).exists()


def followed_by(*, user: User) -> list[Follower]:
    """What the person gets, everything first."""
    rows = Follower.objects.filter(user=user).select_related("feature")
    return sorted(rows, key=lambda one: (one.feature is not None, one.feature.name if one.feature else ""))
