"""What each person gets at every route, for `test_access`.

People: `owner`; `member`, another account that knows the ids and names of the owner's pictures;
`stranger`, another account that guesses them; `superuser`; `anonymous`; `staff`, without any
permission; and staff with one permission each, named as in STAFF. All accounts have the tier under
test, and both of the owner's pictures the visibility under test. Staff get what a member gets,
but for the permissions that a row names.

An outcome is a status, and a word for what leaves (see `OUTCOMES` in `test_access`). Where it
depends on the visibility or the tier, `by_visibility` and `by_tier` name one for each in order.

To add a contract: write its rows as one more list under its name. A test fails for every route and
method without a row, and for every row whose route is gone.
"""

from base64 import b64encode
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from tests.pictures import png

VISIBILITIES = ("private", "members", "public")
TIERS = ("Basic", "Premium", "Enterprise")
STAFF = {
    "staff": "",
    "view": "images.view_picture",
    "change": "images.change_picture",
    "delete": "images.delete_picture",
    "upload": "images.add_picture",
    "link": "images.add_link",
}
# What names a picture, or a file or a link of one.
OF_PICTURES = ("picture", "uuid", "file", "thumbnail", "avatar", "signed", "link", "link_id")
PEOPLE = ("owner", "member", "stranger", "superuser", "anonymous", *STAFF)


class ByVisibility(NamedTuple):
    private: "Outcome"
    members: "Outcome"
    public: "Outcome"


class ByTier(NamedTuple):
    basic: "Outcome"
    premium: "Outcome"
    enterprise: "Outcome"


Outcome = str | ByVisibility | ByTier
by_visibility, by_tier = ByVisibility, ByTier


@dataclass(frozen=True)
class Row:
    """`path` and the texts of `body` name what they need in braces: see `known_ids`."""

    method: str
    path: str
    owner: Outcome
    member: Outcome
    stranger: Outcome
    superuser: Outcome
    anonymous: Outcome
    # Sent as JSON, or as a form with a picture under the name `file_field`.
    body: dict[str, Any] = field(default_factory=dict)
    file_field: str = ""
    # What staff without, and with these permissions get, where it is not what a member gets.
    staff: Outcome | None = None
    view: Outcome | None = None
    change: Outcome | None = None
    delete: Outcome | None = None
    upload: Outcome | None = None
    link: Outcome | None = None

    def expected(self, person: str, visibility: str, tier: str) -> str:
        outcome: Outcome = getattr(self, person, None) or self.member
        while not isinstance(outcome, str):
            names, chosen = (
                (VISIBILITIES, visibility) if isinstance(outcome, ByVisibility) else (TIERS, tier)
            )
            outcome = outcome[names.index(chosen)]
        return outcome

    def is_the_same_for(self, person: str) -> bool:
        """Whether the person gets one outcome whatever the visibility and the tier."""
        return isinstance(getattr(self, person, None) or self.member, str)

    def people_of_each_outcome(self, visibility: str, tier: str) -> list[str]:
        """Return one of those for each outcome that the table states."""
        first = {self.expected(each, visibility, tier): each for each in reversed(PEOPLE)}
        # Who sees what a member does not, and who names what is not there.
        chosen = {*first.values(), "superuser", "stranger"}
        return [each for each in PEOPLE if each in chosen]

    @property
    def is_indifferent(self) -> bool:
        """Whether it names no picture, and gives each person the same of whatever picture."""
        outcomes = [getattr(self, person) for person in PEOPLE]
        named = f"{self.path} {self.body}"
        return all(each is None or isinstance(each, str) for each in outcomes) and not any(
            f"{{{name}}}" in named for name in OF_PICTURES
        )


def everybody(method: str, path: str, outcome: Outcome, **more: Any) -> Row:
    """A route that makes no difference between people."""
    return Row(method, path, outcome, outcome, outcome, outcome, outcome, **more)


# What the owner, and what anyone else, gets of an original by the owner's tier.
TO_OWNER = by_tier("200 thumbnail", "200 original", "200 original")
TO_OTHERS = by_tier("200 thumbnail", "200 clean", "200 clean")
SIGN_IN = {"username": "owner", "password": "{password}"}
IMAGE, THUMBNAIL = "/api/user/images/{picture}/", "/api/user/thumbnails/{thumbnail}/"
LINK = "/api/user/links/{link_id}/"
PICTURE_TO_OWNER = by_tier("200 name", "200 address", "200 address")
NO_LINK = by_tier("403", "403", "404")

RESTFUL_API = [
    everybody("GET", "/api/docs/", "200"),
    everybody("GET", "/api/schema/", "200"),
    everybody("GET", "/api/schema/asyncapi.yaml", "200"),
    everybody("POST", "/api/user/token/", "200", body=SIGN_IN),
    everybody("POST", "/api/user/jwt-login/", "200", body=SIGN_IN),
    everybody("POST", "/api/user/jwt-logout/", "204"),
    everybody("GET", "/api/user/site/", "200"),
    Row("GET", "/api/user/invitations/{invitation}/", "200", "200", "404", "200", "200"),
    # Nothing sends mail beside these tests.
    everybody("POST", "/api/user/password-reset/", "403", body={"email": "owner@example.org"}),
    Row("POST", "/api/user/password-reset/confirm/", "204", "204", "400", "204", "204",
              body={"token": "{reset}", "new_password": "quite another phrase"}),
    Row("GET", "/api/user/account/", "200", "200", "200", "200", "401"),
    Row("GET", "/api/user/usage/", "200", "200", "200", "200", "401"),
    Row("PATCH", "/api/user/account/", "200", "200", "200", "200", "401", body={"name": "Ana"}),
    Row("GET", "/api/user/account/export/", "200", "200", "200", "200", "401"),
    Row("DELETE", "/api/user/account/", "200", "200", "200", "403", "401",
        body={"password": "{password}"}, staff="403", view="403", change="403", delete="403",
        upload="403", link="403"),
    Row("POST", "/api/user/account/password/", "204", "204", "204", "204", "401",
        body={"current_password": "{password}", "new_password": "quite another phrase"}),
    Row("GET", "/api/user/images/", "200 listed", "200 unlisted", "200 unlisted", "200 unlisted",
        "401"),
    Row("POST", "/api/user/images/", "201", "201", "201", "201", "401", file_field="image"),
    Row("GET", IMAGE, PICTURE_TO_OWNER, "404", "404", "200 address of upload", "401",
        view="200 address of clean", change="200 address of upload"),
    Row("PATCH", IMAGE, PICTURE_TO_OWNER, "404", "404", "200 address of upload", "401",
        body={"visibility": "public"}, change="200 address of upload"),
    Row("DELETE", IMAGE, "204", "404", "404", "204", "401", delete="204"),
    Row("GET", IMAGE + "reveals/", "200", "404", "404", "200", "401", view="200", change="200"),
    Row("POST", "/api/user/images/delete/", "200 reached", "200 unreached", "200 unreached",
        "200 reached", "401", body={"ids": ["{picture}"]}, delete="200 reached"),
    Row("POST", "/api/user/images/change/", "200 reached", "200 unreached", "200 unreached",
        "200 reached", "401", body={"ids": ["{picture}"], "visibility": "public"},
        change="200 reached"),
    Row("GET", "/api/user/images/archive/?ids={picture}", "200", "404", "404", "200", "401",
        change="200"),
    Row("GET", "/api/user/images/archive/", "200", "200", "200", "200", "401"),
    Row("PUT", IMAGE + "active/", "204", "404", "404", "204", "401", change="204"),
    Row("GET", "/api/user/thumbnails/", "200 listed", "200 unlisted", "200 unlisted",
        "200 unlisted", "401"),
    Row("GET", THUMBNAIL, "200", "404", "404", "200", "401", view="200", change="200"),
    Row("DELETE", THUMBNAIL, "204", "404", "404", "204", "401", delete="204"),
    Row("GET", "/api/user/account/log/", "200", "200", "200", "200", "401"),
    Row("GET", "/api/user/sessions/", "200", "200", "200", "200", "401"),
    Row("DELETE", "/api/user/sessions/", "200", "200", "200", "200", "401"),
    # Nobody ends another's: staff do it in the admin.
    Row("DELETE", "/api/user/sessions/{session}/", "204", "404", "404", "404", "401"),
    Row("POST", "/api/user/tokens/", "201", "201", "201", "201", "401",
        body={"name": "backup", "scopes": ["read"]}),
    Row("GET", "/api/user/events/?since=0", "200", "200", "200", "200", "401"),
    Row("GET", "/api/user/events/?user={account}", "200", "403", "403", "200", "401",
        view="200", change="200"),
    Row("GET", "/api/user/link/{picture}/?time=300", by_tier("403", "403", "200"), NO_LINK, NO_LINK,
        "200", "401", link="200"),
    Row("GET", "/api/user/links/", "200 listed", "200 unlisted", "200 unlisted", "200 unlisted",
        "401"),
    Row("POST", "/api/user/links/", by_tier("403", "403", "201"), NO_LINK, NO_LINK, "201", "401",
        body={"image_id": "{picture}", "expires_in": "300", "max_opens": "1"}, link="201"),
    Row("DELETE", "/api/user/links/", "200", "200", "200", "200", "401"),
    Row("GET", LINK, "200", "404", "404", "200", "401"),
    Row("PATCH", LINK, "200", "404", "404", "200", "401", body={"note": "for Ana"}),
    Row("DELETE", LINK, "204", "404", "404", "204", "401"),
    Row("GET", LINK + "qr/", "200", "404", "404", "200", "401"),
]  # fmt: skip

DATA_URI = "data:image/png;base64," + b64encode(png(30, 20)).decode()
# What others get of a picture at a contract that asks for a token.
TO_MEMBERS = by_visibility("404", "200", "200")
IMAGE_SERVICE = [
    row
    for prefix in ("/image", "/v1/image")
    for row in (
        Row("POST", prefix, "200", "200", "200", "200", "401", body={"image": DATA_URI}),
        Row(
            "GET",
            prefix + "/{uuid}",
            "200",
            TO_MEMBERS,
            "404",
            "200",
            "401",
            view="200",
            change="200",
        ),
        Row(
            "GET",
            prefix + "/{uuid}/jpeg",
            "200",
            TO_MEMBERS,
            "404",
            "200",
            "401",
            view="200",
            change="200",
        ),
    )
]

SIGN_IN_AT_IMAGES = {"login": "owner", "password": "{password}"}
IMAGES_API = [
    everybody("POST", "/api/registration", "200",
              body={"login": "new.one", "email": "new@example.com", "password": "{password}"}),
    everybody("GET", "/api/login", "200", body=SIGN_IN_AT_IMAGES),
    everybody("POST", "/api/login", "200", body=SIGN_IN_AT_IMAGES),
    Row("GET", "/api/me", "200", "200", "200", "200", "401"),
    Row("POST", "/api/images", "200", "200", "200", "200", "401", body={"data": DATA_URI}),
    Row("GET", "/api/images/{uuid}", TO_OWNER, by_visibility("404", TO_OTHERS, TO_OTHERS), "404",
        "200 original", by_visibility("404", "404", TO_OTHERS),
        view="200 clean", change="200 original"),
]  # fmt: skip

AUTH_SERVICE = [
    everybody("POST", "/auth/signup", "200",
              body={"name": "Ana", "login": "ana.new", "password": "{password}"}),
    everybody("POST", "/auth/signin", "200", body={"login": "owner", "password": "{password}"}),
    Row("GET", "/auth/signout", "200", "200", "200", "200", "401"),
    Row("POST", "/auth/signout", "200", "200", "200", "200", "401"),
    Row("GET", "/auth/currentUser", "200", "200", "200", "200", "401"),
    Row("POST", "/auth/password", "200", "200", "200", "200", "401",
        body={"currentPassword": "{password}", "newPassword": "quite another phrase"}),
]  # fmt: skip

PICTURES_SERVICE = [
    Row("POST", "/pictures/create-picture", "201", "201", "201", "201", "401", file_field="file"),
    Row("POST", "/pictures/create-picture", "201", "403", "403", "201", "401", file_field="file",
        body={"userId": "{account}"}, upload="201"),
    Row("POST", "/pictures/create-default-picture/{account}", "200", "200", "404", "200", "200"),
    Row("GET", "/pictures/get-user-pictures/{account}", "200 listed",
        by_visibility("200 unlisted", "200 listed", "200 listed"), "404", "200 listed", "401",
        view="200 listed", change="200 listed"),
    Row("GET", "/pictures/get-active-picture/{account}", "200",
        by_visibility("404", "200", "200"), "404", "200", "401", view="200", change="200"),
    Row("PUT", "/pictures/set-active-picture/{picture}/{account}", "200", "404", "404", "200",
        "401", change="200"),
    Row("DELETE", "/pictures/delete-picture/{picture}/{file}/{account}", "200", "404", "404", "200",
        "401", delete="200"),
    Row("DELETE", "/pictures/delete-user/{account}", "200", "403", "403", "200", "401",
        delete="200"),
]  # fmt: skip

IN_A_BROWSER = [
    Row("GET", "/images/users/{account}/{file}", TO_OWNER,
        by_visibility("404", TO_OTHERS, TO_OTHERS), "404", "200 original",
        by_visibility("404", "404", TO_OTHERS), view="200 clean", change="200 original"),
    Row("GET", "{signed}", "200 original", "200 original", "404", "200 original", "200 original"),
    Row("GET", "/avatars/{account}", "302 avatar",
        by_visibility("302 default", "302 avatar", "302 avatar"), "302 default", "302 avatar",
        by_visibility("302 default", "302 default", "302 avatar"),
        view="302 avatar", change="302 avatar"),
    Row("GET", "/avatars/{account}/{avatar}", "200", by_visibility("404", "200", "200"), "404",
        "200", by_visibility("404", "404", "200"), view="200", change="200"),
    # A link gives whoever opens it, its maker too, what leaves to everybody.
    Row("GET", "/l/{link}", by_tier("410", "410", "200 clean"), by_tier("410", "410", "200 clean"),
        "404", by_tier("410", "410", "200 clean"), by_tier("410", "410", "200 clean")),
    # A link opens at once unless its maker asked for a page.
    Row("POST", "/l/{link}", by_tier("410", "410", "405"), by_tier("410", "410", "405"), "405",
        by_tier("410", "410", "405"), by_tier("410", "410", "405")),
    everybody("GET", "/robots.txt", "200"),
    everybody("GET", "/images/default/default.png", "200"),
    everybody("GET", "/join/", "200"),
    Row("GET", "/join/{invitation}/", "200", "200", "410", "200", "200"),
    everybody("GET", "/reset/", "200"),
    Row("GET", "/reset/{reset}/", "200", "200", "410", "200", "200"),
    everybody("GET", "/verify/none/", "410"),
    everybody("GET", "/", "200"),
    everybody("GET", "/p/1", "200"),
    everybody("GET", "/p/1/details", "200"),
    everybody("GET", "/p/1/links", "200"),
    everybody("GET", "/links", "200"),
    everybody("GET", "/account", "200"),
    everybody("GET", "/account/delete", "200"),
    everybody("GET", "/manifest.webmanifest", "200"),
    everybody("GET", "/service-worker.js", "200"),
    everybody("POST", "/share", "303"),
    everybody("POST", "/i18n/setlang/", "302"),
    everybody("GET", "/healthz", "200"),
    # No worker runs beside these tests.
    everybody("GET", "/readyz", "503"),
    everybody("GET", "/metrics", "401"),
]  # fmt: skip

ROWS_BY_CONTRACT = {
    "restful_api": RESTFUL_API,
    "image_service": IMAGE_SERVICE,
    "images_api": IMAGES_API,
    "auth_service": AUTH_SERVICE,
    "pictures_service": PICTURES_SERVICE,
}
ROWS = [row for rows in ROWS_BY_CONTRACT.values() for row in rows] + IN_A_BROWSER
