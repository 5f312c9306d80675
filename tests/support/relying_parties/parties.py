"""One class for each client: how its service is started and connected, and what a citizen presses there."""

from __future__ import annotations

import html
import json
import os
import re
import shlex
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import dropwhile, takewhile
from pathlib import Path
from typing import Any, ClassVar

import pytest

from tests.support.live import Portal, free_port, inherited
from tests.support.paths import ROOT
from tests.support.peer_programs import Program, lacking, listens, need, running
from tests.support.relying_parties.browser import Browser
from tests.support.sms_stubs.smpp import node

MODULE = Path("/usr/lib/apache2/modules/mod_auth_openidc.so")


# What a client can do → the row of docs/connect-a-service.md. A test in tests/peers/ shows each "yes" of it.
FEATURES = {
    "sign-in": "Signs in by code and PKCE, reads claims from the ID token and from userinfo",
    "step-up": "Asks for a code by SMS (`acr_values`), and sees it in `acr`",
    "sign-out": "Begins a sign-out, and the citizen is led back",
    "back-channel": "Is told of a sign-out, and ends that session alone",
    "refresh": "Uses its refresh token",
    "silence": "Asks anew in silence (`prompt=none`)",
    "pushed": "Pushes its request (PAR)",
    "issuer": "Refuses an answer with another `iss`",
    "keys": "Takes new keys: in time, and at once after a leak",
}
_VARIABLE = re.compile(r"([A-Z_]+)=(.*)")  # before a command
_ALL = {"sign-in", "step-up", "sign-out", "back-channel", "keys"}


class RelyingParty:
    """A running service, connected to `portal`. This class: one with the pages of `docs/clients/node`."""

    name: ClassVar[str]
    can: ClassVar[set[str]]
    callback, backchannel, signed_out = "/callback", "/backchannel", "/"

    def __init__(self, portal: Portal, folder: Path) -> None:
        self.portal, self.folder, self.port = portal, folder, free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.facts: dict[str, str] = json.loads(portal.home.manage(*self.adding()))

    @property
    def client_id(self) -> str:
        return self.facts["client_id"]

    def adding(self) -> list[str]:
        """The command of the portal that adds it."""
        return [
            *("service", "add", "--name", "نمونه", "--scope", "openid profile phone", "--json"),
            *("--redirect-uri", self.url + self.callback, "--logout-uri", self.url + self.backchannel),
            *("--post-logout-uri", self.url + self.signed_out),
        ]

    def env(self) -> dict[str, str]:
        names = {"ISSUER": self.portal.url, "PORT": str(self.port), "FOLDER": str(self.folder)}
        return inherited() | names | {"CLIENT_ID": self.client_id, "CLIENT_SECRET": self.facts["client_secret"]}

    def command(self) -> list[str]:
        raise NotImplementedError

    @contextmanager
    def started(self) -> Iterator[RelyingParty]:
        self.program = Program(self.folder, "service", self.command(), env=self.env())
        with running(self.program, lambda: listens(self.port)):
            yield self

    def sign_in(self, browser: Browser) -> None:
        browser.go(f"{self.url}/sign-in")
        browser.prove()

    def step_up(self, browser: Browser) -> None:
        """Ask for a code by SMS as well."""
        browser.go(f"{self.url}/sign-in?level=code")
        browser.prove()

    def told(self, browser: Browser) -> dict[str, Any]:
        """What the service was told of the citizen of its session here: `id_token`, `userinfo`; {} without one."""
        browser.go(f"{self.url}/")
        found = re.search(r"<pre[^>]*>(.*?)</pre>", browser.page.source, re.DOTALL)
        return json.loads(html.unescape(found[1])) if found else {}

    def ask_again(self, browser: Browser) -> None:
        """Have the service ask the portal anew, without the citizen."""
        browser.go(f"{self.url}/")
        browser.press_way("/refresh")

    def sign_out(self, browser: Browser) -> None:
        """Begin a sign-out at the service. Leads to the portal's question."""
        browser.go(f"{self.url}/")
        browser.press_way("/sign-out")

    def let_keys_be_read_again(self) -> None:
        """Where the client reads the portal's keys again only some time after the last time: that time passes."""

    def a_minute_passes(self) -> None:
        """By the service's own clock."""
        self.program.signal(signal.SIGUSR2)
        self.program.until(lambda: "a minute later" in self.program.said())


class Documented(RelyingParty):
    """One that is added and started by the two commands under `heading` in docs/connect-a-service.md, word for word but
    for ports, folders and what was made up meanwhile ("…")."""

    heading: ClassVar[str]

    def documented(self, number: int) -> list[str]:
        told = (ROOT / "docs/connect-a-service.md").read_text(encoding="utf-8").partition(f"# {self.heading}\n")[2]
        command = told.split("```\n")[1].replace("\\\n", " ").splitlines()[number]
        command = command.replace("http://127.0.0.1:9090", self.portal.url)
        return shlex.split(command.replace("127.0.0.1:8000", f"127.0.0.1:{self.port}").replace("$PWD", str(ROOT)))

    def adding(self) -> list[str]:
        program, manage, *arguments = self.documented(0)
        assert (program, manage) == (".venv/bin/python", "manage.py")
        return [word for word in arguments if not word.startswith(">")]

    def command(self) -> list[str]:
        """Without the variables before it; run elsewhere than in the checkout."""
        words = dropwhile(_VARIABLE.match, self.documented(1))
        return [str(ROOT / word) if word.startswith("docs/") else word for word in words]

    def env(self) -> dict[str, str]:
        """The names that the document gives, and no other ones."""
        ours = super().env()
        told = dict(_VARIABLE.match(word).groups() for word in takewhile(_VARIABLE.match, self.documented(1)))
        return inherited() | {name: ours.get(name, value) for name, value in told.items()}


class OpenidClient(Documented):
    """docs/clients/node: openid-client on Node, and jose for the logout tokens."""

    heading = "Node: openid-client"

    name, can = "openid-client", _ALL | {"refresh", "pushed", "issuer"}

    def command(self) -> list[str]:
        program, *arguments = super().command()
        assert program == "node"
        return [node(), "--import", str(Path(__file__).with_name("clock.mjs")), *arguments]

    def let_keys_be_read_again(self) -> None:
        """Each of the two libraries waits for a minute, or half of it, before it reads them again."""
        self.a_minute_passes()


class Authlib(Documented):
    """docs/clients/python: Authlib and joserfc."""

    name, can = "Authlib", _ALL | {"issuer"}
    heading = "Ten minutes with the demo"
    callback, backchannel, signed_out = "/callback", "/backchannel-logout", "/signed-out"

    def command(self) -> list[str]:
        (self.folder / "my-service.json").write_text(json.dumps(self.facts))
        program, *arguments = super().command()
        assert program == ".venv/bin/python"
        return [sys.executable, str(Path(__file__).with_name("clock.py")), *arguments]

    def sign_in(self, browser: Browser) -> None:
        browser.go(f"{self.url}/login")
        browser.prove()

    def step_up(self, browser: Browser) -> None:
        browser.go(f"{self.url}/records")
        browser.prove()

    def told(self, browser: Browser) -> dict[str, Any]:
        browser.go(f"{self.url}/")
        found = re.findall(r"<pre[^>]*>(.*?)</pre>", browser.page.source, re.DOTALL)
        return dict(zip(("id_token", "userinfo"), (json.loads(html.unescape(each)) for each in found), strict=False))

    def sign_out(self, browser: Browser) -> None:
        browser.go(f"{self.url}/")
        browser.press_way("/logout-everywhere")

    def let_keys_be_read_again(self) -> None:
        self.a_minute_passes()


class MozillaDjangoOidc(RelyingParty):
    """django_service.py beside this file."""

    name, can = "mozilla-django-oidc", _ALL | {"silence"}
    callback = "/oidc/callback/"

    def command(self) -> list[str]:
        return [sys.executable, str(Path(__file__).with_name("django_service.py"))]

    def env(self) -> dict[str, str]:
        return super().env() | {"PYTHONUTF8": "1"}


class ModAuthOpenidc(Documented):
    """docs/clients/apache in Debian's Apache; a copy, where the user can read it that Apache becomes."""

    heading = "Apache: mod_auth_openidc"

    name, can = "mod_auth_openidc", _ALL | {"refresh", "issuer"}
    callback, backchannel = "/service/answer", "/service/answer?logout=backchannel"

    def command(self) -> list[str]:
        if not MODULE.exists():
            lacking("needs mod_auth_openidc (package libapache2-mod-auth-openidc)")
        program, *arguments = super().command()
        need(Path(program).name)
        copied = [each.replace(str(ROOT / "docs/clients/apache"), self.pages) for each in arguments]
        return [program, *copied, "-c", "OIDCInfoHook id_token userinfo access_token"]

    def env(self) -> dict[str, str]:
        return super().env() | {"RUN": self.pages}

    @contextmanager
    def started(self) -> Iterator[RelyingParty]:
        with tempfile.TemporaryDirectory(prefix="apache") as folder:
            self.pages = str(Path(folder, "apache"))
            shutil.copytree(ROOT / "docs/clients/apache", self.pages)
            os.chmod(folder, 0o755)
            with super().started():
                yield self

    def sign_in(self, browser: Browser) -> None:
        browser.go(f"{self.url}/service/")
        browser.prove()

    def step_up(self, browser: Browser) -> None:
        browser.go(f"{self.url}/service/sure/")
        browser.prove()

    def told(self, browser: Browser) -> dict[str, Any]:
        browser.go(f"{self.url}/service/answer?info=json")
        return json.loads(browser.page.source) if browser.page.status == 200 else {}

    def ask_again(self, browser: Browser) -> None:
        token = self.told(browser)["access_token"]
        browser.go(f"{self.url}/service/answer?refresh={self.url}/&access_token={token}")

    def sign_out(self, browser: Browser) -> None:
        browser.go(f"{self.url}/service/answer?logout={self.url}/")


PARTIES: tuple[type[RelyingParty], ...] = (Authlib, OpenidClient, MozillaDjangoOidc, ModAuthOpenidc)


def that_can(feature: str) -> list[Any]:
    """The clients that have `feature`, for `parametrize`."""
    assert feature in FEATURES
    return [pytest.param(each, id=each.name) for each in PARTIES if feature in each.can]
