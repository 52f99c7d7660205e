"""The admin's page of one's own second factor, as a browser uses it."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.utils import timezone
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice
from pytest_django import Settings

from accounts.models import User
from accounts.second_factor import (
    count_recovery_codes,
    has_factor,
    make_recovery_codes,
    remove_factor,
)
from accounts.second_factor_page import _KEY
from tests.clients import Client, Response
from tests.factories import PASSWORD, bearer_client, make_staff, make_user
from tests.second_factors import code_of, give_factor, next_code

pytestmark = [pytest.mark.django_db, pytest.mark.filterwarnings("ignore::ResourceWarning")]
PAGE, HOME, PEOPLE = "/admin/second-factor/", "/admin/", "/admin/accounts/user/"


@pytest.fixture
def _required(settings: Settings) -> None:
    settings.STAFF_SECOND_FACTOR = "required"


required = pytest.mark.usefixtures("_required")


def sign_in(login: str = "staff") -> Client:
    browser = Client()
    form = {"username": login, "password": PASSWORD}
    assert browser.post("/admin/login/", form).status_code == 302
    return browser


def press(browser: Client, step: str, code: str = "", **fields: str) -> Response:
    return browser.post(PAGE, {"step": step, "code": code, **fields})


def text(response: Response) -> str:
    return response.content.decode()


def is_in(browser: Client) -> bool:
    """Whether staff who see accounts see them."""
    return browser.get(PEOPLE).status_code == 200


def codes_in(response: Response) -> list[str]:
    return re.findall(r"<li><code>([a-z0-9-]{19})</code></li>", text(response))


def add_app(browser: Client) -> Response:
    assert "qr-code" in text(browser.get(PAGE))
    return press(browser, "add", code_of(browser.session[_KEY]))


@required
def test_the_first_sign_in_leads_to_an_app_that_is_added_and_shows_recovery_codes_once(
    staff: User,
) -> None:
    browser = sign_in()
    assert not is_in(browser)
    asked = browser.get(PEOPLE, follow=True)
    assert asked.redirect_chain[-1][0] == f"{PAGE}?next=%2Fadmin%2Faccounts%2Fuser%2F"
    assert asked["Cache-Control"].startswith("max-age=0, no-cache, no-store")
    key = browser.session[_KEY]
    assert 'role="img"' in text(asked)
    assert "JBSWY3DP" not in text(asked)
    wrong = press(browser, "add", "000000" if code_of(key) != "000000" else "000001")
    assert (wrong.status_code, has_factor(staff)) == (400, False)
    # The picture is the same until it is read.
    assert browser.session[_KEY] == key
    done = press(browser, "add", code_of(key), next=PEOPLE)
    codes = codes_in(done)
    assert len(codes) == 10
    assert f'href="{PEOPLE}"' in text(done)
    assert is_in(browser)
    assert _KEY not in browser.session
    assert codes_in(browser.get(PAGE)) == []
    assert "10 recovery codes are left" in text(browser.get(PAGE))
    assert LogEntry.objects.get().get_change_message() == "Added a second factor."


@required
def test_later_sign_ins_ask_for_a_code_or_a_recovery_code(staff: User) -> None:
    codes = give_factor(staff)
    browser = sign_in()
    assert not is_in(browser)
    page = browser.get(f"{PAGE}?next={PEOPLE}")
    assert "qr-code" not in text(page)
    assert press(browser, "ask", "nothing of the kind").status_code == 400
    assert not is_in(browser)
    before = browser.session.session_key
    answer = press(browser, "ask", next_code(staff), next=PEOPLE)
    assert (answer.status_code, answer["Location"]) == (302, PEOPLE)
    assert is_in(browser)
    assert browser.session.session_key != before
    other = sign_in()
    # After a wrong one the next has to wait.
    assert press(other, "ask", codes[0]).status_code == 429


@required
def test_a_recovery_code_lets_in_once_and_says_how_many_are_left(staff: User) -> None:
    codes = give_factor(staff)
    browser = sign_in()
    answer = browser.post(PAGE, {"step": "ask", "code": codes[0]}, follow=True)
    assert "9 are left" in text(answer)
    assert is_in(browser)
    assert press(sign_in(), "ask", codes[0]).status_code == 400


@required
def test_after_a_wrong_recovery_code_the_right_one_waits_and_is_good_all_the_same(
    staff: User,
) -> None:
    codes = give_factor(staff)
    browser = sign_in()
    assert press(browser, "ask", "wron-gwro-ngwr-ongg").status_code == 400
    # The wait is a second, which this test must not need.
    now = timezone.now()
    StaticDevice.objects.update(throttling_failure_timestamp=now + timedelta(minutes=1))
    refused = press(browser, "ask", codes[0])
    assert refused.status_code == 429
    assert 0 < int(refused["Retry-After"]) <= 61
    assert not is_in(browser)
    StaticDevice.objects.update(throttling_failure_timestamp=now - timedelta(minutes=1))
    assert press(browser, "ask", codes[0]).status_code == 302
    assert is_in(browser)
    assert count_recovery_codes(staff) == 9


@required
@pytest.mark.parametrize(
    "next_page", ["https://elsewhere.example/", "//elsewhere.example", "", "/admin/login/"]
)
def test_after_the_code_nobody_is_led_elsewhere(staff: User, next_page: str) -> None:
    give_factor(staff)
    answer = press(sign_in(), "ask", next_code(staff), next=next_page)
    assert answer["Location"] == HOME


@required
@pytest.mark.parametrize("step", ["add", "codes", "replace", "remove", "cancel", "nonsense"])
def test_a_password_alone_changes_no_factor(staff: User, step: str) -> None:
    codes = give_factor(staff)
    app = TOTPDevice.objects.get()
    browser = sign_in()
    session = browser.session
    session[_KEY] = app.key
    session.save()
    press(browser, step)
    press(browser, step, "123456")
    assert TOTPDevice.objects.get().key == app.key
    assert not is_in(browser)
    assert press(sign_in(), "ask", codes[0]).status_code == 302


@required
def test_the_secret_that_one_session_has_seen_is_no_others(staff: User) -> None:
    """A thief of the password who looked first knows nothing of what is added afterwards."""
    thief, owner = sign_in(), sign_in()
    thief.get(PAGE)
    owner.get(PAGE)
    seen = thief.session[_KEY]
    assert owner.session[_KEY] != seen
    add_app(owner)
    assert press(thief, "add", code_of(seen)).status_code == 302
    assert TOTPDevice.objects.get().key != seen
    assert not is_in(thief)


@required
def test_another_app_takes_the_place_of_the_first_when_it_has_given_its_code(staff: User) -> None:
    give_factor(staff)
    browser = sign_in()
    codes = give_codes(browser, staff)
    first = TOTPDevice.objects.get().key
    elsewhere, of_api = sign_in(), bearer_client(staff)
    assert press(elsewhere, "ask", codes[1]).status_code == 302
    assert is_in(elsewhere)
    assert press(browser, "replace", codes[2]).status_code == 302
    assert TOTPDevice.objects.get().key == first
    page = browser.get(PAGE)
    assert "Keep the old app" in text(page)
    assert len(codes_in(press(browser, "add", code_of(browser.session[_KEY])))) == 10
    assert TOTPDevice.objects.get().key != first
    assert is_in(browser)
    assert not is_in(elsewhere)
    assert of_api.get("/api/me").status_code == 401


def give_codes(browser: Client, user: User) -> list[str]:
    """Let a browser in by a recovery code; return the codes that are made anew."""
    codes = make_recovery_codes(user)
    assert press(browser, "ask", codes[0]).status_code == 302
    return codes


@required
def test_one_may_keep_the_old_app_and_make_new_recovery_codes(staff: User) -> None:
    give_factor(staff)
    browser = sign_in()
    codes = give_codes(browser, staff)
    first = TOTPDevice.objects.get().key
    press(browser, "replace", codes[1])
    press(browser, "cancel")
    assert "qr-code" not in text(browser.get(PAGE))
    made = codes_in(press(browser, "codes", codes[2]))
    assert len(made) == 10
    assert TOTPDevice.objects.get().key == first
    assert press(sign_in(), "ask", made[0]).status_code == 302
    messages = {entry.get_change_message() for entry in LogEntry.objects.all()}
    assert messages == {"Made new recovery codes."}
    # It cannot be removed while it is required.
    press(browser, "remove", made[1])
    assert has_factor(staff)


def test_staff_add_an_app_before_it_is_required_and_nothing_asks_for_it(
    staff: User, settings: Settings
) -> None:
    browser = sign_in()
    assert is_in(browser)
    assert len(codes_in(add_app(browser))) == 10
    assert is_in(sign_in())
    settings.STAFF_SECOND_FACTOR = "required"
    # Who gave a code has what they had; who did not has nothing before they do.
    assert is_in(browser)
    assert not is_in(sign_in())


def test_turning_it_on_and_off_leaves_no_session_as_it_was_and_locks_nobody_out(
    staff: User, settings: Settings
) -> None:
    before = sign_in()
    settings.STAFF_SECOND_FACTOR = "required"
    assert not is_in(before)
    assert len(codes_in(add_app(before))) == 10
    assert is_in(before)
    late = sign_in()
    assert not is_in(late)
    settings.STAFF_SECOND_FACTOR = "off"
    assert is_in(late)
    codes = make_recovery_codes(staff)
    assert press(late, "remove", codes[0]).status_code == 302
    assert not has_factor(staff)
    assert is_in(late)
    settings.STAFF_SECOND_FACTOR = "required"
    assert not is_in(late)
    assert len(codes_in(add_app(late))) == 10


@required
def test_a_reset_takes_the_rights_of_every_session_at_once(staff: User) -> None:
    codes = give_factor(staff)
    browser = sign_in()
    press(browser, "ask", codes[0])
    assert is_in(browser)
    remove_factor(staff)
    assert not is_in(browser)


@required
def test_whoever_is_no_staff_has_no_such_page(alice: User, staff: User) -> None:
    client = Client()
    assert client.get(PAGE).status_code == 302
    client.force_login(alice)
    assert client.get(PAGE).status_code == 302
    assert press(client, "add", "123456").status_code == 302


@required
def test_somebody_without_a_code_can_sign_out(staff: User) -> None:
    browser = sign_in()
    press(browser, "sign-out")
    assert "_auth_user_id" not in browser.session


@required
def test_a_superuser_resets_the_factor_of_another(staff: User) -> None:
    browser = sign_in()
    add_app(browser)
    clerk = make_staff("clerk", "accounts.change_user", "accounts.view_user")
    give_factor(clerk)
    root = make_user("root", is_staff=True, is_superuser=True)
    give_factor(root)
    token = bearer_client(root)
    chosen = [clerk.pk, root.pk, staff.pk]
    form: dict[str, Any] = {"action": "reset_second_factor", "_selected_action": chosen}
    assert browser.post(PEOPLE, form).status_code == 302
    assert [has_factor(each) for each in (clerk, root, staff)] == [False, False, True]
    assert token.get("/api/me").status_code == 401
    entry = LogEntry.objects.filter(object_id=str(clerk.pk)).get()
    assert (entry.user, entry.get_change_message()) == (staff, "Reset the second factor.")
    # Nobody but superusers has the action.
    helper = sign_in("clerk")
    add_app(helper)
    assert "reset_second_factor" not in text(helper.get(PEOPLE))
    helper.post(PEOPLE, {**form, "_selected_action": [staff.pk]})
    assert has_factor(staff)


@required
@pytest.mark.parametrize(
    ("language", "sentence"),
    [
        ("en", "Staff sign in here with a second factor"),
        ("es", "El personal entra aquí con un segundo factor"),
    ],
)
def test_the_page_is_in_two_languages(staff: User, language: str, sentence: str) -> None:
    browser = sign_in()
    page = browser.get(PAGE, headers={"Accept-Language": language})
    assert sentence in text(page)


@required
def test_the_page_takes_few_queries(staff: User, django_assert_max_num_queries: Any) -> None:
    browser = sign_in()
    with django_assert_max_num_queries(8):
        browser.get(PAGE)
