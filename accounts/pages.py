"""Pages for whoever has no account yet, or no password any more: no script, one form each."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from accounts.addresses import verify_email
from accounts.cookies import set_token_cookies
from accounts.exceptions import BadLink, InvitationOver, TooManyAttempts
from accounts.invitations import find_invitation
from accounts.known_devices import remember_device
from accounts.models import Invitation, User
from accounts.one_time_links import find_user_to_reset, find_user_to_verify
from accounts.password_reset import ask_for_reset, reset_password
from accounts.passwords import MAX_PASSWORD_LENGTH
from accounts.registration import sign_up
from accounts.request_authentication import read_origin
from accounts.sessions import open_cookie_session

# By the field and the code of what is wrong; the others are Django's own, which it translates.
_MESSAGES = {
    ("username", "unique"): _("This login is taken."),
    ("username", "characters"): _("Use letters, digits and the characters . _ - only."),
    ("email", "unique"): _("This email address is taken."),
}

Page = Callable[..., HttpResponse]


class SignUpForm(forms.Form):
    username = forms.CharField(label=_("Login"), max_length=64)
    name = forms.CharField(label=_("Name (may stay empty)"), max_length=150, required=False)
    email = forms.EmailField(label=_("Email (may stay empty)"), required=False)
    password = forms.CharField(
        label=_("Password"), max_length=MAX_PASSWORD_LENGTH, strip=False, widget=forms.PasswordInput
    )


class NewPasswordForm(forms.Form):
    password = forms.CharField(
        label=_("New password"),
        max_length=MAX_PASSWORD_LENGTH,
        strip=False,
        widget=forms.PasswordInput,
    )


class AddressForm(forms.Form):
    email = forms.EmailField(label=_("Email"))


def page(*methods: str) -> Callable[[Page], Page]:
    """Let a view answer these methods, never from a cache, and with 429 where it is throttled."""

    def decorate(view: Page) -> Page:
        @wraps(view)
        def wrapper(request: HttpRequest, **parts: str) -> HttpResponse:
            try:
                response = view(request, **parts)
            except TooManyAttempts as error:
                context = {"retry_after": error.retry_after}
                response = render(request, "images/too_many.html", context, status=429)
                response["Retry-After"] = str(error.retry_after)
            response["Cache-Control"] = "no-store"
            return response

        return sensitive_post_parameters("password")(require_http_methods(methods)(wrapper))

    return decorate


@page("GET", "HEAD", "POST")
def join(request: HttpRequest, token: str = "") -> HttpResponse:
    """Make an account, with an invitation where one is needed, and sign it in."""
    invitation = None
    if settings.SIGNUP == "closed":
        return render(request, "accounts/closed.html", status=403)
    if token:
        try:
            invitation = find_invitation(token)
        except (Invitation.DoesNotExist, InvitationOver):
            return render(request, "accounts/invitation_over.html", status=410)
    elif settings.SIGNUP == "invite":
        return render(request, "accounts/closed.html", {"by_invitation": True}, status=403)
    form = SignUpForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        user = _sign_up(request, form, token)
        if user:
            return _signed_in(request, user)
    context = {"form": form, "invitation": invitation}
    return _form_page(request, "accounts/join.html", form, context)


def _sign_up(request: HttpRequest, form: SignUpForm, token: str) -> User | None:
    """Return the account, or None with what is wrong in the form."""
    given = dict(form.cleaned_data)
    try:
        return sign_up(
            login=given.pop("username"), origin=read_origin(request), invitation=token, **given
        )
    except ValidationError as error:
        _add_errors(form, error.error_dict)
        return None


def _signed_in(request: HttpRequest, user: User) -> HttpResponse:
    response = HttpResponseRedirect("/")
    set_token_cookies(response, open_cookie_session(user, read_origin(request)))
    remember_device(response, user)
    return response


@page("GET", "HEAD", "POST")
def ask_reset(request: HttpRequest) -> HttpResponse:
    """Ask for a mail with a link to set another password."""
    if not settings.EMAIL_URL:
        return render(request, "accounts/ask_staff.html")
    form = AddressForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        ask_for_reset(address=form.cleaned_data["email"], origin=read_origin(request))
        return render(request, "accounts/asked.html")
    return _form_page(request, "accounts/ask_reset.html", form, {"form": form})


@page("GET", "HEAD", "POST")
def reset(request: HttpRequest, token: str) -> HttpResponse:
    """Set another password by a link."""
    try:
        user = find_user_to_reset(token)
        form = NewPasswordForm(request.POST or None)
        if request.method == "POST" and form.is_valid() and _reset(request, form, token):
            return render(request, "accounts/password_set.html")
    except BadLink:
        return render(request, "accounts/link_over.html", status=410)
    context = {"form": form, "account": user}
    return _form_page(request, "accounts/reset.html", form, context)


def _reset(request: HttpRequest, form: NewPasswordForm, token: str) -> bool:
    try:
        new = form.cleaned_data["password"]
        reset_password(token=token, new=new, origin=read_origin(request))
    except ValidationError as error:
        _add_errors(form, {"password": error.error_list})
        return False
    return True


@page("GET", "HEAD", "POST")
def verify(request: HttpRequest, token: str) -> HttpResponse:
    """Verify an address by a button: programs that look into mails open links, and press none."""
    try:
        if request.method == "POST":
            return render(request, "accounts/verified.html", {"account": verify_email(token)})
        return render(request, "accounts/verify.html", {"account": find_user_to_verify(token)})
    except BadLink:
        return render(request, "accounts/link_over.html", status=410)


def _form_page(
    request: HttpRequest, template: str, form: forms.Form, context: dict[str, Any]
) -> HttpResponse:
    return render(request, template, context, status=400 if form.errors else 200)


def _add_errors(form: forms.Form, errors: dict[str, list[ValidationError]]) -> None:
    for field, found in errors.items():
        for error in found:
            message = _MESSAGES.get((field, error.code or ""))
            where = field if field in form.fields else None
            form.add_error(where, message or error)
