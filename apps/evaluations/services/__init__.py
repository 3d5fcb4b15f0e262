"""Writes of the app."""

from apps.evaluations.services.evaluations import upsert_evaluations

__all__ = ["upsert_evaluations"]
