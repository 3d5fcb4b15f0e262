"""Moving stored credentials to the newest key, one row and one transaction at a time."""

from __future__ import annotations

from dataclasses import dataclass, field

from django.apps import apps
from django.db import transaction
from django.db.models import BinaryField, Model

from apps.sources.secrets import SecretsError, decrypt_secrets, is_newest_key, rotate_secrets


@dataclass(slots=True)
class Rotation:
    """What became of the stored credentials."""

    rotated: int = 0
    up_to_date: int = 0
    unreadable: list[str] = field(default_factory=list)  # names of their owners


def rotate_all_secrets() -> Rotation:
    """Rotate what is not under the newest key yet; interrupted, the next run goes on where this one stopped."""
    outcome = Rotation()
    for kind in _keepers():
        for pk in kind._default_manager.exclude(secrets=b"").order_by("pk").values_list("pk", flat=True):
            _rotate(kind, pk, outcome)
    return outcome


def unreadable_owners() -> list[str]:
    """The names of those whose credentials no key opens, or that hold another's."""
    found = []
    for kind in _keepers():
        for owner in kind._default_manager.exclude(secrets=b"").order_by("pk"):
            try:
                decrypt_secrets(owner)
            except SecretsError:
                found.append(str(owner))
    return found


def _keepers() -> list[type[Model]]:
    """The models whose rows keep credentials: found, for some lie above us."""
    return [
        model
        for model in apps.get_models()
        if any(field.name == "secrets" and isinstance(field, BinaryField) for field in model._meta.get_fields())
    ]


def _rotate(kind: type[Model], pk: int, outcome: Rotation) -> None:
    rows = kind._default_manager.select_for_update()
    with transaction.atomic():
        stored = bytes(rows.filter(pk=pk).values_list("secrets", flat=True).first() or b"")
        if not stored:
            return
        if is_newest_key(stored):
            outcome.up_to_date += 1
            return
        try:
            kind._default_manager.filter(pk=pk).update(secrets=rotate_secrets(stored))
        except SecretsError:
            outcome.unreadable.append(str(kind._default_manager.get(pk=pk)))
        else:
            outcome.rotated += 1
