"""A filled form that is sent after somebody signed in or out in another tab: the words come back, and nothing is done.

A foreign site gets the plain refusal, and none of its words into a page of ours.
"""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest
from django import forms
from django.test import Client

from accounts.models import User
from accounts.sessions.texts import sentence
from common.given_back import is_secret
from registration.models import Registration
from registration.states import State
from tests.support.accounts import PASSWORD, REZA, administrator, citizen, clerk
from tests.support.journeys import MATCHES, OTHER_NAME, PARTS, URL, Answers, code_on, registration_in, row_of

pytestmark = pytest.mark.django_db(transaction=True)
SIGN_IN, OUT, STATUS = "/portal/", "/portal/sign-out", URL + "/status"
EMAIL, QUESTION, MOBILE = "/portal/profile/email", "/portal/profile/question", "/portal/profile/mobile"
OURS = {"Origin": "http://testserver", "Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "navigate"}
OTHER_ID = "0067749828"


class Tabs(Client):
    """A browser with several tabs. It checks nothing, so the portal does: the token, and where a request comes from."""

    def __init__(self) -> None:
        super().__init__(enforce_csrf_checks=True)

    def page(self, address: str) -> dict[str, str]:
        """The hidden fields of a page that stays open in a tab."""
        shown = self.get(address)
        assert shown.status_code == 200, (address, shown.status_code, shown.headers.get("Location"))
        return hidden(shown)

    def send(self, address: str, fields: dict[str, Any], **more: Any) -> Any:
        return self.post(address, fields, headers=OURS, **more)

    def sign_in(self, national_id: str = REZA) -> None:
        fields = self.page(SIGN_IN) | {"national_id": national_id, "password": PASSWORD}
        assert self.send(SIGN_IN, fields).status_code == 302

    def sign_out(self) -> None:
        fields = self.page("/portal/home")
        assert self.send(OUT, fields).status_code == 302

    def enter_desk(self, name: str) -> None:
        fields = self.page("/admin/login/") | {"username": name, "password": PASSWORD}
        assert self.send("/admin/login/", fields).status_code == 302

    def confirm(self, person: Any = MATCHES) -> None:
        """Steps one and two."""
        one = {"mobile-national_id": person.national_id, "mobile-mobile": person.mobile, "mobile-operator": "mci"}
        assert self.send(URL, self.page(URL) | one).status_code == 302
        assert self.send(URL, self.page(URL) | {"code-code": code_on(person.mobile)}).status_code == 302


def hidden(shown: Any) -> dict[str, str]:
    tags = [dict(re.findall(r'([\w-]+)="([^"]*)"', tag)) for tag in re.findall(r"<input[^>]*>", text_of(shown))]
    return {
        tag["name"]: unescape(tag.get("value", "")) for tag in tags if tag.get("type") == "hidden" and "name" in tag
    }


def text_of(response: Any) -> str:
    return str(response.content.decode())


def value_of(response: Any, name: str) -> str:
    """What the box of this name shows."""
    tag = re.search(rf'<input[^>]* name="{name}"[^>]*>', text_of(response))
    assert tag, f"no box {name}"
    value = re.search(r' value="([^"]*)"', tag[0])
    return unescape(value[1]) if value else ""


def says(response: Any, code: str) -> bool:
    return sentence(code) in unescape(text_of(response))


TYPED = vars(Answers.of(MATCHES, first_name="نرگس"))
IDENTITY = {f"identity-{name}": TYPED[name] for name in PARTS["identity"] if name in TYPED}


# Signed in meanwhile.


def test_step_three_comes_back_after_a_sign_in_in_another_tab():
    citizen()
    tabs = Tabs()
    tabs.confirm()
    page = tabs.page(URL)
    tabs.sign_in()

    came = tabs.send(URL, page | IDENTITY)

    assert came.status_code == 200
    assert says(came, "page_before_sign_in")
    assert value_of(came, "identity-first_name") == "نرگس"
    assert 'value="5" selected' in text_of(came)  # the month
    assert row_of(MATCHES).state == State.MOBILE_CONFIRMED
    assert came["Cache-Control"] == "no-store"
    again = hidden(came) | IDENTITY
    assert tabs.send(URL, again)["Location"] == URL
    assert row_of(MATCHES).draft["first_name"] == "نرگس"


def test_the_review_comes_back_without_its_secrets_and_registers_nothing_by_itself():
    citizen()
    tabs = Tabs()
    tabs.confirm()
    for part in ("identity", "contact"):
        typed = {f"{part}-{name}": TYPED[name] for name in PARTS[part] if name in TYPED}
        assert tabs.send(URL, tabs.page(URL) | typed)["Location"] == URL
    page = tabs.page(URL)
    tabs.sign_in()
    secrets = {f"review-{name}": TYPED[name] for name in PARTS["review"] if name in TYPED}

    came = tabs.send(URL, page | secrets)

    assert says(came, "page_before_sign_in")
    assert 'value="favourite_colour" selected' in text_of(came)
    assert PASSWORD not in text_of(came)
    assert "آبی آسمانی" not in text_of(came)
    assert row_of(MATCHES).state == State.MOBILE_CONFIRMED
    assert tabs.send(URL, hidden(came) | secrets)["Location"] == URL + "/done"


def test_step_one_comes_back_and_asks_for_no_code_by_itself():
    citizen()
    tabs = Tabs()
    page = tabs.page(URL)
    tabs.sign_in()
    came = tabs.send(
        URL, page | {"mobile-national_id": "۰۰۱۲۳", "mobile-mobile": "0935", "mobile-operator": "irancell"}
    )
    assert value_of(came, "mobile-national_id") == "۰۰۱۲۳"
    assert value_of(came, "mobile-mobile") == "0935"
    assert 'value="irancell" selected' in text_of(came)
    assert not Registration.objects.exists()


def test_the_code_of_step_two_is_not_shown_again_and_not_tried():
    citizen()
    tabs = Tabs()
    one = {"mobile-national_id": MATCHES.national_id, "mobile-mobile": MATCHES.mobile, "mobile-operator": "mci"}
    tabs.send(URL, tabs.page(URL) | one)
    page = tabs.page(URL)
    code = code_on(MATCHES.mobile)
    tabs.sign_in()
    came = tabs.send(URL, page | {"code-code": code})
    assert says(came, "page_before_sign_in")
    assert code not in text_of(came)
    assert row_of(MATCHES).state == State.STARTED
    assert tabs.send(URL, hidden(came) | {"code-code": code}).status_code == 302
    assert row_of(MATCHES).state == State.MOBILE_CONFIRMED


def test_a_resend_sends_nothing_and_shows_step_two_with_the_reason():
    citizen()
    tabs = Tabs()
    one = {"mobile-national_id": MATCHES.national_id, "mobile-mobile": MATCHES.mobile, "mobile-operator": "mci"}
    tabs.send(URL, tabs.page(URL) | one)
    page = tabs.page(URL)
    tabs.sign_in()
    came = tabs.post(URL + "/resend", page, headers={**OURS, "Referer": f"http://testserver{URL}"})
    assert says(came, "page_before_sign_in")
    assert "code-code" in text_of(came)


def test_the_status_form_comes_back():
    citizen()
    tabs = Tabs()
    page = tabs.page(STATUS)
    tabs.sign_in()
    came = tabs.send(STATUS, page | {"national_id": "0012345679", "tracking_code": "1234567890"})
    assert (value_of(came, "national_id"), value_of(came, "tracking_code")) == ("0012345679", "1234567890")


@pytest.mark.parametrize("address", ["/portal/recovery", "/portal/sign-in/by-code"])
def test_the_forms_of_a_forgotten_password_come_back(address):
    citizen()
    tabs = Tabs()
    page = tabs.page(address)
    tabs.sign_in()
    tabs.sign_out()
    came = tabs.send(address, page | {"national_id": OTHER_ID})
    assert says(came, "page_before_sign_in_and_out")
    assert value_of(came, "national_id") == OTHER_ID


def test_the_sign_in_gives_back_the_id_and_never_the_password():
    citizen()
    tabs = Tabs()
    page = tabs.page(SIGN_IN)
    tabs.sign_in()
    tabs.sign_out()
    came = tabs.send(SIGN_IN, page | {"national_id": OTHER_ID, "password": "Hemmat5-rubah"})
    assert says(came, "page_before_sign_in_and_out")
    assert value_of(came, "national_id") == OTHER_ID
    assert "Hemmat5-rubah" not in text_of(came)


def test_step_three_of_a_request_that_this_browser_has_left_is_not_written_into_the_next_ones():
    citizen()
    tabs = Tabs()
    tabs.confirm()
    page = tabs.page(URL)
    tabs.send(URL + "/restart", page)
    tabs.confirm(OTHER_NAME)
    tabs.sign_in()
    came = tabs.send(URL, page | IDENTITY)
    assert value_of(came, "identity-first_name") == ""
    assert "نرگس" not in text_of(came)
    assert row_of(OTHER_NAME).draft == {}
    assert "registration_late_sets" in tabs.session  # for the first one, after their code


# The profile: signed in again, another one, signed out, ended.


def test_the_same_person_signed_in_again():
    citizen()
    tabs = Tabs()
    tabs.sign_in()
    page = tabs.page(EMAIL)
    tabs.sign_out()
    tabs.sign_in()
    came = tabs.send(EMAIL, page | {"email": "new@example.com", "current_password": PASSWORD})
    assert says(came, "page_of_earlier_sign_in")
    assert value_of(came, "email") == "new@example.com"
    assert PASSWORD not in text_of(came)


def test_another_person_gets_a_list_to_read_and_nothing_in_their_form():
    citizen()
    citizen(national_id=OTHER_ID, mobile="+989351234567", email="other@example.com")
    tabs = Tabs()
    tabs.sign_in()
    page = tabs.page(EMAIL)
    tabs.sign_out()
    tabs.sign_in(OTHER_ID)
    came = tabs.send(EMAIL, page | {"email": "new@example.com", "current_password": PASSWORD})
    assert says(came, "page_of_another")
    assert "new@example.com" in text_of(came)
    assert 'value="new@example.com"' not in text_of(came)
    assert PASSWORD not in text_of(came)
    assert REZA not in text_of(came)
    assert set(User.objects.values_list("email", flat=True)) == {"reza@example.com", "other@example.com"}


@pytest.mark.parametrize("how", ["page_after_sign_out", "page_after_end"])
def test_signed_out_the_words_wait_on_the_page_for_the_sign_in(how):
    citizen()
    tabs = Tabs()
    tabs.sign_in()
    page = tabs.page(MOBILE)
    if how == "page_after_end":
        tabs.session.delete()
    else:
        tabs.sign_out()
    came = tabs.send(MOBILE, page | {"operator": "irancell", "mobile": "0935 123", "current_password": PASSWORD})
    assert says(came, how)
    assert "0935 123" in text_of(came)
    assert "ایرانسل" in text_of(came)
    assert PASSWORD not in text_of(came)
    waiting = {name: value for name, value in hidden(came).items() if name != "csrfmiddlewaretoken"}

    tabs.sign_in()  # in a new tab
    back = tabs.send(MOBILE, waiting)

    assert says(back, "page_of_earlier_sign_in")
    assert value_of(back, "mobile") == "0935 123"
    assert User.objects.get().mobile == "+989121234567"


def test_the_question_comes_back_and_the_answer_does_not():
    citizen()
    tabs = Tabs()
    tabs.sign_in()
    page = tabs.page(QUESTION)
    tabs.sign_out()
    tabs.sign_in()
    typed = {"security_question": "favourite_colour", "security_answer": "سبز یشمی", "current_password": PASSWORD}
    came = tabs.send(QUESTION, page | typed)
    assert 'value="favourite_colour" selected' in text_of(came)
    assert "سبز یشمی" not in text_of(came)


# Staff.


def desk_address(row: Registration, page: str) -> str:
    return f"/admin/registration/registration/{row.pk}/{page}/"


@pytest.mark.parametrize("button", ["activate", "send-code"])
def test_a_clerks_note_and_ticks_come_back(button):
    clerk()
    row = registration_in(State.AWAITING_BRANCH)
    tabs = Tabs()
    tabs.enter_desk("maryam")
    page = tabs.page(desk_address(row, "change"))
    again(tabs, "maryam")
    address = re.search(rf'"([^"]*/{row.pk}/{button}[^"]*)"', text_of(tabs.get(desk_address(row, "change"))))
    assert address
    typed = {"papers": ["national_card"], "note": "کارت را دیدم\nدو خط", "code": "123456"}
    came = tabs.send(address[1], page | typed)
    assert says(came, "page_of_earlier_sign_in")
    assert "کارت را دیدم\nدو خط" in text_of(came).replace("\r\n", "\n")
    assert "checked" in text_of(came)
    assert 'value="123456"' not in text_of(came)
    row.refresh_from_db()
    assert row.state == State.AWAITING_BRANCH


def again(tabs: Tabs, name: str) -> None:
    """The clerk signs in once more in another tab."""
    tabs.send("/admin/logout/", tabs.page("/admin/"))
    tabs.enter_desk(name)


def test_ticks_do_not_come_back_about_data_that_the_citizen_has_changed_meanwhile():
    clerk()
    row = registration_in(State.AWAITING_BRANCH)
    tabs = Tabs()
    tabs.enter_desk("maryam")
    page = tabs.page(desk_address(row, "change"))
    again(tabs, "maryam")
    Registration.objects.update(revision=1)
    came = tabs.send(
        desk_address(row, "change").replace("change", "activate"), page | {"papers": ["national_card"], "note": "دیدم"}
    )
    assert "دیدم" in text_of(came)
    assert "checked" not in text_of(came)


def test_another_clerk_reads_the_note_but_it_is_in_no_form():
    clerk()
    clerk("zahra")
    row = registration_in(State.AWAITING_BRANCH)
    tabs = Tabs()
    tabs.enter_desk("maryam")
    page = tabs.page(desk_address(row, "change"))
    again(tabs, "zahra")
    came = tabs.send(desk_address(row, "activate"), page | {"note": "کارت را دیدم"})
    assert says(came, "page_of_another")
    assert "کارت را دیدم" in text_of(came)
    assert "<textarea" not in text_of(came)


def test_a_note_waits_on_the_page_for_a_clerk_who_was_signed_out():
    clerk()
    row = registration_in(State.AWAITING_BRANCH)
    tabs = Tabs()
    tabs.enter_desk("maryam")
    page = tabs.page(desk_address(row, "change"))
    tabs.send("/admin/logout/", tabs.page("/admin/"))
    came = tabs.send(desk_address(row, "activate"), page | {"note": "کارت را دیدم", "papers": ["national_card"]})
    assert says(came, "page_after_sign_out")
    assert "کارت را دیدم" in text_of(came)
    assert "/admin/login/" in text_of(came)
    tabs.enter_desk("maryam")
    back = tabs.send(desk_address(row, "activate"), hidden(came) | {})
    assert "کارت را دیدم" in text_of(back)
    assert "<textarea" in text_of(back)


def test_the_reason_of_a_rejection_comes_back():
    clerk()
    row = registration_in(State.AWAITING_BRANCH)
    tabs = Tabs()
    tabs.enter_desk("maryam")
    page = tabs.page(desk_address(row, "reject"))
    again(tabs, "maryam")
    came = tabs.send(desk_address(row, "reject"), page | {"ready": "", "words": "مدارک ناقص است", "confirmed": "1"})
    assert "مدارک ناقص است" in text_of(came)
    row.refresh_from_db()
    assert row.state == State.AWAITING_BRANCH


def test_the_reason_of_an_administrator_comes_back_and_the_account_stays_open():
    administrator()
    account = citizen()
    tabs = Tabs()
    tabs.enter_desk("boss")
    address = f"/admin/accounts/user/{account.pk}/close/"
    page = tabs.page(address)
    again(tabs, "boss")
    came = tabs.send(address, page | {"reason": "درخواست شعبه ۴۲"})
    assert "درخواست شعبه ۴۲" in text_of(came)
    account.refresh_from_db()
    assert account.is_active


# Not of our own page.


FOREIGN = [
    {},
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": "null", "Sec-Fetch-Site": "same-origin"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site", "Origin": "http://testserver"},
    {"Sec-Fetch-Site": "none"},
    {"Origin": "https://evil.example", "Sec-Fetch-Site": "same-origin"},
    {"Origin": "http://testserver:8000"},
    {"Referer": "https://evil.example/portal/registration"},
    {"Referer": "http://testserver.evil.example/"},
    {"Referer": "http://testserver@evil.example/"},
    {"Referer": ""},
]


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
def test_a_foreign_page_gets_the_plain_refusal_and_none_of_its_words(headers):
    citizen()
    tabs = Tabs()
    tabs.confirm()
    tabs.sign_in()
    came = tabs.post(URL, IDENTITY | {"registration_wizard-current_step": "identity"}, headers=headers)
    assert came.status_code == 403
    assert "نرگس" not in text_of(came)
    assert row_of(MATCHES).draft == {}


@pytest.mark.parametrize(
    "headers",
    [{"Sec-Fetch-Site": "same-origin"}, {"Origin": "http://testserver"}, {"Referer": f"http://testserver{URL}"}],
    ids=str,
)
def test_one_of_the_three_headers_is_enough_for_a_browser_that_sends_no_other(headers):
    citizen()
    tabs = Tabs()
    tabs.confirm()
    page = tabs.page(URL)
    tabs.sign_in()
    came = tabs.post(URL, page | IDENTITY, headers=headers)
    assert value_of(came, "identity-first_name") == "نرگس"


def test_what_is_given_back_is_escaped():
    citizen()
    tabs = Tabs()
    page = tabs.page(URL)
    tabs.sign_in()
    came = tabs.send(URL, page | {"mobile-national_id": '"><script>x</script>', "mobile-operator": "<b>"})
    assert "<script>x" not in text_of(came)
    assert "<b>" not in text_of(came)


def test_a_script_gets_the_plain_refusal():
    citizen()
    tabs = Tabs()
    page = tabs.page(URL)
    tabs.sign_in()
    headers = {**OURS, "Sec-Fetch-Mode": "cors"}
    assert tabs.post(URL, page | {"mobile-national_id": "12"}, headers=headers).status_code == 403


def test_the_script_of_a_page_from_before_the_sign_in_may_still_keep_what_is_typed_and_the_session():
    citizen()
    tabs = Tabs()
    tabs.confirm()
    page = tabs.page(URL)
    tabs.sign_in()
    headers = {**OURS, "Sec-Fetch-Mode": "cors"}
    assert tabs.post("/portal/session/go-on", page, headers=headers).status_code == 200
    assert tabs.post(URL + "/keep", page | IDENTITY, headers=headers).status_code == 204
    assert row_of(MATCHES).draft["first_name"] == "نرگس"
    assert tabs.post(URL + "/keep", page | IDENTITY, headers={"Origin": "https://evil.example"}).status_code == 403


# Secrets are known by the type of their field.


def _all(form: type[forms.BaseForm]) -> list[type[forms.BaseForm]]:
    return [form, *(each for child in form.__subclasses__() for each in _all(child))]


def test_every_field_that_is_named_like_a_secret_is_one_by_its_type():
    ours = [form for form in _all(forms.BaseForm) if form.__module__.split(".")[0] in ("accounts", "registration")]
    named = {
        (form.__name__, name): field
        for form in ours
        for name, field in getattr(form, "base_fields", {}).items()
        if re.search(r"password|answer|(^|_)code|pin", name) and name not in ("tracking_code", "without_answer")
    }
    assert len(named) > 8
    assert [key for key, field in named.items() if not is_secret(field)] == []


def test_an_address_that_is_none_gets_the_plain_refusal():
    answer = Tabs().post(URL, {"mobile-national_id": "1"}, headers={"Referer": "http://[::1"})
    assert answer.status_code == 403
