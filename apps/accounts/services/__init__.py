"""Writes about people: the audit log, sign-in, API tokens, who is in and with which role."""

from apps.accounts.services.audit import differences, record_audit
from apps.accounts.services.people import (
    LastAdministratorError,
    change_user,
    create_first_administrator,
    create_user,
    make_password,
    save_profile,
    set_password,
)
from apps.accounts.services.saved_views import ViewError, change_view, remove_view, save_view, set_default_view
from apps.accounts.services.sign_in import (
    TooManyAttemptsError,
    check_password,
    end_sessions,
    record_sign_in,
    record_sign_out,
    reserve_attempt,
)
from apps.accounts.services.tokens import (
    TokenRefusedError,
    check_token,
    create_token,
    may_use,
    note_uses,
    revoke_token,
)

__all__ = [
    "LastAdministratorError",
    "TokenRefusedError",
    "TooManyAttemptsError",
    "ViewError",
    "change_user",
    "change_view",
    "check_password",
    "check_token",
    "create_first_administrator",
    "create_token",
    "create_user",
    "differences",
    "end_sessions",
    "make_password",
    "may_use",
    "note_uses",
    "record_audit",
    "record_sign_in",
    "record_sign_out",
    "remove_view",
    "reserve_attempt",
    "revoke_token",
    "save_profile",
    "save_view",
    "set_default_view",
    "set_password",
]
