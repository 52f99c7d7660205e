"""Tiers in the admin, through its real forms."""

import re

import pytest

from accounts.models import User
from tests.clients import Client, Response
from tests.factories import make_tier
from tests.plans.work import work
from thumbnails.models import Backfill
from tiers.models import Tier

pytestmark = [pytest.mark.django_db, pytest.mark.filterwarnings("ignore::ResourceWarning")]


TIER = {
    "name": "Poster", "link_min_seconds": 60, "link_max_seconds": 600,
    "max_upload_bytes": "5 MB", "max_pixels": "20 MP", "grants_original": "on",
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
        ({"max_upload_bytes": "1 B"}, "At least 1 KB."),
        ({"max_upload_bytes": "1 GB"}, "At most 200 MB."),
        ({"max_pixels": "1 furlong"}, "Write a number and a unit: MP, px."),
        ({"link_max_seconds": "4000 d"}, "At most 3650 d."),
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
    plan = admin_client.post(f"/admin/tiers/tier/{unused.pk}/delete/")["Location"]
    admin_client.post(plan, {"apply": "Apply"})
    work()
    assert not Tier.objects.filter(pk=unused.pk).exists()


def test_a_changed_height_starts_a_backfill_of_the_tiers_pictures(
    admin_client: Client, alice: User
) -> None:
    changed = alice.tier
    rows = list(changed.heights.all())
    form = {
        "name": changed.name, "link_min_seconds": 300, "link_max_seconds": 30000,
        "grants_original": "on", "grants_links": "on", "quality": 80,
        "max_upload_bytes": "5 MB", "max_pixels": "20 MP",
        "heights-TOTAL_FORMS": 2, "heights-INITIAL_FORMS": 2,
        "heights-0-id": rows[0].pk, "heights-0-tier": changed.pk, "heights-0-height": 250,
        "heights-1-id": rows[1].pk, "heights-1-tier": changed.pk, "heights-1-height": 400,
    }  # fmt: skip
    address = f"/admin/tiers/tier/{changed.pk}/change/"
    plan = admin_client.post(address, form)["Location"]
    assert not Backfill.objects.exists()
    admin_client.post(plan, {"apply": "Apply"})
    assert Backfill.objects.get().tier == changed
    Backfill.objects.all().delete()
    rows = list(changed.heights.all())
    form |= {"heights-0-id": rows[0].pk, "heights-1-id": rows[1].pk, "quality": 60}
    admin_client.post(admin_client.post(address, form)["Location"], {"apply": "Apply"})
    assert Backfill.objects.get().tier == changed


@pytest.mark.parametrize("quality", [0, 19, 96, 100])
def test_a_quality_out_of_range_is_refused(admin_client: Client, quality: int) -> None:
    response = admin_client.post("/admin/tiers/tier/add/", {**TIER, "quality": quality})
    assert "quality" in response.context["adminform"].form.errors


def test_amounts_are_written_and_shown_with_units(admin_client: Client) -> None:
    amounts = {
        "max_upload_bytes": "12.5", "max_pixels": "24", "max_stored_bytes": "1.5 TB",
        "link_min_seconds": "5 min", "link_max_seconds": "8 h 20 min",
    }  # fmt: skip
    assert admin_client.post("/admin/tiers/tier/add/", {**TIER, **amounts}).status_code == 302
    made = Tier.objects.get(name="Poster")
    assert (made.max_upload_bytes, made.max_pixels) == (13_107_200, 24_000_000)
    assert made.max_stored_bytes == 3 * 1024**4 // 2
    assert (made.link_min_seconds, made.link_max_seconds) == (300, 30_000)
    page = admin_client.get(f"/admin/tiers/tier/{made.pk}/change/").content.decode()
    for shown in ("12.5 MB", "24 MP", "1.5 TB", "5 min", "8 h 20 min"):
        assert f'value="{shown}"' in page
    in_list = admin_client.get("/admin/tiers/tier/", headers={"Accept-Language": "es"})
    assert all(text in in_list.content.decode() for text in ("12,5 MB", "1,5 TB", "Cuota"))


@pytest.mark.parametrize(
    ("change", "field", "doubt"),
    [
        ({"quality": 20}, "quality", "smears"),
        ({"quality": 95}, "quality", "three times as large"),
        ({"heights-0-height": 5}, "height", "shows nothing"),
        ({"heights-0-height": 4000}, "height", "Costly"),
        ({"max_upload_bytes": "500 KB"}, "max_upload_bytes", "will be refused"),
        ({"max_pixels": "2 MP"}, "max_pixels", "larger photographs"),
        ({"max_stored_bytes": "4 MB"}, "max_stored_bytes", "An upload of 5 MB"),
        ({"max_pictures": 0}, "max_pictures", "can upload anything"),
        ({"link_min_seconds": 1, "link_max_seconds": 2}, "link_max_seconds", "Links end before"),
    ],
)
def test_what_is_hardly_meant_is_doubted_before_it_is_saved(
    admin_client: Client, change: dict[str, int | str], field: str, doubt: str
) -> None:
    form = {**TIER, **change}
    response = admin_client.post("/admin/tiers/tier/add/", form)
    assert doubt in form_errors(response)
    assert field in form_errors(response)
    assert 'name="save_all_the_same"' in response.content.decode()
    assert not Tier.objects.filter(name="Poster").exists()
    form["save_all_the_same"] = "on"
    assert admin_client.post("/admin/tiers/tier/add/", form).status_code == 302
    made = Tier.objects.get(name="Poster")
    # Nobody is asked again about what stays as it is.
    heights = list(made.heights.all())
    del form["save_all_the_same"]
    form |= {"name": "Postcard", "heights-INITIAL_FORMS": 2}
    form |= {f"heights-{n}-id": each.pk for n, each in enumerate(heights)}
    form |= {f"heights-{n}-height": each.height for n, each in enumerate(heights)}
    form |= {f"heights-{n}-tier": made.pk for n in range(2)}
    address = f"/admin/tiers/tier/{made.pk}/change/"
    assert admin_client.post(address, form).status_code == 302
    assert Tier.objects.filter(name="Postcard").exists()


def test_what_is_wrong_is_refused_whatever_is_ticked(admin_client: Client) -> None:
    form = {**TIER, "quality": 19, "save_all_the_same": "on"}
    response = admin_client.post("/admin/tiers/tier/add/", form)
    assert response.status_code == 200
    assert 'name="save_all_the_same"' not in response.content.decode()


def test_a_tiers_form_is_in_spanish(admin_client: Client) -> None:
    page = admin_client.get("/admin/tiers/tier/add/", headers={"Accept-Language": "es"})
    text = page.content.decode()
    labels = ("Subida más grande", "Imagen más grande", "Cuota", "Concede originales", "Altura")
    assert [each for each in labels if each not in text] == []
    shown = re.sub(r"<script.*?</script>|<[^>]+>", " ", text, flags=re.DOTALL).lower()
    english = ("largest", "grants", "shortest", "heights", "limits", "quality")
    assert [each for each in english if each in shown] == []
