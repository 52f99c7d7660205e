import pytest
from django.http import HttpRequest, HttpResponse
from django.urls import Resolver404, reverse
from django.urls.resolvers import RegexPattern, URLResolver

from lib.routes import route


def view(request: HttpRequest, **parts: str) -> HttpResponse:
    return HttpResponse()


urlpatterns = [
    route("", view, name="home"),
    route("plain", view, name="plain"),
    route("slashed/", view, name="slashed"),
    route("files/<path:key>", view, name="file"),
    route("rows/<int:pk>/", view, name="row"),
]
RESOLVER = URLResolver(RegexPattern(r"^/"), urlpatterns)


@pytest.mark.parametrize(
    ("path", "name", "parts"),
    [
        ("/", "home", {}),
        ("/plain", "plain", {}),
        ("/plain/", "plain", {}),
        ("/slashed/", "slashed", {}),
        ("/slashed", "slashed", {}),
        ("/files/a/b.png", "file", {"key": "a/b.png"}),
        ("/files/a/b.png/", "file", {"key": "a/b.png"}),
        ("/rows/7/", "row", {"pk": 7}),
        ("/rows/7", "row", {"pk": 7}),
    ],
)
def test_both_forms_lead_to_one_view_with_the_same_parts(
    path: str, name: str, parts: dict[str, object]
) -> None:
    match = RESOLVER.resolve(path)
    assert (match.url_name, match.kwargs) == (name, parts)


@pytest.mark.parametrize("path", ["/plain//", "/slashed//", "/plainer", "/rows/7//", "/rows/x/"])
def test_only_one_slash_makes_no_difference(path: str) -> None:
    with pytest.raises(Resolver404):
        RESOLVER.resolve(path)


@pytest.mark.urls(__name__)
def test_a_route_is_reversed_to_its_own_form() -> None:
    assert [reverse("plain"), reverse("slashed"), reverse("row", args=[7])] == [
        "/plain", "/slashed/", "/rows/7/",
    ]  # fmt: skip
