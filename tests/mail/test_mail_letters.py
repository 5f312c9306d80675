"""What letters look like: Persian, right to left, whole without pictures, and nothing of it is code."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from django.core.mail import EmailMultiAlternatives
from django.utils import translation

from mail import delivery, letters
from mail.models import InboxLetter
from tests.support.mail_fixtures import queue

LINK = "http://127.0.0.1:9090/portal/email/confirm/abc?x=1&y=2"
NOTICE = {
    "heading": "گذرواژه‌ی شما تغییر کرد",
    "paragraphs": ["گذرواژه‌ی حساب شما امروز تغییر کرد.", "اگر کار شما نبود، به شعبه بروید."],
    "button": {"url": LINK, "label": "من نبودم"},
    "footer": "این نامه برای دارنده‌ی حساب است.",
}


class Tags(HTMLParser):
    """Every tag with its attributes, and the text between them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data


def test_a_notice_says_the_same_as_text_and_as_html():
    subject, text, html = letters.render("notice", NOTICE)
    said = Tags(html).text
    assert subject == NOTICE["heading"]
    for words in (*NOTICE["paragraphs"], LINK, "من نبودم", NOTICE["footer"]):
        assert words in text
        assert words in said
    assert NOTICE["heading"] in said


def test_the_text_is_lines_that_a_person_reads():
    _, text, _ = letters.render("notice", NOTICE)
    assert "\n\n\n" not in text
    assert f"\n{LINK}\n" in text
    assert "&amp;" not in text
    assert "<" not in text


def test_the_html_is_persian_right_to_left_and_needs_nothing_from_elsewhere():
    _, _, html = letters.render("notice", NOTICE)
    tags = Tags(html).tags
    assert tags[0] == ("html", {"lang": "fa", "dir": "rtl"})
    assert {tag for tag, _ in tags} & {"img", "link", "script", "style", "iframe", "form", "svg"} == set()
    assert "url(" not in html
    assert [attributes["href"] for tag, attributes in tags if tag == "a"] == [LINK]


def test_what_people_typed_is_text_and_no_markup():
    bad = "<img src=x onerror=alert(1)> & \"'"
    context = {"heading": bad, "paragraphs": [bad], "button": {"url": f"https://x/{bad}", "label": bad}, "footer": bad}
    subject, text, html = letters.render("notice", context)
    assert subject == bad
    assert text.count(bad) == 4
    assert "<img" not in html
    assert Tags(html).text.count(bad) == 6  # title, heading, paragraph, label, address, footer
    [button] = [attributes for tag, attributes in Tags(html).tags if tag == "a"]
    assert button.keys() == {"href", "style"}


def test_a_notice_without_button_and_footer_has_none():
    _, text, html = letters.render("notice", {"heading": "سلام", "paragraphs": ["یک"]})
    assert "<a " not in html
    assert "http" not in text
    assert "None" not in text + html


def test_a_heading_of_two_lines_is_a_subject_of_one():
    subject, _, _ = letters.render("notice", {**NOTICE, "heading": "سلام\nBcc: other@example.org"})
    assert subject == "سلام"


def test_letters_are_persian_whoever_asks():
    here = letters.render("notice", NOTICE)
    with translation.override("en"):
        assert letters.render("notice", NOTICE) == here


@pytest.mark.django_db(transaction=True)
def test_a_rendered_notice_can_be_queued_and_arrives():
    subject, text, html = letters.render("notice", NOTICE)
    queue(subject=subject, text=text, html=html)
    delivery.drain()
    arrived = InboxLetter.objects.get()
    assert (arrived.subject, arrived.text, arrived.html) == (subject, text, html)
    assert re.search(r"http\S+", arrived.text)[0] == LINK


def test_the_signature_begins_as_mail_programs_know_it():
    _, text, _ = letters.render("notice", NOTICE)
    assert "\n-- \n" in text
    assert EmailMultiAlternatives(body=text).message().get_payload()  # and is a body that can be written
