"""Persian input and output, pure functions: digits, national ID, mobile, names, Jalali dates.

No Django import. The contract is `tests/vectors/persian_input.json`: whatever this module and the
browser script accept, refuse or call equal is listed there.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from enum import Enum
from operator import mul

import jdatetime
from persiantools import digits as persian_digits

from common.name_spellings import in_present_spelling

_ASCII_DIGITS = str.maketrans("۰۱۲۳۴۵۶۷۸۹٠١٢٣٤٥٦٧٨٩", "01234567890123456789")
# Signs that nobody sees: all of Unicode's category Cf. ZWNJ and ZWJ of them shape letters inside a word.
_PLANES_WITH_CF = (range(0x20000), range(0xE0000, 0xE0100))  # the rest of Unicode has none
_JOINERS = dict.fromkeys(map(ord, "\u200c\u200d"))
_INVISIBLE = dict.fromkeys(
    point
    for plane in _PLANES_WITH_CF
    for point in plane
    if unicodedata.category(chr(point)) == "Cf" and point not in _JOINERS
)
_LETTERS = str.maketrans({"ي": "ی", "ى": "ی", "ۍ": "ی", "ې": "ی", "ك": "ک", "ڪ": "ک", "ګ": "گ"})
_WEIGHTS = range(10, 1, -1)  # of a national ID's first nine digits
_WEIGHT_OF_ZEROS = ord("0") * sum(_WEIGHTS)
_REAL_REPEATED = ("1111111111",)
_MOBILE = re.compile(r"(?:(?:\+98|0098|98)?0?)(9[0-9]{9})")
_SEPARATORS = re.compile(r"[\s\-‐‑–—−ـ_·•٬.()/]+")  # tatweel is on Persian keyboards, and looks like a dash
_QUOTES_AND_LABEL_ENDS = "\"'«»“”‘’‹›:؛;،,*#=_[]{}<>"
# Words before a number («کد ملی: …») and, set apart from it, after it. A letter among the digits is no label.
_LABEL_BEFORE = re.compile(r"\A[^0-9+]*(?=[0-9+(])")  # once, from the beginning: else its time grows with the square
_LABEL_AFTER = re.compile(r"(?<=[0-9])(?:[\s:;،؛,.»”\"'()\-][^0-9]*)$")

_ONES = (
    "صفر", "یک", "دو", "سه", "چهار", "پنج", "شش", "هفت", "هشت", "نه", "ده", "یازده", "دوازده", "سیزده", "چهارده",
    "پانزده", "شانزده", "هفده", "هجده", "نوزده",
)  # fmt: skip
_TENS = ("", "", "بیست", "سی", "چهل", "پنجاه", "شصت", "هفتاد", "هشتاد", "نود")
_HUNDREDS = ("", "صد", "دویست", "سیصد", "چهارصد", "پانصد", "ششصد", "هفتصد", "هشتصد", "نهصد")
EARLIEST_JALALI_YEAR, LATEST_JALALI_YEAR = 1200, 1500  # a year above is one of the Gregorian calendar
SERIES_LETTERS = ("الف", "ب", "ل", "د", "ر", *(str(n) for n in range(1, 12)))
JALALI_MONTHS = (
    "فروردین", "اردیبهشت", "خرداد", "تیر", "مرداد", "شهریور",
    "مهر", "آبان", "آذر", "دی", "بهمن", "اسفند",
)  # fmt: skip


class InputError(ValueError):
    """What a person typed breaks a rule. `code` names the rule; the caller chooses the sentence."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class NameMatch(Enum):
    SAME = "same"
    FOR_A_PERSON = "for_a_person"
    DIFFERENT = "different"


def fold_digits(text: str) -> str:
    """Persian and Arabic-Indic digits as ASCII; everything else untouched."""
    return text.translate(_ASCII_DIGITS)


def fold(text: str) -> str:
    """`text` in one spelling where keyboards differ: digits, ي/ك, invisible signs, outer blanks.

    Keeps inner spaces and ZWNJ, which belong to a name as it is typed.
    """
    text = text.translate(_ASCII_DIGITS).translate(_LETTERS)
    if not text.isascii():
        text = text.translate(_INVISIBLE)
    return text.strip(" \t\r\n\u00a0\u200c\u200d")


def without_marks(text: str) -> str:
    """`text` without the signs that nobody sees and without outer blanks; ZWNJ and ZWJ stay inside. Letters stay as
    they are: for what is no Persian text."""
    if not text.isascii():
        text = text.translate(_INVISIBLE)
    return text.strip().strip(" \t\r\n\u00a0\u200c\u200d")


def fold_number(text: str) -> str:
    """A number without what people write into it (spaces, hyphens, ZWNJ), in ASCII digits."""
    if text.isascii() and text.isalnum():
        return text  # nothing to fold; extracts have millions of these
    return _SEPARATORS.sub("", fold(text).translate(_JOINERS))


def pasted_number(text: str) -> str:
    """As `fold_number`, and without what came along from where it was copied: a label before or after, quotes.

    Text that holds no digit, and a number with letters among its digits, come back as `fold_number` has them.
    """
    number = fold_number(text)
    if number.isascii() and number.removeprefix("+").isdigit():
        return number
    bare = _LABEL_AFTER.sub("", _LABEL_BEFORE.sub("", fold(text).translate(_JOINERS)))
    bare = _SEPARATORS.sub("", bare).strip(_QUOTES_AND_LABEL_ENDS)
    return bare if bare.isascii() and bare.removeprefix("+").isdigit() else number


def parse_one_time_code(text: str, *, digits: int) -> str:
    """The one code of `digits` digits in `text`: typed, with its label, or the whole SMS. The same code twice is one.

    Raises InputError: required, code (there is none), codes (there are several).
    """
    text = fold(text).translate(_JOINERS)
    if not text:
        raise InputError("required")
    found = set(re.findall(rf"(?<![0-9])[0-9]{{{digits}}}(?![0-9])", text))
    if not found and re.fullmatch(rf"[0-9]{{{digits}}}", pasted_number(text)):
        return pasted_number(text)  # in groups: 123 456
    if len(found) == 1:
        return found.pop()
    raise InputError("codes" if found else "code")


def to_persian_digits(value: object) -> str:
    """`value` as text with Persian digits, for showing."""
    return str(persian_digits.en_to_fa(str(value)))


def number_in_words(number: int) -> str:
    """A whole number as Persian spells it: «پنج», «صد و بیست و هشت». From 1,000 on, and below 0, in Persian digits."""
    if not 0 <= number < 1000:
        return to_persian_digits(number)
    hundreds, rest = divmod(number, 100)
    tens, ones = (0, rest) if rest < len(_ONES) else divmod(rest, 10)
    parts = (_HUNDREDS[hundreds], _TENS[tens], _ONES[ones] if ones or not number else "")
    return " و ".join(part for part in parts if part)


def parse_national_id(text: str) -> str:
    """The ten ASCII digits of a national ID. Raises InputError: required, length, checksum, equal_digits.

    8 and 9 digits are never padded: the person is asked to type the leading zeros. Of ten equal digits, which keep the
    rule of the check digit, one number is known to be somebody's.
    """
    number = pasted_number(text)
    if not number:
        raise InputError("required")
    if not _is_digits(number, 10, 10):
        raise InputError("length")
    remainder = (sum(map(mul, number.encode(), _WEIGHTS)) - _WEIGHT_OF_ZEROS) % 11
    if int(number[9]) != (remainder if remainder < 2 else 11 - remainder):
        raise InputError("checksum")
    if number == number[0] * 10 and number not in _REAL_REPEATED:
        raise InputError("equal_digits")
    return number


def parse_mobile(text: str) -> str:
    """An Iranian mobile as E.164 (+989…). Raises InputError: required, landline, foreign, mobile.

    The shape decides, not libphonenumber's operator table, which lags behind new prefixes.
    """
    number = pasted_number(text)
    if not number:
        raise InputError("required")
    if number.endswith("+"):  # typed or copied from right to left
        number = "+" + number[:-1]
    if match := _MOBILE.fullmatch(number):
        return "+98" + match[1]
    if re.fullmatch(r"(?:\+|00)(?!98)[1-9][0-9]{6,14}", number):
        raise InputError("foreign")
    if re.fullmatch(r"(?:(?:\+98|0098|98)0?|0)[1-8][0-9]{9}", number):
        raise InputError("landline")
    raise InputError("mobile")


def local_mobile(e164: str) -> str:
    """+989121234567 as people write it: 09121234567."""
    return "0" + e164.removeprefix("+98")


def mask_mobile(e164: str) -> str:
    """0912•••4567: enough for the owner to recognise, too little for anyone else."""
    number = local_mobile(e164)
    return f"{number[:4]}•••{number[-4:]}"


def shown_masked(e164: str) -> str:
    """As `mask_mobile`, in Persian digits and isolated (LRI … PDI): its dots would turn it round in a line from right
    to left."""
    return f"\u2066{to_persian_digits(mask_mobile(e164))}\u2069"


def mask_email(address: str) -> str:
    """r•••@example.com: as `mask_mobile` does it."""
    box, _, host = address.rpartition("@")
    return f"{box[:1]}•••@{host}"


def jalali_to_date(year: int, month: int, day: int) -> dt.date:
    """A Jalali date as a Gregorian `date`. Raises InputError: gregorian, year, date.

    A year over 1500 is a Gregorian year typed by mistake: an error, never converted.
    """
    if year > LATEST_JALALI_YEAR:
        raise InputError("gregorian")
    if year < EARLIEST_JALALI_YEAR:
        raise InputError("year")
    try:
        return jdatetime.date(year, month, day).togregorian()
    except ValueError:
        raise InputError("date") from None


def parse_jalali(text: str) -> dt.date:
    """`1370/05/17` (also - and . and any digits) as a Gregorian `date`; raises InputError."""
    match = re.fullmatch(r"([0-9]{4})([/.\-])([0-9]{1,2})\2([0-9]{1,2})", fold(text).translate(_JOINERS))
    if not match:
        raise InputError("date")
    return jalali_to_date(int(match[1]), int(match[3]), int(match[4]))


def jalali_parts(value: dt.date) -> tuple[int, int, int]:
    """Year, month and day of a date in the Jalali calendar."""
    jalali = jdatetime.date.fromgregorian(date=value)
    return jalali.year, jalali.month, jalali.day


def format_jalali(value: dt.date, unknown: str = "") -> str:
    """A date as ۱۳۷۰/۰۵/۱۷; `unknown` "day": as ۱۳۷۰/۰۵, "month": as ۱۳۷۰."""
    shape = {"": "%Y/%m/%d", "day": "%Y/%m", "month": "%Y"}[unknown]
    return to_persian_digits(jdatetime.date.fromgregorian(date=value).strftime(shape))


def parse_series_letter(text: str) -> str:
    """One of الف ب ل د ر or 1 … 11. «ا» and «أ» stand for الف. Raises InputError: series_letter."""
    letter = fold_number(text)
    letter = "الف" if letter in ("ا", "أ", "آ", "إ", "الف") else letter
    letter = letter.lstrip("0") if letter.isascii() else letter
    if letter not in SERIES_LETTERS:
        raise InputError("series_letter")
    return letter


def parse_digits(text: str, *, at_most: int, code: str) -> str:
    """ASCII digits, one to `at_most` of them, leading zeros kept. Raises InputError(code)."""
    number = fold_number(text)
    if not _is_digits(number, 1, at_most):
        raise InputError(code)
    return number


def parse_day(text: str) -> str:
    """A day of a month, 1 to 31. Raises InputError: day."""
    return _from_to(text, 1, 31, code="day")


def parse_year(text: str) -> str:
    """The year of a Jalali date in four digits. Raises InputError: year, gregorian (it is one of another calendar)."""
    year = parse_digits(text, at_most=4, code="year")
    if int(year) > LATEST_JALALI_YEAR:
        raise InputError("gregorian")
    return _from_to(year, EARLIEST_JALALI_YEAR, LATEST_JALALI_YEAR, code="year")


def _from_to(text: str, least: int, most: int, *, code: str) -> str:
    number = parse_digits(text, at_most=4, code=code)
    if not least <= int(number) <= most:
        raise InputError(code)
    return number


def _is_digits(text: str, at_least: int, at_most: int) -> bool:
    return at_least <= len(text) <= at_most and text.isascii() and text.isdigit()


def parse_series_number(text: str) -> str:
    """The two digits of a series, `5` as `05`."""
    return parse_digits(text, at_most=2, code="series_number").zfill(2)


def parse_serial(text: str) -> str:
    """The serial (مسلسل), six digits with leading zeros."""
    return parse_digits(text, at_most=6, code="serial").zfill(6)


def parse_certificate_number(text: str) -> str:
    """The birth certificate number, at most ten digits, without leading zeros (`0` stays)."""
    return parse_digits(text, at_most=10, code="certificate").lstrip("0") or "0"


_KEY_LETTERS = str.maketrans(
    {"ئ": "ی", "ؤ": "و", "آ": "ا", "أ": "ا", "إ": "ا", "ٱ": "ا", "ة": "ه", "ۀ": "ه", "ۂ": "ه", "ە": "ه", "ھ": "ه"}
)
_HONORIFICS = ("سیده", "سید", "السادات", "سادات")


def name_key(name: str) -> str:
    """The key by which names are compared; the name itself is kept as typed for display.

    The rule is the vectors file's `names`: NFKC, digits, Arabic letters to Persian, hamza seats and ة folded, marks,
    format characters, tatweel and lone hamza dropped, then all but letters and digits dropped.
    """
    if _ORDINARY_NAME.fullmatch(name):
        return name.translate(_ORDINARY_KEYS)
    return _key_by_the_rule(name)


def _key_by_the_rule(name: str) -> str:
    text = unicodedata.normalize("NFKC", name).translate(_ASCII_DIGITS).translate(_LETTERS).translate(_KEY_LETTERS)
    text = unicodedata.normalize("NFD", text).translate(_LETTERS)
    return "".join(c for c in text.casefold() if c not in "ـء" and unicodedata.category(c)[0] in "LN")


# Nearly all names have these characters only. None of them joins another into a third one, so that the key of a name is
# the keys of its characters, and need not be worked out by Unicode's tables: a tenth of the time.
_ORDINARY = "ءآأؤئابةتثجحخدذرزسشصضطظعغـفقكلمنهويىپچژکگی \u200c"
_ORDINARY_NAME = re.compile(rf"[{_ORDINARY}]*")
_ORDINARY_KEYS = {ord(character): _key_by_the_rule(character) for character in _ORDINARY}


def is_name(text: str) -> bool:
    """Whether `text` contains only letters and the signs that names may have, and at least one letter."""
    kinds = [unicodedata.category(c)[0] for c in text if c not in " \u200c\u200d'’.-()"]
    return "L" in kinds and set(kinds) <= {"L", "M"}


def has_foreign_letters(text: str) -> bool:
    """Whether `text` has a letter that is no Arabic one: the civil registry has none in any name."""
    return any(unicodedata.category(c)[0] == "L" and not unicodedata.name(c, "").startswith("ARABIC ") for c in text)


def compare_names(one: str, other: str) -> NameMatch:
    """SAME by `name_key`, also where one has the old spelling and the other the present one (`name_spellings`);
    FOR_A_PERSON where only a leading or trailing سید/سیده/سادات differs."""
    first, second = name_key(one), name_key(other)
    if first == second:
        return NameMatch.SAME
    first, second = in_present_spelling(first), in_present_spelling(second)
    if first == second:
        return NameMatch.SAME
    if _without_honorific(first) & _without_honorific(second):
        return NameMatch.FOR_A_PERSON
    return NameMatch.DIFFERENT


def _without_honorific(key: str) -> set[str]:
    """The key itself, and each way to read it without a leading and a trailing honorific.

    There may be several, because a key has no spaces: «سیدهادی» is سید + هادی, and could be سیده + ادی.
    """
    keys = {key} | {key.removeprefix(word) for word in _HONORIFICS}
    keys |= {one.removesuffix(word) for one in keys for word in _HONORIFICS}
    return keys - {""}
