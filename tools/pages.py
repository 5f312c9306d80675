"""Read a page as a person does: by its labels, buttons and error summary. Standard library only."""

from __future__ import annotations

import html.parser
from collections.abc import Iterable
from dataclasses import dataclass, field

_DIGITS = str.maketrans("۰۱۲۳۴۵۶۷۸۹٠١٢٣٤٥٦٧٨٩", "01234567890123456789")
_VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}


def plain(text: str) -> str:
    """One line, Latin digits: how two texts are compared."""
    return " ".join(text.translate(_DIGITS).split())


@dataclass
class Control:
    """An input, select or textarea. `options` are (value, shown text) of a select."""

    name: str
    id: str = ""
    type: str = "text"
    value: str = ""
    sent: bool = True
    options: list[tuple[str, str]] = field(default_factory=list)

    def write(self, text: str) -> None:
        """Type `text`, or choose the option that shows it (or whose value it is). Raises LookupError."""
        if self.type == "select":
            found = [value for value, shown in self.options if plain(text) in (plain(value), plain(shown))]
            if not found:
                raise LookupError(f"no option {text!r} in {self.name}")
            self.value = found[0]
        else:
            self.value, self.sent = text, True


@dataclass
class Form:
    action: str = ""
    method: str = "get"
    controls: list[Control] = field(default_factory=list)
    submits: list[tuple[str, str]] = field(default_factory=list)  # (name, value) of each button, in order

    def data(self) -> list[tuple[str, str]]:
        """What pressing the first submit sends."""
        pressed = [pair for pair in self.submits[:1] if pair[0]]
        return [(each.name, each.value) for each in self.controls if each.name and each.sent] + pressed


class Page(html.parser.HTMLParser):
    """One page: `forms`, `labels` (text → ids), `heading`, `errors` (of the summary), `text`."""

    def __init__(self, source: str, *, url: str = "", status: int = 200) -> None:
        super().__init__()
        self.url, self.status, self.source = url, status, source
        self.forms: list[Form] = []
        self.labels: dict[str, list[str]] = {}
        self.heading, self.errors, self.text = "", "", ""
        self._form: Form | None = None
        self._control: Control | None = None
        self._label: tuple[str, list[str]] | None = None
        self._option: list[str] | None = None
        self._open: list[tuple[str, str]] = []  # (tag, id) around the current text
        self.feed(source)
        self.close()

    def form_with(self, *labels: str) -> Form:
        """The form that has all these fields. Raises LookupError with what the page says instead."""
        for form in self.forms:
            if all(self._in(form, label) for label in labels):
                return form
        raise LookupError(f"no form with {'، '.join(labels)} on this page: {self.summary()}")

    def typed_into(self, labels: Iterable[str]) -> tuple[str, ...]:
        """Which of `labels` are fields of a form on this page."""
        return tuple(label for label in labels if any(self._in(form, label) for form in self.forms))

    def fill(self, form: Form, label: str, text: str) -> None:
        control = self._in(form, label)
        if control is None:
            raise LookupError(f"no field {label!r} in this form: {self.summary()}")
        control.write(text)

    def summary(self) -> str:
        """What a person would say is on the page."""
        return " | ".join(filter(None, (str(self.status), self.url, self.heading, self.errors)))

    def _in(self, form: Form, label: str) -> Control | None:
        ids = self.labels.get(plain(label), [])
        return next((each for each in form.controls if each.name and each.id in ids), None)

    # The parser's side.

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        has = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._form = Form(has.get("action", ""), has.get("method", "get").lower())
            self.forms.append(self._form)
        elif tag == "label":
            self._label = (has.get("for", ""), [])
        elif tag == "option":
            self._begin_option(has)
        elif self._form is not None and tag in ("input", "select", "textarea", "button"):
            self._add_control(self._form, tag, has)
        if tag not in _VOID:
            self._open.append((tag, has.get("id", "")))

    def _begin_option(self, has: dict[str, str]) -> None:
        if self._control is None:
            return
        self._option = []
        value = has.get("value", "")
        self._control.options.append((value, ""))
        if "selected" in has or len(self._control.options) == 1:
            self._control.value = value

    def _add_control(self, form: Form, tag: str, has: dict[str, str]) -> None:
        kind = has.get("type", "submit" if tag == "button" else "text") if tag in ("input", "button") else tag
        if "disabled" in has:
            return
        if kind in ("submit", "image"):
            form.submits.append((has.get("name", ""), has.get("value", "")))
        elif tag != "button":
            control = Control(has.get("name", ""), has.get("id", ""), kind, has.get("value", ""))
            if kind in ("checkbox", "radio"):
                control.value, control.sent = has.get("value", "on"), "checked" in has
            form.controls.append(control)
            self._control = control if tag in ("select", "textarea") else None

    def handle_data(self, data: str) -> None:
        inside = {tag for tag, _ in self._open}
        if inside & {"script", "style"}:
            return
        self.text += data
        if self._option is not None:
            self._option.append(data)
        if self._label is not None:
            self._label[1].append(data)
        if "textarea" in inside and self._control is not None:
            self._control.value += data
        if "h1" in inside:
            self.heading += data
        if any(name == "error-summary" for _, name in self._open):
            self.errors = f"{self.errors} {data}".strip()

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None
        elif tag == "label" and self._label is not None:
            self.labels.setdefault(plain("".join(self._label[1])), []).append(self._label[0])
            self._label = None
        elif tag == "option" and self._option is not None and self._control is not None:
            self._control.options[-1] = (self._control.options[-1][0], plain("".join(self._option)))
            self._option = None
        elif tag in ("select", "textarea"):
            self._control = None
        while any(name == tag for name, _ in self._open):
            if self._open.pop()[0] == tag:
                break
