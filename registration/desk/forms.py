"""The desk's two forms. They check shape; whether something may be done is for `registration.desk.service` to say."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import CodePurpose
from common import limits
from common.errors import PortalError
from common.form_fields import CODE_SENTENCES, read_code
from common.forms import Form
from common.persian import InputError
from registration.desk import service as desk
from registration.desk import texts as desk_texts
from registration.texts import sentence


class TextArea(forms.CharField):
    """Text of several lines, its length counted as the clerk sees it: browsers send a line's end as two characters."""

    def __init__(self, *, rows: int, **options: Any) -> None:
        super().__init__(widget=forms.Textarea(attrs={"rows": rows, "class": "desk-text"}), **options)

    def to_python(self, value: Any) -> str:
        return str(super().to_python(value)).replace("\r\n", "\n")


class CodeInput(forms.PasswordInput):
    """Shows the code while it is typed, and never again on a page that comes back."""

    input_type = "text"


def _not_too_long(note: str) -> None:
    if len(note) > limits.DESK_NOTE_LONGEST:
        raise forms.ValidationError(sentence("note_too_long", most=limits.DESK_NOTE_LONGEST))


class WorkForm(Form):
    """What a clerk ticks, writes and types to activate."""

    papers = forms.MultipleChoiceField(
        label=_("Papers seen"),
        choices=lambda: desk_texts.PAPERS.items(),
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )
    code = forms.CharField(
        label=_("Code read out by the citizen"),
        widget=CodeInput(
            attrs={"dir": "ltr", "inputmode": "numeric", "autocomplete": "off", "class": "desk-code", "size": 10}
        ),
        error_messages={"required": _("Type the code that the citizen reads out.")},
    )
    note = TextArea(label=_("Note for the file"), rows=3)

    use_required_attribute = False  # the portal's error sentences are shown, not the browser's

    def __init__(self, data: Any = None, *, initial: dict[str, Any] | None = None) -> None:
        super().__init__(data, initial=initial, label_suffix="")
        note, code = self.own("note"), self.own("code")
        note.help_text = _("Staff only; the citizen does not see it.")
        note.error_messages["required"] = sentence("note_missing")
        note.validators.append(_not_too_long)
        code.help_text = _("From the SMS that says “%(purpose)s”.") % {"purpose": CodePurpose.DESK.label}

    def clean_code(self) -> str:
        try:
            return read_code(self.cleaned_data["code"])
        except InputError as error:
            raise forms.ValidationError(CODE_SENTENCES.get(error.code, CODE_SENTENCES[""]), code=error.code) from None

    def clean_papers(self) -> list[str]:
        papers: list[str] = self.cleaned_data["papers"]
        if set(desk.REQUIRED_PAPERS) - set(papers):
            raise forms.ValidationError(sentence("papers_missing"))
        return papers

    def refuse(self, error: PortalError) -> None:
        """Put what the service refused beside the field it is about."""
        places = {"papers_missing": "papers", "note_missing": "note", "note_too_long": "note"}
        place = "code" if error.code.startswith("code_") else places.get(error.code)
        self.add_error(place, desk_texts.error_words(error))


class RejectForm(Form):
    """Why a registration is refused: a ready reason, own words, or both."""

    ready = forms.ChoiceField(
        label=_("Ready reason"),
        choices=lambda: [*desk_texts.REASONS.items(), ("", _("None of these: I write it below"))],
        widget=forms.RadioSelect,
        required=False,
    )
    words = TextArea(label=_("In your own words"), rows=3, required=False)

    use_required_attribute = False  # the portal's error sentences are shown, not the browser's

    def __init__(self, data: Any = None, *, initial: dict[str, Any] | None = None) -> None:
        super().__init__(data, initial=initial, label_suffix="")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if not self.errors:
            reason = self.reason()
            if not reason:
                self.add_error("words", _("Choose a reason or write one: the citizen is told it."))
            elif len(reason) > limits.REJECTION_REASON_LONGEST:
                self.add_error("words", sentence("reason_too_long", most=limits.REJECTION_REASON_LONGEST))
        return cleaned

    def reason(self) -> str:
        """The reason as the citizen reads it, on one line."""
        ready = desk_texts.REASONS.get(self.cleaned_data.get("ready", ""), "")
        return " ".join(f"{ready} {self.cleaned_data.get('words', '')}".split())
