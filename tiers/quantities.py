"""Sizes and times as people write them: "15 MB", "8 h 20 min"."""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import formats
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

# As many decimals as a unit is shown with; an amount that needs more is shown in a smaller one.
_MAX_DECIMALS = 3
# Enough for every amount; digits without end would cost time to read.
_MAX_LENGTH = 40
_PART = re.compile(r"\s*(\d+(?:[.,]\d+)?)\s*([^\W\d]*)", re.UNICODE)

# Largest first. 1 KB is 1,024 bytes, as everywhere on these pages.
BYTES = {"TB": 1024**4, "GB": 1024**3, "MB": 1024**2, "KB": 1024, "B": 1}
PIXELS = {"MP": 1_000_000, "px": 1}
SECONDS = {"d": 86_400, "h": 3_600, "min": 60, "s": 1}


def format_amount(amount: int, units: Mapping[str, int]) -> str:
    """Return an amount in the largest unit that shows it exactly: "1.5 GB"."""
    for name, factor in units.items():
        value = Decimal(amount) / factor
        if amount >= factor and value == round(value, _MAX_DECIMALS):
            text = formats.number_format(value.normalize(), use_l10n=True)
            return f"{text} {name}"
    return f"{amount} {[*units][-1]}"


def format_seconds(amount: int) -> str:
    """Return a time in all units that it takes: "8 h 20 min"."""
    parts = []
    for name, factor in SECONDS.items():
        count, amount = divmod(amount, factor)
        if count:
            parts.append(f"{count} {name}")
    return " ".join(parts) or "0 s"


class QuantityField(forms.CharField):
    """A whole number of bytes, pixels or seconds, written with units.

    A number without one is in `default`. Several parts are added up.
    """

    default_error_messages = {
        "unreadable": gettext_lazy("Write a number and a unit: %(units)s."),
        "too_small": gettext_lazy("At least %(limit)s."),
        "too_large": gettext_lazy("At most %(limit)s."),
    }

    def __init__(
        self,
        units: Mapping[str, int],
        *,
        default: str,
        min_value: int = 0,
        max_value: int | None = None,
        **options: Any,
    ) -> None:
        self.units, self.default = units, default
        self.min_value, self.max_value = min_value, max_value
        options.setdefault("widget", forms.TextInput(attrs={"class": "quantity", "size": 16}))
        super().__init__(max_length=_MAX_LENGTH, **options)

    def format(self, amount: int) -> str:
        """Return an amount as the field shows it."""
        if self.units is SECONDS:
            return format_seconds(amount)
        return format_amount(amount, self.units)

    def prepare_value(self, value: Any) -> Any:
        """Show an amount with its unit; what somebody wrote is shown as it is."""
        return self.format(value) if isinstance(value, int) else value

    def to_python(self, value: Any) -> Any:
        """Return the amount, or None where the field is empty."""
        if isinstance(value, int):
            return value
        text = str(value or "").strip()
        if not text:
            return None
        amount = self._read(text)
        self._check(amount)
        return amount

    def validate(self, value: Any) -> None:
        if value is None and self.required:
            raise ValidationError(self.error_messages["required"], code="required")

    def run_validators(self, value: Any) -> None:
        """Leave out those of texts."""

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return bool(self.to_python(data) != initial)
        except ValidationError:
            return True

    def _read(self, text: str) -> int:
        names = {name.casefold(): factor for name, factor in self.units.items()}
        total, place = Decimal(0), 0
        while place < len(text):
            part = _PART.match(text, place)
            unit = (part[2] or self.default).casefold() if part else ""
            if part is None or unit not in names or len(text) > _MAX_LENGTH:
                units = ", ".join(self.units)
                raise ValidationError(
                    self.error_messages["unreadable"], code="unreadable", params={"units": units}
                )
            total += _to_number(part[1]) * names[unit]
            place = part.end()
        return int(total)

    def _check(self, amount: int) -> None:
        if amount < self.min_value:
            self._refuse("too_small", self.min_value)
        if self.max_value is not None and amount > self.max_value:
            self._refuse("too_large", self.max_value)

    def _refuse(self, code: str, limit: int) -> None:
        raise ValidationError(
            self.error_messages[code], code=code, params={"limit": self.format(limit)}
        )


def _to_number(text: str) -> Decimal:
    """Read a number; raise ValidationError for a comma where it does not mark decimals."""
    if "," in text and formats.get_format("DECIMAL_SEPARATOR") != ",":
        raise ValidationError(_("Write 1500 or 1.5, without a comma."), code="comma")
    return Decimal(text.replace(",", "."))
