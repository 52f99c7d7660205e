"""Every page: texts in two languages, nothing inline, enough contrast."""

import ast
import gettext
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeAlias

import pytest
from django.contrib.staticfiles import finders
from django.template.loader import render_to_string
from django.utils import translation

from accounts.cookies import access_cookie, refresh_cookie
from delivery.addresses import GALLERY_PARTS
from tests.api.routes import routes_of
from tests.clients import Client

ROOT = Path(__file__).resolve().parent.parent
TEMPLATES = sorted(
    path for path in (ROOT / "templates").rglob("*.*") if path.suffix in {".html", ".txt"}
)
SCRIPTS = sorted((ROOT / "static" / "js").glob("*.js"))
CATALOGUE = ROOT / "locale" / "es" / "LC_MESSAGES"
_TRANSLATE_TAG = re.compile(r"""\{% translate (["'])(.*?)\1""")
_TRANSLATE_BLOCK = re.compile(
    r"\{% blocktranslate(?: [^%]*)? %\}(.*?)\{% endblocktranslate %\}", re.DOTALL
)
# Of the modules whose texts people read: `_("…")`, also as another name for it.
_TRANSLATING = {"_", "_lazy", "gettext", "gettext_lazy", "gettext_noop"}
_PACKAGES = ("accounts", "config", "delivery", "images", "lib", "plans", "staff",
             "staff/templatetags", "thumbnails", "tiers", "upkeep")  # fmt: skip
MODULES = sorted(path for name in _PACKAGES for path in (ROOT / name).glob("*.py"))
MESSAGE_PAGES = ["images/busy.html", "images/link_gone.html", "images/not_found.html",
                 "images/not_ready.html", "images/not_renderable.html", "403.html",
                 "403_csrf.html", "500.html"]  # fmt: skip
# What is to be translated, with the number of the plural form where there are several.
Catalogue: TypeAlias = dict[str | tuple[str, int], str]


def read(paths: Iterable[Path]) -> str:
    return "\n".join(path.read_text() for path in paths)


def compiled_catalogue() -> Catalogue:
    with (CATALOGUE / "django.mo").open("rb") as file:
        catalogue: Catalogue = vars(gettext.GNUTranslations(file))["_catalog"]
        return catalogue


def source_catalogue() -> Catalogue:
    text = (CATALOGUE / "django.po").read_text()
    pairs = re.findall(r'^msgid "(.+)"\nmsgstr "(.*)"$', text, re.MULTILINE)
    plural = r'^msgid "(.+)"\nmsgid_plural ".+"\nmsgstr\[0\] "(.*)"\nmsgstr\[1\] "(.*)"$'
    for msgid, one, many in re.findall(plural, text, re.MULTILINE):
        pairs += [((msgid, 0), one), ((msgid, 1), many)]
    return dict(pairs)


def translatable_texts() -> set[str]:
    """Return all but those with several plural forms."""
    in_templates = {text for _, text in _TRANSLATE_TAG.findall(read(TEMPLATES))}
    found = _TRANSLATE_BLOCK.findall(read(TEMPLATES))
    blocks = (text for text in found if "{% plural %}" not in text)
    in_templates |= {re.sub(r"\{\{ (\w+) \}\}", r"%(\1)s", text) for text in blocks}
    return in_templates | {text for path in MODULES for text in texts_of(path)}


def texts_of(path: Path) -> set[str]:
    """Return the texts that a module has translated, those in several pieces too."""
    calls = (each for each in ast.walk(ast.parse(path.read_text())) if isinstance(each, ast.Call))
    arguments = [
        call.args[0]
        for call in calls
        if isinstance(call.func, ast.Name) and call.func.id in _TRANSLATING and call.args
    ]
    return {str(each.value) for each in arguments if isinstance(each, ast.Constant)}


@pytest.mark.unhurried
def test_every_text_of_every_page_is_translated_to_spanish() -> None:
    texts = translatable_texts()
    assert len(texts) > 50
    assert {text for text in texts if not compiled_catalogue().get(text)} == set()


def test_the_compiled_catalogue_has_the_texts_of_its_source() -> None:
    catalogue = compiled_catalogue()
    catalogue.pop("")
    assert catalogue == source_catalogue()


def test_the_catalogue_holds_no_text_that_no_page_shows() -> None:
    texts = translatable_texts()
    assert {key for key in source_catalogue() if isinstance(key, str)} == texts


def test_translations_keep_the_placeholders() -> None:
    names = re.compile(r"\{\w+\}|%\(\w+\)s")
    for msgid, msgstr in source_catalogue().items():
        source = msgid if isinstance(msgid, str) else msgid[0]
        assert set(names.findall(source)) == set(names.findall(msgstr)), source


def test_the_scripts_use_exactly_the_messages_that_the_page_delivers() -> None:
    page = (ROOT / "templates" / "images" / "i18n.html").read_text()
    delivered = {
        re.sub(r"-(\w)", lambda match: match[1].upper(), name)
        for name in re.findall(r"^  data-([\w-]+)=", page, re.MULTILINE)
    }
    calls = re.findall(r"translate\(([^;]*?)[),]", read(SCRIPTS))
    assert {name for call in calls for name in re.findall(r'"(\w+)"', call)} == delivered


def test_the_page_translates_only_messages_that_the_api_returns() -> None:
    page = (ROOT / "templates" / "images" / "i18n.html").read_text()
    packages = ("accounts", "api", "images", "thumbnails")
    sources = read(path for name in packages for path in (ROOT / name).rglob("*.py"))
    returned = re.sub(r"\{[^}\"]*\}", "{}", sources)
    for message in re.findall(r'data-message="([^"]+)"', page):
        assert re.sub(r"\{\w+\}", "{}", message) in returned, message


def test_no_page_has_an_inline_script_or_style() -> None:
    pages = read(path for path in TEMPLATES if "admin" not in path.parts)
    assert re.findall(r"<style|<script(?![^>]*\bsrc=)|\sstyle=|\son\w+=|javascript:", pages) == []


def test_every_static_file_that_a_page_or_script_names_exists() -> None:
    named = set(re.findall(r"\{% static '([^']+)' %\}", read(TEMPLATES)))
    named |= {f"js/{name}" for name in re.findall(r'from "\./([^"]+)"', read(SCRIPTS))}
    assert {name for name in named if not finders.find(name)} == set()


def test_every_icon_that_a_page_uses_is_drawn_and_no_other() -> None:
    pages = read(TEMPLATES)
    assert set(re.findall(r'<use href="#([\w-]+)"', pages)) == set(
        re.findall(r'symbol id="([\w-]+)"', pages)
    )


def test_no_script_has_more_than_200_lines() -> None:
    assert {path.name for path in SCRIPTS if len(path.read_text().splitlines()) > 200} == set()


@pytest.mark.parametrize("name", MESSAGE_PAGES)
@pytest.mark.parametrize("language", ["en", "es"])
def test_a_message_page_renders_without_a_request_and_without_scripts(
    name: str, language: str
) -> None:
    """Django renders 500.html without a context."""
    with translation.override(language):
        page = render_to_string(name)
    assert f'<html lang="{language}">' in page
    assert len(re.findall(r"<h1>\S.*</h1>", page)) == 1
    assert "<script" not in page


@pytest.mark.parametrize(
    ("language", "seconds", "text"),
    [
        ("en", 1, "Try again in 1 second."),
        ("en", 30, "Try again in 30 seconds."),
        ("es", 1, "Inténtelo de nuevo en 1 segundo."),
        ("es", 30, "Inténtelo de nuevo en 30 segundos."),
    ],
)
def test_a_throttled_sign_in_says_how_long_to_wait(language: str, seconds: int, text: str) -> None:
    with translation.override(language):
        assert text in render_to_string("admin/too_many_attempts.html", {"retry_after": seconds})


@pytest.mark.parametrize(
    ("accepted", "heading"), [("es-MX", "Aquí no hay nada"), ("fr", "Nothing here")]
)
def test_a_page_is_in_the_language_that_the_browser_accepts(accepted: str, heading: str) -> None:
    response = Client().get("/nowhere", headers={"Accept-Language": accepted})
    assert f"<h1>{heading}</h1>" in response.content.decode()


def test_an_unknown_url_is_not_repeated_on_the_page() -> None:
    assert "guess" not in Client().get("/nowhere/guess").content.decode()


@pytest.mark.parametrize("path", ["/", "/nowhere", "/l/nonsense"])
def test_the_policy_of_a_page_allows_only_our_own_scripts_and_styles(path: str) -> None:
    policy = Client().get(path)["Content-Security-Policy"]
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert rules["default-src"] == "'none'"
    assert rules["script-src"] == rules["style-src"] == rules["connect-src"] == "'self'"
    assert rules["frame-ancestors"] == "'none'"


@pytest.mark.django_db
def test_the_admin_shows_our_logo_and_style() -> None:
    page = Client().get("/admin/login/").content.decode()
    assert "logo.svg" in page
    assert "css/admin.css" in page


def themes() -> list[dict[str, str]]:
    """Return the colours of the light and of the dark theme, by name."""
    css = (ROOT / "static" / "css" / "tintype.css").read_text()
    light, dark = re.findall(r":root \{(.+?)\}", css, re.DOTALL)
    colour = re.compile(r"--([\w-]+): (#[0-9a-f]{6});")
    return [dict(colour.findall(light)), dict(colour.findall(dark))]


def luminance(colour: str) -> float:
    """WCAG 2.2, relative luminance."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("theme", themes(), ids=["light", "dark"])
@pytest.mark.parametrize(
    ("text", "ground"),
    [("ink", "paper"), ("ink", "card"), ("soft", "paper"), ("soft", "card"), ("soft", "well"),
     ("accent", "paper"), ("accent", "card"), ("accent-ink", "accent"),
     ("accent-ink", "accent-over"), ("bad", "paper"), ("bad", "card"), ("bad-ink", "bad")],
)  # fmt: skip
def test_text_has_enough_contrast(theme: dict[str, str], text: str, ground: str) -> None:
    """WCAG 2.2 AA: 4.5 to 1."""
    lighter, darker = sorted((luminance(theme[text]), luminance(theme[ground])), reverse=True)
    assert (lighter + 0.05) / (darker + 0.05) >= 4.5


def test_the_server_answers_exactly_the_addresses_that_the_gallery_shows() -> None:
    script = (ROOT / "static" / "js" / "router.js").read_text()
    shown = set(re.findall(r'^  "(/[^"]*)": \{ page', script, re.MULTILINE))
    served = {f"/{route}".replace("<id:pk>", ":id") for route in routes_of("delivery.gallery_urls")}
    assert shown == {path.rstrip("/") or "/" for path in served}
    assert {path.split("/")[1] for path in served} == GALLERY_PARTS | {""}
    assert Client().get("/p/1/made-up").status_code == 404


def test_the_page_names_each_module_that_its_first_screen_imports() -> None:
    def imports(name: str) -> set[str]:
        found = set(re.findall(r' from "\./([^"]+)"', (ROOT / "static" / "js" / name).read_text()))
        return found.union(*map(imports, found))

    page = Client().get("/").content.decode()
    named = set(re.findall(r'rel="modulepreload" href="/static/js/([^"]+)"', page))
    assert named == imports("gallery.js")


@pytest.mark.parametrize("name", [access_cookie, refresh_cookie])
def test_the_page_tells_its_script_whether_there_may_be_a_session(name: Callable[[], str]) -> None:
    client = Client()
    loading = 'id="loading" class="loading" aria-hidden="true"'
    assert f"{loading} hidden>" in client.get("/").content.decode()
    client.cookies[name()] = "x"
    assert f"{loading}>" in client.get("/").content.decode()


def test_the_scripts_of_the_gallery_are_small() -> None:
    """Whatever a person does: at most 120 kB as they are served, nothing left out or compressed."""
    served = {path.name: path.stat().st_size for path in SCRIPTS if path.name != "docs.js"}
    # It comes with the page that it shows without a connection.
    worker = Client().get("/service-worker.js").content
    assert len(worker) > served["service-worker.js"] > 0
    served["service-worker.js"] = len(worker)
    assert sum(served.values()) <= 120_000
