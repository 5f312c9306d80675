"""The walls of the house: each contract of pyproject.toml holds, and breaks when it should."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import grimp
import pytest

from tests.support.paths import ROOT

pytestmark = pytest.mark.project
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
SETTINGS = PROJECT["tool"]["importlinter"]
CONTRACTS: dict[str, dict[str, Any]] = {contract["name"]: contract for contract in SETTINGS["contracts"]}
LAYERS, FLOORS, WEB, CIRCLES, PURE = CONTRACTS  # in the order of pyproject.toml

# A file, and a line that must not stand in it.
BREACHES = [
    (LAYERS, "common/limits.py", "import sms.outbox"),
    (LAYERS, "common/leases.py", "from tamin_portal import startup"),
    (LAYERS, "sms/outbox.py", "from accounts.models import User"),
    (LAYERS, "sms/texts.py", "import mail.outbox"),
    (LAYERS, "identity/services.py", "from accounts.life import lifecycle"),
    (LAYERS, "accounts/life/notices.py", "from registration import states"),
    (LAYERS, "registration/services/transitions.py", "from tamin_portal import views"),
    (FLOORS, "accounts/codes/issuing.py", "from accounts.recovery import service"),
    (FLOORS, "accounts/models/people.py", "from accounts.life import history"),
    (WEB, "accounts/profile/changes.py", "from accounts.profile.views import profile"),
    (WEB, "accounts/recovery/service.py", "from accounts.recovery import session"),
    (WEB, "accounts/closing/service.py", "from accounts.closing import views"),
    (WEB, "accounts/codes/issuing.py", "from accounts.sign_in.forms import CodeForm"),
    (WEB, "registration/services/journey.py", "from registration.forms import steps"),
    (WEB, "registration/desk/service.py", "from registration.desk import session"),
    (WEB, "sms/outbox.py", "from sms import views"),
    (CIRCLES, "accounts/life/locking.py", "from accounts.codes import allowances"),
    (CIRCLES, "sms/models.py", "from sms import outbox"),
    (PURE, "common/persian.py", "from common import limits"),
    (PURE, "common/persian.py", "from common import leases"),
    (PURE, "common/limits.py", "from common.abuse import levels"),
]

# What shows that a module sees requests, forms or sessions: what it imports, or an argument of this name.
WEB_MODULES = (
    "django.contrib.auth.login",
    "django.contrib.auth.logout",
    "django.contrib.messages",
    "django.contrib.sessions.backends",
    "django.forms",
    "django.http",
    "django.middleware",
    "django.shortcuts",
    "django.template.response",
    "django.views",
)
WEB_ARGUMENT = "request"
ELSEWHERE = {  # what sees them and may be used by anybody, and why
    "accounts.backends": "Django hands the request to a backend",
    "accounts.sessions.keys": "changes the key of whatever session it is given",
    "common.abuse.hashing_places": "a hash in a request needs a place, wherever it is computed",
    "common.cookies": "a message storage of Django's",
    "tamin_portal.web_worker": "its requests are waitress's",
}


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's sources in a folder of their own."""
    folder = tmp_path_factory.mktemp("walls")
    for app in SETTINGS["root_packages"]:
        shutil.copytree(ROOT / app, folder / app, ignore=shutil.ignore_patterns("__pycache__", "migrations", "data"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


def lint(folder: Path) -> str:
    """What import-linter says of the sources in `folder`."""
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"]
    said = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False).stdout
    return " ".join(said.split())


def test_all_contracts_hold_and_each_is_broken_on_purpose(copy):
    assert {name for name, _file, _line in BREACHES} == set(CONTRACTS)
    said = lint(copy)
    assert " 0 broken" in said, said


@pytest.mark.parametrize(("contract", "file", "line"), BREACHES, ids=[f"{file}: {line}" for _, file, line in BREACHES])
def test_a_breach_is_refused(copy, contract, file, line):
    path = copy / file
    before = path.read_text(encoding="utf-8")
    path.write_text(f"{before}\n{line}\n", encoding="utf-8")
    try:
        said = lint(copy)
    finally:
        path.write_text(before, encoding="utf-8")
    assert f"{contract} BROKEN" in said, said


def sees_the_web(path: Path) -> bool:
    """Whether the file imports what pages are made of, or one of its functions takes a request."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = []
        if isinstance(node, ast.Import):
            names = [name.name for name in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{name.name}" for name in node.names]
        elif isinstance(node, ast.arg) and node.arg == WEB_ARGUMENT:
            return True
        if any(name == web or name.startswith(f"{web}.") for name in names for web in WEB_MODULES):
            return True
    return False


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph(*SETTINGS["root_packages"], cache_dir=None)


@pytest.fixture(scope="module")
def named(graph) -> set[str]:
    """The modules whose names say that they see a request, a form or a session."""
    tops = {
        module for pattern in CONTRACTS[WEB]["protected_modules"] for module in graph.find_matching_modules(pattern)
    }
    return tops | {inner for module in tops for inner in graph.find_descendants(module)}


@pytest.mark.parametrize(
    ("text", "sees"),
    [
        ("from django.http import HttpRequest", True),
        ("from django.contrib.auth import login", True),
        ("import django.forms", True),
        ("def let_in(request, user): ...", True),
        ("from django.contrib.auth.hashers import check_password", False),
        ("def let_in(user): ...", False),
    ],
)
def test_what_sees_the_web_is_seen(tmp_path, text, sees):
    (tmp_path / "module.py").write_text(text, encoding="utf-8")
    assert sees_the_web(tmp_path / "module.py") is sees


def test_whatever_sees_a_request_a_form_or_a_session_is_named_so(graph, named):
    seeing = set()
    for module in graph.modules:
        path = ROOT / module.replace(".", "/")
        path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
        if {"migrations", "management", "templatetags", "urls"}.isdisjoint(module.split(".")) and sees_the_web(path):
            seeing.add(module)
    assert seeing - named == set(ELSEWHERE)


def test_only_the_ways_in_may_import_what_sees_a_request_without_seeing_one():
    contract = CONTRACTS[WEB]
    more = set(contract["allowed_importers"]) - set(contract["protected_modules"])
    assert more == {"**.urls", "**.apps", "**.templatetags"}
