"""Makes an account with drawn pictures and links, to look at; run by `./dev demo`.

Repeats harmlessly: what is there already is kept.
"""

import colorsys
import os
import random
import secrets
from pathlib import Path

import django
from django.conf import settings
from django.core.management import call_command
from django.urls import reverse
from django.utils import timezone
from PIL import Image, ImageDraw

from devkit.messages import say

LOGIN = "demo"
TIER = "Enterprise"
PICTURES = 30
LINKS = 5
SIZES = [(1600, 1067), (1067, 1600), (1400, 1400), (2000, 900)]
VISIBILITIES = ["private", "members", "public"]


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    os.environ.setdefault("LOG_LEVEL", "WARNING")
    django.setup()
    # Works without a running service, too: the next `./dev run` makes the thumbnails.
    call_command("migrate", interactive=False, verbosity=0)
    password = _read_password()
    _fill_account(password)
    say(f"Sign in at {settings.PUBLIC_URL}/ as {LOGIN} with the password {password}")


def _read_password() -> str:
    """It lies in the data folder, for its owner alone, so that the next call prints the same."""
    path: Path = settings.DATA_DIR / "demo-password"
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(9))
    return path.read_text()


def _fill_account(password: str) -> None:
    # Models can be imported only once Django is set up.
    from accounts.models import User
    from images.links import LinkToken, make_link, write_token
    from images.models import Link
    from tiers.models import Tier

    user = User.objects.filter(username=LOGIN).first()
    if not user:
        user = User.objects.create_user(LOGIN, password, tier=Tier.objects.get(name=TIER))
    elif not user.check_password(password):
        user.set_password(password)
        user.save()
    for number in range(user.pictures.count(), PICTURES):
        _upload(user, number)
    links = Link.objects.filter(maker=user, expires_at__gt=timezone.now())
    for picture in user.pictures.exclude(links__in=links).order_by("pk")[: LINKS - links.count()]:
        make_link(maker=user, picture=picture, seconds=user.tier.link_max_seconds)
    for link in links.all():
        token = write_token(LinkToken(link.pk))
        say(f"Open without signing in: {settings.PUBLIC_URL}{reverse('link', args=[token])}")


def _upload(user, number: int) -> None:  # type: ignore[no-untyped-def]
    from images.sandbox.work_dir import temporary_dir
    from images.services import create_picture

    with temporary_dir() as folder:
        path = Path(folder) / "drawn.jpg"
        draw(number).save(path, quality=88)
        create_picture(
            owner=user,
            upload=path,
            visibility=VISIBILITIES[number % len(VISIBILITIES)],
            description=f"Hills, number {number + 1}",
        )


def draw(number: int) -> Image.Image:
    """Draw layers of hills under a sun; the same number draws the same picture."""
    chance = random.Random(number)
    width, height = SIZES[number % len(SIZES)]
    hue = number / PICTURES
    image = Image.new("RGB", (width, height), _colour(hue, 0.25, 1.0))
    pen = ImageDraw.Draw(image)
    x, y, radius = chance.uniform(0.2, 0.8) * width, 0.3 * height, 0.09 * min(width, height)
    pen.ellipse([x - radius, y - radius, x + radius, y + radius], fill=_colour(hue + 0.5, 0.3, 1.0))
    for layer in range(1, 6):
        level = 0.3 + 0.11 * layer
        ridge = [
            (width * step / 12, height * (level + chance.uniform(-0.08, 0.08)))
            for step in range(13)
        ]
        pen.polygon(
            [(0, height), *ridge, (width, height)],
            fill=_colour(hue + 0.03 * layer, 0.35 + 0.08 * layer, 1 - 0.15 * layer),
        )
    return image


def _colour(hue: float, saturation: float, value: float) -> tuple[int, int, int]:
    red, green, blue = colorsys.hsv_to_rgb(hue % 1, saturation, value)
    return round(red * 255), round(green * 255), round(blue * 255)


if __name__ == "__main__":
    main()
