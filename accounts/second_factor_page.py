"""The admin's page of one's own second factor: asked for, added, replaced and removed.

Whoever signed in with a password alone has the session of the admin, and no right in it, until this
page has seen a code. An app's secret lies in that session until its first code was given, so that
nobody adds a factor whose secret another session has shown.
"""

from collections.abc import Callable
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import REDIRECT_FIELD_NAME, logout, update_session_auth_hash
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop
from django_otp import login as let_in

from accounts.exceptions import FactorExists, WrongCode
from accounts.history import write_history
from accounts.models import User
from accounts.second_factor import (
    add_factor,
    app_address,
    count_recovery_codes,
    find_app,
    make_key,
    make_recovery_codes,
    remove_factor,
    spend_code,
)
from accounts.staff_rights import Factor, is_factor_required
from lib.qr_code import draw_qr_code

# What the session holds while an app is added: its secret, and whether it replaces another.
_KEY, _REPLACES = "second_factor_key", "second_factor_replaces"


class CodeForm(forms.Form):
    code = forms.CharField(
        label=gettext_lazy("Code"),
        max_length=40,
        widget=forms.TextInput(
            attrs={
                "autocomplete": "one-time-code",
                "autocapitalize": "none",
                "autocorrect": "off",
                "spellcheck": "false",
            }
        ),
    )


def show_second_factor(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    """Show the page, or do what one of its buttons says; `context` is the admin's.

    Raise TooManyAttempts.
    """
    user = request.user
    if not isinstance(user, User) or not (user.is_staff or user.rights_rest):
        return redirect_to_login(request.get_full_path(), reverse("admin:login"))
    page = _Page(request, user, context)
    if request.method != "POST":
        return page.show(CodeForm())
    step = page.forms.get(request.POST.get("step", ""))
    return page.back() if step is None else step()


class _Page:
    """One request for the page."""

    def __init__(self, request: HttpRequest, user: User, context: dict[str, Any]) -> None:
        self.request, self.user, self.context = request, user, context
        self.app = find_app(user)
        self.next = _next_page(request)
        self.forms: dict[str, Callable[[], HttpResponse]] = {
            "ask": self._ask,
            "add": self._add,
            "replace": self._replace,
            "cancel": self._cancel,
            "codes": self._make_codes,
            "remove": self._remove,
            "sign-out": self._sign_out,
        }

    @property
    def is_adding(self) -> bool:
        """Whether an app is to be added: a first one, or another by whoever gave a code."""
        return self.app is None or _REPLACES in self.request.session

    def show(self, form: CodeForm) -> HttpResponse:
        """Show what is next for this account: to add an app, to give a code, or what there is."""
        facts: dict[str, Any] = {"form": form, "app": self.app, "next": self.next}
        if self.is_adding:
            facts |= {"state": "add", "replaces": self.app is not None, **self._new_app()}
        elif self.user.rights_rest:
            facts |= {"state": "ask"}
        else:
            facts |= {"state": "own", "codes_left": count_recovery_codes(self.user)}
        return self._render({**facts, "is_required": is_factor_required()}, form)

    def back(self) -> HttpResponse:
        query = urlencode({REDIRECT_FIELD_NAME: self.next})
        return HttpResponseRedirect(f"{reverse('admin:second_factor')}?{query}")

    def _new_app(self) -> dict[str, Any]:
        key = self.request.session.setdefault(_KEY, make_key())
        address = app_address(self.user, key)
        drawn = mark_safe(draw_qr_code(address).decode())  # noqa: S308 (it has no text of anybody's)
        return {"qr_code": drawn, "secret": _secret_of(address)}

    def _render(self, facts: dict[str, Any], form: CodeForm | None = None) -> HttpResponse:
        context = {**self.context, "title": _("Second factor"), **facts}
        status = 400 if form is not None and form.errors else 200
        return render(self.request, "admin/second_factor.html", context, status=status)

    # --- What the buttons do ----------------------------------------------------------------------

    def _ask(self) -> HttpResponse:
        return self._with_code(self._let_in)

    def _let_in(self, factor: Factor) -> HttpResponse:
        self.request.session.cycle_key()
        let_in(self.request, factor)
        if factor != self.app:
            left = count_recovery_codes(self.user)
            text = _("A recovery code was used: %d are left.") % left
            messages.warning(self.request, text)
        return HttpResponseRedirect(self.next)

    def _add(self) -> HttpResponse:
        form = CodeForm(self.request.POST)
        key = self.request.session.get(_KEY)
        if not self.is_adding or key is None:
            return self.back()
        if not form.is_valid():
            return self.show(form)
        replaces = _REPLACES in self.request.session
        try:
            codes = add_factor(
                self.user, key=key, code=form.cleaned_data["code"], replaces=replaces
            )
        except WrongCode:
            return self._refuse(form)
        except FactorExists:
            return self.back()
        self._forget()
        self._stay_signed_in()
        let_in(self.request, find_app(self.user))
        return self._show_codes(codes, gettext_noop("Added a second factor."))

    def _replace(self) -> HttpResponse:
        return self._with_code(self._begin_to_replace)

    def _begin_to_replace(self, factor: Factor) -> HttpResponse:
        self._forget()
        self.request.session[_REPLACES] = True
        return self.back()

    def _cancel(self) -> HttpResponse:
        self._forget()
        return self.back()

    def _make_codes(self) -> HttpResponse:
        return self._with_code(
            lambda factor: self._show_codes(
                make_recovery_codes(self.user), gettext_noop("Made new recovery codes.")
            )
        )

    def _remove(self) -> HttpResponse:
        if is_factor_required():
            return self.back()
        return self._with_code(self._take_away)

    def _take_away(self, factor: Factor) -> HttpResponse:
        remove_factor(self.user)
        self._stay_signed_in()
        write_history(self.user, [self.user], gettext_noop("Removed the second factor."))
        messages.success(self.request, _("The second factor is removed."))
        return self.back()

    def _sign_out(self) -> HttpResponse:
        logout(self.request)
        return HttpResponseRedirect(reverse("admin:login"))

    def _with_code(self, work: Callable[[Factor], HttpResponse]) -> HttpResponse:
        """Spend the code of the form, then do the work."""
        form = CodeForm(self.request.POST)
        if not form.is_valid():
            return self.show(form)
        try:
            factor = spend_code(self.user, form.cleaned_data["code"])
        except WrongCode:
            return self._refuse(form)
        return work(factor)

    def _refuse(self, form: CodeForm) -> HttpResponse:
        form.add_error("code", _("The code is wrong, or was used before."))
        return self.show(form)

    def _show_codes(self, codes: list[str], what: str) -> HttpResponse:
        write_history(self.user, [self.user], what)
        return self._render({"state": "codes", "codes": codes, "next": self.next})

    def _forget(self) -> None:
        for name in (_KEY, _REPLACES):
            self.request.session.pop(name, None)

    def _stay_signed_in(self) -> None:
        """Keep this session alone where all others of the account have ended."""
        self.user.refresh_from_db(fields=["sign_outs"])
        update_session_auth_hash(self.request, self.user)


def _next_page(request: HttpRequest) -> str:
    """Return where to go on: a page of ours, the home page unless one is named."""
    wanted = request.POST.get(REDIRECT_FIELD_NAME) or request.GET.get(REDIRECT_FIELD_NAME, "")
    is_ours = url_has_allowed_host_and_scheme(
        wanted, {request.get_host()}, require_https=request.is_secure()
    )
    return wanted if is_ours and wanted != settings.LOGIN_URL else reverse("admin:index")


def _secret_of(address: str) -> str:
    """Return the secret in an app's address, in groups that are easy to type."""
    secret = address.partition("secret=")[2].partition("&")[0]
    return " ".join(secret[start : start + 4] for start in range(0, len(secret), 4))
