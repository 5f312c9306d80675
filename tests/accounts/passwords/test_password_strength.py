"""What is guessed quickly is refused, with what is weak about it; what a citizen makes by the hint is accepted."""

from __future__ import annotations

import datetime as dt
import logging
import secrets
import string
from decimal import Decimal

import pytest
from django.utils.translation import override
from hypothesis import example, given, settings
from hypothesis import strategies as st

from accounts.passwords import rules as passwords
from accounts.passwords.strength import About, Weakness, guesses, weakness, words
from accounts.passwords.strength.table import Column, Keys
from common import limits

REZA = About(
    first_name="رضا",
    last_name="کریمی‌نژاد",
    national_id="0012345679",
    mobile="+989361472583",
    email="rk.sepanta_88@example.com",
    city="فارس، کازرون",
    birth_date=dt.date(1991, 8, 8),  # 1370/05/17
)
MINA = About(
    first_name="مینا",
    last_name="ضیغمی",
    national_id="0070001022",
    mobile="+989125550166",
    city="یزد، میبد",
    birth_date=dt.date(1953, 11, 26),
)
ALLOWED = string.ascii_letters + string.digits + "&%$#!"

WEAK = {
    Weakness.NAME: """
        Zahra1365 Ali12345 Aly12345 Hossein1360 Hosein1360 Husein1360 Hussein1360 Mohamad1371 Fatemeh1375
        Fateme1375 Fatima1375 Maryam1368 Mehdi1366 Mahdi1366 Alireza1372 Amirhossein80 Mohammadreza1 Narges1374!
        Sara1380# Ahmadi1350 Karimi1345 Hosseini1340 Mousavi62 Moosavi62 Ghasemi1348 Qasemi1348 Jafari1355!
        Alizadeh1362 Rezapour1361 Hasanpoor59 Ebrahimian70 Mohammadi1990 Rezaei2000 Rezaee1377 Norouzi1364
        Yousefi1356 Arash1234 Parisa88888 M4ryam1368 Mary4m1368 Marzieh!71 Abolfazl1385 Zeynab1383 Ayda1395
        Mayram1985 Dawood1984 Davoud1369 Soleymani65
    """,
    Weakness.PLACE: """
        Tehran1370 Tehran1370! Tehran#1370 T3hran1370 Narhet1370 Isfahan1360 Esfahan1360 Shiraz1400 Shiraz2020
        Tabriz1366 Mashhad1350! Ahvaz1403 Ahwaz1403 Kermanshah1 Rasht1377 Semnan13800 Kerman#1370 Urmia1399
        Zahedan99 Ardabil1390 Qazvin1382 Ghazvin1382 Gorgan2001 Khorramabad1 Abadan1359 Khorramshahr61
        Boushehr77 Bushehr77 Mazandaran1 Gilan1401 Khuzestan9 Lorestan88 Kordestan7 Iran1400 Irann1357
    """,
    Weakness.CLUB: """
        Persepolis1 Perspolis6 Esteghlal6 Esteqlal6 Esteghlal1324 Sepahan1333! Teraktor1349 Traktor1970
        Persepolis#1342
    """,
    Weakness.DATE: """
        Farvardin1! Ordibehesht2 Khordad31! Mordad1370 Shahrivar20 Esfand1399 Bahar1404! Paeez1404! Zemestan99
        Norooz1403 Nowruz1403 Moharram61 A13700817
    """,
    Weakness.ORGANISATION: """
        Tamin1234 Tamin1404 Tamin#1404 Taminejtemaei1 Ejtemaei1 Bimeh1403 Bime1403! Sazman1234 Khadamat1
        Shasta2024 Bazneshaste1 Mostamari5 Kargar1390 Gozarvazhe1
    """,
    Weakness.WORD: """
        Eshgh1370 Eshghman1 Khoda1234 Khodaya12 Doostetdaram1 Zendegi1400 Azizam1404 Salam1234 Madaram1345
        Khanevadeh1 Yaali1110 Dokhtaram8 Pesaram1399 Asemaan22 Khodahaman1 Jigaram12! Better123
    """,
    Weakness.COMMON: """
        Abcdefg1 Abcdefg1! Password1 Password1! Password#2024 P@ssw0rd Aa123456 Aa123456! Qwerty123! Iloveyou99
        Welcome1$ Sunshine1! Trustno1! Letmein123 Princess1! Dragon123! Football1 Monkey123 Abc12345 Admin123456
    """,
    Weakness.BLIND: """
        Sghl1234 Sghl1404! Lvdl1368 Jivhk1370 Pskd1360 Fhfh12345 Hlhl1378 Hsjrghg1349!
    """,
    Weakness.KEYBOARD: """
        Sdfghjkl4 Wertyuiop7 Ertyuiop3! Dfghjkl99 Xcvbnm12 Lkjhgfds8 Oiuytrew6 Fghjkl12 Plokmijn8 Wsxedc77
        Okmijn8! Vbghtyuj1 Rtyfghvbn2
    """,
    Weakness.REPEAT: """
        Aa1aaaaaaaaa Ab1Ab1Ab1Ab1 hW3kkkkkk Xx1Xx1Xx1Xx1Xx1Xx Zz9999999999
    """,
    Weakness.SEQUENCE: """
        Fghijklm1 Xyz123456789 Defghijk1 Zyxwvuts9
    """,
    Weakness.OWN: """
        Karimireza1 Karimi1370 Kareemi1370 Karimy70! Carimi1991 Karimynejad Reza17051370 Reza1370517 Reza0517!
        Reza1991! Ab13700517 Ab17051370 Ab19910808 Ab08081991 Rk910808 Ab0012345679 Ab2345679r Ab9765432100
        Ab09361472583 Ab9361472583 Ab1472583 Sepanta88 Sepanta1400! Atnapes88 Kazeroon1 Kazerun1370 Kazeroun#70
        Azer1370 K4rimi70
    """,
}
ACCEPTED = """
    Toranj7sangak! Chatr4mesvak Fanoos5tokhm Kolah9lahaf Boshqab3nakh Kabk3laklak! Daftar8jirjirak Lampa4nakhoda
    Ghashogh6tir Divan6jaroo# Ketab7abrishamDarya Nardeban7Gilas Lale8qalamdan Samovar5tablo Panjereh2kolang
    Abrisham9chakosh Sangak3otagh Zanboor8mikh Tagarg4minoo Dolab6kafsh! Limoo7divar Sabad2tagarg Nakhl5ghayegh
    Farsh9zanbil Ghandan3kolah Kooze8barfi Chakme6toot Mikhak4dolab Laklak7charkh Sandali9poneh Kelid3toranj&kif
    Charkh2shabnam Golabi6saat Havij8panjere Kafgir4abr Ghayegh5havij Tanoor7kelid Pashm3golabi Soozan9limoo
    Bashgah6tagarg Sekkeh2laklak Jooje8kabrit Kabrit5jooje Parde4sekke Roghan7parde Sofreh3mahtabi Jadval9pashm
    Shamdan6roghan Torob2shamdan Gandom8jadval Ostekhan4gandom Khiar7ostekhan Tabar3khiar Metro9tabar
    Alaki6Darhami Bikhod2Bibi&Lahaf Orange4Velcro Teapot7granite Marmalade5yak Zx9&%$#!ab T7mQx2vLp Kp4!wzR9
    hR8tLq2Zn vK3#pTy6 Wj5xNq8d MaryamKolah7tagarg TehranChakosh5limoo AliZanboor8mikh ManSib3mikharamGerd
    Dar1403dolabKoochak!
"""
GOOD = ACCEPTED.split()


def table(found: dict[Weakness, str]) -> list[tuple[str, Weakness]]:
    return [(password, kind) for kind, typed in found.items() for password in typed.split()]


def test_the_tables_are_long_enough_to_mean_something() -> None:
    assert len(table(WEAK)) >= 150
    assert len(set(GOOD)) >= 60
    assert set(WEAK) == set(Weakness)


@pytest.mark.parametrize(("password", "kind"), table(WEAK))
def test_it_is_refused_with_what_is_weak_about_it(password: str, kind: Weakness) -> None:
    assert weakness(password, REZA if kind == Weakness.OWN else MINA) == kind


def test_a_long_row_of_one_letter_is_refused_however_long() -> None:
    for length in (5, 29, 30, 61, 125):
        assert weakness("Aa1" + "x" * length, MINA) == Weakness.REPEAT


@pytest.mark.parametrize("password", GOOD)
def test_what_is_made_by_the_hint_is_accepted(password: str) -> None:
    assert passwords.faults(password, REZA) == []


# ── a person's own names, however they are written


@pytest.mark.parametrize(
    ("first_name", "last_name", "password"),
    [
        ("محمدرضا", "شجریان", "Mohamadreza77"),
        ("محمدرضا", "شجریان", "Shajariyan9"),
        ("محمد رضا", "شجریان", "Reza77reza"),
        ("غلامعلی", "قره‌باغی", "Gholamali12"),
        ("غلامعلی", "قره‌باغی", "Qolamaly12"),
        ("غلامعلی", "قره‌باغی", "Garebaghi7"),
        ("ژیلا", "خوش‌خو", "Jila12345"),
        ("ژیلا", "خوش‌خو", "Zhila12345"),
        ("مینا", "ضیغمی", "Zeighami5"),
        ("مینا", "ضیغمی", "Zeyghamy55"),
        ("مینا", "ضیغمی", "Imahgiez5"),
        ("یوسف", "اوحدی", "Ohadi1234"),
        ("یوسف", "اوحدی", "Owhadi123"),
        ("ئاسو", "هژیر", "Hazhir777"),
        ("Anna", "Petrosyan", "Petrosyan1"),
        ("سارا", "وثوقی", "Vosooghi22"),
        ("سارا", "وثوقی", "Wosughi222"),
        ("اسماعیل", "چیت‌ساز", "Chitsaz123"),
        ("اسماعیل", "چیت‌ساز", "Esmaiil99"),
        ("اسماعیل", "چیت‌ساز", "Esm4il990"),
    ],
)
def test_ones_own_name_is_known_in_every_spelling(first_name: str, last_name: str, password: str) -> None:
    assert weakness(password, About(first_name=first_name, last_name=last_name)) == Weakness.OWN


def test_what_is_ones_own_is_weaker_than_what_is_anybodys() -> None:
    assert guesses("Zeyghamy55", MINA) < limits.PASSWORD_GUESSES < guesses("Zeyghamy55", About())


def test_who_is_unknown_is_no_error() -> None:
    assert weakness("Zahra1365") == Weakness.NAME
    assert weakness("Zahra1365", About(first_name=" ", email="@", mobile="", city="،")) == Weakness.NAME


# ── sentences


@pytest.mark.parametrize("kind", Weakness)
def test_one_plain_sentence_says_what_is_weak_and_how_to_mend_it(kind: Weakness) -> None:
    with override("fa"):
        said = str(passwords.WEAK[kind])
    assert said.count("؛") == 1
    assert said.count(".") == 1
    assert said.endswith(("بنویسید.", "به آن اضافه کنید."))


@pytest.mark.parametrize(("password", "kind"), table(WEAK)[::7])
def test_nothing_of_the_password_is_in_what_is_said_or_logged(
    password: str, kind: Weakness, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG), override("fa"):
        said = [str(passwords.SENTENCES[code]) for code in passwords.faults(password, REZA)]
    assert said
    assert not any(password in sentence for sentence in said)
    assert caplog.text == ""


# ── whatever is typed


def random_password(length: int) -> str:
    while True:
        made = "".join(secrets.choice(ALLOWED) for _ in range(length))
        if not passwords.problems(made):
            return made


@pytest.mark.parametrize("length", [8, 10, 16, 128])
def test_random_ones_that_keep_the_rules_are_accepted(length: int) -> None:
    made = [random_password(length) for _ in range(50)]
    refused = [password for password in made if weakness(password, REZA)]
    assert len(refused) <= 2


@settings(max_examples=300, deadline=None)
@given(
    st.one_of(st.text(max_size=200), st.text(ALLOWED, max_size=200)),
    st.builds(
        About,
        first_name=st.text(max_size=60),
        last_name=st.text("اآعویهکگ ", max_size=80),
        national_id=st.text(max_size=10),
        mobile=st.text(max_size=14),
        email=st.text(max_size=60),
        city=st.text(max_size=60),
        birth_date=st.none() | st.dates(dt.date(1900, 1, 1), dt.date(2100, 1, 1)),
        username=st.text(max_size=64),
    ),
)
@example("", About())
@example("\x00", About())
@example("۱۳۷۰۰۵۱۷", REZA)
@example("Aa1" + "ß" * 60, About(first_name="ß" * 60))
def test_no_text_and_no_person_is_an_error(password: str, about: About) -> None:
    weak = weakness(password, about)
    assert weak is None or weak in passwords.WEAK
    assert guesses(password, about) >= 1


@settings(max_examples=100, deadline=None)
@given(st.text(ALLOWED, min_size=1, max_size=128))
def test_what_is_known_of_a_person_never_makes_a_password_stronger(password: str) -> None:
    assert guesses(password, REZA) <= guesses(password, About()) or guesses(password, REZA) >= limits.PASSWORD_GUESSES


# ── long ones, and what the library is asked


def test_a_long_one_is_estimated_in_pieces_and_no_further_than_it_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    from zxcvbn import matching

    asked: list[str] = []
    real = matching.dictionary_match

    def noting(text: str, *rest: object) -> object:
        asked.append(text)
        return real(text, *rest)

    monkeypatch.setattr(matching, "dictionary_match", noting)
    assert weakness("Toranj7sangakKolah9lahaf" * 5 + "xyz!") is None
    assert max(map(len, asked)) <= limits.PASSWORD_PIECE
    assert sum(map(len, asked)) <= 40 * limits.PASSWORD_PIECE


@pytest.mark.parametrize("strong_at", [0, 1, 2, 3])
def test_one_strong_piece_is_enough_wherever_it_stands(strong_at: int) -> None:
    pieces = ["Qwertyuiop" + "a" * 22, "1" * 32, "z" * 32, "Abcdefghijklmnopqrstuvwxyz" + "!" * 6]
    assert weakness("".join(pieces))
    pieces[strong_at] = "Toranj7sangakKolah9lahafBoshqab3"
    assert weakness("".join(pieces)) is None


def test_nothing_of_a_person_stays_in_the_library() -> None:
    from zxcvbn import matching

    weakness("Zeyghamy55", MINA)
    assert not {"own", "user_inputs"} & set(matching.RANKED_DICTIONARIES)


def test_it_costs_no_fewer_guesses_than_one() -> None:
    assert guesses("") == Decimal(1)
    assert weakness("") is not None


# ── the lists


@pytest.mark.parametrize(("name", "kind"), words.LISTS)
def test_a_list_is_spelled_in_small_letters_and_names_nothing_twice(name: str, kind: words.Kind) -> None:
    first = [spelled[0] for spelled in words.lines(name)]
    assert len(set(first)) == len(first)
    for spelled in words.lines(name):
        assert len(set(spelled)) == len(spelled)
        assert all(word == word.lower() and (not word.isascii() or word.isalnum()) for word in spelled)


def test_a_persian_word_is_known_as_its_keys_write_it_on_an_english_keyboard() -> None:
    assert words.typed_blind("سلام") == "sghl"
    assert words.typed_blind("گل") == ""  # a key that is no letter there, and cannot be in a password


def test_every_year_that_a_password_may_hold_is_known() -> None:
    for year in (*range(1300, 1421), *range(1900, 2031)):
        assert words.known().kinds[str(year)] == words.Kind.DATE
        assert f"{year % 100:02}" in words.known().ranks


@pytest.mark.parametrize(
    ("one", "other"), [("hoseini", "hoseiny"), ("gholami", "qolami"), ("norouzi", "noroozi"), ("mohammadi", "mohamadi")]
)
def test_spellings_that_differ_by_a_rule_are_made(one: str, other: str) -> None:
    assert {one, other} <= words.spellings(one)


def test_a_table_finds_its_words_and_no_other() -> None:
    named = {f"word{number}": number for number in range(5_000)} | {"": 7, "ی": 8, "word": 9}
    column = Column(Keys(named), list(named.values()))
    assert len(column) == len(named)
    assert all(column[word] == number for word, number in named.items())
    assert not [word for word in ("word5000", "wor", "ord1", "x", "یی") if word in column]
    with pytest.raises(KeyError):
        column["word5000"]


def test_the_library_knows_our_words_and_keeps_no_lists_of_its_own() -> None:
    """It looks into repetitions with them: «تهران» twice is no stronger for being ours alone."""
    from zxcvbn import frequency_lists, matching

    assert words.known().ranks["password"] < 10  # one of the library's
    assert list(matching.RANKED_DICTIONARIES) == ["known"]
    assert matching.RANKED_DICTIONARIES["known"] is words.known().ranks
    assert not frequency_lists.FREQUENCY_LISTS
