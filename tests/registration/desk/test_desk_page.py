"""What the desk page shows, what it never shows, and what it costs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.conf import settings as project
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from identity import services as identity
from identity.matching import Outcome
from identity.registries.demo import CITIZENS, Plot
from registration.desk import texts as desk_texts
from registration.models import Event, Registration, RegistryLook
from registration.states import State
from tests.support.desk import QUEUE, url
from tests.support.journeys import MATCHES, OTHER_NAME, registration_in
from tests.support.pages import assert_fits_the_policy

pytestmark = pytest.mark.django_db
BY_PLOT = {person.plot: person for person in CITIZENS}


def marks(page: str) -> dict[str, str]:
    """The mark of each line of the comparison, by its label."""
    return dict(re.findall(r'<th scope="row">(.*?)</th>.*?<td class="desk-mark">(.*?)</td>', page, re.S))


def test_claim_and_registry_stand_side_by_side(maryam):
    row = registration_in(
        State.REFERRED, person=OTHER_NAME, verdict="mismatch", verdict_kind="identity",
        verdict_fields={"mobile": "match", "last_name": "mismatch"},
    )  # fmt: skip
    page = maryam.open(row)
    assert "محمدی" in page
    assert "احمدی" in page
    assert marks(page) == {
        "نام خانوادگی": "مغایر", "نام": "مطابق", "تاریخ تولد": "مطابق", "جنسیت": "مطابق", "شماره شناسنامه": "مطابق",
        "سری (حرف)": "مطابق", "سری (عدد)": "مطابق", "مسلسل شناسنامه": "مطابق", "تلفن همراه": "مطابق",
    }  # fmt: skip
    assert "۱۳۶۵/۱۱/۰۲" in page
    assert "ارجاع شده به شعبه" in page
    assert "بخشی از اطلاعات با ثبت احوال مطابقت نداشت" in page
    code = row.tracking_code
    grouped = "\u00a0".join((code[:3], code[3:6], code[6:]))
    assert grouped.translate(str.maketrans("0123456789", "۰۱۲۳۴۵۶۷۸۹")) in page
    assert_fits_the_policy(page)


def test_a_mobile_of_somebody_else_is_said_in_plain_words(maryam):
    row = registration_in(
        State.REFERRED, person=BY_PLOT[Plot.OTHER_OWNER], verdict="mismatch", verdict_kind="owner",
        verdict_fields={"mobile": "mismatch"},
    )  # fmt: skip
    page = maryam.open(row)
    assert "تلفن همراه به نام دارنده این کد ملی نیست" in page
    assert marks(page)["تلفن همراه"] == "مغایر"


@pytest.mark.parametrize(("mark", "differs"), [("mismatch", True), ("match", False)])
def test_the_registry_that_confirms_everything_is_not_all_that_is_said_when_the_mobile_is_anothers(
    maryam, mark, differs
):
    row = registration_in(State.REFERRED, verdict="mismatch", verdict_kind="owner", verdict_fields={"mobile": mark})
    page = maryam.open(row)
    assert "ثبت احوال همه اطلاعات وارد شده را تأیید می‌کند" in page
    assert ("قرارداد سیم‌کارت" in page) == ("desk-note desk-warning" in page) == differs
    assert ("desk-note desk-success" in page) != differs


def test_a_dead_person_is_an_alarm(maryam):
    page = maryam.open(registration_in(State.REFERRED, person=BY_PLOT[Plot.DECEASED], verdict="deceased"))
    assert 'class="desk-alarm" role="alert"' in page
    assert "فوت شده است" in page


def test_a_registry_that_is_down_is_not_the_citizens_fault(maryam):
    page = maryam.open(registration_in(State.REFERRED, person=BY_PLOT[Plot.DOWN_FOR_GOOD], verdict="mismatch"))
    assert "ثبت احوال پاسخ نداد" in page
    assert set(list(marks(page).values())[:-1]) == {"نامعلوم"}
    assert "activate/" in page  # the papers still decide


def test_a_registry_that_raises_is_a_sentence_too(maryam, settings):
    settings.IDENTITY_PERSON_REGISTRIES = ["no_such_registry"]
    page = maryam.open(registration_in(State.REFERRED, person=MATCHES, verdict="mismatch"))
    assert "استعلام از ثبت احوال ممکن نیست" in page


def test_the_registry_is_asked_only_for_those_at_a_branch_and_each_look_is_recorded(maryam, monkeypatch):
    asked = []
    real = identity.registry_view
    monkeypatch.setattr(identity, "registry_view", lambda **claim: asked.append(1) or real(**claim))
    maryam.open(registration_in(State.APPROVED, person=MATCHES, verdict="match"))
    assert not asked
    row = registration_in(State.REFERRED, person=OTHER_NAME, verdict="mismatch")
    maryam.open(row)
    page = maryam.open(row)
    assert len(asked) == 2
    looks = RegistryLook.objects.values_list("registration", "actor", "question")
    assert list(looks) == [(row.pk, "maryam", "person")] * 2
    assert page.count("اطلاعات ثبت احوال را دید") == 2
    assert "maryam" in page


def test_what_the_registry_says_is_kept_nowhere(maryam):
    row = registration_in(State.REFERRED, person=OTHER_NAME, verdict="mismatch")
    before = Registration.objects.values().get(pk=row.pk)
    assert "احمدی" in maryam.open(row)  # the registry's name, not the citizen's
    assert Registration.objects.values().get(pk=row.pk) == before
    assert "احمدی" not in str(list(RegistryLook.objects.values()) + list(Event.objects.values()))


def test_where_an_inquiry_costs_money_the_clerk_asks_for_it(maryam, monkeypatch):
    monkeypatch.setattr(identity, "is_at_hand", lambda question: False)
    row = registration_in(
        State.REFERRED, person=OTHER_NAME, verdict="mismatch", verdict_fields={"last_name": "mismatch"}
    )
    page = maryam.open(row)
    assert marks(page)["نام خانوادگی"] == "مغایر"  # of the check
    assert "احمدی" not in page
    assert not RegistryLook.objects.exists()
    asking = f'formaction="{url(row, "ask")}"'
    assert 0 < page.index("desk-first") < page.index(asking)  # the Enter key asks for nothing that costs money
    answer = maryam.post(url(row, "ask"), {"round": "0", "papers": ["national_card"], "note": "دیدم"}).content.decode()
    assert "احمدی" in answer
    assert RegistryLook.objects.get().actor == "maryam"
    assert "دیدم" in answer
    assert asking not in answer
    assert maryam.get(url(row, "ask"))["Location"] == url(row, "change")
    assert RegistryLook.objects.count() == 1


def test_nobody_asks_about_a_request_that_was_decided(maryam):
    row = registration_in(State.APPROVED, person=MATCHES, verdict="match")
    assert maryam.post(url(row, "ask"))["Location"] == url(row, "change")
    assert not RegistryLook.objects.exists()


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("owner", "تلفن همراه به نام دارنده این کد ملی نیست"),
        ("identity", "بخشی از اطلاعات با ثبت احوال مطابقت نداشت"),
        ("", "مشخصات هویتی یا تلفن همراه مطابقت نداشت"),  # of before the question was kept
    ],
)
def test_history_says_which_question_decided(maryam, kind, words):
    row = registration_in(State.REJECTED, person=OTHER_NAME)
    Event.objects.create(registration=row, actor="portal", to_state="referred", why="mismatch", kind=kind)
    assert words in maryam.open(row)


def test_no_secret_and_no_whole_mobile_is_on_any_page(maryam):
    row = registration_in(State.REFERRED, person=OTHER_NAME, verdict="mismatch", grant_hash="grant-hash-of-row")
    pages = [
        maryam.open(row),
        maryam.get(QUEUE).content.decode(),
        maryam.get(url(row, "reject")).content.decode(),
        maryam.reject(row).content.decode(),
        maryam.activate(row, "").content.decode(),
    ]
    for page in pages:
        for secret in (row.password, row.security_answer, "favourite_colour", "argon2", row.grant_hash, str(row.token)):
            assert secret not in page
        for number in (row.mobile, "09120000102", "۰۹۱۲۰۰۰۰۱۰۲"):
            assert number not in page
        assert_fits_the_policy(page)


def test_history_is_told_in_words_with_jalali_dates(maryam):
    row = registration_in(State.REFERRED, person=OTHER_NAME, verdict="mismatch")
    for actor, before, after, why in (
        ("citizen", "", "started", "step_one"),
        ("portal", "submitted", "referred", "mismatch"),
        ("operator ali", "referred", "rejected", "operator"),
    ):
        Event.objects.create(registration=row, actor=actor, from_state=before, to_state=after, why=why)
    page = maryam.open(row)
    for words in ("ثبت نام را شروع کرد", "مشخصات هویتی یا تلفن همراه مطابقت نداشت", "متقاضی", "سامانه", "پشتیبان ali"):
        assert words in page
    assert re.search(r'<span class="desk-when">۱[۳۴]..?/.*?</span>|<span class="desk-when">۱۴', page)
    assert not re.search(r">[^<]*(step_one|mismatch|referred)[^<]*<", page)


def test_every_reason_and_outcome_of_the_services_has_words():
    services = Path(project.BASE_DIR, "registration/services").glob("*.py")
    whys = {why for file in services for why in re.findall(r'why="(\w+)"', file.read_text(encoding="utf-8"))}
    assert len(whys) > 5
    assert whys <= set(desk_texts._WHYS)
    outcomes = {outcome.value for outcome in Outcome}
    assert outcomes <= set(desk_texts._VERDICTS)
    assert outcomes == set(desk_texts._REGISTRY_NOW)


def test_the_number_of_statements_does_not_grow_with_others_and_history(maryam, settings):
    settings.SESSION_USES_WRITTEN_WITHIN = 5  # as in service
    row = registration_in(State.REFERRED, person=OTHER_NAME, verdict="mismatch")

    def statements() -> int:
        with CaptureQueriesContext(connection) as taken:
            maryam.open(row)
        return len(taken)

    statements()  # the first page makes the session's secret
    few = statements()
    for number in range(12):
        registration_in(State.STARTED, person=OTHER_NAME, mobile=f"0935111{number:04}")
        Event.objects.create(registration=row, actor="citizen", to_state="started", why="step_one")
    assert statements() == few <= 12


def test_the_queue_costs_the_same_for_many(maryam, django_assert_max_num_queries):
    Registration.objects.bulk_create(
        Registration(
            state=State.REFERRED, national_id=MATCHES.national_id, mobile=f"+98935{number:07}", operator="mci",
            submitted_at=timezone.now(),
        )
        for number in range(60)
    )  # fmt: skip
    with django_assert_max_num_queries(9):
        page = maryam.get(QUEUE).content.decode()
    assert "۶۰ ثبت نام" in page
    assert ">۲</a>" in page
    assert len(maryam.get(QUEUE, {"p": 2}).context["cl"].result_list) == 10
