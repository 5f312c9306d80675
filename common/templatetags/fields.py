"""Template tags that write form fields as HTML, in Python: Django's widget templates cost more than the rest of a page.

All fields look the same, after GOV.UK's patterns: a label that contains only the field's name, the hint outside it, the
error between hint and control, both named by `aria-describedby`. Everything that comes from a person or a form goes
through `format_html`, which escapes it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from html import escape
from typing import Any

from django import template
from django.forms import BaseForm, BoundField
from django.forms.utils import flatatt
from django.forms.widgets import ChoiceWidget, PasswordInput, Widget
from django.templatetags.static import static
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from common import limits, operators

register = template.Library()
_PREFIXES = json.dumps(operators.BY_OPERATOR, separators=(",", ":"))

NOTHING = SafeString("")


@register.simple_tag
def field(bound: BoundField, hint: object = "", width: int = 0, also: str = "") -> SafeString:
    """Label, hint, errors and control of `bound`; only the control if it is hidden.

    `width` is about how many characters the box shows; `also` names further elements that describe it. They are read
    out last: whoever listens hears what is wrong before long rules.
    """
    if bound.is_hidden:
        return control(bound)
    hint = hint or bound.help_text
    wrong = error_list(bound)
    described = (f"{bound.auto_id}-hint" if hint else "", error_id(bound) if wrong else "", also)
    shown_hint = format_html('<p class="hint" id="{}-hint">{}</p>', bound.auto_id, hint) if hint else NOTHING
    if "data-operators" in bound.field.widget.attrs:
        shown_hint += _other_prefix(bound)
    return _labelled(bound, before=shown_hint + wrong, width=width, described_by=described, wrong=bool(wrong))


@register.simple_tag
def ticks(form: BaseForm | str | None) -> SafeString:
    """The script that says "right" of a field, with its sentences; nothing where no field of `form` is watched."""
    if not form or not isinstance(form, BaseForm) or not any(_watched(each.widget) for each in form.fields.values()):
        return NOTHING
    values: dict[str, Any] = {
        "src": static("ticks.js"),
        "defer": True,
        "data-right": _("Written as it should be"),
        "data-kept": _("This rule is kept"),
        "data-error": _("Error:"),
        "data-keyboard": _("Your keyboard writes Persian. Switch it to English (EN)."),
        "data-caps": _("Caps Lock is on: you are writing capital letters."),
        "data-shortest": limits.PASSWORD_SHORTEST,
    }
    if any("data-operators" in each.widget.attrs for each in form.fields.values()):
        values["data-prefixes"] = _PREFIXES
        values["data-proposed"] = _("chosen by the beginning of your number; if it is not right, choose yours.")
    return format_html("<script{}></script>", flatatt(values))


def _watched(widget: Widget) -> bool:
    return "data-tick" in widget.attrs or isinstance(widget, PasswordInput)


def _other_prefix(bound: BoundField) -> SafeString:
    """After a POST: whose the number's prefix was first, if not the chosen one's. Numbers are portable: no error."""
    if not bound.form.is_bound or bound.errors:
        return NOTHING
    data = bound.form.cleaned_data
    usual = operators.hint(data.get("mobile", ""))
    if not usual or data[bound.name] == usual:
        return NOTHING
    text = _("Numbers that begin like yours were first of %(operator)s. If you have moved yours, leave it as it is.")
    return format_html('<p class="hint">{}</p>', text % {"operator": operators.name_of(usual)})


@register.simple_tag
def check(bound: BoundField, hint: object = "") -> SafeString:
    """A checkbox with its label beside it and the hint below."""
    attrs = {
        "type": "checkbox",
        "class": "form-check-input",
        "name": bound.html_name,
        "id": bound.auto_id,
        "checked": bool(bound.value()),
        "aria-describedby": f"{bound.auto_id}-hint" if hint else None,
    }
    shown_hint = format_html('<p class="hint" id="{}-hint">{}</p>', bound.auto_id, hint) if hint else NOTHING
    return format_html(
        '<div class="field check"><input{}><label for="{}">{}</label>{}</div>',
        flatatt(attrs),
        bound.id_for_label,
        bound.label,
        shown_hint,
    )


@register.simple_tag
def date_fields(
    day: BoundField, month: BoundField, year: BoundField, legend: object = "", hint: object = ""
) -> SafeString:
    """A date as three controls in a fieldset; hint and errors of all three stand together above them."""
    parts = (day, month, year)
    group = f"{day.auto_id}-group"
    shown_hint = format_html('<p class="hint" id="{}-hint">{}</p>', group, hint) if hint else NOTHING
    wrong = SafeString("".join(error_list(part) for part in parts))
    boxes = (
        _labelled(part, width=4 if part is year else 2, described_by=(error_id(part) if part.errors else "",))
        for part in parts
    )
    return format_html(
        '<fieldset class="field{}" id="{}"{}><legend>{}</legend>{}{}<div class="row-of-fields">{}</div></fieldset>',
        " field-wrong" if wrong else "",
        group,
        format_html(' aria-describedby="{}-hint"', group) if hint else NOTHING,
        legend or _("Birth date"),
        shown_hint,
        wrong,
        SafeString("".join(boxes)),
    )


def _labelled(
    bound: BoundField, *, before: SafeString = NOTHING, width: int, described_by: Iterable[str], wrong: bool = False
) -> SafeString:
    right = is_right(bound)
    if right:
        described_by = (*described_by, f"{bound.auto_id}-right")
    return format_html(
        '<div class="field{}"><label for="{}">{}</label>{}{}{}</div>',
        " field-wrong" if wrong else " field-right" if right else "",
        bound.id_for_label,
        bound.label,
        _tick(bound) if right else NOTHING,
        before,
        control(bound, width=width, described_by=" ".join(filter(None, described_by))),
    )


def is_right(bound: BoundField) -> bool:
    """Whether the page says of `bound` that it is written rightly: it was sent, it has no error, it can be shown."""
    form = bound.form
    if not form.is_bound or "data-tick" not in bound.field.widget.attrs or bound.errors:
        return False
    return bool(form.cleaned_data.get(bound.name))


def _tick(bound: BoundField) -> SafeString:
    return format_html('<p class="right" id="{}-right">{}</p>', bound.auto_id, _("Written as it should be"))


@register.simple_tag
def error_summary(form: BaseForm | str | None) -> SafeString:
    """All errors of a form, each with a link to its control. Nothing for a form without errors."""
    if not form or not isinstance(form, BaseForm) or not form.errors:
        return NOTHING
    first = next((bound for bound in form if not bound.is_hidden), None)
    items = [(first.auto_id if first else "", message) for message in form.non_field_errors()]
    for bound in form:
        items += [("" if bound.is_hidden else bound.auto_id, message) for message in bound.errors]
    return format_html(
        '<div class="error-summary" id="error-summary" role="alert" tabindex="-1" aria-labelledby="error-title">'
        '<h2 id="error-title">{}</h2><ul>{}</ul></div>',
        _("There is a problem"),
        SafeString("".join(_summary_item(target, message) for target, message in items)),
    )


def _summary_item(target: str, message: object) -> SafeString:
    if not target:
        return format_html("<li>{}</li>", message)
    return format_html('<li><a href="#{}">{}</a></li>', target, message)


def error_id(bound: BoundField) -> str:
    """The id of the element that holds the errors of `bound`."""
    return f"{bound.auto_id}-error"


def error_list(bound: BoundField) -> SafeString:
    """The errors of one field, or nothing."""
    if not bound.errors:
        return NOTHING
    messages = format_html_join(mark_safe("<br>"), "{}", ((message,) for message in bound.errors))
    return format_html(
        '<p class="error" id="{}"><span class="visually-hidden">{}</span> {}</p>',
        error_id(bound),
        _("Error:"),
        messages,
    )


def control(bound: BoundField, *, width: int = 0, described_by: str = "") -> SafeString:
    """The input or select alone, from the field's own attributes and the form's value."""
    widget = bound.field.widget
    attrs: dict[str, Any] = {"name": bound.html_name, "id": bound.auto_id, **widget.attrs}
    if not bound.is_hidden:
        attrs["class"] = _css_class(widget, width)
        attrs["required"] = bound.field.required and bound.form.use_required_attribute
        attrs["disabled"] = bound.field.disabled
        attrs["aria-describedby"] = described_by or None
        attrs["aria-invalid"] = "true" if bound.errors else None
    if isinstance(widget, ChoiceWidget):
        if "data-operators" in attrs and not bound.form.is_bound and not bound.form.initial.get(bound.name):
            attrs["data-propose"] = True
        return format_html("<select{}>{}</select>", flatatt(attrs), _options(widget.choices, bound.value()))
    value = None if isinstance(widget, PasswordInput) else widget.format_value(bound.value())
    box = format_html("<input{}>", flatatt({"type": widget.input_type, **attrs, "value": value}))
    return box + widget.beside(bound.html_name, bound.value()) if hasattr(widget, "beside") else box


def _css_class(widget: Any, width: int) -> str:
    kind = "form-select" if isinstance(widget, ChoiceWidget) else "form-control"
    extra = widget.attrs.get("class", "")
    return " ".join(filter(None, (kind, f"width-{width}" if width else "", extra)))


def _options(choices: Iterable[tuple[Any, Any]], selected: object) -> SafeString:
    """`<option>`s, and an `<optgroup>` for every choice whose label is itself a list of choices.

    Escaped by hand: with all cities and countries, `format_html` would take half the page's time.
    """
    chosen = _text(selected)
    parts = []
    for value, label in choices:
        if isinstance(label, list | tuple):
            parts.append(f'<optgroup label="{escape(_text(value))}">{_options(label, chosen)}</optgroup>')
        else:
            text = _text(value)
            mark = " selected" if text == chosen else ""
            parts.append(f'<option value="{escape(text)}"{mark}>{escape(_text(label))}</option>')
    return SafeString("".join(parts))


def _text(value: object) -> str:
    return "" if value is None else str(value)
