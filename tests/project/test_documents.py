"""What the documents say is there is there: citizens, settings, files, functions, links."""

from __future__ import annotations

import re
import tomllib

import pytest
from django.core.management import get_commands

from identity.person import fields_of
from identity.registries.demo import CITIZENS
from tests.support.paths import ROOT

DOCUMENTS = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")] + sorted(
    ROOT.glob("docs/**/*.md")
)
APPS = ("common", "sms", "identity", "mail", "accounts", "registration", "openid", "tamin_portal")
GENDERS = {"female": "زن", "male": "مرد"}


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def test_the_readme_has_the_demo_citizens_values_to_type():
    rows = re.findall(r"^\| (.+) \|$", text("README.md"), re.MULTILINE)
    cells = [[cell.strip("` ") for cell in row.split("|")] for row in rows]

    for citizen in CITIZENS:
        facts = {name: value or "—" for name, value in fields_of(citizen).items() if name != "birth_unknown"}
        assert [
            citizen.story.removesuffix("."),
            citizen.national_id,
            citizen.mobile,
            *(facts | {"birth_date": citizen.born, "gender": GENDERS[citizen.gender]}).values(),
        ] in cells


def test_the_readme_has_every_setting_that_is_read():
    sources = text("tamin_portal/settings.py") + text("gunicorn.conf.py")
    read = set(re.findall(r"""(?:env(?:\.\w+)?|environ\.get|number|switch)\(["']([A-Z_]+)""", sources))
    table = text("README.md").partition("## Configuration")[2]
    told = {
        name for cell in re.findall(r"^\| (`.+?) \|", table, re.MULTILINE) for name in re.findall("[A-Z_]{4,}", cell)
    }

    assert told == read


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_leads_somewhere(document):
    for target in re.findall(r"\]\((?!https?:)([^)]+)\)", document.read_text(encoding="utf-8")):
        name, _, heading = target.partition("#")
        path = (document.parent / name) if name else document
        assert path.exists(), target
        if heading:
            titles = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
            assert heading in {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}, target


def test_the_home_of_each_rule_is_where_the_table_says():
    table = text("docs/architecture.md").partition("## Where is rule X?")[2]
    rows = [re.split(r"(?<!\\)\|", row) for row in re.findall(r"^\|.+\|$", table, re.MULTILINE)]
    homes = [home for _, rule, home, _ in rows if rule.strip() != "Rule" and set(rule) != {"-"}]
    assert len(homes) > 160

    for home in homes:
        sources, folder = "", ROOT
        for name in re.findall("`([^`]+)`", home):
            if "/" in name or "." in name:
                path = next((at / name for at in (ROOT, folder, ROOT / "common") if (at / name).exists()), None)
                assert path is not None, f"{name} in:{home}"
                folder = path.parent
                sources += path.read_text(encoding="utf-8") if path.is_file() else ""
            else:
                assert re.search(rf"\b{name}\b", sources), f"{name} in:{home}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_file_that_is_named_exists(document):
    for name in re.findall(r"`((?:\w+/)+\w+\.(?:py|html|js|mjs|conf|sh))`", document.read_text(encoding="utf-8")):
        assert (ROOT / name).exists(), name


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_module_that_is_named_with_dots_exists_and_has_what_is_named_of_it(document):
    for name in re.findall(rf"`((?:{'|'.join(APPS)})(?:\.\w+){{2,}})", document.read_text(encoding="utf-8")):
        parts = name.split(".")
        known = [(_module(parts[:count]), parts[count:]) for count in range(len(parts), 1, -1)]
        source, rest = next(((path.read_text(encoding="utf-8"), rest) for path, rest in known if path), ("", [name]))
        assert not rest or re.search(rf"\b{rest[0]}\b", source), name


def _module(parts):
    """The file of a module or package by its dotted name; None where there is none."""
    path = ROOT.joinpath(*parts)
    return next((file for file in (path.with_suffix(".py"), path / "__init__.py") if file.exists()), None)


def test_every_test_that_is_named_exists():
    sources = "".join(path.read_text(encoding="utf-8") for path in ROOT.glob("tests/**/*.py"))
    for document in DOCUMENTS:
        for name in re.findall(r"`(test_\w+)`", document.read_text(encoding="utf-8")):
            is_there = re.search(rf"def {name}\b", sources) or name == "test_portal"  # a database
            assert is_there, f"{name} in {document.name}"


def test_the_names_of_what_sees_a_request_are_those_of_the_contract():
    built = text("docs/architecture.md").partition("## How a room is built")[2].split("```")[1].partition("service ")[0]
    told = set(re.findall(r"^([a-z_]+) +\w", built, re.MULTILINE)) | set(
        re.search(r"also: (.+?) ─", built)[1].split(", ")
    )
    contracts = tomllib.loads(text("pyproject.toml"))["tool"]["importlinter"]["contracts"]

    assert told | {"form_fields"} == {name.removeprefix("**.") for name in contracts[2]["protected_modules"]}


def test_the_picture_of_the_house_has_the_apps_and_the_floors_of_the_contracts():
    picture = text("docs/architecture.md").partition("## The house")[2].split("```")[1]
    floors = re.findall(r"(\d) {4}([a-z_]+(?:  [a-z_]+)*)", picture)
    contracts = tomllib.loads(text("pyproject.toml"))["tool"]["importlinter"]["contracts"]
    apps, rooms = contracts[0]["layers"], contracts[1]["layers"]

    assert [sorted(names.split()) for _, names in floors] == [sorted(layer.split(" | ")) for layer in rooms]
    assert [int(floor) for floor, _ in floors] == list(range(len(rooms), 0, -1))
    places = [min(picture.index(f"│ {app} ") for app in layer.split(" | ")) for layer in apps]
    assert places == sorted(places)


def test_every_command_that_is_documented_exists():
    runbook = text("docs/runbook.md") + text("README.md")
    used = set(re.findall(r"(?:\bmanage|manage\.py) ([a-z_]+)\b", runbook))

    assert used >= {"registration_status", "activate_registration", "reject_registration", "rematch", "purge"}
    assert used <= set(get_commands())
