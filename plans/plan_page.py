"""The page of a plan: what it shows, and what its buttons do."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from plans.exceptions import PlanRefused
from plans.models import PlannedAccount, TierPlan
from plans.progress import measure_progress
from plans.proposals import (
    choose_target,
    count_anew,
    discard,
    needs_target,
    propose_rest,
    propose_way_back,
    save_for_later,
)
from plans.sampling import SAMPLE_SIZE
from plans.services import apply_plan, cancel, pause, resume, touches_thumbnails
from plans.steps import basis_of
from plans.warnings import save_and_warn, withdraw
from plans.wording import changes_of, losses_of, rows_of, show_time
from tiers.models import Tier

# Of accounts that were chosen.
_MAX_NAMED = 20
# How long before people are told, unless staff say otherwise.
_SUGGESTED_NOTICE = timedelta(days=7)
Button = Callable[[HttpRequest, TierPlan], str]


class TargetForm(forms.Form):
    """Where the accounts of a plan move."""

    target = forms.ModelChoiceField(Tier.objects.order_by("name"), label=gettext_lazy("Tier"))

    def __init__(self, plan: TierPlan, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if plan.tier_id:
            self.fields["target"].queryset = Tier.objects.exclude(pk=plan.tier_id)  # type: ignore[attr-defined]  # a field of models


class WarnForm(forms.Form):
    """When a plan applies itself, of which people are told before."""

    effective_at = forms.DateTimeField(
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )


def _warn_form(plan: TierPlan) -> WarnForm:
    at = plan.effective_at
    if not plan.is_announced and (plan.counts or {}).get("told"):
        at = (timezone.now() + _SUGGESTED_NOTICE).replace(minute=0)
    return WarnForm(initial={"effective_at": at})


def page_context(plan: TierPlan) -> dict[str, Any]:
    """Return all that the page of a plan shows; as many queries for every plan."""
    is_unplaced = plan.is_undecided and needs_target(plan)
    is_stale = plan.is_undecided and not is_unplaced and _is_stale(plan)
    may_wait = plan.is_undecided and not is_unplaced and not is_stale
    return {
        "plan": plan,
        "changes": changes_of(plan),
        "rows": rows_of(plan),
        "losses": losses_of(plan),
        "sampled": (plan.counts or {}).get("sampled"),
        "sample_size": SAMPLE_SIZE,
        "target_form": TargetForm(plan) if is_unplaced else None,
        "warn_form": _warn_form(plan) if may_wait else None,
        "told": (plan.counts or {}).get("told", 0),
        "is_stale": is_stale,
        "running": _find_running(plan),
        "accounts": _name_accounts(plan),
        "back_url": _back_url(plan),
        "steps": list(plan.steps.all()),
        "has_rest": bool(
            plan.state == TierPlan.State.CANCELLED
            and plan.applied_at
            and (plan.tier or plan.target)
        ),
        "has_way_back": bool(plan.changes and plan.tier and plan.applied_at),
        **progress_context(plan),
    }


def progress_context(plan: TierPlan) -> dict[str, Any]:
    """Return what the part of the page shows that renews itself."""
    if not plan.is_under_way:
        return {"plan": plan, "progress": None}
    progress = measure_progress(plan)
    left = None if progress.seconds_left is None else show_time(progress.seconds_left)
    return {"plan": plan, "progress": progress, "time_left": left, "rows": rows_of(plan)}


def _is_stale(plan: TierPlan) -> bool:
    return bool(basis_of(plan) != plan.basis)


def _find_running(plan: TierPlan) -> TierPlan | None:
    """Return the plan that ends when this one is applied."""
    if not plan.is_undecided or plan.tier is None or plan.kind == TierPlan.Kind.MOVE:
        return None
    if plan.kind == TierPlan.Kind.CHANGE and not touches_thumbnails(plan):
        return None
    return TierPlan.objects.under_way().of_tier(plan.tier).first()


def _name_accounts(plan: TierPlan) -> dict[str, Any]:
    """Return the first accounts that were chosen, and how many more there are."""
    chosen = PlannedAccount.objects.filter(plan=plan)
    ids = list(chosen.order_by("account_id").values_list("account_id", flat=True)[:_MAX_NAMED])
    users = list(User.objects.filter(pk__in=ids).order_by("username_key"))
    return {"named": users, "more": chosen.count() - len(ids) if len(ids) == _MAX_NAMED else 0}


def _back_url(plan: TierPlan) -> str:
    """Return where somebody came from who looks at a plan that is not decided."""
    if plan.kind == TierPlan.Kind.CHANGE and plan.tier_id:
        address = reverse("admin:tiers_tier_change", args=[plan.tier_id])
        return f"{address}?plan={plan.pk}" if plan.is_undecided else address
    if plan.kind == TierPlan.Kind.DELETE and plan.tier_id:
        return reverse("admin:tiers_tier_change", args=[plan.tier_id])
    return reverse("admin:accounts_user_changelist")


# --- Buttons --------------------------------------------------------------------------------------


def press_button(request: HttpRequest, plan: TierPlan) -> str:
    """Do what the pressed button says; return the address of the page that follows.

    Raise PlanRefused, or KeyError where no button was pressed.
    """
    name = next(each for each in _BUTTONS if each in request.POST)
    return _BUTTONS[name](request, plan)


def describe_press(request: HttpRequest) -> str:
    """Return what is noted in the plan's history in the admin."""
    return next((f"Plan: {each}." for each in _BUTTONS if each in request.POST), "")


def plan_url(plan: TierPlan) -> str:
    return reverse("admin:plans_tierplan_change", args=[plan.pk])


def _who(request: HttpRequest) -> User | None:
    return request.user if isinstance(request.user, User) else None


def _on(work: Callable[..., None]) -> Button:
    def press(request: HttpRequest, plan: TierPlan) -> str:
        work(plan, by=_who(request))
        return plan_url(plan)

    return press


def _save(request: HttpRequest, plan: TierPlan) -> str:
    save_for_later(plan, by=_who(request))
    return reverse("admin:plans_tierplan_changelist")


def _warn(request: HttpRequest, plan: TierPlan) -> str:
    form = WarnForm(request.POST)
    if not form.is_valid():
        raise PlanRefused(" ".join(map(str, form.errors["effective_at"])))
    save_and_warn(plan, at=form.cleaned_data["effective_at"], by=_who(request))
    return plan_url(plan)


def _discard(request: HttpRequest, plan: TierPlan) -> str:
    address = _back_url(plan).partition("?")[0]
    if plan.is_announced:
        withdraw(plan, by=_who(request))
        return plan_url(plan)
    discard(plan)
    return address


def _choose(request: HttpRequest, plan: TierPlan) -> str:
    form = TargetForm(plan, request.POST)
    if not form.is_valid():
        raise PlanRefused(_("Choose a tier first."))
    choose_target(plan, form.cleaned_data["target"], by=_who(request))
    return plan_url(plan)


def _follow(propose: Callable[..., TierPlan]) -> Button:
    def press(request: HttpRequest, plan: TierPlan) -> str:
        try:
            return plan_url(propose(plan, by=_who(request)))
        except PlanRefused:
            raise
        except ValidationError as error:
            raise PlanRefused(" ".join(error.messages)) from error

    return press


_BUTTONS: dict[str, Button] = {
    "warn": _warn,
    "apply": _on(apply_plan),
    "save": _save,
    "discard": _discard,
    "count": _on(count_anew),
    "choose": _choose,
    "pause": _on(pause),
    "resume": _on(resume),
    "cancel": _on(cancel),
    "rest": _follow(propose_rest),
    "way_back": _follow(propose_way_back),
}
