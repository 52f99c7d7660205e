"""The admin's forms for accounts."""

from django import forms
from django.contrib.auth.forms import AdminUserCreationForm, UserChangeForm
from django.core.exceptions import ValidationError

from accounts.models import User
from accounts.names import login_key


class UniqueLoginForm(forms.ModelForm[User]):
    """Refuses a login that is taken in any case, as the database would."""

    def clean_username(self) -> str:
        username: str = self.cleaned_data["username"]
        others = User.objects.filter(username_key=login_key(username)).exclude(pk=self.instance.pk)
        if others.exists():
            raise ValidationError("This login is taken.", code="unique")
        return username


class UserForm(UniqueLoginForm, UserChangeForm[User]):
    class Meta:
        model = User
        fields = "__all__"  # noqa: DJ007 (the admin's fieldsets choose)


class UserAddForm(UniqueLoginForm, AdminUserCreationForm[User]):
    class Meta:
        model = User
        fields = ("username", "name", "email", "tier")
