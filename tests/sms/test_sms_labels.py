"""Every label of a code fits into every template that a gateway may have; one that does not is refused at the start."""

from __future__ import annotations

import pytest

from accounts import checks
from accounts.models import CodePurpose
from sms import texts

TEMPLATES = {
    "token10": {"KIND": "kavenegar", "KEY": "k", "SENDER": "1", "TEMPLATE": "login", "TEMPLATE_LABEL": "token10"},
    "token20": {"KIND": "kavenegar", "KEY": "k", "SENDER": "1", "TEMPLATE": "login", "TEMPLATE_LABEL": "token20"},
    "smsir": {"KIND": "smsir", "KEY": "k", "LINE": "1", "TEMPLATE": "5", "TEMPLATE_LABEL": "FOR"},
}


@pytest.fixture(params=TEMPLATES)
def template(request, settings) -> str:
    settings.SMS_GATEWAYS = ["one"]
    settings.SMS_ENVIRONMENT = {f"SMS_ONE_{name}": value for name, value in TEMPLATES[request.param].items()}
    return str(request.param)


def test_every_label_fits_into_every_template(template):
    """The desk's label had five blanks and 26 characters: Kavenegar's token10 takes four, SMS.ir 25."""
    assert checks.templates_take_every_label() == []


@pytest.mark.parametrize(
    ("too_long", "refused_by"),
    [("کد شناسه فعال سازی در شعبه", {"token10", "smsir"}), ("یک دو سه چهار پنج شش هفت هشت نه ده", set(TEMPLATES))],
)
def test_a_label_that_does_not_fit_is_a_fault_at_the_start(template, too_long, refused_by, monkeypatch):
    real = texts.label_of
    wrong = {CodePurpose.DESK: too_long}
    monkeypatch.setattr(texts, "label_of", lambda purpose: wrong.get(purpose) or real(purpose))
    found = checks.templates_take_every_label()
    assert [error.id for error in found] == (["sms.E020"] if template in refused_by else [])
    assert all(too_long in error.msg and "'one'" in error.msg for error in found)


def test_a_gateway_without_a_template_takes_any_label(template, settings):
    settings.SMS_ENVIRONMENT = {
        name: value for name, value in settings.SMS_ENVIRONMENT.items() if "_TEMPLATE" not in name
    }
    assert checks.configuration.faults_of_labels(["a b c d e f g h i j k l m n o p q r"]) == []
