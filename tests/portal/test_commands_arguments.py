"""What administrators type after a command's name: days of both calendars, and no number that means nothing."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()


@pytest.mark.parametrize("day", ["1405/09/02", "1405-9-2", "۱۴۰۵/۰۹/۰۲", "2026-11-23", "2026/11/23"])
def test_what_was_asked_on_a_day_of_either_calendar(day):
    assert json.loads(run("identity_usage", "--json", "--day", day))["day"] == "2026-11-23"


@pytest.mark.parametrize("day", ["yesterday", "1405/13/01", "1405-12-30", "14050902", "2026-02-30", "2026-W12-1", ""])
def test_what_is_no_day_is_answered_with_how_to_write_one(day):
    with pytest.raises(CommandError, match=r"is no day.*1405/09/02.*2026-11-23"):
        run("identity_usage", "--day", day)


@pytest.mark.parametrize("number", ["-1", "1.5", "many", "9" * 30, ""])
@pytest.mark.parametrize("command", ["matching_status --held", "matching_status --oldest", "sms_backlog --queue"])
def test_a_threshold_that_is_no_number_from_0_on_is_refused(command, number):
    with pytest.raises(CommandError, match="whole number from 0"):
        run(*command.split(), number)


def test_thresholds_of_0_and_in_persian_digits_are_taken():
    run("matching_status", "--held", "0", "--waiting", "۱۰")
    run("sms_backlog", "--queue", "0")


@pytest.mark.parametrize("command", ["load_civil_registry", "load_mobile_owners"])
@pytest.mark.parametrize("content", [b"", b"\n", b"\r\n \n", b"\xef\xbb\xbf"])
def test_a_file_without_anything_in_it_is_called_empty(tmp_path: Path, command, content):
    file = tmp_path / "extract.csv"
    file.write_bytes(content)
    with pytest.raises(CommandError, match="فایل خالی است"):
        run(command, str(file))
