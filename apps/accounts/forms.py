"""What people may type about themselves and, as administrators, about each other."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib.auth import password_validation

from apps.accounts.form_style import Styled
from apps.accounts.models import User
from apps.accounts.scopes import SCOPES

if TYPE_CHECKING:
    UserForm = forms.ModelForm[User]
else:  # at run time Django's class takes no parameter
    UserForm = forms.ModelForm

NEW_PASSWORD = forms.PasswordInput(attrs={"autocomplete": "new-password", "maxlength": 1024})


class SignInForm(forms.Form):
    """A name and a password; what they mean is checked where attempts are counted."""

    username = forms.CharField(max_length=150)
    password = forms.CharField(max_length=1024, strip=False, widget=forms.PasswordInput)


class ProfileForm(Styled, UserForm):
    """What everybody decides alone."""

    class Meta:
        model = User
        fields = ("full_name", "email", "time_zone", "theme", "density", "has_shortcuts")
        widgets = {"full_name": forms.TextInput(attrs={"autocomplete": "name"})}
        labels = {"email": "Email", "has_shortcuts": "Single-key shortcuts (press ? to see them)"}
        help_texts = {"time_zone": "Type a city, such as Berlin. Left empty, the zone of your browser is used."}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["email"].widget.attrs["autocomplete"] = "email"


class PasswordForm(Styled, forms.Form):
    """The old password and a new one, once: the eye of the browser shows what was typed."""

    old = forms.CharField(
        label="Password now",
        strip=False,
        max_length=1024,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )
    new = forms.CharField(label="New password", strip=False, max_length=1024, widget=NEW_PASSWORD)
    again = forms.CharField(label="New password, again", strip=False, max_length=1024, widget=NEW_PASSWORD)

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user
        self.fields["new"].help_text = " ".join(password_validation.password_validators_help_texts())

    def clean(self) -> dict[str, Any]:
        """Both new passwords are the same and strong enough."""
        values = super().clean() or self.cleaned_data
        new, again = values.get("new"), values.get("again")
        if new and again and new != again:
            self.add_error("again", "This differs from the new password. Type it again.")
        elif new:
            try:
                password_validation.validate_password(new, self.user)
            except forms.ValidationError as error:
                self.add_error("new", error)
        return values


class UserCreateForm(Styled, UserForm):
    """A new person. Left empty, the password is made and shown once."""

    password = forms.CharField(
        required=False,
        strip=False,
        max_length=1024,
        widget=NEW_PASSWORD,
        help_text="Left empty, a strong one is made and shown once on the next page.",
    )

    class Meta:
        model = User
        fields = ("username", "full_name", "email", "role")
        labels = {"username": "User name", "email": "Email"}
        help_texts = {"username": "For signing in. Letters, digits and @ . + - _ only; it stays as it is."}


class UserChangeForm(Styled, UserForm):
    """What an administrator decides about somebody."""

    class Meta:
        model = User
        fields = ("full_name", "email", "role", "is_active")
        labels = {"email": "Email", "is_active": "May sign in"}
        help_texts = {
            "role": "Another role ends the person's sessions; they sign in again.",
            "is_active": "Without this tick the person is out at once. The account is kept for the audit log.",
        }


class UserPasswordForm(Styled, forms.Form):
    """A password that an administrator sets."""

    password = forms.CharField(
        label="New password",
        required=False,
        strip=False,
        max_length=1024,
        widget=NEW_PASSWORD,
        help_text="Left empty, a strong one is made and shown once on the next page.",
    )


class TokenForm(Styled, forms.Form):
    """What a new API token is called, what it may do, where and for how long."""

    name = forms.CharField(
        max_length=120, help_text="What will use it, such as “checkout CI”; you recognise it by this later."
    )
    scopes = forms.MultipleChoiceField(
        label="What it may do",
        choices=[(scope.key, scope.label) for scope in SCOPES.values()],
        widget=forms.CheckboxSelectMultiple,
    )
    sources = forms.CharField(
        label="Only these sources",
        required=False,
        max_length=2000,
        help_text="Their short names as in the address of their page, with blanks between. Left empty, every source.",
    )
    folders = forms.CharField(
        label="Only these folders of prompts",
        required=False,
        max_length=2000,
        help_text="Such as “search”, with blanks between; what lies below belongs to it. Left empty, every folder.",
    )
    days = forms.TypedChoiceField(
        label="Valid for", choices=[(30, "30 days"), (90, "90 days"), (180, "180 days"), (365, "a year")], coerce=int
    )

    def clean_sources(self) -> list[str]:
        """The short names, each once."""
        names = dict.fromkeys(self.cleaned_data["sources"].replace(",", " ").split())
        for name in names:
            if not re.fullmatch(r"[a-z0-9_-]{1,80}", name):
                raise forms.ValidationError(f"“{name[:80]}” is not the short name of a source.")
        return list(names)

    def clean_folders(self) -> list[str]:
        """The folders, each once, without a slash at their ends."""
        names = self.cleaned_data["folders"].replace(",", " ").split()
        return [name for name in dict.fromkeys(name.strip("/")[:300] for name in names) if name]

    @property
    def meanings(self) -> list[tuple[Any, str]]:
        """Each box of the scopes with what it opens."""
        return list(zip(self["scopes"], (scope.meaning for scope in SCOPES.values()), strict=True))


class ViewForm(Styled, forms.Form):
    """The name of a saved view, and who sees it."""

    name = forms.CharField(max_length=60)
    is_shared = forms.BooleanField(label="Everybody sees it", required=False)
