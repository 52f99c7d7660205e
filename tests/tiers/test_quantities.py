"""Amounts as people write and read them."""

from collections.abc import Iterator

import pytest
from django.core.exceptions import ValidationError
from django.utils import translation

from tiers.quantities import BYTES, PIXELS, SECONDS, QuantityField, format_amount, format_seconds


@pytest.fixture(autouse=True)
def _english() -> Iterator[None]:
    with translation.override("en"):
        yield


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (0, "0 B"), (1, "1 B"), (1536, "1.5 KB"), (15 * 1024**2, "15 MB"), (1024**3, "1 GB"),
        (1024**2 + 1, "1048577 B"), (10 * 1024**4, "10 TB"),
    ],
)  # fmt: skip
def test_an_amount_is_shown_exactly(amount: int, text: str) -> None:
    assert format_amount(amount, BYTES) == text
    assert QuantityField(BYTES, default="MB").clean(text) == amount


@pytest.mark.parametrize(
    ("amount", "text"),
    [(0, "0 s"), (300, "5 min"), (30_000, "8 h 20 min"), (90_061, "1 d 1 h 1 min 1 s")],
)
def test_a_time_is_shown_in_the_units_that_it_takes(amount: int, text: str) -> None:
    assert format_seconds(amount) == text
    assert QuantityField(SECONDS, default="s").clean(text) == amount


@pytest.mark.parametrize(
    ("text", "amount"),
    [("50", 50_000_000), ("0.5mp", 500_000), ("640 PX", 640), (" 12 MP ", 12_000_000)],
)
def test_a_unit_may_be_left_out_and_written_in_any_case(text: str, amount: int) -> None:
    assert QuantityField(PIXELS, default="MP").clean(text) == amount


@pytest.mark.parametrize(
    "text", ["many", "-5", "5 parsecs", "1,500 MB", "5 MB extra", "1e9", "9" * 41, "MB", "٣ MB 4 x"]
)
def test_what_nobody_can_read_is_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        QuantityField(BYTES, default="MB").clean(text)


def test_spanish_marks_decimals_by_a_comma() -> None:
    with translation.override("es"):
        assert format_amount(3 * 1024**3 // 2, BYTES) == "1,5 GB"
        assert QuantityField(BYTES, default="MB").clean("1,5 GB") == 3 * 1024**3 // 2
