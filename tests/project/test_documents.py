"""What the documents say is there is there: citizens, settings, files, functions, links."""

from __future__ import annotations

import re

import pytest
from django.core.management import get_commands

from identity.person import fields_of
from identity.registries.demo import CITIZENS
from tests.support.paths import ROOT

DOCUMENTS = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")] + sorted(
    ROOT.glob("docs/**/*.md")
)
ROOMS = ("accounts", "registration", "identity", "sms", "mail", "tamin_portal", "templates", "static")
GENDERS = {"female": "زن", "male": "مرد"}


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def test_the_readme_has_the_demo_citizens_values_to_type():
    rows = re.findall(r"^\| (.+) \|$", text("README.md"), re.MULTILINE)
    cells = [[cell.strip("` ") for cell in row.split("|")] for row in rows]

    for citizen in CITIZENS:
        facts = fields_of(citizen)
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
    homes = [row.split("|")[2] for row in re.findall(r"^\|.+\|$", table, re.MULTILINE)[2:]]
    assert len(homes) > 40

    for home in homes:
        sources, folder = "", ROOT
        for name in re.findall("`([^`]+)`", home):
            if "/" in name or "." in name:
                path = next((at / name for at in (ROOT, folder, ROOT / "tamin_portal") if (at / name).exists()), None)
                assert path is not None, f"{name} in:{home}"
                folder = path.parent
                sources += path.read_text(encoding="utf-8") if path.is_file() else ""
            else:
                assert re.search(rf"\b{name}\b", sources), f"{name} in:{home}"


@pytest.mark.parametrize(
    "document", ["SECURITY.md", "README.md", "docs/architecture.md", "docs/add-a-field.md", "docs/runbook.md"]
)
def test_every_file_that_is_named_exists(document):
    for name in re.findall(r"`((?:\w+/)+\w+\.(?:py|html|js|conf|sh))`", text(document)):
        assert (ROOT / name).exists() or any((ROOT / room / name).exists() for room in ROOMS), name


def test_every_command_that_is_documented_exists():
    runbook = text("docs/runbook.md") + text("README.md")
    used = set(re.findall(r"(?:\bmanage|manage\.py) ([a-z_]+)\b", runbook))

    assert used >= {"registration_status", "activate_registration", "reject_registration", "rematch", "purge"}
    assert used <= set(get_commands())
