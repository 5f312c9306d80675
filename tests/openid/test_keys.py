"""The signing keys: which one signs, which are published, and that no service which keeps them for a day ever fails."""

from __future__ import annotations

import itertools
import os
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.utils import timezone
from joserfc import jwt
from joserfc.jwk import KeySet

from common import limits
from common.errors import PortalError
from openid import key_files, keys
from openid.key_files import SigningKey

DAY = timedelta(days=1)
START = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def folder(tmp_path: Path, settings) -> Path:
    settings.OPENID_KEYS = str(tmp_path / "keys")
    return tmp_path / "keys"


def stand_in(number: int, made_at: datetime, algorithm: str = "ES256") -> SigningKey:
    """A key of which only the name is looked at."""
    return SigningKey(f"{number:016x}", algorithm, made_at, None, f"{number}")  # type: ignore[arg-type]


@pytest.mark.parametrize("algorithm", key_files.ALGORITHMS)
def test_a_token_is_checked_with_the_published_key(folder: Path, algorithm: str):
    for each in key_files.ALGORITHMS:
        key_files.make(folder, each, timezone.now())

    token = keys.sign({"sub": "x"}, algorithm, typ="logout+jwt")

    read = jwt.decode(token, KeySet.import_key_set(keys.public_jwks()), algorithms=[algorithm])
    assert read.claims == {"sub": "x"}
    assert read.header["typ"] == "logout+jwt"
    assert keys.verified(token) == {"sub": "x"}
    assert {(key["alg"], key["use"]) for key in keys.public_jwks()["keys"]} == {("ES256", "sig"), ("RS256", "sig")}


def test_nothing_private_is_published(folder: Path):
    for each in key_files.ALGORITHMS:
        key_files.make(folder, each, timezone.now())
    for key in keys.public_jwks()["keys"]:
        assert not {"d", "p", "q", "dp", "dq", "qi", "k"} & key.keys()


def test_without_a_key_nothing_is_signed(folder: Path):
    with pytest.raises(PortalError, match="no_signing_key"):
        keys.sign({}, "ES256")
    assert keys.public_jwks() == {"keys": []}


def test_the_only_key_signs_at_once_and_its_successor_after_a_day():
    first, second = stand_in(1, START), stand_in(2, START + 10 * DAY)
    both = [second, first]
    assert keys.signer([first], "ES256", START) is first
    assert keys.signer(both, "ES256", second.made_at) is first
    begins = second.made_at + limits.OPENID_KEY_SIGNS_AFTER
    assert keys.signer(both, "ES256", begins - timedelta(seconds=1)) is first
    assert keys.signer(both, "ES256", begins) is second
    assert keys.published(both, begins + limits.OPENID_KEY_STAYS - timedelta(seconds=1)) == both
    assert keys.published(both, begins + limits.OPENID_KEY_STAYS) == [second]


def test_a_service_that_keeps_keys_for_a_day_never_fails():
    """Two years, an hour a step; keys are made at random, also several within a day. Services have read the keys at
    some time within the last day, and check a token until its end."""
    chance, numbers = random.Random(14), itertools.count()
    made = [stand_in(next(numbers), START)]
    read: dict[int, tuple[datetime, set[str]]] = {}
    signed_by = set()
    for hour in range(2 * 365 * 24):
        now = START + timedelta(hours=hour)
        if chance.random() < 1 / 200:
            made.append(stand_in(next(numbers), now))
            if chance.random() < 0.3:
                made.append(stand_in(next(numbers), now + timedelta(minutes=40)))
        here = [key for key in made if key.made_at <= now]
        for service in range(24):  # each reads anew when what it has is a day old
            if service not in read or now - read[service][0] >= DAY or chance.random() < 0.01:
                read[service] = (now, {key.kid for key in keys.published(here, now)})
        for ago in (timedelta(0), limits.OPENID_ID_TOKEN):  # signed just now, or checked at its end
            signer = keys.signer([key for key in here if key.made_at <= now - ago], "ES256", now - ago)
            if signer is None:
                continue
            signed_by.add(signer.kid)
            assert all(signer.kid in known for _at, known in read.values()), now
        for key in keys.outlived(here, now, limits.OPENID_KEY_KEPT):  # as the command does
            made.remove(key)
    assert len(signed_by) > 50
    assert len(made) < 20


class TestWhatHappensToTheFolder:
    @pytest.fixture
    def held(self, folder: Path) -> keys.Folder:
        key_files.make(folder, "ES256", START)
        held = keys.Folder(folder)
        assert len(held.held()) == 1
        return held

    def again(self, held: keys.Folder) -> list[SigningKey]:
        held.look_at_next_call()
        return held.held()

    def test_what_is_made_or_removed_counts_at_the_next_call(self, held: keys.Folder, folder: Path):
        """Else a service that meets a new key and reads the keys anew gets, from another process, those of before."""
        (first,) = held.held()
        second = key_files.make(folder, "ES256", START + DAY)
        os.utime(folder, ns=(1, 1))  # disks count in steps that two changes may share
        assert [key.kid for key in held.held()] == [first.kid, second.kid]
        (folder / first.name).unlink()
        os.utime(folder, ns=(2, 2))
        assert [key.kid for key in held.held()] == [second.kid]

    def test_a_key_is_read_once_and_a_new_one_is_found(self, held: keys.Folder, folder: Path, monkeypatch):
        (first,) = held.held()
        second = key_files.make(folder, "ES256", START + DAY)
        reads = []
        real = key_files.read
        monkeypatch.setattr(key_files, "read", lambda path: reads.append(path.name) or real(path))
        found = self.again(held)
        assert [key.kid for key in found] == [first.kid, second.kid]
        assert found[0] is first
        assert reads == [second.name]

    def test_a_key_that_was_removed_is_gone(self, held: keys.Folder, folder: Path):
        (first,) = held.held()
        second = key_files.make(folder, "ES256", START + DAY)
        (folder / first.name).unlink()
        assert [key.kid for key in self.again(held)] == [second.kid]

    @pytest.mark.parametrize(
        ("name", "content"),
        [
            ("20260102T000000Z-ES256-0123456789abcdef.pem", b"-----BEGIN PRIVATE KEY-----\nnone\n"),
            ("20260102T000000Z-ES256-0123456789abcdef.pem", b""),
            ("20269902T000000Z-ES256-0123456789abcdef.pem", b""),
            ("notes.txt", b"x"),
        ],
    )
    def test_a_broken_file_stops_nothing_and_is_said_once(self, held, folder: Path, caplog, name: str, content: bytes):
        (first,) = held.held()
        (folder / name).write_bytes(content)
        assert self.again(held) == [first]
        assert self.again(held) == [first]
        assert sum("is not used" in line for line in caplog.messages) == 1

    def test_the_same_key_under_another_name_is_refused(self, held: keys.Folder, folder: Path):
        (first,) = held.held()
        (folder / "20260102T000000Z-ES256-0123456789abcdef.pem").write_bytes((folder / first.name).read_bytes())
        assert self.again(held) == [first]

    def test_a_folder_that_is_gone_or_empty_does_not_stop_what_runs(self, held: keys.Folder, folder: Path, caplog):
        (first,) = held.held()
        (folder / first.name).rename(folder.parent / first.name)
        assert self.again(held) == [first]
        folder.rmdir()
        assert self.again(held) == [first]
        assert len([line for line in caplog.messages if "still sign" in line]) == 1

    def test_a_file_that_was_damaged_after_it_was_read_still_signs(self, held: keys.Folder, folder: Path):
        (first,) = held.held()
        (folder / first.name).write_bytes(b"")
        assert self.again(held) == [first]


def test_only_its_owner_may_read_a_key(folder: Path):
    before = os.umask(0)
    try:
        made = key_files.make(folder, "ES256", START)
    finally:
        os.umask(before)
    assert (folder / made.name).stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_token_of_somebody_else_is_not_ours(folder: Path, tmp_path: Path):
    key_files.make(folder, "ES256", START)
    key_files.make(folder, "RS256", START)
    stranger = key_files.make(tmp_path / "other", "ES256", START)
    ours = keys.public_jwks()["keys"][0]["kid"]
    header = {"alg": "ES256", "kid": ours}
    forged = jwt.encode(header, {"sub": "x"}, stranger.key, algorithms=["ES256"])
    assert keys.verified(forged) is None
    assert keys.verified(jwt.encode({"alg": "ES256", "kid": stranger.kid}, {"sub": "x"}, stranger.key)) is None
    assert keys.verified("") is None
    assert keys.verified("a.b.c") is None
    good = keys.sign({"sub": "x"}, "ES256")
    head, body, _ = good.split(".")
    none = "eyJhbGciOiJub25lIn0"
    assert keys.verified(f"{none}.{body}.") is None
    assert keys.verified(f"{head}.{body}.") is None
