"""Tiers as staff define them: one form, with the heights inline."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.messages import ERROR
from django.db.models import ProtectedError, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tiers.forms import HeightFormSet, TierForm, has_doubts
from tiers.models import Tier, TierHeight
from tiers.quantities import BYTES, format_amount
from tiers.services import announce_thumbnail_change


class TierHeightInline(admin.TabularInline[TierHeight, Tier]):
    model = TierHeight
    formset = HeightFormSet
    extra = 1


@admin.register(Tier)
class TierAdmin(admin.ModelAdmin[Tier]):
    """A tier in use cannot be deleted: its foreign key is protected and the page says why."""

    form = TierForm
    inlines = [TierHeightInline]
    list_display = [
        "name", "height_list", "quality", "grants_original", "grants_links", "largest_upload",
        "quota",
    ]  # fmt: skip
    search_fields = ["name"]
    search_help_text = gettext_lazy("A part of the name.")
    fieldsets = [
        (None, {"fields": ["name", "grants_original", "cleans_originals", "quality"]}),
        (
            gettext_lazy("Expiring links"),
            {"fields": ["grants_links", "link_min_seconds", "link_max_seconds"]},
        ),
        (
            gettext_lazy("Limits"),
            {"fields": ["max_upload_bytes", "max_pixels", "max_pictures", "max_stored_bytes"]},
        ),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Tier]:
        """Load all heights by one query."""
        return super().get_queryset(request).prefetch_related("heights")

    @admin.display(description=gettext_lazy("heights"))
    def height_list(self, tier: Tier) -> str:
        return ", ".join(str(row.height) for row in tier.heights.all()) or _("none")

    @admin.display(description=gettext_lazy("Largest upload"), ordering="max_upload_bytes")
    def largest_upload(self, tier: Tier) -> str:
        return format_amount(tier.max_upload_bytes, BYTES)

    @admin.display(description=gettext_lazy("Quota"), ordering="max_stored_bytes")
    def quota(self, tier: Tier) -> str:
        if tier.max_stored_bytes is None:
            return _("none")
        return format_amount(tier.max_stored_bytes, BYTES)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Offer a tick by which doubts are passed over, where there are some."""
        formsets = [each.formset for each in context["inline_admin_formsets"]]
        context["has_doubts"] = has_doubts(context["adminform"].form, formsets)
        return super().render_change_form(request, context, *args, **kwargs)

    def save_related(
        self,
        request: HttpRequest,
        form: forms.ModelForm[Tier],
        formsets: Any,
        change: bool,  # noqa: FBT001
    ) -> None:
        """Save the heights, then send the signal in the same transaction."""
        super().save_related(request, form, formsets, change)
        if "quality" in form.changed_data or any(each.has_changed() for each in formsets):
            announce_thumbnail_change(form.instance)

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show a message when an account got the tier since the page was opened."""
        try:
            return super().delete_view(request, object_id, extra_context)
        except ProtectedError:
            self.message_user(request, _("Accounts still have this tier."), ERROR)
            return HttpResponseRedirect(reverse("admin:tiers_tier_changelist"))
