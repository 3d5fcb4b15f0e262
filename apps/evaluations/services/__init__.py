"""Writes of the app."""

from apps.evaluations.services.evaluations import upsert_evaluations
from apps.evaluations.services.remapping import remap

__all__ = ["remap", "upsert_evaluations"]
