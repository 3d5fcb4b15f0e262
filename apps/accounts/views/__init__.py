"""Pages about people."""

from apps.accounts.views.audit import audit_list
from apps.accounts.views.own import password_change, profile
from apps.accounts.views.people import user_change, user_create, user_list, user_password
from apps.accounts.views.saved import view_change, view_default, view_list, view_remove, view_save, view_tabs
from apps.accounts.views.sign_in import sign_in, sign_out
from apps.accounts.views.tokens import token_create, token_list, token_revoke

__all__ = [
    "audit_list",
    "password_change",
    "profile",
    "sign_in",
    "sign_out",
    "token_create",
    "token_list",
    "token_revoke",
    "user_change",
    "user_create",
    "user_list",
    "user_password",
    "view_change",
    "view_default",
    "view_list",
    "view_remove",
    "view_save",
    "view_tabs",
]
