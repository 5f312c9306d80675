"""`manage.py rotate_signing_key`, the checks of the keys, and what the processes see of it."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import DatabaseError
from django.utils import timezone
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from common import limits
from common.installation import ensure_mode
from openid import checks, key_files, keys, rotation
from openid.models import ServiceEvent
from tamin_portal.startup import refuse_unsafe
from tests.support import openid
from tests.support.paths import ROOT

pytestmark = pytest.mark.django_db

WHO = ["--by", "maryam", "--reason", "every half year"]


@pytest.fixture
def folder(tmp_path: Path, settings) -> Path:
    settings.OPENID_KEYS = str(tmp_path / "keys")
    rotation.make_first_keys()
    keys.look_again()
    return tmp_path / "keys"


def rotate(*more: str) -> None:
    call_command("rotate_signing_key", *WHO, *more)


def kid_of(token: str) -> str:
    return str(jwt.decode(token, KeySet.import_key_set(keys.public_jwks())).header["kid"])


def published() -> set[str]:
    return {key["kid"] for key in keys.public_jwks()["keys"]}


def older(folder: Path, by: timedelta) -> None:
    """Make every file there look as if it were made so much earlier."""
    for name in key_files.names(folder):
        made_at = key_files.read(folder / name).made_at - by
        (folder / name).rename(folder / f"{made_at:%Y%m%dT%H%M%SZ}{name[16:]}")
    keys.look_again()


def found() -> set[str]:
    return {str(message.id) for message in run_checks(tags=["portal"]) if str(message.id).startswith("openid.")}


class TestTheCommand:
    def test_new_keys_are_published_at_once_and_sign_a_day_later(self, folder: Path, capsys):
        before = kid_of(keys.sign({}, "ES256"))
        rotate()
        said = capsys.readouterr().out
        assert "are published now and sign from" in said
        assert "costs" not in said
        assert kid_of(keys.sign({}, "ES256")) == before
        assert len(published()) == 4

        older(folder, limits.OPENID_KEY_SIGNS_AFTER + timedelta(seconds=1))  # it came a second after the first keys
        after = kid_of(keys.sign({}, "ES256"))
        assert after != before
        assert before in published()

        older(folder, limits.OPENID_KEY_STAYS)
        assert before not in published()
        assert after in published()

    def test_a_new_key_comes_after_all_others_also_when_the_clock_was_set_back(self, folder: Path):
        older(folder, -timedelta(hours=3))
        before = kid_of(keys.sign({}, "ES256"))
        for _ in range(3):
            rotate("--algorithm", "ES256")
        assert kid_of(keys.sign({}, "ES256")) == before
        times = [key.made_at for key in keys.usable(folder) if key.algorithm == "ES256"]
        assert sorted(set(times)) == times

    def test_of_one_algorithm(self, folder: Path):
        rotate("--algorithm", "RS256")
        assert sorted(key["alg"] for key in keys.public_jwks()["keys"]) == ["ES256", "RS256", "RS256"]

    def test_files_whose_time_is_over_are_removed(self, folder: Path, capsys):
        first = set(key_files.names(folder))
        rotate()
        older(folder, limits.OPENID_KEY_SIGNS_AFTER + limits.OPENID_KEY_KEPT + timedelta(minutes=1))
        assert len(key_files.names(folder)) == 4
        rotate()
        assert len(key_files.names(folder)) == 4
        assert capsys.readouterr().out.count("removed") == 2
        assert not {name[-20:] for name in first} & {name[-20:] for name in key_files.names(folder)}

    def test_it_is_on_record_and_holds_no_key(self, folder: Path):
        rotate("--now")
        event = ServiceEvent.objects.get()
        assert (event.kind, event.actor, event.reason) == ("key_rotated", "maryam", "every half year")
        assert event.details["at_once"] is True
        assert len(event.details["made"]) == len(event.details["removed"]) == 2
        assert "PRIVATE" not in str(event.details)

    def test_without_a_folder_in_the_settings_it_says_so(self, settings):
        settings.OPENID_KEYS = ""
        with pytest.raises(CommandError, match="OPENID_KEYS is not set"):
            rotate()

    def test_a_folder_that_cannot_be_written_is_named(self, settings, tmp_path: Path):
        (tmp_path / "file").write_text("")
        settings.OPENID_KEYS = str(tmp_path / "file" / "keys")
        with pytest.raises(CommandError, match="cannot be written"):
            rotate()


class TestALeakedKey:
    def test_is_gone_at_once_and_believed_no_more(self, folder: Path, capsys):
        old = keys.sign({"sub": "x"}, "ES256")
        assert keys.verified(old)
        (folder / "20260101T000000Z-ES256-0123456789abcdef.pem").write_text("broken")  # whatever it was: gone too

        rotate("--now")

        said = capsys.readouterr().out
        assert "The new keys sign now" in said
        assert "What this costs" in said
        assert "/openid/jwks" in said
        assert len(published()) == len(key_files.names(folder)) == 2
        assert keys.verified(old) is None
        with pytest.raises(JoseError):
            jwt.decode(old, KeySet.import_key_set(keys.public_jwks()))
        assert kid_of(keys.sign({}, "ES256")) in published()
        assert kid_of(keys.sign({}, "RS256")) in published()

    def test_goes_also_while_the_database_is_away(self, folder: Path, monkeypatch, capsys):
        def away(**_facts: object) -> None:
            raise DatabaseError

        monkeypatch.setattr(ServiceEvent.objects, "create", away)
        before = published()
        rotate("--now")
        assert not before & published()
        assert "not on record" in capsys.readouterr().err

    def test_a_rotation_soon_after_it_keeps_the_overlap(self, folder: Path):
        rotate("--now")
        signs = kid_of(keys.sign({}, "ES256"))
        rotate()
        assert kid_of(keys.sign({}, "ES256")) == signs


@pytest.mark.faults
def test_another_process_signs_with_what_this_one_made(folder: Path):
    """Two processes share the folder: each checks what the other signed, before and after an emergency."""
    program = (
        "import sys, django; django.setup()\n"
        "from openid import keys\n"
        "for line in sys.stdin:\n"
        "    print(keys.sign({'sub': line.strip()}, 'ES256'), flush=True)\n"
    )
    env = os.environ | {"DJANGO_SETTINGS_MODULE": "tamin_portal.settings", "OPENID_KEYS": str(folder)}
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=env
    ) as other:
        assert other.stdin
        assert other.stdout

        def signed(word: str) -> str:
            assert other.stdin
            assert other.stdout
            other.stdin.write(f"{word}\n")
            other.stdin.flush()
            return other.stdout.readline().strip()

        assert keys.verified(signed("one")) == {"sub": "one"}
        rotate("--now")
        ends = timezone.now() + timedelta(seconds=limits.OPENID_KEYS_READ_EVERY + 20)
        while keys.verified(signed("two")) is None:  # until it looks into the folder again
            assert timezone.now() < ends
        other.stdin.close()


class TestChecks:
    def test_good_keys_are_good(self, folder: Path):
        assert found() == set()

    def test_a_broken_file_is_named_and_stops_no_start(self, folder: Path, caplog):
        (folder / "20260101T000000Z-ES256-0123456789abcdef.pem").write_text("broken")
        assert found() == {"openid.E002"}
        ensure_mode(fresh=True)
        refuse_unsafe()
        assert "is broken" in caplog.text
        assert keys.sign({}, "ES256")

    def test_a_file_that_cannot_be_read_is_named(self, folder: Path):
        name = key_files.names(folder)[0]
        (folder / name).unlink()
        (folder / name).mkdir()  # root may read any file, so not by its mode
        assert found() == {"openid.E002"}

    @pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
    def test_a_file_that_others_may_read_is_refused(self, folder: Path, mode: int):
        (folder / key_files.names(folder)[0]).chmod(mode)
        assert found() == {"openid.E003"}
        with pytest.raises(ImproperlyConfigured, match="chmod 600"):
            refuse_unsafe()

    def test_a_folder_that_others_may_write_into_is_refused(self, folder: Path):
        folder.chmod(0o770)
        assert found() == {"openid.E003"}

    def test_outside_a_demo_keys_have_to_be_there(self, folder: Path, settings):
        settings.DEMO = False
        assert found() == set()
        for name in key_files.names(folder):
            if "RS256" in name:
                (folder / name).unlink()
        assert found() == {"openid.E004"}
        settings.OPENID_KEYS = str(folder / "none")
        assert found() == {"openid.E001"}
        settings.OPENID_KEYS = ""
        assert found() == set()

    def test_an_old_key_is_warned_of(self, folder: Path, settings):
        settings.DEMO = False
        older(folder, limits.OPENID_KEY_OLD + timedelta(days=1))
        assert found() == {"openid.W001"}

    def test_connected_services_need_keys(self, settings):
        ensure_mode(fresh=True)
        settings.OPENID_KEYS = ""
        assert not checks.services_have_keys(databases=["default"])
        openid.service()
        assert not checks.services_have_keys()
        assert checks.services_have_keys(databases=["default"])
        with pytest.raises(ImproperlyConfigured, match="OPENID_SUBJECT_KEY"):
            refuse_unsafe()

    @pytest.mark.parametrize(
        ("key", "fault"),
        [
            ("", "portal.E080"),
            ("short", "portal.E080"),
            ("demo-" + "x" * 60, "portal.E080"),
            ("changeme" * 8, "portal.E082"),
            ("SECRET_KEY", "portal.E081"),
            ("CODE_HASH_KEY", "portal.E081"),
            ("ANSWER_HASH_KEY", "portal.E081"),
        ],
    )
    def test_the_key_of_the_subjects_is_a_key_of_its_own(self, production, key: str, fault: str):
        production.OPENID_SUBJECT_KEY = getattr(production, key, key) if key.isupper() else key
        assert fault in {message.id for message in run_checks(tags=["portal"])}
        production.OPENID_SUBJECT_KEY = production.OPENID_KEYS = ""  # no service can be connected
        assert fault not in {message.id for message in run_checks(tags=["portal"])}


def test_a_demo_makes_its_first_keys_once(settings, tmp_path: Path):
    settings.OPENID_KEYS = str(tmp_path / "home" / "keys")
    rotation.make_first_keys()
    first = key_files.names(tmp_path / "home" / "keys")
    rotation.make_first_keys()
    assert key_files.names(tmp_path / "home" / "keys") == first
    assert len(first) == 2
