"""Tiers in the admin, through its real forms."""

import pytest

from accounts.models import User
from tests.clients import Client, Response
from tests.factories import make_tier
from thumbnails.models import Backfill
from tiers.models import Tier

pytestmark = [pytest.mark.django_db, pytest.mark.filterwarnings("ignore::ResourceWarning")]


TIER = {
    "name": "Poster", "link_min_seconds": 60, "link_max_seconds": 600,
    "max_upload_bytes": 5_000_000, "max_pixels": 20_000_000, "grants_original": "on",
    "quality": 80, "heights-TOTAL_FORMS": 2, "heights-INITIAL_FORMS": 0,
    "heights-0-height": 100, "heights-1-height": 1080,
}  # fmt: skip


def form_errors(response: Response) -> str:
    form = response.context["adminform"].form
    formsets = [each.formset for each in response.context["inline_admin_formsets"]]
    return str(form.errors) + "".join(
        str(each.errors) + str(each.non_form_errors()) for each in formsets
    )


def test_staff_create_a_tier_with_its_heights(admin_client: Client) -> None:
    response = admin_client.post("/admin/tiers/tier/add/", TIER)
    assert response.status_code == 302
    made = Tier.objects.get(name="Poster")
    assert [row.height for row in made.heights.all()] == [100, 1080]
    assert (made.grants_original, made.grants_links) == (True, False)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"heights-1-height": 4097}, "4096"),
        ({"heights-1-height": 0}, "1"),
        ({"heights-1-height": 100}, "duplicate"),
        ({"link_min_seconds": 601}, "shortest link must not exceed"),
        ({"name": "Basic"}, "already exists"),
        ({"max_upload_bytes": 1}, "1024"),
    ],
)
def test_an_invalid_tier_is_refused_with_a_reason(
    admin_client: Client, change: dict[str, int | str], reason: str
) -> None:
    response = admin_client.post("/admin/tiers/tier/add/", {**TIER, **change})
    assert response.status_code == 200
    assert reason in form_errors(response)


def test_a_tier_in_use_cannot_be_deleted(admin_client: Client, alice: User) -> None:
    address = f"/admin/tiers/tier/{alice.tier.pk}/delete/"
    assert b"protected" in admin_client.get(address).content
    admin_client.post(address, {"post": "yes"})
    assert Tier.objects.filter(pk=alice.tier.pk).exists()


def test_an_unused_tier_can_be_deleted(admin_client: Client) -> None:
    unused = make_tier("Unused", [10])
    admin_client.post(f"/admin/tiers/tier/{unused.pk}/delete/", {"post": "yes"})
    assert not Tier.objects.filter(pk=unused.pk).exists()


def test_a_changed_height_starts_a_backfill_of_the_tiers_pictures(
    admin_client: Client, alice: User
) -> None:
    changed = alice.tier
    rows = list(changed.heights.all())
    form = {
        "name": changed.name, "link_min_seconds": 300, "link_max_seconds": 30000,
        "grants_original": "on", "grants_links": "on", "quality": 80,
        "max_upload_bytes": 5_000_000, "max_pixels": 20_000_000,
        "heights-TOTAL_FORMS": 2, "heights-INITIAL_FORMS": 2,
        "heights-0-id": rows[0].pk, "heights-0-tier": changed.pk, "heights-0-height": 250,
        "heights-1-id": rows[1].pk, "heights-1-tier": changed.pk, "heights-1-height": 400,
    }  # fmt: skip
    assert admin_client.post(f"/admin/tiers/tier/{changed.pk}/change/", form).status_code == 302
    assert Backfill.objects.get().tier == changed
    Backfill.objects.all().delete()
    form["heights-0-height"] = 250
    admin_client.post(f"/admin/tiers/tier/{changed.pk}/change/", form)
    assert not Backfill.objects.exists()
    form["quality"] = 60
    admin_client.post(f"/admin/tiers/tier/{changed.pk}/change/", form)
    assert Backfill.objects.get().tier == changed


@pytest.mark.parametrize("quality", [0, 19, 96, 100])
def test_a_quality_out_of_range_is_refused(admin_client: Client, quality: int) -> None:
    response = admin_client.post("/admin/tiers/tier/add/", {**TIER, "quality": quality})
    assert "quality" in response.context["adminform"].form.errors
