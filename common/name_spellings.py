"""Names that are spelt in two ways, in certificates and by the people who type them: the old one and the present one.

For the comparison of a claimed name with a registry's, and for nothing else: security answers have a key of their own
(`accounts.passwords.answer_key`), and what is shown and stored is what was typed. Pure.

A row joins two spellings of one name. It never joins two names that are both given (ملک and مالک, لیلی and لیلا), nor a
name and a longer one (عبدالله and عبداللهی); tests/common/test_name_spellings.py has pairs that must stay different.
A new row needs a source. Spellings are written as `common.persian.name_key` makes them: without blanks, hamza seats and
marks, so رئوف is ریوف and رؤوف is رووف.

Sources:

- FARHANGESTAN: فرهنگستان زبان و ادب فارسی، «دستور خط فارسی»، «همزهٔ میانی» (pp. 29-30): رئوف. «هجای میانی ـ‌وو‌ـ»: طاووس,
  کیکاووس, داوود with two و; داود with one is allowed, and a person's name follows the certificate (کاوس, کاوسی).
- IBN_QUTAYBA: ابن قتیبه، «أدب الكاتب»، باب حذف الألف من الأسماء وإثباتها: the alef is left out of إبرهيم, إسمعيل, إسحق,
  سليمن, هرون because they are common (p. 229), and of الرحمن (p. 230).
- DANI: أبو عمرو الداني، «المقنع»: إبرهيم, إسمعيل, إسحق, هرون, عمرن, لقمن, سليمن have no alef in any copy of the Quran.
- HARUN: عبد السلام هارون، «قواعد الإملاء»، نقص الألف وسطًا (p. 43): no alef in الرحمن and طه; the ancients left it
  out of إبرهيم, إسمعيل, إسحق, هرون, سليمن, عثمن too, the moderns write it.
- BAHMANYAR: احمد بهمنیار، «املای فارسی»: of names that end in an alef written as ی, both forms are allowed (موسی, عیسی,
  مصطفی). The hamza in the middle of a word: رؤوف.
- CONTRACT: tests/vectors/persian_input.json, `names`: pairs that civil registries are known to keep in the other form
  (عبداله, روح‌اله). Unicode has الله as one sign too: U+FDF2, whose compatibility form is الله.
"""

from __future__ import annotations

import re
from typing import NamedTuple


class Spelling(NamedTuple):
    """`old` and `present` are one name. `whole`: only as the whole name or its first or last part, because the letters
    occur inside other names too."""

    old: str
    present: str
    source: str
    whole: bool = False


SPELLINGS = (
    Spelling("ابرهیم", "ابراهیم", "IBN_QUTAYBA p. 229; DANI; HARUN"),
    Spelling("اسمعیل", "اسماعیل", "IBN_QUTAYBA p. 229; DANI; HARUN; CONTRACT"),
    Spelling("اسحق", "اسحاق", "IBN_QUTAYBA p. 229; DANI; HARUN"),
    Spelling("سلیمن", "سلیمان", "IBN_QUTAYBA p. 229; DANI; HARUN"),
    Spelling("هرون", "هارون", "IBN_QUTAYBA p. 229; DANI; HARUN", whole=True),
    Spelling("لقمن", "لقمان", "DANI"),
    Spelling("عمرن", "عمران", "DANI", whole=True),
    Spelling("عثمن", "عثمان", "HARUN p. 43"),
    Spelling("رحمن", "رحمان", "IBN_QUTAYBA p. 230; CONTRACT", whole=True),
    Spelling("الرحمن", "الرحمان", "IBN_QUTAYBA p. 230; HARUN p. 43"),
    Spelling("طاها", "طه", "HARUN p. 43", whole=True),
    Spelling("داوود", "داود", "FARHANGESTAN, هجای میانی ـ‌وو‌ـ"),
    Spelling("طاووس", "طاوس", "FARHANGESTAN, هجای میانی ـ‌وو‌ـ"),
    Spelling("کاووس", "کاوس", "FARHANGESTAN, هجای میانی ـ‌وو‌ـ"),
    Spelling("رووف", "ریوف", "FARHANGESTAN pp. 29-30; BAHMANYAR"),
    Spelling("موسا", "موسی", "BAHMANYAR", whole=True),
    Spelling("عیسا", "عیسی", "BAHMANYAR", whole=True),
    Spelling("یحیا", "یحیی", "BAHMANYAR", whole=True),
    Spelling("مصطفا", "مصطفی", "BAHMANYAR", whole=True),
    Spelling("مرتضا", "مرتضی", "BAHMANYAR, by the rule", whole=True),
    Spelling("مجتبا", "مجتبی", "BAHMANYAR, by the rule", whole=True),
)

# What stands before الله in names of which both spellings are met. A list, because اله is also a part of other names:
# عبدالهادی, نورالهدی, الهام.
BEFORE_ALLAH = (
    "آیت", "اسد", "امان", "امر", "بیت", "حبیب", "حجت", "حشمت", "خلیل", "خیر", "ذبیح", "رحمت", "روح", "سعد", "سیف",
    "شکر", "صفی", "عبد", "عبید", "عزت", "عطا", "عنایت", "فتح", "فرج", "فضل", "فیض", "قدرت", "کرم", "لطف", "مشیت", "نبی",
    "نصر", "نصرت", "نعمت", "نور", "هدایت", "هیبت", "وجیه", "ولی", "ید",
)  # fmt: skip
# Parts that stand before or after another in one name, written together or apart.
_PARTS = (
    "محمد", "علی", "غلام", "سیده", "سید", "السادات", "سادات", "میر", "امیر", "شیخ", "حاج", "حاجی", "ملا", "عبدال", "گل",
    "نور", "شاه", "خان", "بیگ", "پور", "زاده", "نژاد", "نیا", "فر", "وند", "لو", "ی", "یان",
)  # fmt: skip
_AROUND = "|".join(_PARTS)
_ANYWHERE = {one.old: one.present for one in SPELLINGS if not one.whole}
_WHOLE = {one.old: one.present for one in SPELLINGS if one.whole}
_ANYWHERE_PATTERN = re.compile("|".join(sorted(_ANYWHERE, key=len, reverse=True)))
_WHOLE_PATTERN = re.compile(rf"((?:{_AROUND}){{0,3}})({'|'.join(_WHOLE)})((?:{_AROUND}){{0,3}})")
# اله for الله, and الله as one sign (U+FDF2) after the alef that some keyboards leave before it. Not where اله goes on
# to another name: عبدالهی, عبدالهادی, نورالهدی, نورالهدا.
_ALLAH = re.compile(rf"({'|'.join(word.replace('آ', 'ا') for word in BEFORE_ALLAH)})(?:اله(?!ی|ادی|دی|دا)|االله)")


def in_present_spelling(key: str) -> str:
    """The key of a name (`common.persian.name_key`) in the one spelling by which old and present ones are equal."""
    key = _ALLAH.sub(r"\1الله", key)
    key = _ANYWHERE_PATTERN.sub(lambda found: _ANYWHERE[found[0]], key)
    found = _WHOLE_PATTERN.fullmatch(key)
    return f"{found[1]}{_WHOLE[found[2]]}{found[3]}" if found else key
