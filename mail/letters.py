"""Renders a letter from its two templates: the text, and the same as HTML."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.template import Context, Engine
from django.template.loader import render_to_string
from django.utils import translation


def render(template: str, context: Mapping[str, Any]) -> tuple[str, str, str]:
    """Subject, text and HTML from `templates/mail/<template>.txt`, whose first line is the subject, and `.html`.

    Always in the portal's language. Everything in `context` is plain text: the HTML template escapes it, the text
    template does not. The template `notice` takes `heading`, `paragraphs`, and optionally `button` (`url`, `label`) and
    `footer`.
    """
    with translation.override(settings.LANGUAGE_CODE):
        plain = Engine.get_default().get_template(f"mail/{template}.txt")
        subject, _, text = plain.render(Context(dict(context), autoescape=False)).strip().partition("\n")
        html = render_to_string(f"mail/{template}.html", {**context, "subject": subject.strip()})
    return subject.strip(), text.strip() + "\n", html
