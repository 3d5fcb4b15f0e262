"""Writes of the app."""

from apps.evaluations.services.cases import add_case, end_case, import_cases
from apps.evaluations.services.claims import Claim, claim_order, keep_claim, release
from apps.evaluations.services.ending import Ended, cancel_run, finish, resume_run
from apps.evaluations.services.endpoints import EndpointDraft, change_endpoint, create_endpoint
from apps.evaluations.services.evaluations import upsert_evaluations
from apps.evaluations.services.house import ensure_own_source
from apps.evaluations.services.orders import OrderError, request_gate_runs, start_run
from apps.evaluations.services.remapping import remap
from apps.evaluations.services.schedules import (
    hurry_schedule,
    note_started,
    plan_schedule,
    remove_schedule,
    take_due_schedules,
)
from apps.evaluations.services.suites import SuiteDraft, change_suite, create_suite
from apps.evaluations.services.versions import SuiteError
from apps.evaluations.services.working import Job, NewResult, begin, store_result

__all__ = [
    "Claim",
    "Ended",
    "EndpointDraft",
    "Job",
    "NewResult",
    "OrderError",
    "SuiteDraft",
    "SuiteError",
    "add_case",
    "begin",
    "cancel_run",
    "change_endpoint",
    "change_suite",
    "claim_order",
    "create_endpoint",
    "create_suite",
    "end_case",
    "ensure_own_source",
    "finish",
    "hurry_schedule",
    "import_cases",
    "keep_claim",
    "note_started",
    "plan_schedule",
    "release",
    "remap",
    "remove_schedule",
    "request_gate_runs",
    "resume_run",
    "start_run",
    "store_result",
    "take_due_schedules",
    "upsert_evaluations",
]
