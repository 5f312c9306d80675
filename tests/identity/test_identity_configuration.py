"""Settings of registries that would work and do harm: each is refused, or doubted, by name before anything starts."""

from __future__ import annotations

import pytest
from django.core.checks import CheckMessage

from identity.checks import registries_are_configured, registries_are_named

JIBIT = {"KIND": "jibit", "URL": "https://j.example", "TOKEN": "t-secret"}


@pytest.fixture
def one(settings):
    """The registry `one`, of kind jibit, with some settings changed and `others` beside them."""

    def check(others: dict[str, str] | None = None, **changes: str) -> list[CheckMessage]:
        settings.IDENTITY_OWNER_REGISTRIES, settings.IDENTITY_PERSON_REGISTRIES = ["one"], ["one", "local"]
        told = {f"IDENTITY_ONE_{name}": value for name, value in (JIBIT | changes).items()}
        settings.IDENTITY_ENVIRONMENT = told | (others or {})
        return registries_are_configured()

    return check


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("IDENTITY_OWNER_REGISTRYS", "IDENTITY_OWNER_REGISTRIES?"),
        ("IDENTITY_DAILY_COSTS", "IDENTITY_DAILY_COST?"),
        ("IDENTITY_OEN_TOKEN", "IDENTITY_ONE_TOKEN?"),
        ("IDENTITY_UID_BUSINESS_ID", "have no 'uid'"),
    ],
)
def test_a_setting_that_nobody_reads_is_doubted(one, name, hint):
    found = one(others={name: "1"})
    assert [(each.id, each.is_serious()) for each in found] == [("identity.W001", False)]
    assert name in found[0].msg
    assert hint in (found[0].hint or "")


def test_settings_that_somebody_reads_are_not_doubted(one):
    lists = {"IDENTITY_OWNER_REGISTRIES": "one", "IDENTITY_PERSON_REGISTRIES": "one,local"}
    caps = {"IDENTITY_DAILY_INQUIRIES": "5", "IDENTITY_DAILY_COST": "5"}
    assert one(others=lists | caps, OWNER_COST="1200", MATCH_FROM="80", REVIEW_FROM="70") == []


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8080", "http://localhost", "http://[::1]:80", "https://j.example:8443/v1"]
)
def test_people_may_be_asked_about_over_tls_or_on_this_machine(one, url):
    assert one(URL=url) == []


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"URL": "http://j.example"}, "identity.E010"),
        ({"URL": "http://10.0.0.5:8080"}, "identity.E010"),
        ({"URL": "http://127.0.0.1.example"}, "identity.E010"),
        ({"URL": "https://user:t-secret@j.example"}, "identity.E011"),
        ({"URL": "https://t-secret@j.example"}, "identity.E011"),
        ({"URL": "https://j.example\n"}, "identity.E012"),
        ({"URL": "https://j.example /v1"}, "identity.E012"),
        ({"TOKEN": "t-secret\nX-Other: 1"}, "identity.E012"),
        ({"TOKEN": "t-secret "}, "identity.E012"),
        ({"TOKEN": "t-secret۱"}, "identity.E012"),
        ({"TOKEN": "", "API_KEY": "t-secret", "SECRET_KEY": "کلید"}, "identity.E012"),
        ({"MATCH_FROM": "79", "REVIEW_FROM": "75"}, "identity.E013"),
        ({"MATCH_FROM": "60"}, "identity.E013"),
        ({"REVIEW_FROM": "69"}, "identity.E013"),
        ({"REVIEW_FROM": "1"}, "identity.E013"),
        ({"URL": "https://[j.example"}, "identity.E004"),
        ({"URL": "https://j.example:port"}, "identity.E004"),
    ],
)
def test_a_dangerous_setting_is_refused_without_its_value(one, changes, fault):
    found = one(**changes)
    assert [each.id for each in found] == [fault]
    assert "t-secret" not in found[0].msg + (found[0].hint or "")


def test_a_threshold_that_is_too_low_says_why(one):
    (match,) = one(MATCH_FROM="60")
    assert "80" in match.msg
    assert "account" in (match.hint or "")
    (review,) = one(REVIEW_FROM="1")
    assert "70" in review.msg


@pytest.mark.parametrize("changes", [{"TOKEN": ""}, {"REVIEW_FROM": "99"}])
def test_the_hint_has_every_setting_and_what_it_is_where_it_is_not_set(one, changes):
    (found,) = one(**changes)
    hint = found.hint or ""
    assert "Required: IDENTITY_ONE_URL." in hint
    for option in ("API_KEY", "SECRET_KEY", "TOKEN", "MATCH_FROM", "REVIEW_FROM"):
        assert f"IDENTITY_ONE_{option}" in hint
    assert "(95)" in hint
    assert "(70)" in hint


@pytest.mark.parametrize("demo", [True, False])
@pytest.mark.parametrize("question", ["OWNER", "PERSON"])
def test_a_question_without_a_registry_is_refused_in_a_demo_too(settings, demo, question):
    settings.DEMO = demo
    setattr(settings, f"IDENTITY_{question}_REGISTRIES", [])
    found = registries_are_named()
    assert [each.id for each in found] == ["portal.E012"]
    assert question in found[0].msg
