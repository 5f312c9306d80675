"""Template tags that write form fields as HTML, in Python: Django's widget templates cost more than the rest of a page.

All fields look the same, after GOV.UK's patterns: a label that contains only the field's name, the hint outside it, the
error between hint and control, both named by `aria-describedby`. Everything that comes from a person or a form goes
through `escaped`. What is alike on every page in a language is in `common.templatetags.field_html`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from django import template
from django.forms import BaseForm, BoundField
from django.forms.widgets import ChoiceWidget, PasswordInput, Widget
from django.templatetags.static import static
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from common import limits, operators
from common.once import OncePerLanguage
from common.templatetags.field_html import attributes, escaped, parts_of, with_chosen

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
        return _hidden(bound)
    hint = hint or bound.help_text
    wrong = error_list(bound)
    described = (f"{bound.auto_id}-hint" if hint else "", error_id(bound) if wrong else "", also)
    shown_hint = _hint(bound.auto_id, hint)
    if "data-operators" in bound.field.widget.attrs:
        shown_hint += _other_prefix(bound)
    return _labelled(bound, before=shown_hint + wrong, width=width, described_by=described, wrong=bool(wrong))


def _hint(name: str, hint: object) -> str:
    return f'<p class="hint" id="{name}-hint">{escaped(hint)}</p>' if hint else ""


@register.simple_tag
def ticks(form: BaseForm | str | None) -> SafeString:
    """The script that says "right" of a field, with its sentences; nothing where no field of `form` is watched."""
    if not form or not isinstance(form, BaseForm) or not any(_watched(each.widget) for each in form.fields.values()):
        return NOTHING
    proposes = any("data-operators" in each.widget.attrs for each in form.fields.values())
    return _scripts.get(proposes, lambda: _write_script(proposes_operators=proposes))


_scripts: OncePerLanguage[SafeString] = OncePerLanguage()


def _write_script(*, proposes_operators: bool) -> SafeString:
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
    if proposes_operators:
        values["data-prefixes"] = _PREFIXES
        values["data-proposed"] = _("chosen by the beginning of your number; if it is not right, choose yours.")
    return SafeString(f"<script{attributes(values)}></script>")


def _watched(widget: Widget) -> bool:
    return "data-tick" in widget.attrs or isinstance(widget, PasswordInput)


def _other_prefix(bound: BoundField) -> str:
    """After a POST: whose the number's prefix was first, if not the chosen one's. Numbers are portable: no error."""
    if not bound.form.is_bound or bound.errors:
        return ""
    data = bound.form.cleaned_data
    usual = operators.hint(data.get("mobile", ""))
    if not usual or data[bound.name] == usual:
        return ""
    text = _("Numbers that begin like yours were first of %(operator)s. If you have moved yours, leave it as it is.")
    return f'<p class="hint">{escaped(text % {"operator": operators.name_of(usual)})}</p>'


@register.simple_tag
def check(bound: BoundField, hint: object = "") -> SafeString:
    """A checkbox with its label beside it and the hint below."""
    name = bound.auto_id
    attrs = {
        "type": "checkbox",
        "class": "form-check-input",
        "name": bound.html_name,
        "id": name,
        "checked": bool(bound.value()),
        "aria-describedby": f"{name}-hint" if hint else None,
    }
    label = parts_of(bound.field).label
    return SafeString(
        f'<div class="field check"><input{attributes(attrs)}><label for="{bound.id_for_label}">{label}</label>'
        f"{_hint(name, hint)}</div>"
    )


@register.simple_tag
def date_fields(
    day: BoundField, month: BoundField, year: BoundField, legend: object = "", hint: object = ""
) -> SafeString:
    """A date as three controls in a fieldset; hint and errors of all three stand together above them."""
    parts = (day, month, year)
    group, legend = f"{day.auto_id}-group", legend or _("Birth date")
    wrong = "".join(error_list(part) for part in parts)
    boxes = (
        _labelled(part, width=4 if part is year else 2, described_by=(error_id(part) if part.errors else "",))
        for part in parts
    )
    return SafeString(
        f'<fieldset class="field{" field-wrong" if wrong else ""}" id="{group}"'
        f"{attributes({'aria-describedby': f'{group}-hint' if hint else None})}>"
        f"<legend>{escaped(legend)}</legend>"
        f'{_hint(group, hint)}{wrong}<div class="row-of-fields">{"".join(boxes)}</div></fieldset>'
    )


def _labelled(
    bound: BoundField, *, before: str = "", width: int, described_by: Iterable[str], wrong: bool = False
) -> SafeString:
    right = is_right(bound)
    if right:
        described_by = (*described_by, f"{bound.auto_id}-right")
    kind = " field-wrong" if wrong else " field-right" if right else ""
    label = bound.label if bound.field.label is None else parts_of(bound.field).label
    shown = control(bound, width=width, described_by=" ".join(filter(None, described_by)))
    return SafeString(
        f'<div class="field{kind}"><label for="{bound.id_for_label}">{label}</label>'
        f"{_tick(bound) if right else ''}{before}{shown}</div>"
    )


def is_right(bound: BoundField) -> bool:
    """Whether the page says of `bound` that it is written rightly: it was sent, it has no error, it can be shown."""
    form = bound.form
    if not form.is_bound or "data-tick" not in bound.field.widget.attrs or bound.errors:
        return False
    return bool(form.cleaned_data.get(bound.name))


def _tick(bound: BoundField) -> str:
    said = _("Written as it should be")
    return f'<p class="right" id="{bound.auto_id}-right">{escaped(said)}</p>'


@register.simple_tag
def error_summary(form: BaseForm | str | None) -> SafeString:
    """All errors of a form, each with a link to its control. Nothing for a form without errors."""
    if not form or not isinstance(form, BaseForm) or not form.errors:
        return NOTHING
    first = next((bound for bound in form if not bound.is_hidden), None)
    items = [(first.auto_id if first else "", message) for message in form.non_field_errors()]
    for bound in form:
        items += [("" if bound.is_hidden else bound.auto_id, message) for message in bound.errors]
    title = _("There is a problem")
    return SafeString(
        '<div class="error-summary" id="error-summary" role="alert" tabindex="-1" aria-labelledby="error-title">'
        f'<h2 id="error-title">{escaped(title)}</h2>'
        f"<ul>{''.join(_summary_item(target, message) for target, message in items)}</ul></div>"
    )


def _summary_item(target: str, message: object) -> str:
    said = escaped(message)
    return f'<li><a href="#{target}">{said}</a></li>' if target else f"<li>{said}</li>"


def error_id(bound: BoundField) -> str:
    """The id of the element that holds the errors of `bound`."""
    return f"{bound.auto_id}-error"


def error_list(bound: BoundField) -> SafeString:
    """The errors of one field, or nothing."""
    if bound.name not in bound.form.errors:  # `bound.errors` makes an empty list each time
        return NOTHING
    said, messages = _("Error:"), "<br>".join(map(escaped, bound.errors))
    return SafeString(
        f'<p class="error" id="{error_id(bound)}"><span class="visually-hidden">{escaped(said)}</span> {messages}</p>'
    )


def control(bound: BoundField, *, width: int = 0, described_by: str = "") -> SafeString:
    """The input or select alone, from the field's own attributes and the form's value."""
    widget, wrong = bound.field.widget, bound.name in bound.form.errors
    parts = parts_of(bound.field)
    more = {
        "class": _css_class(widget, width),
        "aria-describedby": described_by or None,
        "aria-invalid": "true" if wrong else None,
        "required": bound.field.required and bound.form.use_required_attribute,
        "disabled": bound.field.disabled,
    }
    if isinstance(widget, ChoiceWidget):
        more["data-propose"] = (
            "data-operators" in widget.attrs and not bound.form.is_bound and not bound.form.initial.get(bound.name)
        )
        named = f' name="{bound.html_name}" id="{bound.auto_id}"{parts.attributes}{attributes(more)}'
        return SafeString(f"<select{named}>{with_chosen(parts, bound.value())}</select>")
    value = None if isinstance(widget, PasswordInput) else widget.format_value(bound.value())
    box = SafeString(
        f'<input type="{widget.input_type}" name="{bound.html_name}" id="{bound.auto_id}"{parts.attributes}'
        f"{attributes(more | {'value': value})}>"
    )
    return box + widget.beside(bound.html_name, bound.value()) if hasattr(widget, "beside") else box


def _hidden(bound: BoundField) -> SafeString:
    value = {"value": bound.field.widget.format_value(bound.value())}
    return SafeString(f'<input type="hidden" name="{bound.html_name}"{attributes(value)} id="{bound.auto_id}">')


def _css_class(widget: Any, width: int) -> str:
    kind = "form-select" if isinstance(widget, ChoiceWidget) else "form-control"
    extra = widget.attrs.get("class", "")
    return " ".join(filter(None, (kind, f"width-{width}" if width else "", extra)))
