"""What is written once for each language: pieces of templates."""

from __future__ import annotations

import pytest
from django.template import Context, Template, TemplateSyntaxError
from django.utils.translation import override


def written(template: Template, **values: object) -> str:
    return str(template.render(Context(values)))


def test_a_piece_is_written_once_for_each_language() -> None:
    page = Template("{% load i18n once %}{% once %}{% translate 'Sign in' %}{% endonce %}, {{ name }}")
    with override("fa"):
        persian = written(page, name="A")
    with override("en"):
        assert written(page, name="B") == "Sign in, B"
    with override("fa"):
        assert written(page, name="A") == persian == "ورود, A"


def test_a_piece_is_the_same_at_the_next_page_and_another_after_a_changed_setting(settings) -> None:
    page = Template("{% load once contact %}{% once %}{% help_phone %}{% endonce %}")
    settings.HELP_PHONE = "1420"
    assert written(page) == written(page) == "1420"
    settings.HELP_PHONE = "1421"
    assert written(page) == "1421"


def test_two_pieces_of_one_page_are_two() -> None:
    page = Template("{% load once %}{% once %}a{% endonce %}{% once %}b{% endonce %}")
    assert written(page) == written(page) == "ab"


@pytest.mark.parametrize(
    "asks", ["{{ name }}", "{% if name %}x{% endif %}", "{% include 'shared/_banner.html' with text=name %}"]
)
def test_what_a_page_knows_is_refused_and_never_written(asks: str) -> None:
    page = Template("{% load once %}{% once %}" + asks + "{% endonce %}")
    with pytest.raises(TemplateSyntaxError, match="name"):
        written(page, name="Zahra")


@pytest.mark.parametrize("asks", ["{{ name }}", "{% csrf_token %}", "{{ csrf_token }}"])
def test_nothing_of_a_page_is_in_a_piece(asks: str) -> None:
    """Not even where the page that was written first knew nothing under that name."""
    page = Template("{% load once %}{% once %}" + asks + "{% endonce %}")
    assert written(page) == written(page, name="Zahra", csrf_token="secret") == ""


def test_a_tag_that_looks_for_the_request_is_refused(rf) -> None:
    page = Template("{% load once leads_on %}{% once %}{% leads_on %}{% endonce %}")
    with pytest.raises(TemplateSyntaxError, match="is of one page"):
        written(page, request=rf.get("/?next=/portal/home"), next="/portal/home")


def test_what_a_piece_includes_with_values_of_its_own_may_use_them() -> None:
    page = Template("{% load once %}{% once %}{% include 'shared/_banner.html' with text='Good' %}{% endonce %}")
    assert "<p>Good</p>" in written(page, text="Bad")


def test_a_block_is_refused() -> None:
    with pytest.raises(TemplateSyntaxError, match="block"):
        Template("{% load once %}{% once %}<p>{% block a %}{% endblock %}</p>{% endonce %}")
