"""The demo's mailbox: the command, the page, and what superusers see in the admin."""

from __future__ import annotations

import io
import json
from datetime import datetime, timedelta

import pytest
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.utils import timezone

from mail import delivery
from mail.models import InboxLetter, Letter, LetterState
from tests.support.accounts import clerk
from tests.support.mail_fixtures import ADDRESS, HTML, SUBJECT, TEXT, make_due, queue

pytestmark = pytest.mark.django_db(transaction=True)
OTHER = "reza@example.org"


def inbox_command(*arguments: str) -> str:
    out = io.StringIO()
    call_command("mail_inbox", *arguments, stdout=out)
    return out.getvalue()


def arrive(to: str = ADDRESS, **changes: str) -> InboxLetter:
    queue(to, **changes)
    delivery.drain()
    return InboxLetter.objects.latest("pk")


# ── the command


@pytest.mark.parametrize("address", [ADDRESS, "Maryam@Example.ORG", f" {ADDRESS} "])
def test_the_command_shows_what_arrived_at_an_address(address):
    arrive()
    [letter] = json.loads(inbox_command("--to", address, "--json"))
    created_at = datetime.fromisoformat(letter.pop("created_at"))
    assert letter == {"to": ADDRESS, "subject": SUBJECT, "text": TEXT, "html": HTML, "state": "sent"}
    assert timezone.now() - created_at < timedelta(minutes=1)


def test_the_command_lists_newest_first_and_only_that_address():
    for to, text in ((ADDRESS, "یک"), (OTHER, "دو"), (ADDRESS, "سه")):
        arrive(to, text=text)
    assert [letter["text"] for letter in json.loads(inbox_command("--to", ADDRESS, "--json"))] == ["سه", "یک"]


def test_the_command_shows_whole_letters_after_the_queues_own_were_blanked_and_deleted():
    arrive()
    delivery.scrub(before=timezone.now())
    [letter] = json.loads(inbox_command("--to", ADDRESS, "--json"))
    assert (letter["subject"], letter["text"], letter["html"], letter["state"]) == (SUBJECT, TEXT, HTML, "sent")
    delivery.purge(before=timezone.now())
    [letter] = json.loads(inbox_command("--to", ADDRESS, "--json"))
    assert (letter["text"], letter["state"]) == (TEXT, "")


def test_the_command_is_readable_without_json():
    arrive()
    told = inbox_command("--to", ADDRESS)
    assert SUBJECT in told
    assert TEXT in told
    assert inbox_command("--to", OTHER) == f"No e-mail to {OTHER}.\n"
    assert json.loads(inbox_command("--to", "", "--json")) == []


def test_a_letter_that_is_sent_again_after_a_doubt_arrives_once():
    letter = queue()
    delivery.drain()
    Letter.objects.update(state=LetterState.SENDING, sent_at=None, final_at=None, next_attempt_at=timezone.now())
    make_due(letter)
    delivery.drain()
    letter.refresh_from_db()
    assert (letter.state, letter.attempts) == (LetterState.SENT, 2)
    assert InboxLetter.objects.count() == 1


# ── the page


def test_the_page_shows_the_newest_letters_below_the_sms_with_links_to_follow(client):
    arrive(text="یک")
    newest = arrive(OTHER, text="پیوند:\nhttp://127.0.0.1:9090/portal/x?a=1&b=2\n")
    response = client.get("/portal/inbox/")
    page = response.content.decode()
    assert page.index('id="conversations"') < page.index('id="letters"') < page.index(OTHER) < page.index(ADDRESS)
    assert 'href="http://127.0.0.1:9090/portal/x?a=1&amp;b=2"' in page
    assert f'href="/portal/inbox/letters/{newest.pk}/"' in page
    assert "no-store" in response["Cache-Control"]


def test_the_page_shows_markup_in_a_letter_as_text(client):
    arrive(subject="<script>alert(1)</script>", text="<script>alert(2)</script>")
    assert "<script>alert" not in client.get("/portal/inbox/").content.decode()


def test_a_letter_is_shown_as_a_mail_program_would_and_cannot_do_anything(client):
    letter = arrive()
    response = client.get(f"/portal/inbox/letters/{letter.pk}/")
    assert response.content.decode() == HTML
    policy = response["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "sandbox" in policy
    assert "allow-scripts" not in policy
    assert "allow-same-origin" not in policy
    assert client.get("/portal/inbox/letters/999999/").status_code == 404


def test_outside_demo_mode_no_letter_is_shown(client, settings):
    letter = arrive()
    settings.DEMO = False
    assert client.get(f"/portal/inbox/letters/{letter.pk}/").status_code == 404


# ── the admin


@pytest.fixture
def superuser(client):
    user = get_user_model().objects.create_superuser("operator")
    client.force_login(user, backend="accounts.backends.StaffBackend")
    return client


def test_superusers_see_where_a_letter_is_and_not_what_it_says(superuser):
    letter = queue(html="<p>پیوند پنهان</p>", text="پیوند پنهان")
    Letter.objects.update(last_error="SMTPRecipientsRefused 450 4.2.1")
    for url in ("/admin/mail/letter/", f"/admin/mail/letter/{letter.pk}/change/"):
        page = superuser.get(url).content.decode()
        assert ADDRESS in page
        assert "SMTPRecipientsRefused 450 4.2.1" in page
        assert "پیوند پنهان" not in page
        assert SUBJECT not in page


def test_nobody_changes_a_letter_in_the_admin(superuser):
    letter = queue()
    assert superuser.get("/admin/mail/letter/add/").status_code == 403
    assert superuser.post(f"/admin/mail/letter/{letter.pk}/change/", {"state": "failed"}).status_code == 403
    assert superuser.post(f"/admin/mail/letter/{letter.pk}/delete/", {"post": "yes"}).status_code == 403
    assert Letter.objects.get().state == LetterState.QUEUED
    assert superuser.get("/admin/mail/inboxletter/").status_code == 404


def test_clerks_see_no_letters(client):
    letter = queue()
    client.force_login(clerk(), backend="accounts.backends.StaffBackend")
    assert "/admin/mail/" not in client.get("/admin/").content.decode()
    for url in ("/admin/mail/letter/", f"/admin/mail/letter/{letter.pk}/change/"):
        assert client.get(url).status_code == 403


@pytest.mark.parametrize("lookup", ["text__contains", "html__startswith", "subject__regex", "to", "message_id"])
def test_the_address_bar_answers_no_questions_about_letters(superuser, lookup):
    queue()
    assert superuser.get("/admin/mail/letter/", {lookup: "1"}).status_code == 400


def test_the_lists_own_filter_works(superuser):
    queue()
    assert superuser.get("/admin/mail/letter/?state__exact=queued").context["cl"].result_count == 1
    assert superuser.get("/admin/mail/letter/?state__exact=sent").context["cl"].result_count == 0
