"""UID and Jibit over a real socket: each code has its outcome, each shape is read, and nothing strange is a branch."""

from __future__ import annotations

import contextlib
import datetime as dt
import logging
import socket
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from socketserver import StreamRequestHandler, ThreadingTCPServer
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common import http_client, limits
from identity.checks import registries_are_configured
from identity.matching import Outcome, compare
from identity.person import FieldVerdict, PersonRecord
from identity.registries import reading
from identity.registries.base import Inquiry, PersonAnswer, Registry, Reply
from identity.registries.jibit import _CODES as JIBIT_CODES
from identity.registries.jibit import JibitRegistry
from identity.registries.jibit import _record as record_of
from identity.registries.uid import _CODES as UID_CODES
from identity.registries.uid import UidRegistry
from identity.registries.web import Web
from tests.support.claims import CLAIM
from tests.support.identity_peer import Peer, always
from tests.support.persian_input import VECTORS

ASK = Inquiry(CLAIM)


def uid(peer: Peer, **options: str) -> UidRegistry:
    given = {"URL": peer.url, "BUSINESS_ID": "b-1", "BUSINESS_TOKEN": "t-1", **options}
    return UidRegistry(name="uid", options=given)


def jibit(peer: Peer, **options: str) -> JibitRegistry:
    return JibitRegistry(name="jibit", options={"URL": peer.url, **(options or {"TOKEN": "t-1"})})


def uid_status(code: object, **more: Any) -> dict[str, Any]:
    return {"responseContext": {"status": {"code": code, "message": "…"}, "requestId": "R-7"}, **more}


UID_PERSON = {
    "basicInformation": {"firstName": "رضا", "lastName": "كريمي", "gender": "GENDER_MALE"},
    "identificationInformation": {
        "nationalId": "0012345679",
        "birthDate": "1370/05/17",
        "shenasnamehNumber": 1254,
        "shenasnameSeri": "الف05",
        "shenasnameSerial": 1234,
    },
    "registrationStatus": {"deathStatus": "DEATH_STATUS_ALIVE"},
}
JIBIT_PERSON = {
    "nationalCode": "0012345679",
    "birthDate": "13700517",
    "identityInfo": {
        "firstName": "رضا",
        "lastName": "كريمي",
        "gender": "MALE",
        "alive": True,
        "identificationNumber": 1254,
        "identificationSerialCode": "الف05",
        "identificationSerialNumber": 1234,
        "providerTrackerId": "P-9",
    },
}


def outcome(answer: PersonAnswer) -> Outcome:
    return compare(CLAIM, answer.record or PersonRecord()).outcome


# ── UID


def test_uid_is_asked_with_the_key_in_the_body_and_says_whose_mobile_it_is(peer):
    always(peer, uid_status(0, isMatched=True))
    answer = uid(peer).owner(ASK)
    assert (answer.reply, answer.is_owner, answer.trace) == (Reply.ANSWERED, True, "R-7")
    [(path, given, _headers)] = peer.asked
    assert path == "/api/inquiry/mobile/owner/v2"
    assert given == {
        "requestContext": {"apiInfo": {"businessId": "b-1", "businessToken": "t-1"}},
        "nationalId": "0012345679",
        "mobileNumber": "09121234567",
    }
    always(peer, {"isMatched": False})
    assert uid(peer).owner(ASK) == replace(answer, is_owner=False, trace="", code="")


def test_uid_returns_everything_about_a_person_and_it_matches(peer):
    always(peer, uid_status(0, **UID_PERSON))
    answer = uid(peer).person(ASK)
    assert peer.asked[0][:2][0] == "/api/inquiry/person"
    assert peer.asked[0][1]["birthDate"] == "1370/05/17"
    verdict = compare(CLAIM, answer.record)
    assert (verdict.outcome, set(verdict.fields.values())) == (Outcome.MATCH, {"match"})


@pytest.mark.parametrize(("code", "reply"), [(code, reply) for code, reply in UID_CODES.items() if code])
@pytest.mark.parametrize("question", ["owner", "person"])
def test_every_code_of_uid_has_its_reply_also_with_http_200(peer, question, code, reply):
    always(peer, uid_status(int(code), isMatched=False))
    answer = getattr(uid(peer), question)(ASK)
    if reply is Reply.ANSWERED:  # code 0 without a person, or code 1 without "SUCCESS"
        reply = Reply.ANSWERED if (question, code) == ("owner", "0") else Reply.UNAVAILABLE
    assert (answer.reply, answer.trace) == (reply, "R-7")


def test_uids_false_beside_a_bad_national_id_is_no_mismatch(peer):
    always(peer, uid_status(3, isMatched=False))
    assert uid(peer).owner(ASK).reply is Reply.INVALID_INPUT


@pytest.mark.parametrize("code", [2, 4, 77, "E-1", -1, None, [], {}, 1.5, "0012345679 is wrong"])
def test_an_unknown_code_of_uid_waits_with_the_code_in_the_trace(peer, code):
    always(peer, uid_status(code, isMatched=False, **UID_PERSON))
    for answer in (uid(peer).owner(ASK), uid(peer).person(ASK)):
        assert (answer.reply, answer.of_this_one) == (Reply.UNAVAILABLE, True)
        assert answer.code == (str(code) if code in (2, 4, 77, "E-1", -1) else "no_code")


def test_uids_code_for_nobody_is_a_setting(peer):
    always(peer, uid_status(17))
    assert uid(peer, NOT_FOUND_CODES="16, 17").person(ASK).reply is Reply.NOT_FOUND


# ── Jibit


def test_jibit_says_whose_mobile_it_is(peer):
    always(peer, {"matched": True})
    assert jibit(peer).owner(ASK).is_owner
    path, query, headers = peer.asked[0]
    assert (path, query) == (
        "/ide/v1/services/matching", {"nationalCode": "0012345679", "mobileNumber": "09121234567"},
    )  # fmt: skip
    assert headers["Authorization"] == "Bearer t-1"
    always(peer, {"matched": False})
    assert jibit(peer).owner(ASK).is_owner is False


def test_jibits_full_answer_matches_field_by_field(peer):
    always(peer, JIBIT_PERSON)
    answer = jibit(peer).person(ASK)
    assert peer.asked[0][:2] == (
        "/ide/v1/services/identity", {"nationalCode": "0012345679", "birthDate": "13700517"},
    )  # fmt: skip
    verdict = compare(CLAIM, answer.record)
    assert (verdict.outcome, set(verdict.fields.values()), answer.trace) == (Outcome.MATCH, {"match"}, "P-9")


@pytest.mark.parametrize(
    ("percent", "verdict"),
    [
        (100, "match"),
        (95, "match"),
        (94.9, "needs_a_person"),
        (70, "needs_a_person"),
        (69, "mismatch"),
        (0, "mismatch"),
    ],
)
def test_jibits_similarity_is_judged_by_the_thresholds(peer, percent, verdict):
    always(peer, {"firstNameSimilarityPercentage": 100, "lastNameSimilarityPercentage": percent})
    answer = jibit(peer, TOKEN="t", VARIANT="similarity").person(ASK)
    assert answer.judged == {"first_name": FieldVerdict.MATCH, "last_name": FieldVerdict(verdict)}
    path, query, _headers = peer.asked[0]
    assert path == "/ide/v1/services/identity/similarity"
    assert (query["lastName"], query["fullName"], query["checkAliveness"]) == ("کریمی", "رضا کریمی", "true")


def test_jibits_thresholds_are_settings(peer):
    always(peer, {"firstNameSimilarityPercentage": 99, "lastNameSimilarityPercentage": 85})
    strict = jibit(peer, TOKEN="t", VARIANT="similarity", MATCH_FROM="100", REVIEW_FROM="90")
    assert list(strict.person(ASK).judged.values()) == [FieldVerdict.NEEDS_A_PERSON, FieldVerdict.MISMATCH]


def test_jibit_says_with_the_similarity_that_somebody_died(peer):
    always(peer, {"firstNameSimilarityPercentage": 100, "lastNameSimilarityPercentage": 100, "alive": False})
    assert jibit(peer, TOKEN="t", VARIANT="similarity").person(ASK).deceased


@pytest.mark.parametrize("status", [200, 400, 404])
@pytest.mark.parametrize(("code", "reply"), JIBIT_CODES.items())
def test_every_code_of_jibit_has_its_reply_whatever_the_status(peer, code, reply, status):
    always(peer, {"code": code, "message": "…"}, status)
    for answer in (jibit(peer).owner(ASK), jibit(peer).person(ASK)):
        assert (answer.reply, answer.code) == (reply, code)


@pytest.mark.parametrize("code", ["card.not_valid", "new.code", "", None, 7, {"a": 1}])
def test_an_unknown_code_of_jibit_waits(peer, code):
    always(peer, {"code": code, "matched": False, **JIBIT_PERSON})
    for answer in (jibit(peer).owner(ASK), jibit(peer).person(ASK)):
        assert (answer.reply, answer.of_this_one) == (Reply.UNAVAILABLE, True)
        assert answer.code


def with_tokens(peer: Peer, good: Callable[[str], bool]) -> Counter[str]:
    fetched: Counter[str] = Counter()
    lock = threading.Lock()

    def says(path, given, headers):
        if path == "/ide/v1/tokens/generate":
            with lock:
                fetched[given["apiKey"] + given["secretKey"]] += 1
                return 200, {"accessToken": f"token-{fetched.total()}", "refreshToken": "r"}
        if good(headers["Authorization"].removeprefix("Bearer ")):
            return 200, {"matched": True}
        return 403, {"code": "forbidden"}

    peer.says = says
    return fetched


def test_a_token_of_jibit_is_fetched_once_and_again_when_it_is_refused(peer):
    live = {"token-1"}
    fetched = with_tokens(peer, lambda token: token in live)
    registry = jibit(peer, API_KEY="k", SECRET_KEY="s")
    threads = [threading.Thread(target=registry.owner, args=(ASK,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert fetched == {"ks": 1}
    live.clear()
    live.add("token-2")
    assert registry.owner(ASK).is_owner
    assert fetched == {"ks": 2}


def test_a_key_that_jibit_refuses_is_for_the_administrator(peer):
    with_tokens(peer, lambda _token: False)
    assert jibit(peer, API_KEY="k", SECRET_KEY="s").owner(ASK).reply is Reply.MISCONFIGURED
    always(peer, {"code": "apiKey.unknown"}, 401)
    assert jibit(peer, API_KEY="k", SECRET_KEY="s").owner(ASK).reply is Reply.MISCONFIGURED


def test_calls_that_wait_for_a_token_share_the_failure_to_get_one(peer, monkeypatch):
    monkeypatch.setattr(limits, "REGISTRY_ANSWER_WITHIN", 1.0)
    go = threading.Event()
    peer.says = lambda *_: ((go.wait(30) and 200) or 500, {})
    registry = jibit(peer, API_KEY="k", SECRET_KEY="s")
    try:
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(registry.owner, [ASK] * 8))
    finally:
        go.set()
    assert {(answer.reply, answer.code) for answer in answers} == {(Reply.UNAVAILABLE, "time-out")}
    assert len(peer.asked) <= 3  # one; more only for a thread that this machine began with a second late


def test_a_call_waits_for_the_token_of_another_no_longer_than_a_call_may_take(peer, monkeypatch):
    monkeypatch.setattr(limits, "REGISTRY_ANSWER_WITHIN", 0.2)
    registry = jibit(peer, API_KEY="k", SECRET_KEY="s")
    with ThreadPoolExecutor(1) as pool, registry._fetching:
        assert pool.submit(registry.owner, ASK).result(20).code == "time-out"
    assert peer.asked == []


def test_a_token_and_the_call_with_it_have_the_time_of_one_call(peer, monkeypatch):
    deadlines: list[float] = []
    real = Web.post, Web.get
    monkeypatch.setattr(Web, "post", lambda *a, **how: deadlines.append(how["ends"]) or real[0](*a, **how))
    monkeypatch.setattr(Web, "get", lambda *a, **how: deadlines.append(how["ends"]) or real[1](*a, **how))
    with_tokens(peer, lambda token: token == "token-2")
    assert jibit(peer, API_KEY="k", SECRET_KEY="s").owner(ASK).is_owner
    assert len(deadlines) == 4
    assert len(set(deadlines)) == 1


# ── Both


def both(peer: Peer) -> tuple[Registry, ...]:
    return uid(peer), jibit(peer), jibit(peer, TOKEN="t", VARIANT="similarity")


NONSENSE = [
    b"", b"<html>down</html>", b"{", b"[" * 100_000, b"null", b"[]", b'"text"', b"1e999", b"\xff\xfe", b"{}",
    {"isMatched": "true", "matched": "true"}, {"isMatched": 1, "matched": 1}, {"isMatched": None, "matched": None},
    {"basicInformation": [], "identityInfo": [], "responseContext": []},
    {"basicInformation": {}, "identityInfo": {}, "responseContext": {"status": None}},
    {"firstNameSimilarityPercentage": True, "lastNameSimilarityPercentage": 100},
    {"firstNameSimilarityPercentage": "100", "lastNameSimilarityPercentage": 101},
    {"firstNameSimilarityPercentage": 100},
    {"firstName": 5, "lastName": ["x"], "identityInfo": {"firstName": {}, "lastName": 1}},
    {"firstName": "رضا", "deathStatus": "?", "identityInfo": {"firstName": "رضا", "alive": "yes"}},
]  # fmt: skip


@pytest.mark.parametrize("said", NONSENSE)
def test_nonsense_is_an_outage_and_never_a_branch(peer, said):
    always(peer, said)
    for registry in both(peer):
        for answer in (registry.owner(ASK), registry.person(ASK)):
            assert answer.reply is Reply.UNAVAILABLE
            assert answer.code


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_server_in_trouble_is_an_outage(peer, status):
    for said in (b"<html>", {}):
        always(peer, said, status)
        for registry in both(peer):
            for answer in (registry.owner(ASK), registry.person(ASK)):
                assert (answer.reply, answer.of_this_one) == (Reply.UNAVAILABLE, False)
                assert str(status) in answer.code


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_is_for_the_administrator_also_without_a_word(peer, status):
    for said in (b"", {}):
        always(peer, said, status)
        for registry in both(peer):
            assert registry.owner(ASK).reply is Reply.MISCONFIGURED


def test_a_call_that_hangs_ends_in_time_and_one_that_never_left_is_made_once_more(peer, monkeypatch):
    monkeypatch.setattr(limits, "REGISTRY_ANSWER_WITHIN", 0.3)
    go = threading.Event()
    peer.says = lambda *_: ((go.wait(30) and 200) or 500, {})
    try:
        assert uid(peer).owner(ASK).code == "time-out"
        assert len(peer.asked) == 1  # it may have been seen, and charged: not again
    finally:
        go.set()


def test_a_refused_connection_is_tried_twice(monkeypatch):
    tries: list[int] = []
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]  # bound, and nobody listens
        real = http_client.connect
        monkeypatch.setattr(http_client, "connect", lambda *a, **k: tries.append(1) or real(*a, **k))
        options = {"URL": f"http://127.0.0.1:{port}", "BUSINESS_ID": "b", "BUSINESS_TOKEN": "t"}
        answer = UidRegistry(name="uid", options=options).owner(ASK)
    assert (answer.reply, answer.code, len(tries)) == (Reply.UNAVAILABLE, "refused", 2)


@pytest.mark.parametrize(
    ("said", "dead"),
    [
        ("زنده", False), ("در قید حیات", False), ("ALIVE", False), ("DEATH_STATUS_ALIVE", False), (None, False),
        ("فوت شده", True), ("متوفي", True), ("DEATH_STATUS_DEAD", True),
    ],
)  # fmt: skip
def test_life_and_death_in_uids_words(peer, said, dead):
    always(peer, uid_status(0, **{**UID_PERSON, "registrationStatus": {"deathStatus": said}}))
    answer = uid(peer).person(ASK)
    assert (answer.reply, answer.record.deceased) == (Reply.ANSWERED, dead)


@pytest.mark.parametrize(
    "changes",
    [
        {"identificationNumber": 0}, {"identificationNumber": ""}, {"identificationNumber": "0012345679"},
        {"identificationNumber": 12345679},
    ],
)  # fmt: skip
def test_a_certificate_number_that_is_none_comes_in_four_ways(peer, changes):
    always(peer, {**JIBIT_PERSON, "identityInfo": JIBIT_PERSON["identityInfo"] | changes})
    record = jibit(peer).person(ASK).record
    assert compare(replace(CLAIM, certificate_number="0"), record).outcome is Outcome.MATCH
    assert compare(replace(CLAIM, certificate_number="1254"), record).outcome is Outcome.MISMATCH


@pytest.mark.parametrize(
    "number", [-858993460, 1.5, True, None, [], "12a", 10**11, "-", "1254.0", "12-54", "1/254", "(1)", "."]
)
def test_a_certificate_number_that_cannot_be_one_is_unknown_and_no_mismatch(peer, number):
    always(peer, {**JIBIT_PERSON, "identityInfo": JIBIT_PERSON["identityInfo"] | {"identificationNumber": number}})
    verdict = compare(CLAIM, jibit(peer).person(ASK).record)
    assert (verdict.outcome, verdict.fields["certificate_number"]) == (Outcome.MATCH, "unknown")


@pytest.mark.parametrize("flag", [{"isSeyed": True}, {"namePrefix": "سید"}])
def test_a_seyed_in_a_flag_is_for_a_person_or_the_same(peer, flag):
    always(peer, {**JIBIT_PERSON, "identityInfo": JIBIT_PERSON["identityInfo"] | flag})
    record = jibit(peer).person(ASK).record
    assert compare(CLAIM, record).outcome is Outcome.NEEDS_A_PERSON
    assert compare(replace(CLAIM, first_name="سید رضا"), record).outcome is Outcome.MATCH


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("الف05", ("الف", "05")), ("05/الف", ("الف", "05")), ("ا 05", ("الف", "05")), ("1105", ("11", "05")),
        ("۱۱۰۵", ("11", "05")), ("105", ("1", "05")), ("ب-12", ("ب", "12")),
        ("", ("", "")), ("ژ05", (None, None)), (5, (None, None)), (None, (None, None)), ("الف", (None, None)),
        ("105.0", (None, None)), ("1.105", (None, None)), ("ب–12", ("ب", "12")), ("ب\u200c12", ("ب", "12")),
    ],
)  # fmt: skip
def test_series_are_read_or_left_unknown(written, read):
    assert reading.series(written) == read


@pytest.mark.parametrize("written", ["1370/05/17", "13700517", 13700517, "۱۳۷۰/۰۵/۱۷", "1370-5-17"])
def test_birth_dates_are_read_in_every_format(written):
    assert reading.jalali(written) == dt.date(1991, 8, 8)


@pytest.mark.parametrize("written", ["1991-08-08", "19910808", 0, None, "1370/13/01", [], "1370"])
def test_a_birth_date_of_another_kind_is_unknown(written):
    assert reading.jalali(written) is None


class OneTooMany(StreamRequestHandler):
    """Sends an answer a second time when the next request has come: nothing tells the two apart."""

    def handle(self) -> None:
        sent = b""
        while head := b"".join(iter(self.rfile.readline, b"\r\n")):
            said = b'{"matched": true}' if b"0012345679" in head else b'{"matched": false}'
            answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(said), said)
            self.wfile.write(sent or answer)
            sent = answer
            if b"Connection: close" in head:
                return


def test_an_answer_that_comes_twice_is_never_read_as_the_answer_about_the_next_person():
    with ThreadingTCPServer(("127.0.0.1", 0), OneTooMany) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        options = {"URL": f"http://127.0.0.1:{server.server_address[1]}", "TOKEN": "t"}
        registry = JibitRegistry(name="jibit", options=options)
        assert registry.owner(ASK).is_owner
        assert not registry.owner(Inquiry(replace(CLAIM, national_id="0123456789"))).is_owner
        server.shutdown()


PERCENT = ("firstNameSimilarityPercentage", "lastNameSimilarityPercentage")


@pytest.mark.parametrize("known_as", ["0123456789", 123456789, "۰۱۲۳۴۵۶۷۸۹"])
def test_an_answer_about_another_person_is_none(peer, known_as):
    info = UID_PERSON["identificationInformation"] | {"nationalId": known_as}
    said = {**UID_PERSON, **JIBIT_PERSON, **dict.fromkeys(PERCENT, 100), "isMatched": True, "matched": True}
    always(peer, said | {"nationalId": known_as, "nationalCode": known_as, "identificationInformation": info})
    for registry in both(peer):
        for answer in (registry.owner(ASK), registry.person(ASK)):
            assert (answer.reply, answer.of_this_one, answer.code) == (Reply.UNAVAILABLE, True, "another_person")


@pytest.mark.parametrize("mobile", ["09121234568", 9121234568, "+989121234568", "۰۹۱۲۱۲۳۴۵۶۸"])
def test_an_answer_about_another_mobile_is_none(peer, mobile):
    always(peer, {"isMatched": True, "matched": True, "mobileNumber": mobile})
    for registry in both(peer):
        answer = registry.owner(ASK)
        assert (answer.reply, answer.of_this_one, answer.code) == (Reply.UNAVAILABLE, True, "another_person")


def test_jibits_answer_for_another_birth_date_is_none(peer):
    for variant in ("full", "similarity"):
        always(peer, {**JIBIT_PERSON, "birthDate": "13700518", **dict.fromkeys(PERCENT, 100)})
        answer = jibit(peer, TOKEN="t", VARIANT=variant).person(ASK)
        assert (answer.reply, answer.of_this_one, answer.code) == (Reply.UNAVAILABLE, True, "another_person")


@pytest.mark.parametrize("echo", ["0012345679", 12345679, "۰۰۱۲۳۴۵۶۷۹", "001****679", None, {}, ""])
def test_an_id_that_is_repeated_in_another_way_is_the_same(peer, echo):
    mobile = {"mobileNumber": "0912***4567" if echo == "001****679" else 9121234567}
    always(peer, {"isMatched": True, "matched": True, "nationalId": echo, "nationalCode": echo, **mobile})
    for registry in both(peer):
        assert registry.owner(ASK).is_owner


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from([*JIBIT_PERSON["identityInfo"], "deathStatus", "isSeyed"]), JSON))
def test_no_shape_of_a_person_breaks_the_reading(info):
    with contextlib.suppress(ValueError):
        compare(CLAIM, record_of({"identityInfo": info}))


@pytest.mark.parametrize("pair", VECTORS["names"]["equal"])
def test_names_come_in_any_spelling(peer, pair):
    claimed, known = pair
    always(peer, {**JIBIT_PERSON, "identityInfo": JIBIT_PERSON["identityInfo"] | {"lastName": known}})
    assert compare(replace(CLAIM, last_name=claimed), jibit(peer).person(ASK).record).outcome is Outcome.MATCH


def test_nothing_about_the_person_is_logged_or_kept(peer, caplog):
    caplog.set_level(logging.DEBUG)
    told = {"code": "0012345679", "message": "0012345679 رضا کریمی 09121234567", "matched": False}
    always(peer, told)
    for registry in both(peer):
        for answer in (registry.owner(ASK), registry.person(ASK)):
            assert "کریمی" not in answer.trace + answer.code
    assert "کریمی" not in caplog.text
    assert "t-1" not in caplog.text


@pytest.mark.parametrize(
    ("environment", "faults"),
    [
        ({"KIND": "uid", "URL": "https://uid.example", "BUSINESS_ID": "b", "BUSINESS_TOKEN": "t"}, []),
        ({"KIND": "uid", "URL": "uid.example", "BUSINESS_ID": "b", "BUSINESS_TOKEN": "t"}, ["identity.E004"]),
        ({"KIND": "uid", "URL": "https://uid.example"}, ["identity.E004"]),
        ({"KIND": "jibit", "URL": "https://j.example", "TOKEN": "t"}, []),
        ({"KIND": "jibit", "URL": "https://j.example", "API_KEY": "k", "SECRET_KEY": "s", "OWNER_COST": "1200"}, []),
        ({"KIND": "jibit", "URL": "https://j.example"}, ["identity.E004"]),
        ({"KIND": "jibit", "URL": "https://j.example", "API_KEY": "k"}, ["identity.E004"]),
        ({"KIND": "jibit", "URL": "https://j.example", "TOKEN": "t", "VARIANT": "fuul"}, ["identity.E004"]),
        ({"KIND": "jibit", "URL": "https://j.example", "TOKEN": "t", "REVIEW_FROM": "99"}, ["identity.E004"]),
        ({"KIND": "jibit", "URL": "https://j.example", "TOKEN": "t", "OWNER_COST": "-5"}, ["identity.E006"]),
        ({"KIND": "jibit", "URL": "https://j.example", "TOKEN": "t", "VARIAN": "full"}, ["identity.E005"]),
        ({"KIND": "jibbit"}, ["identity.E001"]),
    ],
)
def test_every_mistake_in_the_settings_is_explained(settings, environment, faults):
    settings.IDENTITY_OWNER_REGISTRIES = settings.IDENTITY_PERSON_REGISTRIES = ["one"]
    settings.IDENTITY_ENVIRONMENT = {f"IDENTITY_ONE_{name}": value for name, value in environment.items()}
    found = registries_are_configured()
    assert [error.id for error in found] == faults
    for error in found:  # and no value is repeated that may be a secret
        assert "'t'" not in error.msg + (error.hint or "")


@pytest.mark.parametrize(
    ("names", "environment", "faults"),
    [
        (["local", "local"], {}, ["identity.E003"] * 2),
        (["owner"], {}, ["identity.E002"]),
        (["Local"], {}, ["identity.E002"]),
        (["local"], {"IDENTITY_REGISTRIES": "local"}, ["identity.E007"]),
    ],
)
def test_names_of_registries_are_checked(settings, names, environment, faults):
    settings.IDENTITY_OWNER_REGISTRIES = settings.IDENTITY_PERSON_REGISTRIES = names
    settings.IDENTITY_ENVIRONMENT = environment
    assert [error.id for error in registries_are_configured()] == faults


def test_the_demo_under_another_name_is_refused_outside_a_demo(settings):
    settings.IDENTITY_OWNER_REGISTRIES = settings.IDENTITY_PERSON_REGISTRIES = ["mine"]
    settings.IDENTITY_ENVIRONMENT = {"IDENTITY_MINE_KIND": "demo"}
    assert registries_are_configured() == []
    settings.DEMO = False
    assert [error.id for error in registries_are_configured()] == ["identity.E009"]
