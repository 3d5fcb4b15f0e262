"""Addresses of the app."""

from __future__ import annotations

from django.urls import path

from apps.accounts import views

app_name = "accounts"
urlpatterns = [
    path("sign-in/", views.sign_in, name="sign-in"),
    path("sign-out/", views.sign_out, name="sign-out"),
    path("password/", views.password_change, name="password-change"),
    path("profile/", views.profile, name="profile"),
    path("people/", views.user_list, name="user-list"),
    path("people/new/", views.user_create, name="user-create"),
    path("people/<int:user_id>/", views.user_change, name="user-change"),
    path("people/<int:user_id>/password/", views.user_password, name="user-password"),
    path("tokens/", views.token_list, name="token-list"),
    path("tokens/new/", views.token_create, name="token-create"),
    path("tokens/<int:token_id>/revoke/", views.token_revoke, name="token-revoke"),
    path("views/", views.view_list, name="view-list"),
    path("views/tabs/", views.view_tabs, name="view-tabs"),
    path("views/save/", views.view_save, name="view-save"),
    path("views/<int:pk>/change/", views.view_change, name="view-change"),
    path("views/<int:pk>/remove/", views.view_remove, name="view-remove"),
    path("views/<int:pk>/default/", views.view_default, name="view-default"),
    path("audit/", views.audit_list, name="audit-list"),
]
