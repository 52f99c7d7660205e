"""The form of a tier: amounts with their units, and doubts that are shown before anything is saved.

A doubt is about what is allowed and hardly meant, such as a height of 5. Whoever means it ticks
CONFIRMATION. Nobody is asked again about what did not change.
"""

from collections.abc import Iterator
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.forms.formsets import DELETION_FIELD_NAME
from django.forms.models import BaseInlineFormSet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tiers.models import (
    MAX_LINK_SECONDS,
    MAX_PIXELS,
    MAX_UPLOAD_BYTES,
    MIN_UPLOAD_BYTES,
    Tier,
    TierHeight,
)
from tiers.quantities import BYTES, PIXELS, SECONDS, QuantityField, format_amount

# The name of the tick by which doubts are passed over.
CONFIRMATION = "save_all_the_same"
# The code of errors that are doubts.
DOUBTFUL = "doubtful"

# In pixels: smaller ones show nothing, larger ones take as much work and room as originals.
_MIN_SENSIBLE_HEIGHT, _MAX_SENSIBLE_HEIGHT = 32, 2160
# Each is rendered and stored for every picture.
_MAX_SENSIBLE_HEIGHTS = 6
_MIN_SENSIBLE_QUALITY, _MAX_SENSIBLE_QUALITY = 50, 92
# Photographs of phones have 3 to 15 MB, and 12 megapixels or more.
_MIN_SENSIBLE_UPLOAD, _MIN_SENSIBLE_PIXELS = 3 * 1024**2, 12_000_000
_MIN_SENSIBLE_LINK_SECONDS = 60
# An amount that no disk of today holds.
_MAX_STORED_BYTES = 1024**5


class TierForm(forms.ModelForm[Tier]):
    link_min_seconds = QuantityField(
        SECONDS, default="s", min_value=1, max_value=MAX_LINK_SECONDS,
        label=gettext_lazy("Shortest link"),
        help_text=gettext_lazy("With units: 300 s, 5 min, 8 h 20 min, 7 d."),
    )  # fmt: skip
    link_max_seconds = QuantityField(
        SECONDS, default="s", min_value=1, max_value=MAX_LINK_SECONDS,
        label=gettext_lazy("Longest link"),
    )  # fmt: skip
    max_upload_bytes = QuantityField(
        BYTES, default="MB", min_value=MIN_UPLOAD_BYTES, max_value=MAX_UPLOAD_BYTES,
        label=gettext_lazy("Largest upload"),
        help_text=gettext_lazy("In MB unless you write KB, MB or GB. At most 200 MB."),
    )  # fmt: skip
    max_pixels = QuantityField(
        PIXELS, default="MP", min_value=1, max_value=MAX_PIXELS,
        label=gettext_lazy("Largest picture"),
        help_text=gettext_lazy("In megapixels (MP): width × height. At most 150 MP."),
    )  # fmt: skip
    max_stored_bytes = QuantityField(
        BYTES, default="GB", max_value=_MAX_STORED_BYTES, required=False,
        label=gettext_lazy("Quota"),
        help_text=gettext_lazy("In GB unless you write MB, GB or TB. Empty: no limit."),
    )  # fmt: skip

    class Meta:
        model = Tier
        fields = "__all__"  # noqa: DJ007 (the admin's fieldsets name them)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if not is_confirmed(self.data):
            for field, doubt in self._doubts(cleaned):
                if field in self.changed_data and field in cleaned:
                    self.add_error(field, ValidationError(doubt, code=DOUBTFUL))
        return cleaned

    def _doubts(self, given: dict[str, Any]) -> Iterator[tuple[str, str]]:
        yield from self._doubts_of_quality(given.get("quality"))
        upload = given.get("max_upload_bytes")
        stored, pictures = given.get("max_stored_bytes"), given.get("max_pictures")
        if upload is not None and upload < _MIN_SENSIBLE_UPLOAD:
            yield "max_upload_bytes", _("Many photographs are larger, and will be refused.")
        if (pixels := given.get("max_pixels")) is not None and pixels < _MIN_SENSIBLE_PIXELS:
            yield "max_pixels", _("Most phones take larger photographs, which will be refused.")
        if pictures == 0:
            yield "max_pictures", _("Nobody in this tier can upload anything.")
        if stored is not None and upload is not None and stored < upload:
            text = _("An upload of %(size)s, which this tier allows, does not fit into it.")
            yield "max_stored_bytes", text % {"size": format_amount(upload, BYTES)}
        longest = given.get("link_max_seconds")
        if longest is not None and longest < _MIN_SENSIBLE_LINK_SECONDS:
            yield "link_max_seconds", _("Links end before anybody has opened them.")

    def _doubts_of_quality(self, quality: int | None) -> Iterator[tuple[str, str]]:
        if quality is not None and quality < _MIN_SENSIBLE_QUALITY:
            yield "quality", _("Blocks and smears will be plain to see in every thumbnail.")
        if quality is not None and quality > _MAX_SENSIBLE_QUALITY:
            yield "quality", _("Files become up to three times as large, and look the same.")


class HeightFormSet(BaseInlineFormSet[TierHeight, Tier, forms.ModelForm[TierHeight]]):
    """A tier's heights, and the doubts about them."""

    def add_fields(self, form: forms.ModelForm[TierHeight], index: int | None) -> None:
        """Name each field by itself: the column's heading is not tied to it."""
        super().add_fields(form, index)
        for field in form.fields.values():
            field.widget.attrs.setdefault("aria-label", field.label or "")

    def clean(self) -> None:
        super().clean()
        if is_confirmed(self.data):
            return
        for form in self.forms:
            if form.has_changed() and not _is_deleted(form):
                self._doubt_height(form)
        kept = [form for form in self.forms if self._is_kept(form)]
        if len(kept) > _MAX_SENSIBLE_HEIGHTS and any(form.has_changed() for form in self.forms):
            text = _("Each of %(count)d heights is rendered and stored for every picture.")
            raise ValidationError(text % {"count": len(kept)}, code=DOUBTFUL)

    def _doubt_height(self, form: forms.ModelForm[TierHeight]) -> None:
        height = form.cleaned_data.get("height")
        if height is not None and height < _MIN_SENSIBLE_HEIGHT:
            text = _("So small a thumbnail shows nothing.")
            form.add_error("height", ValidationError(text, code=DOUBTFUL))
        if height is not None and height > _MAX_SENSIBLE_HEIGHT:
            text = _("Costly: such thumbnails take as much work and room as originals.")
            form.add_error("height", ValidationError(text, code=DOUBTFUL))

    def _is_kept(self, form: forms.ModelForm[TierHeight]) -> bool:
        return bool(form.cleaned_data.get("height")) and not _is_deleted(form)


def _is_deleted(form: forms.ModelForm[TierHeight]) -> bool:
    # `deleted_forms` is empty as long as any form is wrong.
    return bool(form.cleaned_data.get(DELETION_FIELD_NAME))


def is_confirmed(data: Any) -> bool:
    """Return whether whoever sent a form means what it doubts."""
    return bool(data.get(CONFIRMATION))


def has_doubts(form: Any, formsets: Any) -> bool:
    """Return whether doubts keep a form from being saved."""
    every = [form.errors, *(errors for formset in formsets for errors in formset.errors)]
    found = [each for errors in every for each in errors.as_data().values()]
    found += [formset.non_form_errors().as_data() for formset in formsets]
    return any(error.code == DOUBTFUL for errors in found for error in errors)
