"""Files of extracts as spreadsheets and other programs write them: what is certain is read, the rest named for what it
is, with the first bad line and how to save the file rightly. The extract in use stays."""

from __future__ import annotations

import bz2
import gzip
import io
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from common.errors import PortalError
from identity import extract_lines, extracts, services, texts
from identity.extract_rows import SEPARATORS
from identity.models import CivilRecord, Extract, ExtractKind, ExtractState, MobileOwner
from tests.support.extract_files import GOOD, HEADER, civil, line

OTHER = {"national_id": "0123456789", "first_name": "علی‌اکبر", "last_name": "ژاله پورچگینی"}
TABLE = (HEADER, line(), line(**OTHER))
OWNERS = ("national_id,mobile", "0012345679,09121234567", "0123456789,09351234567")

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _in_use() -> None:
    civil(line(national_id="0499370899"))


def load(text: bytes, *, skip_bad: bool = False) -> extracts.LoadReport:
    return services.load_civil_registry(source=io.BytesIO(text), skip_bad=skip_bad)


def stored() -> list[tuple[str, str, str]]:
    rows = CivilRecord.objects.filter(extract__state=ExtractState.CURRENT).order_by("national_id")
    return list(rows.values_list("national_id", "first_name", "last_name"))


def both_are_stored() -> bool:
    return stored() == [("0012345679", "رضا", "کریمی"), ("0123456789", OTHER["first_name"], OTHER["last_name"])]


def the_old_one_is_used() -> bool:
    return [number for number, *_names in stored()] == ["0499370899"]


def refused(text: bytes) -> PortalError:
    with pytest.raises(PortalError) as error:
        load(text)
    assert the_old_one_is_used()
    return error.value


def first_bad(error: PortalError) -> tuple[int, str, str]:
    assert error.code == "extract_bad_lines"
    report = error.values["report"]
    assert isinstance(report, extracts.LoadReport)
    bad = report.bad_lines[0]
    return bad.number, bad.column, bad.reason


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\r\r\n"], ids=["LF", "CR LF", "CR", "CR CR LF"])
@pytest.mark.parametrize("separator", SEPARATORS)
@pytest.mark.parametrize("coding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
class TestWhatIsCertainIsRead:
    def test_as_it_is(self, coding: str, separator: str, end: str) -> None:
        text = "".join(each.replace(",", separator) + end for each in TABLE)
        load(text.encode(coding))
        assert both_are_stored()

    def test_without_an_end_after_the_last_line_zipped_and_quoted(self, coding: str, separator: str, end: str) -> None:
        quoted = (separator.join(f'"{cell}"' for cell in each.split(",")) for each in TABLE)
        load(gzip.compress(end.join(quoted).encode(coding)))
        assert both_are_stored()

    def test_in_blocks_that_cut_characters_and_ends_of_lines(
        self, coding: str, separator: str, end: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        text = end.join(each.replace(",", separator) for each in TABLE).encode(coding)
        monkeypatch.setattr(extract_lines, "BLOCK", len(TABLE[0].encode(coding)) + 7)
        load(text)
        assert both_are_stored()


def test_utf_16_with_the_other_mark_and_owners_too() -> None:
    load("\n".join(TABLE).encode("utf-16-be").join((b"\xfe\xff", b"")))
    assert both_are_stored()
    source = io.BytesIO("\r\n".join(OWNERS).replace(",", "\t").encode("utf-16"))
    assert services.load_mobile_owners(source=source).loaded == 2
    assert MobileOwner.objects.filter(national_id="0012345679", mobile="+989121234567").exists()


@pytest.mark.parametrize("first", ["sep=;", '"sep=;"', "sep=;\r"])
def test_a_first_line_that_tells_excel_the_separator(first: str) -> None:
    load("\n".join((first, *(each.replace(",", ";") for each in TABLE))).encode())
    assert both_are_stored()


def test_a_semicolon_as_in_a_name_does_not_make_it_the_separator() -> None:
    load("\n".join((HEADER, line(first_name='"رضا;"'))).encode())
    assert stored()[0][1] == "رضا;"


def test_excels_marks_of_a_text_are_no_part_of_it() -> None:
    marked = ",".join(f'="{cell}"' for cell in (GOOD | OTHER).values())
    load("\n".join((HEADER, line(national_id="'0012345679", birth_certificate_number="'1254"), marked)).encode())
    assert both_are_stored()


def test_both_marks_of_two_files_that_were_joined() -> None:
    load(f"{HEADER}\n{line()}\n\ufeff{line(**OTHER)}".encode("utf-8-sig"))
    assert both_are_stored()


class TestWhatIsNotCertainIsNamed:
    def test_windows_1256(self) -> None:
        text = "\r\n".join(
            (HEADER, line(first_name="رضا", last_name="كريمي"), line(first_name="پژمان", last_name="گچ"))
        )
        error = refused(text.encode("cp1256"))
        assert first_bad(error) == (2, "", "windows_1256")
        assert "CSV UTF-8" in texts.sentence(error)

    def test_a_line_of_broken_utf_8_is_no_windows_1256(self) -> None:
        error = refused(b"\n".join((HEADER.encode(), line().encode().replace("رضا".encode(), "رضا".encode()[:-1]))))
        assert first_bad(error) == (2, "", "not_utf8")

    @pytest.mark.parametrize("number", ["12345679", "012345679", "۱۲۳۴۵۶۷۹"])
    def test_zeros_that_a_spreadsheet_dropped_are_never_put_back(self, number: str) -> None:
        error = refused(f"{HEADER}\n{line(national_id=number)}".encode())
        assert first_bad(error) == (2, "national_id", "lost_zeros")
        assert "CSV UTF-8" in texts.sentence(error)

    @pytest.mark.parametrize("number", ["123456789", "12345678", "2345679"])
    def test_a_number_that_no_zeros_make_right_has_lost_something_else(self, number: str) -> None:
        reason = "lost_zeros" if number == "123456789" else "length"
        assert first_bad(refused(f"{HEADER}\n{line(national_id=number)}".encode()))[2] == reason

    @pytest.mark.parametrize(
        ("column", "cell", "reason"),
        [
            ("national_id", "123456789.1", "decimal"),  # without its point a right national ID of somebody else
            ("national_id", "123456789.0", "decimal"),
            ("national_id", "1.23457E+09", "scientific"),
            ("national_id", '"1,2E+9"', "scientific"),
            ("birth_certificate_number", "1254.0", "decimal"),
            ("birth_certificate_number", "1254٫0", "decimal"),
            ("birth_certificate_number", "1.3E+09", "scientific"),
            ("birth_certificate_serial", "34567.0", "decimal"),
            ("birth_certificate_series", "105.0", "decimal"),
            ("deceased", "0.", "decimal"),
            ("first_name", "عل?", "damaged"),
            ("first_name", "رض\ufffd", "damaged"),
            ("last_name", "Ø±Ø¶Ø§", "damaged"),
            ("last_name", "رضا".encode().decode("cp1256"), "damaged"),
        ],
    )
    def test_what_a_program_did_to_a_cell(self, column: str, cell: str, reason: str) -> None:
        error = refused(f"{HEADER}\n{line()}\n{line(**OTHER | {column: cell})}".encode())
        assert first_bad(error) == (3, column, reason)
        assert "UTF-8" in texts.sentence(error)

    @pytest.mark.parametrize(
        ("raw", "reason"),
        [
            (line(first_name="رض\rا"), "line_end"),
            ('"' + line() + '"', "one_cell"),
            (line(first_name='"رضا'), "not_csv"),
            (line().replace(",", ";"), "cell_count"),
        ],
    )
    def test_a_line_that_is_cut_otherwise(self, raw: str, reason: str) -> None:
        error = refused(f"{HEADER}\n{raw}\n".encode())
        assert first_bad(error) == (2, "", reason)
        assert texts.bad_lines(error.values["report"])  # type: ignore[arg-type]

    def test_utf_16_that_ends_in_the_middle_of_a_character(self) -> None:
        text = "\n".join(TABLE).encode("utf-16")
        assert first_bad(refused(text[:-1]))[0] == 3

    def test_a_damaged_pair_in_utf_16_spoils_its_own_line_only(self) -> None:
        lines = [each.encode("utf-16-le") for each in ("\ufeff" + HEADER, line(first_name="X"), line(**OTHER))]
        lines[1] = lines[1].replace("X".encode("utf-16-le"), b"\x00\xd8")
        report = load("\n".encode("utf-16-le").join(lines), skip_bad=True)
        assert [(bad.number, bad.reason) for bad in report.bad_lines] == [(2, "damaged")]
        assert report.loaded == 1

    @pytest.mark.parametrize(
        ("text", "kind"),
        [
            (b"PK\x03\x04\x14\0xl/workbook.xml", "spreadsheet"),
            (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "spreadsheet"),
            (bz2.compress("\n".join(TABLE).encode()), "compressed"),
            (gzip.compress(gzip.compress("\n".join(TABLE).encode())), "compressed"),
            (b"\n<html><table>", "web_page"),
            (b'<?xml version="1.0"?>', "web_page"),
            (b"%PDF-1.7", "no_text"),
        ],
    )
    def test_a_file_that_is_no_text(self, text: bytes, kind: str) -> None:
        error = refused(text)
        assert (error.code, error.values["kind"]) == ("extract_kind", kind)
        assert texts.sentence(error)
        assert Extract.objects.filter(kind=ExtractKind.CIVIL).count() == 1

    def test_a_header_of_another_separator_names_only_what_is_missing(self) -> None:
        error = refused(HEADER.replace(",", ";").replace(";gender", "").encode())
        assert (error.code, error.values["missing"], error.values["unknown"]) == ("extract_header", ["gender"], [])

    def test_the_command_names_the_first_line_and_how_to_save_it(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        path = tmp_path / "people.csv"
        path.write_bytes("\r\n".join((HEADER, line(last_name="كريمي"))).encode("cp1256"))
        with pytest.raises(CommandError, match="CSV UTF-8"):
            call_command("load_civil_registry", str(path))
        assert "Windows-1256" in capsys.readouterr().err
        assert the_old_one_is_used()


@pytest.mark.parametrize(
    ("column", "cell", "reason"),
    [
        ("birth_certificate_series", "11/5", "series"),
        ("birth_certificate_series", "11-5", "series"),
        ("birth_certificate_series", "10 5", "series"),
        ("birth_certificate_number", "1254.000", "decimal"),
        ("birth_certificate_number", "1.23456", "decimal"),
        ("birth_certificate_number", "12/3", "certificate"),
        ("birth_certificate_number", "-5", "certificate"),
        ("birth_certificate_serial", "123.000", "decimal"),
        ("birth_certificate_serial", "12/3", "serial"),
        ("national_id", "1234567.891", "decimal"),
        ("first_name", "#N/A", "name"),
        ("first_name", "NULL", "name"),
        ("last_name", "0", "name"),
        ("last_name", "TRUE", "name"),
        ("first_name", "ظ…ظ‡غŒظ†", "damaged"),  # مهین in UTF-8, read as Windows-1256 and saved anew
    ],
)
def test_no_sign_that_says_something_is_dropped(column, cell, reason):
    assert first_bad(refused("\n".join((HEADER, line(), line(**OTHER | {column: cell}))).encode())) == (
        3,
        column,
        reason,
    )


@pytest.mark.parametrize("series", ["10/05", "10-05", "10 05", " 10 / 05 "])
def test_a_series_may_have_a_sign_between_letter_and_number(series):
    load("\n".join((HEADER, line(birth_certificate_series=series))).encode())
    row = CivilRecord.objects.get(extract__state=ExtractState.CURRENT)
    assert (row.series_letter, row.series_number) == ("10", "05")


def test_quotes_after_a_comma_and_a_blank_are_quotes():
    load("\n".join((HEADER, line().replace(",رضا,", ', "رضا", '))).encode())
    assert stored() == [("0012345679", "رضا", "کریمی")]
