"""Saving, renaming, sharing and removing views of lists, and choosing one as one's default."""

from __future__ import annotations

from typing import Any

from django.db import IntegrityError, transaction

from apps.accounts.models import SavedView, User
from apps.accounts.permissions import may
from apps.accounts.saved import split_address
from apps.accounts.services.audit import record_audit

MOST = 200  # views of one person


class ViewError(Exception):
    """Why it cannot be done, in a sentence for people."""


def save_view(*, owner: User, address: str, name: str, is_shared: bool) -> SavedView:
    """The filters of an address under a name; the same name on the same list is overwritten by its owner."""
    try:
        path, query = split_address(address)
    except ValueError as error:
        raise ViewError(str(error)) from None
    _check(owner, name, is_shared)
    with transaction.atomic():
        User.objects.select_for_update().get(pk=owner.pk)
        known = SavedView.objects.filter(owner=owner, path=path, name=name).first()
        if known is None and SavedView.objects.filter(owner=owner).count() >= MOST:
            raise ViewError(f"You have {MOST} views; remove one first.")
        before = _facts(known)
        view = known or SavedView(owner=owner, path=path, name=name)
        view.query, view.is_shared = query, is_shared
        view.save()
        _audit("view:save", owner, view, before)
    return view


def change_view(*, view_id: int, actor: User, name: str, is_shared: bool) -> SavedView:
    """Another name, or shown to others or no longer; raises ViewError."""
    _check(actor, name, is_shared)
    with transaction.atomic():
        view = _own(view_id, actor)
        before = _facts(view)
        view.name, view.is_shared = name, is_shared
        try:
            with transaction.atomic():
                view.save(update_fields=["name", "is_shared", "updated_at"])
        except IntegrityError:
            raise ViewError("You have a view of this name on this list already.") from None
        _audit("view:change", actor, view, before)
    return view


def remove_view(*, view_id: int, actor: User) -> SavedView:
    """The view is gone, for everybody who saw it."""
    with transaction.atomic():
        view = _own(view_id, actor)
        if view.is_shared:
            record_audit(actor=actor, action="view:remove", subject=view, before=_facts(view))
        view.delete()
    return view


def set_default_view(*, view_id: int, user: User, is_default: bool) -> SavedView:
    """What this person sees when they open the list without filters; raises ViewError when they may not see it."""
    with transaction.atomic():
        kept = User.objects.select_for_update().get(pk=user.pk)
        view = SavedView.objects.filter(pk=view_id).first()
        if view is None or not (view.is_shared or view.owner_id == user.pk):
            raise ViewError("There is no such view; it may have been removed.")
        rest = {path: pk for path, pk in kept.default_views.items() if path != view.path}
        kept.default_views = rest | ({view.path: view.pk} if is_default else {})
        kept.save(update_fields=["default_views"])
    return view


def _own(view_id: int, actor: User) -> SavedView:
    """The view, if the person may change it: their own, or a shared one for administrators."""
    view = SavedView.objects.select_for_update(of=("self",)).filter(pk=view_id).first()
    if view is None or not (view.owner_id == actor.pk or (view.is_shared and may(actor, "view:change-any"))):
        raise ViewError("This is not your view; only its owner or an administrator changes it.")
    return view


def _check(actor: User, name: str, is_shared: bool) -> None:
    if not name.strip():
        raise ViewError("A view needs a name.")
    if is_shared and not may(actor, "view:share"):
        raise ViewError("Your role does not allow to share views with everybody; keep it for yourself.")


def _facts(view: SavedView | None) -> dict[str, Any]:
    if view is None or not view.is_shared:
        return {}
    return {"name": view.name, "path": view.path, "query": view.query, "is_shared": view.is_shared}


def _audit(action: str, actor: User, view: SavedView, before: dict[str, Any]) -> None:
    """What concerns others is kept; what is a person's own is nobody's business."""
    after = _facts(view)
    if before != after:
        record_audit(actor=actor, action=action, subject=view, before=before, after=after)
