"""The script reads what people type and paste as the server does, in the pages themselves."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.support.browsers import Visitor
from tests.support.live import Portal, somebody
from tests.support.persian_input import NAMES, PASTED, VECTORS, with_invisible

pytestmark = pytest.mark.browser
# Types each text into the box and leaves it; returns those after which the field says that it is right.
TICKED = """(box, texts) => texts.filter((text) => {
  box.value = text;
  box.dispatchEvent(new Event("input", { bubbles: true }));
  box.dispatchEvent(new Event("change", { bubbles: true }));
  return box.closest(".field").classList.contains("field-right");
})"""


@pytest.fixture
def visitor(chromium: Browser, portal: Portal) -> Iterator[Visitor]:
    visitor = Visitor(chromium, portal)
    yield visitor
    visitor.context.close()


def says_right_of(visitor: Visitor, name: str, right: list[str], wrong: list[str]) -> None:
    box = visitor.page.locator(f'main input[name$="{name}"]').first
    ticked = box.evaluate(TICKED, right + wrong)
    assert [text for text in right if text not in ticked] == []
    assert [text for text in wrong if text in ticked] == []


def test_national_ids_and_mobiles_on_every_page_that_asks(visitor: Visitor) -> None:
    national_ids = [*VECTORS["national_id"]["valid"], *PASTED["national_id"]["read"], *with_invisible("0012345679")]
    not_these = [*VECTORS["national_id"]["invalid"], *PASTED["national_id"]["refused"]]
    for page in ("/portal/", "/portal/registration", "/portal/recovery", "/portal/registration/status"):
        visitor.go(page)
        says_right_of(visitor, "national_id", national_ids, not_these)
    visitor.go("/portal/registration")
    mobiles = [*VECTORS["mobile"]["valid"], *PASTED["mobile"]["read"], *with_invisible("+98 (0)912 123 4567")]
    says_right_of(visitor, "mobile", mobiles, [*VECTORS["mobile"]["invalid"], *PASTED["mobile"]["refused"]])


def test_names_and_the_numbers_of_the_certificate(visitor: Visitor) -> None:
    citizen = somebody(4310)
    visitor.step_one(citizen)
    visitor.step_two(citizen)
    visitor.field("نام خانوادگی").wait_for()
    for name in ("first_name", "last_name"):
        says_right_of(visitor, name, [*NAMES, *with_invisible("محمدرضا"), "ﻋﻠﻰ"], ["Reza", "رضا ۱", "", "-"])
    for _letter, number, serial in VECTORS["birth_certificate"]["valid"]:
        says_right_of(visitor, "certificate_serial", [serial, *with_invisible(serial)], ["1234567", "x"])
        says_right_of(visitor, "series_number", [number, *with_invisible(number)], ["123", "x"])
    says_right_of(visitor, "birth_day", ["17", "۱۷", *with_invisible("17")], ["0", "32", "x"])
    says_right_of(visitor, "birth_year", ["1370", "۱۳۷۰", *with_invisible("1370")], ["70", "1991", "13700"])
