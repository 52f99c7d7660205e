"""The admin's forms for accounts and invitations."""

from datetime import datetime
from typing import Any

from django import forms
from django.contrib.auth.forms import AdminUserCreationForm, UserChangeForm
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.addresses import refuse_taken_email
from accounts.models import Invitation, User
from accounts.names import login_key


class UniqueLoginForm(forms.ModelForm[User]):
    """Refuses a login that is taken in any case, as the database would."""

    def clean_username(self) -> str:
        username: str = self.cleaned_data["username"]
        others = User.objects.filter(username_key=login_key(username)).exclude(pk=self.instance.pk)
        if others.exists():
            raise ValidationError(_("This login is taken."), code="unique")
        return username


class UniqueEmailForm(forms.ModelForm[User]):
    """Refuses another account's address; Django leaves out constraints over what no form shows."""

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        if "email" in self.changed_data:
            user = User(pk=self.instance.pk, email=self.cleaned_data.get("email", ""))
            try:
                refuse_taken_email(user)
            except ValidationError:
                # Theirs is the API's message, in English.
                self.add_error("email", _("This email address is taken."))
        return cleaned


class UserForm(UniqueLoginForm, UniqueEmailForm, UserChangeForm[User]):
    """Refuses a superuser who is no staff, and so could never add a second factor in the admin."""

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        # Superusers alone are shown both.
        if self.cleaned_data.get("is_superuser") and not self.cleaned_data.get("is_staff", True):
            self.add_error("is_staff", _("A superuser is staff too: take both, or neither."))
        return cleaned

    class Meta:
        model = User
        fields = "__all__"  # noqa: DJ007 (the admin's fieldsets choose)


class UserAddForm(UniqueLoginForm, UniqueEmailForm, AdminUserCreationForm[User]):
    class Meta:
        model = User
        fields = ("username", "name", "email", "tier")


class InvitationForm(forms.ModelForm[Invitation]):
    """Refuses an invitation that would be over at once."""

    def clean_expires_at(self) -> datetime:
        expires_at: datetime = self.cleaned_data["expires_at"]
        if expires_at <= timezone.now():
            raise ValidationError(_("Choose a time to come."))
        return expires_at
