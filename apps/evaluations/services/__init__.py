"""Writes of the app."""

from apps.evaluations.services.evaluations import upsert_evaluations
from apps.evaluations.services.orders import OrderError, request_gate_runs, start_run
from apps.evaluations.services.remapping import remap

__all__ = ["OrderError", "remap", "request_gate_runs", "start_run", "upsert_evaluations"]
