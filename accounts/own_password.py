"""The admin's page where staff change their own password."""

from typing import Any

from django.contrib.admin.forms import AdminPasswordChangeForm
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.views import PasswordChangeView
from django.http import HttpResponse, HttpResponseRedirect

from accounts.exceptions import BadCredentials
from accounts.request_authentication import read_origin
from accounts.services import change_password


class OwnPasswordForm(AdminPasswordChangeForm):
    """Leaves the current password to `OwnPasswordView`, which checks it as a sign-in's."""

    def clean_old_password(self) -> str:
        password: str = self.cleaned_data["old_password"]
        return password


class OwnPasswordView(PasswordChangeView):
    """Replaces one's password only where the current one is still in force; ends other sessions."""

    form_class = OwnPasswordForm

    def form_valid(self, form: Any) -> HttpResponse:
        """Replace the password, and keep this session of the admin alone."""
        given = form.cleaned_data
        try:
            change_password(
                form.user,
                current=given["old_password"],
                new=given["new_password1"],
                origin=read_origin(self.request),
            )
        except BadCredentials:
            form.add_error("old_password", form.error_messages["password_incorrect"])
            return self.form_invalid(form)
        update_session_auth_hash(self.request, form.user)
        return HttpResponseRedirect(self.get_success_url())
