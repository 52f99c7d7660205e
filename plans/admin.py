"""Plans in the admin, and the pages of tiers and accounts that lead to them."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.contrib.messages import ERROR, SUCCESS, WARNING
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.forms.models import BaseInlineFormSet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.admin import is_superuser, may_administer
from accounts.models import User
from plans.exceptions import PlanRefused
from plans.models import TierPlan
from plans.permissions import kinds_of, may_plan, plans_for
from plans.plan_page import (
    TargetForm,
    describe_press,
    page_context,
    plan_url,
    press_button,
    progress_context,
)
from plans.proposals import propose_change, propose_deletion, propose_move
from tiers.admin import TierAdmin, TierHeightInline
from tiers.forms import HeightFormSet
from tiers.models import Tier, TierHeight
from tiers.services import FIELDS, HEIGHTS
from upkeep.admin import ClosableUserAdmin

admin.site.unregister(Tier)
admin.site.unregister(User)


@admin.register(TierPlan)
class TierPlanAdmin(admin.ModelAdmin[TierPlan]):
    """Plans: looked at, decided and followed on a page of their own; kept for good."""

    list_display = [
        "__str__", "kind", "state", "pictures", "maker_name", "effective_at", "applier_name",
        "applied_at", "ended_at",
    ]  # fmt: skip
    list_filter = ["state", "kind"]
    search_fields = ["tier_name__startswith", "target_name__startswith"]
    search_help_text = gettext_lazy("The beginning of a tier's name.")
    ordering = ["-created_at", "-id"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[TierPlan]:
        """Leave out those that nobody has saved or applied."""
        return plans_for(request).exclude(state=TierPlan.State.PROPOSED)

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> TierPlan | None:
        """Return any plan; who may see it is asked then."""
        plans = TierPlan.objects.with_tiers().filter(pk__in=[object_id] * object_id.isdecimal())
        return plans.first()

    @admin.display(description=gettext_lazy("pictures"))
    def pictures(self, plan: TierPlan) -> str:
        counted = (plan.counts or {}).get("pictures")
        return "–" if counted is None else number_format(counted, force_grouping=True)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show a plan, or do what one of its buttons says."""
        plan = self.get_object(request, unquote(object_id))
        if not self.has_view_permission(request, plan):
            raise PermissionDenied
        if plan is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)  # type: ignore[attr-defined, no-any-return]  # as Django's own pages do
        if request.method == "POST":
            return self._press(request, plan)
        if "part" in request.GET:
            return TemplateResponse(request, "plans/progress.html", progress_context(plan))
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": plan.get_kind_display(),
            **page_context(plan),
        }
        return TemplateResponse(request, "plans/plan.html", context)

    def _press(self, request: HttpRequest, plan: TierPlan) -> HttpResponse:
        try:
            address = press_button(request, plan)
        except StopIteration:
            address = plan_url(plan)
        except PlanRefused as refused:
            self.message_user(request, " ".join(refused.messages), ERROR)
            address = plan_url(plan)
        else:
            self.log_change(request, plan, describe_press(request))
            if "apply" in request.POST and plan.kind == TierPlan.Kind.CHANGE and plan.tier:
                tiers = self.admin_site._registry[Tier]
                tiers.log_change(request, plan.tier, f"By plan {plan.pk}.")
        return HttpResponseRedirect(address)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return bool(kinds_of(request))

    def has_view_permission(self, request: HttpRequest, obj: TierPlan | None = None) -> bool:
        return bool(kinds_of(request)) if obj is None else may_plan(request.user, obj.kind)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Plans are made on the pages of tiers and accounts."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: TierPlan | None = None) -> bool:
        """The buttons ask for themselves."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: TierPlan | None = None) -> bool:
        return False


class PlannedHeightFormSet(HeightFormSet):
    """The heights of a plan that is not decided, where somebody goes back from it to the form."""

    planned: list[int] | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if self.planned is not None and kwargs.get("data") is None and not args:
            present = set(kwargs["instance"].heights.values_list("height", flat=True))
            added = [{"height": each} for each in self.planned if each not in present]
            kwargs["initial"] = added
            self.extra = len(added) + 1
        super().__init__(*args, **kwargs)

    def add_fields(self, form: Any, index: int | None) -> None:
        super().add_fields(form, index)
        if self.planned is not None and form.instance.pk and "DELETE" in form.fields:
            form.fields["DELETE"].initial = form.instance.height not in self.planned


class PlannedHeightInline(TierHeightInline):
    """The heights of a tier, or of a plan of it."""

    formset = PlannedHeightFormSet

    def get_formset(
        self, request: HttpRequest, obj: Any = None, **kwargs: Any
    ) -> type[BaseInlineFormSet[TierHeight, Tier, forms.ModelForm[TierHeight]]]:
        made: Any = super().get_formset(request, obj, **kwargs)
        plan = _plan_to_edit(request, obj)
        made.planned = plan.changes[HEIGHTS][1] if plan and HEIGHTS in plan.changes else None
        return made  # type: ignore[no-any-return]  # Django's factory says no more


@admin.register(Tier)
class PlannedTierAdmin(TierAdmin):
    """Tiers whose changes and ends are planned first."""

    inlines = [PlannedHeightInline]

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> Tier | None:
        """Show what a plan would have it say, where somebody goes back from that to the form."""
        tier = super().get_object(request, object_id, from_field)
        if plan := _plan_to_edit(request, tier):
            for name in FIELDS:
                if tier and name in plan.changes:
                    setattr(tier, name, plan.changes[name][1])
        return tier

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Plan what would change more than the name; not in a transaction, for counting it."""
        if request.method == "POST" and object_id is not None:
            tier = self.get_object(request, unquote(object_id))
            if tier is not None and self.has_change_permission(request, tier):
                plan = self._plan(request, tier)
                if plan is not None:
                    return HttpResponseRedirect(plan_url(plan))
        return super().changeform_view(request, object_id, form_url, extra_context)

    def _plan(self, request: HttpRequest, tier: Tier) -> TierPlan | None:
        """Return a plan of what the form says, if it is valid and says something else."""
        form_class = self.get_form(request, tier, change=True)
        form = form_class(request.POST, request.FILES, instance=tier)
        is_valid = form.is_valid()
        formsets, _inlines = self._create_formsets(request, form.instance, change=True)  # type: ignore[attr-defined]  # as Django's own page does
        if not is_valid or not all(each.is_valid() for each in formsets):
            return None
        values = {name: form.cleaned_data[name] for name in FIELDS if name in form.changed_data}
        [heights] = formsets
        if heights.has_changed():
            values[HEIGHTS] = _heights_of(heights)
        if not values.keys() - {"name"}:
            return None
        return propose_change(tier=Tier.objects.get(pk=tier.pk), values=values, by=_who(request))

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Delete each tier by a plan of its own."""
        actions = super().get_actions(request)
        actions.pop("delete_selected", None)
        return actions

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Ask where a tier's accounts move, and plan that and its end."""
        tier = self.get_object(request, unquote(object_id))
        if not self.has_delete_permission(request, tier):
            raise PermissionDenied
        if tier is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)  # type: ignore[attr-defined, no-any-return]  # as Django's own pages do
        if request.method == "POST":
            try:
                return HttpResponseRedirect(plan_url(_plan_end(request, tier)))
            except PlanRefused as refused:
                self.message_user(request, " ".join(refused.messages), ERROR)
        accounts = User.objects.filter(tier=tier).count()
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("End of a tier"),
            "tier": tier,
            "accounts": accounts,
            "target_form": TargetForm(TierPlan(tier=tier)) if accounts else None,
        }
        return TemplateResponse(request, "plans/delete_tier.html", context)


def _plan_to_edit(request: HttpRequest, tier: Tier | None) -> TierPlan | None:
    """Return the plan that the form of a tier shows, which the address names."""
    number = request.GET.get("plan", "")
    if request.method != "GET" or tier is None or not number.isdecimal():
        return None
    own = TierPlan.objects.undecided().filter(tier=tier, kind=TierPlan.Kind.CHANGE)
    return own.filter(pk=number).first()


def _heights_of(formset: Any) -> list[int]:
    kept = [form for form in formset.forms if form not in formset.deleted_forms]
    found = {form.cleaned_data.get("height") or form.instance.height for form in kept}
    return sorted(each for each in found if each)


def _plan_end(request: HttpRequest, tier: Tier) -> TierPlan:
    target = None
    if request.POST.get("target"):
        form = TargetForm(TierPlan(tier=tier), request.POST)
        target = form.cleaned_data["target"] if form.is_valid() else None
    return propose_deletion(tier=tier, target=target, by=_who(request))


def _who(request: HttpRequest) -> User | None:
    return request.user if isinstance(request.user, User) else None


@admin.register(User)
class PlannedUserAdmin(ClosableUserAdmin):
    """Accounts whose moves to another tier are planned first."""

    actions = [*(ClosableUserAdmin.actions or []), "plan_move"]

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:  # noqa: FBT001 (Django's signature)
        """Save all but another tier."""
        if change and "tier" in form.changed_data:
            request.planned_tier = obj.tier  # type: ignore[attr-defined]  # for `changeform_view`
            form.changed_data.remove("tier")
            obj.tier_id = form.initial["tier"]
        super().save_model(request, obj, form, change)

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Plan the move to another tier once the rest is saved."""
        response = super().changeform_view(request, object_id, form_url, extra_context)
        target = getattr(request, "planned_tier", None)
        if target is None or object_id is None:
            return response
        account = User.objects.filter(pk=unquote(object_id))
        plan = propose_move(accounts=account, target=target, by=_who(request))
        self.message_user(request, _("All but the tier is saved."), SUCCESS)
        return HttpResponseRedirect(plan_url(plan))

    @admin.action(description=gettext_lazy("Move to another tier"), permissions=["change"])
    def plan_move(self, request: HttpRequest, users: QuerySet[User]) -> HttpResponse | None:
        """Plan to move accounts, of those that whoever asks may change."""
        chosen = User.objects.filter(pk__in=users.order_by().values("pk"))
        if not is_superuser(request):
            above = chosen.filter(Q(is_staff=True) | Q(is_superuser=True))
            kept = [each.pk for each in above if not may_administer(request, each)]
            chosen = chosen.exclude(pk__in=kept)
            if kept:
                text = _("Accounts that may do more than you are left out.")
                self.message_user(request, text, WARNING)
        try:
            plan = propose_move(accounts=chosen, target=None, by=_who(request))
        except PlanRefused as refused:
            self.message_user(request, " ".join(refused.messages), ERROR)
            return None
        return HttpResponseRedirect(plan_url(plan))
