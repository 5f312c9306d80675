"""Loading extracts: what a line may say, and that nothing changes until all of it is there."""

from __future__ import annotations

import contextlib
import datetime as dt
import gc
import gzip
import io
import os
import re
import signal
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import DataError, IntegrityError, connection, transaction
from django.utils import timezone

from common.errors import PortalError
from identity import extract_lines, extract_pieces, extract_rows, extracts, services, texts
from identity.extract_pieces import Changes
from identity.extract_store import Store
from identity.models import CivilRecord, Extract, ExtractKind, ExtractState, MobileOwner
from tests.support.extract_files import GOOD, HEADER, civil, line


def owners(*lines: str, skip_bad: bool = False) -> extracts.LoadReport:
    text = "\n".join(("national_id,mobile", *lines)) + "\n"
    return services.load_mobile_owners(source=io.BytesIO(text.encode()), skip_bad=skip_bad)


def batches_of(monkeypatch: pytest.MonkeyPatch, lines: int) -> None:
    monkeypatch.setattr(extracts, "BATCH", lines)
    monkeypatch.setattr(extracts, "COPY_BATCH", lines)


def national_id(number: int) -> str:
    digits = f"{number:09d}"
    remainder = sum(int(digit) * (10 - place) for place, digit in enumerate(digits)) % 11
    return digits + str(remainder if remainder < 2 else 11 - remainder)


def fields_with(field: str, parse: Callable[[str], Any]) -> tuple[Any, ...]:
    """The civil registry's fields, one of them read by `parse`."""
    plan = extract_rows._FIELDS[ExtractKind.CIVIL]
    return tuple(one._replace(take=parse, parse=parse) if one.name == field else one for one in plan)


def current_ids() -> set[str]:
    return set(CivilRecord.objects.filter(extract__state=ExtractState.CURRENT).values_list("national_id", flat=True))


@pytest.mark.django_db
class TestGoodLines:
    def test_a_line_is_stored_in_the_spelling_of_the_forms(self) -> None:
        report = civil(
            line(
                national_id="۰۰۱۲۳۴۵۶۷۹",
                first_name=" علي‌اكبر ",
                last_name="كريمي  نيا",
                birth_date="۱۳۷۰-۵-۱۷",
                birth_certificate_number="۰۰۱۲۵۴",
                birth_certificate_series="ا۰۷",
                birth_certificate_serial="۱۲۳۴",
                deceased="۱",
            )
        )
        assert (report.loaded, report.bad_count) == (1, 0)
        record = CivilRecord.objects.get()
        assert (record.national_id, record.first_name, record.last_name) == ("0012345679", "علی‌اکبر", "کریمی نیا")
        assert (record.birth_date, record.certificate_number) == (dt.date(1991, 8, 8), "1254")
        assert (record.series_letter, record.series_number) == ("الف", "07")
        assert (record.certificate_serial, record.deceased) == ("001234", True)

    @pytest.mark.parametrize(
        ("series", "letter", "number"),
        [("الف12", "الف", "12"), ("1105", "11", "05"), ("105", "1", "05"), ("ب 44", "ب", "44"), ("۹۰۱", "9", "01")],
    )
    def test_a_series_is_a_letter_or_number_and_two_digits(self, series: str, letter: str, number: str) -> None:
        civil(line(birth_certificate_series=series))
        record = CivilRecord.objects.get()
        assert (record.series_letter, record.series_number) == (letter, number)

    def test_columns_in_any_order_quotes_crlf_bom_and_blank_lines(self) -> None:
        names = list(reversed(GOOD))
        text = "\ufeff" + ",".join(names) + "\r\n\r\n" + ",".join(f'"{GOOD[name]}"' for name in names) + "\r\n   \r\n"
        report = services.load_civil_registry(source=io.BytesIO(text.encode()))
        assert (report.loaded, report.bad_count) == (1, 0)
        assert current_ids() == {"0012345679"}

    def test_a_gzip_file(self) -> None:
        services.load_civil_registry(source=io.BytesIO(gzip.compress(f"{HEADER}\n{line()}".encode())))
        assert current_ids() == {"0012345679"}

    def test_a_line_read_at_once_says_what_its_cells_say_one_by_one(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Every odd cell beside plain ones, and beside another odd one, in two orders of the columns."""
        odd = {
            "national_id": ["0012345678", "1111111111", "۰۰۱۲۳۴۵۶۷۹", "0123456789", " 0012345679"],
            "first_name": ["علی‌اکبر", "علی  اکبر", "علي", "ک" * 100, "ک" * 101, "ء", "ر\\", "", "رضا ", '"رضا"', "a"],
            "last_name": ["کریمی نیا", "کریمی‌", "‌کریمی", "ئ", "ک,", "ک" * 99 + " ک"],
            "birth_date": ["1370/5/17", "1370/13/01", "1399/12/30", "1400/12/30", "1991/08/08", "1370-05-17"],
            "gender": ["Male", "female", "females"],
            "birth_certificate_number": ["0", "00", "007", "", "1234567890", "12345678901"],
            "birth_certificate_series": ["1105", "105", "1005", "1205", "ا12", "0512", "الف1", "005"],
            "birth_certificate_serial": ["1", "000000", "1234567"],
            "deceased": ["1", "2", "۱"],
        }
        cells = [{}, *({column: cell} for column, found in odd.items() for cell in found)]
        rows = [GOOD | one | other for one in cells for other in cells]
        for names in (list(GOOD), sorted(GOOD)):
            lines = [",".join(row[name] for name in names).encode() for row in rows]
            header = ",".join(names).encode()
            at_once = list(map(extract_rows.parser(ExtractKind.CIVIL, header), range(len(lines)), lines))
            with monkeypatch.context() as patched:
                patched.setattr(extract_rows, "_plain_line", lambda *_args: lambda _text: None)
                one_by_one = list(map(extract_rows.parser(ExtractKind.CIVIL, header), range(len(lines)), lines))
            assert at_once == one_by_one

    def test_what_copy_would_take_for_its_own(self) -> None:
        civil(line(first_name="ر\\N", last_name="\\.ک\\t"))
        record = CivilRecord.objects.get()
        assert (record.first_name, record.last_name) == ("ر\\N", "\\.ک\\t")

    def test_owners_repeated_in_one_batch_and_over_several(self, monkeypatch: pytest.MonkeyPatch) -> None:
        batches_of(monkeypatch, 2)
        lines = [f"{owner},0912123456{mobile}" for owner in ("0012345679", "0123456789") for mobile in (7, 8, 7)]
        assert owners(*lines, *lines).loaded == 12
        assert MobileOwner.objects.count() == 4

    def test_several_mobiles_for_one_id_two_ids_on_one_mobile_and_a_repeated_line(self) -> None:
        report = owners(
            "0012345679,09121234567",
            "0012345679,+98 935 123 4567",
            "0123456789,09121234567",
            "0012345679,9121234567",
        )
        assert (report.loaded, report.bad_count) == (4, 0)
        assert set(MobileOwner.objects.values_list("national_id", "mobile")) == {
            ("0012345679", "+989121234567"),
            ("0012345679", "+989351234567"),
            ("0123456789", "+989121234567"),
        }


@pytest.mark.django_db
class TestBadLines:
    @pytest.mark.parametrize(
        ("column", "value", "reason"),
        [
            ("national_id", "0012345678", "checksum"),
            ("national_id", "12345678", "length"),
            ("national_id", "", "required"),
            ("first_name", " ", "required"),
            ("first_name", "\x00رضا", "name"),
            ("last_name", "---", "name"),
            ("last_name", "ک" * 101, "name_too_long"),
            ("birth_date", "1991-08-08", "gregorian"),
            ("birth_date", "1370/13/01", "date"),
            ("birth_date", "0999/01/01", "year"),
            ("birth_date", "", "date"),
            ("birth_date", "1499/01/01", "future"),
            ("gender", "مرد", "gender"),
            ("birth_certificate_number", "12345678901", "certificate"),
            ("birth_certificate_series", "الف1", "series"),
            ("birth_certificate_series", "الف123", "series_letter"),
            ("birth_certificate_series", "12", "series"),
            ("birth_certificate_series", "1205", "series_letter"),
            ("birth_certificate_series", "ظ12", "series_letter"),
            ("birth_certificate_serial", "1234567", "serial"),
            ("deceased", "2", "flag"),
            ("deceased", "", "flag"),
        ],
    )
    def test_a_bad_cell_is_named_by_line_column_and_reason(self, column: str, value: str, reason: str) -> None:
        report = civil(line(national_id=national_id(7)), line(**{column: value}), skip_bad=True)
        assert [(bad.number, bad.column, bad.reason) for bad in report.bad_lines] == [(3, column, reason)]
        assert current_ids() == {national_id(7)}
        sentence = texts.bad_line(report.bad_lines[0])
        assert "3" in sentence
        assert column in sentence

    @pytest.mark.parametrize(
        ("raw", "reason"),
        [
            (line().encode() + b",x", "cell_count"),
            (b"0012345679", "cell_count"),
            (line().encode("utf-16-le"), "not_utf8"),
            (line(first_name='"رضا').encode(), "not_csv"),
            (line(first_name="ر" * 5_000).encode(), "line_too_long"),
        ],
    )
    def test_a_line_that_is_no_record_spoils_only_itself(self, raw: bytes, reason: str) -> None:
        after = line(national_id=national_id(7)).encode()
        source = io.BytesIO(b"\n".join((HEADER.encode(), raw.replace(b"\n", b""), after)))
        report = services.load_civil_registry(source=source, skip_bad=True)
        assert [(bad.number, bad.column, bad.reason) for bad in report.bad_lines] == [(2, "", reason)]
        assert current_ids() == {national_id(7)}
        assert "2" in texts.bad_line(report.bad_lines[0])

    @pytest.mark.parametrize(
        ("mobile", "reason"),
        [("02188888888", "landline"), ("+905321234567", "foreign"), ("0912", "mobile"), ("", "required")],
    )
    def test_a_bad_mobile(self, mobile: str, reason: str) -> None:
        report = owners("0012345679,09121234567", f"0012345679,{mobile}", skip_bad=True)
        assert [(bad.number, bad.column, bad.reason) for bad in report.bad_lines] == [(3, "mobile", reason)]

    def test_a_national_id_twice_is_a_bad_line_near_or_far(self, monkeypatch: pytest.MonkeyPatch) -> None:
        batches_of(monkeypatch, 2)
        lines = [line(), line(first_name="علی"), line(national_id=national_id(7)), line(national_id="۰۰۱۲۳۴۵۶۷۹")]
        report = civil(*lines, skip_bad=True)
        assert [(bad.number, bad.reason) for bad in report.bad_lines] == [(3, "repeated"), (5, "repeated")]
        assert report.loaded == 2
        assert CivilRecord.objects.get(national_id="0012345679").first_name == "رضا"

    def test_every_reason_has_a_sentence_that_repeats_no_data(self) -> None:
        with pytest.raises(PortalError) as refused:
            civil(line(), line(national_id="0012345678", last_name="پنهانی"))
        said = "\n".join([*texts.bad_lines(refused.value.values["report"]), texts.sentence(refused.value)])  # type: ignore[arg-type]
        assert "0012345678" not in said
        assert "پنهانی" not in said

    def test_only_the_first_bad_lines_are_named_but_all_are_counted(self) -> None:
        with pytest.raises(PortalError) as refused:
            civil(*[line(gender="?")] * 50)
        report = refused.value.values["report"]
        assert isinstance(report, extracts.LoadReport)
        assert (report.bad_count, len(report.bad_lines)) == (50, extracts.BAD_LINES_NAMED)
        assert "30" in texts.bad_lines(report)[-1]


@pytest.mark.django_db
class TestWhatEndsALoad:
    @pytest.fixture(autouse=True)
    def _loaded(self) -> None:
        civil(line(national_id=national_id(1)))

    def refused(self, code: str, source: Any, **options: Any) -> PortalError:
        with pytest.raises(PortalError) as refused:
            services.load_civil_registry(source=source, **options)
        assert refused.value.code == code
        assert texts.sentence(refused.value)
        assert current_ids() == {national_id(1)}
        return refused.value

    def test_a_load_replaces_the_whole_extract_of_its_kind_only(self) -> None:
        owners("0012345679,09121234567")
        civil(line(), line(national_id=national_id(2)))
        assert current_ids() == {"0012345679", national_id(2)}
        assert MobileOwner.objects.filter(extract__state=ExtractState.CURRENT).count() == 1

    def test_one_bad_line_and_nothing_is_loaded(self) -> None:
        error = self.refused("extract_bad_lines", io.BytesIO(f"{HEADER}\n{line()}\n{line(gender='?')}".encode()))
        report = error.values["report"]
        assert isinstance(report, extracts.LoadReport)
        assert report.bad_lines[0].number == 3

    @pytest.mark.parametrize("body", ["", "\n\n", line(gender="?")], ids=["header only", "blank", "all bad"])
    def test_an_empty_extract_would_refuse_everybody(self, body: str) -> None:
        self.refused("extract_empty", io.BytesIO(f"{HEADER}\n{body}".encode()), skip_bad=True)

    @pytest.mark.parametrize(
        ("header", "part", "names"),
        [
            (HEADER.replace(",gender", ""), "missing", ["gender"]),
            (HEADER + ",father", "unknown", ["father"]),
            (HEADER + ",gender", "repeated", ["gender"]),
            (HEADER.replace(",", " "), "missing", HEADER.split(",")),
            ("", "missing", HEADER.split(",")),
            (HEADER + ",", "unknown", [""]),
        ],
    )
    def test_a_header_that_is_not_exactly_the_columns(self, header: str, part: str, names: list[str]) -> None:
        error = self.refused("extract_header", io.BytesIO(f"{header}\n{line()}\n".encode()))
        assert error.values[part] == names
        assert "national_id" in texts.sentence(error)

    def test_a_truncated_gzip_file(self) -> None:
        body = "\n".join(line(national_id=national_id(number)) for number in range(2, 2_000))
        self.refused("extract_unreadable", io.BytesIO(gzip.compress(f"{HEADER}\n{body}".encode())[:-200]))

    def test_gzip_that_is_damaged_in_the_middle(self) -> None:
        body = "\n".join(line(national_id=national_id(number)) for number in range(2, 2_000))
        packed = bytearray(gzip.compress(f"{HEADER}\n{body}".encode()))
        packed[len(packed) // 2 : len(packed) // 2 + 50] = bytes(50)
        self.refused("extract_unreadable", io.BytesIO(bytes(packed)))

    def test_a_small_file_that_unzips_to_one_endless_line(self) -> None:
        bomb = gzip.compress(f"{HEADER}\n".encode()) + gzip.compress(b"x" * 10**7) * 100  # a gigabyte
        self.refused("extract_unreadable", io.BytesIO(bomb))  # once to warm what is cached
        tracemalloc.start()
        error = self.refused("extract_unreadable", io.BytesIO(bomb), skip_bad=True)
        highest = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert error.values["after_line"] == 1
        assert highest < 10**7

    def test_lines_that_are_too_long_in_several_blocks(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(extract_lines, "BLOCK", 1_000)
        text = "\n".join([HEADER, "x" * 9_999, line(), "y" * 4_001, line(national_id=national_id(2)), "z" * 5_000])
        report = services.load_civil_registry(source=io.BytesIO(text.encode()), skip_bad=True)
        assert [(bad.number, bad.reason) for bad in report.bad_lines] == [(n, "line_too_long") for n in (2, 4, 6)]
        assert current_ids() == {"0012345679", national_id(2)}

    def test_a_refusal_of_the_database_is_named_without_what_it_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def full(*_args: Any) -> None:
            raise DataError('CONTEXT: COPY, line 1, column first_name: "پنهانی"')

        monkeypatch.setattr(Store, "write", full)
        error = self.refused("extract_database", io.BytesIO(f"{HEADER}\n{line()}".encode()))
        assert error.__suppress_context__
        assert texts.sentence(error).count("DataError") == 1
        assert Extract.objects.filter(state=ExtractState.RETIRED).count() == 1

    def test_ctrl_c_in_the_middle_of_a_batch(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def press(_text: str) -> str:
            raise KeyboardInterrupt

        monkeypatch.setattr(extract_rows, "_FIELDS", {ExtractKind.CIVIL: fields_with("certificate_serial", press)})
        with pytest.raises(KeyboardInterrupt):
            services.load_civil_registry(source=io.BytesIO(f"{HEADER}\n{line()}".encode()))
        assert current_ids() == {national_id(1)}
        assert services.purge_extracts() == 1

    def test_an_interrupted_load_leaves_the_old_extract(self, monkeypatch: pytest.MonkeyPatch) -> None:
        batches_of(monkeypatch, 10)

        def stop(lines: int) -> None:
            if lines >= 30:
                raise KeyboardInterrupt

        body = "\n".join(line(national_id=national_id(number)) for number in range(2, 100))
        with pytest.raises(KeyboardInterrupt):
            services.load_civil_registry(source=io.BytesIO(f"{HEADER}\n{body}".encode()), progress=stop)
        assert CivilRecord.objects.count() == 31  # the batches it had written wait for the purge
        assert current_ids() == {national_id(1)}
        assert services.purge_extracts() == 1
        assert CivilRecord.objects.count() == 1

    def test_progress_counts_lines(self, monkeypatch: pytest.MonkeyPatch) -> None:
        batches_of(monkeypatch, 2)
        body = "\n".join(line(national_id=national_id(number)) for number in range(2, 7))
        told: list[int] = []
        services.load_civil_registry(source=io.BytesIO(f"{HEADER}\n{body}".encode()), progress=told.append)
        assert told == [2, 4, 5]


@pytest.mark.django_db
class TestChanges:
    def test_the_first_extract_is_all_new(self) -> None:
        assert civil(line(), line(national_id=national_id(7))).changes == Changes(added=2)

    @pytest.mark.parametrize(
        ("column", "value"),
        [
            ("first_name", "علی"),
            ("last_name", "محمدی"),
            ("birth_date", "1370/05/18"),
            ("gender", "female"),
            ("birth_certificate_number", "1255"),
            ("birth_certificate_series", "ب12"),
            ("birth_certificate_series", "الف13"),
            ("birth_certificate_serial", "345679"),
            ("deceased", "1"),
        ],
    )
    def test_people_added_changed_and_gone(self, column: str, value: str) -> None:
        stays, goes = [line(national_id=national_id(number)) for number in (1, 2)], line(national_id=national_id(3))
        civil(*stays, goes, line())
        new = [line(national_id=national_id(number)) for number in (4, 5, 6)]
        assert civil(*new, *reversed(stays), line(**{column: value})).changes == Changes(added=3, changed=1, gone=1)

    def test_the_same_file_again_changes_nothing(self) -> None:
        for expected in (Changes(added=5), Changes()):
            assert civil(*(line(national_id=national_id(number)) for number in range(1, 6))).changes == expected

    def test_a_mobile_that_changed_hands_is_one_gone_and_one_added(self) -> None:
        owners("0012345679,09121234567", "0123456789,09121234567", "0012345679,09351234567")
        report = owners("0012345679,09121234567", "0012345679,09121234567", "0123456789,09351234567")
        assert report.changes == Changes(added=1, gone=2)

    def test_another_load_that_was_quicker_is_what_this_one_is_compared_with(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        civil(line(national_id=national_id(1)))
        real = extract_pieces.compare

        def meanwhile(**options: Any) -> Changes:
            monkeypatch.setattr(extract_pieces, "compare", real)
            civil(line(), line(national_id=national_id(2)))
            return real(**options)

        monkeypatch.setattr(extract_pieces, "compare", meanwhile)
        assert civil(line()).changes == Changes(gone=1)


@pytest.mark.django_db
class TestGenerations:
    def test_the_database_refuses_two_current_extracts_of_a_kind(self) -> None:
        civil(line())
        with pytest.raises(IntegrityError), transaction.atomic():
            Extract.objects.create(kind=ExtractKind.CIVIL, state=ExtractState.CURRENT)
        Extract.objects.create(kind=ExtractKind.OWNERS, state=ExtractState.CURRENT)

    def test_a_purge_keeps_what_is_in_use_and_what_is_being_loaded(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(extract_pieces, "PIECE", 2)
        civil(*(line(national_id=national_id(number)) for number in range(1, 6)))
        owners("0012345679,09121234567")
        civil(line())
        loading = Extract.objects.create(kind=ExtractKind.CIVIL)
        killed = Extract.objects.create(kind=ExtractKind.CIVIL, touched_at=timezone.now() - timedelta(hours=2))
        assert services.purge_extracts(dry_run=True) == 2
        assert Extract.objects.count() == 5
        assert services.purge_extracts() == 2
        assert CivilRecord.objects.count() == MobileOwner.objects.count() == 1
        assert Extract.objects.filter(pk=loading.pk).exists()
        assert not Extract.objects.filter(pk=killed.pk).exists()
        assert services.purge_extracts() == 0

    def test_a_load_that_wakes_up_after_its_purge_gives_up(self, monkeypatch: pytest.MonkeyPatch) -> None:
        batches_of(monkeypatch, 2)
        monkeypatch.setattr(extracts, "ABANDONED_AFTER", timedelta(0))
        body = "\n".join(line(national_id=national_id(number)) for number in range(2, 7))
        source = io.BytesIO(f"{HEADER}\n{body}".encode())
        with pytest.raises(PortalError, match="extract_abandoned") as refused:
            services.load_civil_registry(source=source, progress=lambda _lines: services.purge_extracts() and None)
        assert texts.sentence(refused.value)
        assert not Extract.objects.exists()
        assert not CivilRecord.objects.exists()

    @pytest.mark.faults
    def test_many_lines_take_no_more_memory_than_few(self, monkeypatch: pytest.MonkeyPatch) -> None:
        batches_of(monkeypatch, 500)
        monkeypatch.setattr(extract_lines, "BLOCK", 16_384)

        def peak(count: int) -> int:
            gc.collect()
            tracemalloc.start()
            report = services.load_mobile_owners(source=Lines(count))  # type: ignore[arg-type]
            highest = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
            assert report.loaded == count
            return highest

        few = peak(2_000)
        assert peak(20_000) - few < 500_000  # eighteen thousand lines kept as bytes would be a million


class Lines(io.RawIOBase):
    """A file of `count` owners that exists nowhere as a whole."""

    def __init__(self, count: int) -> None:
        self._lines: Iterator[str] = (f"{national_id(number)},0912{number:07d}\n" for number in range(1, count + 1))
        self._rest = b"national_id,mobile\n"

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        text = self._rest or next(self._lines, "").encode()
        chunk, self._rest = text[: len(buffer)], text[len(buffer) :]
        buffer[: len(chunk)] = chunk
        return len(chunk)


@pytest.mark.django_db(transaction=True)
def test_two_loads_at_once_end_with_one_whole_extract() -> None:
    both_filled = threading.Barrier(2, timeout=30)
    failures: list[BaseException] = []

    def run(start: int) -> None:
        body = "\n".join(line(national_id=national_id(start + number)) for number in range(50))
        source = io.BytesIO(f"{HEADER}\n{body}".encode())
        try:
            services.load_civil_registry(source=source, progress=lambda _lines: both_filled.wait() and None)
        except BaseException as error:
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(start,)) for start in (1_000, 2_000)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []
    assert Extract.objects.filter(state=ExtractState.CURRENT).count() == 1
    assert current_ids() in ({national_id(start + number) for number in range(50)} for start in (1_000, 2_000))
    assert services.purge_extracts() == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no connection to lose")
def test_a_connection_lost_in_the_middle_of_a_copy(monkeypatch: pytest.MonkeyPatch) -> None:
    civil(line(national_id=national_id(1)))

    def cut(text: str) -> str:
        if text == "000666":
            with contextlib.closing(connection.copy()) as other, other.cursor() as cursor:
                cursor.execute("SELECT pg_terminate_backend(%s)", [connection.connection.info.backend_pid])
        return text

    batches_of(monkeypatch, 3_000)
    monkeypatch.setattr(extract_rows, "_FIELDS", {ExtractKind.CIVIL: fields_with("certificate_serial", cut)})
    body = (
        "\n".join(
            line(national_id=national_id(n), birth_certificate_serial=f"{n % 5_000:06}") for n in range(2, 12_000)
        )
        .replace("000666", "000667")
        .replace("004500", "000666")
    )
    with pytest.raises(PortalError, match="extract_database") as refused:
        services.load_civil_registry(source=io.BytesIO(f"{HEADER}\n{body}".encode()))
    assert texts.sentence(refused.value)
    assert current_ids() == {national_id(1)}
    assert services.purge_extracts() == 1  # it was given up over a new connection
    assert CivilRecord.objects.count() == 1


@pytest.mark.django_db
class TestCommands:
    def run(self, command: str, tmp_path: Path, text: str, *options: str) -> tuple[str, str]:
        path = tmp_path / "extract.csv"
        path.write_bytes(text.encode())
        out, err = io.StringIO(), io.StringIO()
        try:
            call_command(command, str(path), *options, stdout=out, stderr=err)
        except CommandError as error:
            return "refused", f"{err.getvalue()}{error}"
        return out.getvalue(), err.getvalue()

    def test_a_good_file_is_loaded_and_the_old_generation_deleted(self, tmp_path: Path) -> None:
        civil(line(national_id=national_id(1)))
        out, err = self.run("load_civil_registry", tmp_path, f"{HEADER}\n{line()}\n")
        assert "1" in out
        assert err == ""
        assert set(CivilRecord.objects.values_list("national_id", flat=True)) == {"0012345679"}
        out, _ = self.run("load_mobile_owners", tmp_path, "national_id,mobile\n0012345679,09121234567\n")
        assert "1" in out
        assert MobileOwner.objects.count() == 1

    def test_a_bad_file_is_refused_with_the_number_of_the_line(self, tmp_path: Path) -> None:
        civil(line(national_id=national_id(1)))
        text = f"{HEADER}\n{line()}\n{line(national_id=national_id(2), deceased='7')}\n"
        out, err = self.run("load_civil_registry", tmp_path, text)
        assert out == "refused"
        assert "3، deceased" in err
        assert "--skip-bad" in err
        assert current_ids() == {national_id(1)}

    def test_skip_bad_names_what_it_leaves_out(self, tmp_path: Path) -> None:
        text = f"{HEADER}\n{line()}\n{line(national_id='1')}\n"
        out, err = self.run("load_civil_registry", tmp_path, text, "--skip-bad")
        assert "1" in out
        assert "3، national_id" in err
        assert current_ids() == {"0012345679"}

    def test_a_file_that_is_not_there(self) -> None:
        with pytest.raises(CommandError, match=r"nowhere\.csv"):
            call_command("load_mobile_owners", "/nowhere.csv")

    def test_ctrl_c_is_answered_with_a_sentence(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def press(*_args: Any) -> None:
            raise KeyboardInterrupt

        civil(line(national_id=national_id(1)))
        monkeypatch.setattr(extracts, "_switch", press)
        out, err = self.run("load_civil_registry", tmp_path, f"{HEADER}\n{line()}\n")
        assert out == "refused"
        assert err == texts.sentence("interrupted")
        assert current_ids() == {national_id(1)}

    @pytest.mark.parametrize("packed", [bytes, gzip.compress], ids=["plain", "gzip"])
    def test_standard_input(self, monkeypatch: pytest.MonkeyPatch, packed: Callable[[bytes], bytes]) -> None:
        stdin = io.TextIOWrapper(io.BytesIO(packed(b"national_id,mobile\n0012345679,09121234567\n")))
        monkeypatch.setattr("sys.stdin", stdin)
        call_command("load_mobile_owners", "-", stdout=io.StringIO())
        assert MobileOwner.objects.count() == 1

    def test_what_is_new_is_said(self, tmp_path: Path) -> None:
        civil(line(), line(national_id=national_id(1)), line(national_id=national_id(2)))
        new = [line(national_id=national_id(number)) for number in range(3, 7)]
        out, _ = self.run("load_civil_registry", tmp_path, "\n".join([HEADER, line(gender="female"), *new]))
        assert [number for number in re.findall(r"\d+", out) if number != "0"] == ["5", "4", "1", "2"]

    def test_a_polite_kill_is_answered_like_ctrl_c(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def kill(*_args: Any) -> None:
            os.kill(os.getpid(), signal.SIGTERM)

        civil(line(national_id=national_id(1)))
        before = signal.getsignal(signal.SIGTERM)
        monkeypatch.setattr(extracts, "_switch", kill)
        out, err = self.run("load_civil_registry", tmp_path, f"{HEADER}\n{line()}\n")
        assert (out, err) == ("refused", texts.sentence("interrupted"))
        assert signal.getsignal(signal.SIGTERM) is before
        assert current_ids() == {national_id(1)}

    def test_ctrl_c_while_the_old_generation_is_deleted(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def press(_extract: Extract) -> None:
            raise KeyboardInterrupt

        civil(line(national_id=national_id(1)))
        monkeypatch.setattr(extract_pieces, "delete", press)
        out, err = self.run("load_civil_registry", tmp_path, f"{HEADER}\n{line()}\n")
        assert "1" in out
        assert err == ""
        assert current_ids() == {"0012345679"}
