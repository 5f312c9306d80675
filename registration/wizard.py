"""The three steps as a formtools wizard, and every workaround for formtools in one place.

What formtools does by itself, and what is done here instead:

- it stores each raw POST, password included, in the session: `RowStorage` keeps nothing;
- it validates the last form twice and all others again at the end: forms are pure, and
  `render_done` does not repeat the others, because the row already holds what was decided;
- it believes the step that a POST names (an unknown one is a 500, a later one opens that step, and
  `wizard_goto_step` opens any): `_guard` compares it with the row and the grant first;
- a GET wipes the wizard and writes a session: `get` shows where the row is and writes nothing;
- it re-renders after a good POST: every hook here answers with a redirect, so that refresh, back
  and a double click repeat nothing;
- two tabs share one wizard: each form carries its draft's token and is refused by another draft;
- `done()` always resets and cannot show an error: the service is called in `render_done`, before.
"""

from __future__ import annotations

import secrets
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.cache import add_never_cache_headers
from formtools.wizard.storage.base import BaseStorage
from formtools.wizard.views import SessionWizardView

from accounts.codes import delivery as code_delivery
from accounts.codes import issuing, proof_of_work
from accounts.models import CodePurpose
from common import limits
from common.abuse import hashing_places
from common.abuse.origins import origin_of
from common.errors import PortalError
from common.persian import local_mobile, mask_mobile
from registration import late_answers
from registration.forms.steps import CodeForm, IdentityForm, MobileForm
from registration.models import Registration
from registration.services import journey as service
from registration.services import lookup
from registration.session import Journey
from registration.states import OPEN, WITHOUT_ACCOUNT, State
from registration.texts import sentence

MOBILE, CODE, IDENTITY = "mobile", "code", "identity"


class RowStorage(BaseStorage):
    """A formtools storage that stores nothing: the registration row is the truth."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.init_data()

    def set_step_data(self, step: str, cleaned_data: Any) -> None:
        """Not even for one request: the POST is at hand."""

    def set_step_files(self, step: str, files: Any) -> None:
        """No form of ours takes a file."""


class RegistrationWizard(SessionWizardView):
    """Three steps at one address. A POST is guarded, then handed to formtools, then to one service."""

    storage_name = "registration.wizard.RowStorage"
    form_list = [(MOBILE, MobileForm), (CODE, CodeForm), (IDENTITY, IdentityForm)]
    templates = {step: f"registration/step_{step}.html" for step in (MOBILE, CODE, IDENTITY)}

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        self.journey = Journey(request)
        self.registration = lookup.by_token(self.journey.token) if self.journey.token else None
        response = super().dispatch(request, *args, **kwargs)
        if self.journey.token or request.method == "POST":
            add_never_cache_headers(response)
            response["Cache-Control"] = "no-store"
        else:  # an empty step one may be kept for "back", but whoever comes again gets a fresh nonce
            response["Cache-Control"] = "no-cache"
        return response

    @property
    def row(self) -> Registration:
        """The row this browser works on, where the guard has made sure that there is one."""
        if self.registration is None:
            raise RuntimeError("a step past the first without a registration")
        return self.registration

    # ── Which step this browser may see.

    def place(self) -> str:
        """The step this browser may see now; empty: none, the journey is past the steps."""
        row = self.registration
        if row is None or self.journey.changing:
            return MOBILE
        if not self.journey.holds(row):
            return CODE  # even if the row has ended: whoever has not proven the number is told nothing
        if row.state == State.MOBILE_CONFIRMED:
            return IDENTITY
        return ""

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        step = self.place()
        if not step:
            return self._over()
        if self._continued_elsewhere():
            return render(request, "registration/continued_elsewhere.html", {"registration": self.registration})
        self.storage.current_step = step
        return self.render(self.get_form())

    def post(self, *args: Any, **kwargs: Any) -> HttpResponseBase:
        named = self.request.POST.get(f"{self.prefix}-current_step", "")
        refused = self._guard(named)
        if refused is not None:
            return refused
        self.storage.current_step = named
        if named == IDENTITY:
            self._keep_answers()
        return super().post(*args, **kwargs)

    def _guard(self, named: str) -> HttpResponse | None:
        """What a POST that may not proceed is answered with; None: it may."""
        if named not in self.templates or "wizard_goto_step" in self.request.POST:
            return self._here("page_old")
        if named == MOBILE:
            return None
        draft = self.request.POST.get(f"{named}-draft", "")
        if self.registration is None:
            receipt = bool(draft) and draft == self.journey.receipt
            return redirect("registration_done") if receipt else self._here(self._keep_late(named, draft))
        if draft != self.journey.token:
            return self._here("other_tab")
        holds, step = self.journey.holds(self.registration), self.place()
        if named == IDENTITY and step == CODE and not self.journey.grant:  # perhaps step one was sent again meanwhile
            late_sentence = self._keep_late(named, draft)
            return self._here(late_sentence if late_sentence == "session_ended_kept" else "page_old")
        if named == IDENTITY and self._continued_elsewhere():
            return redirect("registration")
        if named == step or (named == CODE and self.journey.changing and not holds):
            return None
        if holds and not step:
            return self._over()
        if holds and named == CODE:  # a double click, or "back" and the button again
            self.journey.change_is_over()
            return redirect("registration")
        return self._here("page_old")

    def _keep_late(self, named: str, draft: str) -> str:
        """The session is over; which sentence says what became of what was typed."""
        row = lookup.by_token(draft) if named == IDENTITY else None
        if row is None:
            return "session_ended"
        form = IdentityForm(self.request.POST, prefix=self.get_form_prefix(named, IdentityForm), registration=row)
        mark = self.request.POST.get(form.add_prefix("made_for"), "")
        kept = late_answers.keep(self.request.session, row, mark=mark, answers=form.answers_to_keep())
        return "session_ended_kept" if kept else "session_ended"

    def _over(self) -> HttpResponse:
        """Past the steps: at the second chance, or at the end. Where it was handed in just now, the answer that
        would have ended the journey was lost or is still on its way: the system message is due."""
        row = self.row
        if row.state == State.REFERRED:
            return redirect("registration_second_chance")
        just_now = row.submitted_at and timezone.now() - row.submitted_at < limits.CLOSING_PAGE_SHOWN
        self.journey.finish(row, submitted=bool(just_now) and row.state not in WITHOUT_ACCOUNT)
        return redirect("registration_done")

    def _continued_elsewhere(self) -> bool:
        row = self.registration
        return bool(row and self.journey.grant and not self.journey.holds(row) and row.state in OPEN)

    def _here(self, code: str) -> HttpResponse:
        messages.warning(self.request, sentence(code))
        return redirect("registration")

    # ── What a valid POST does.

    def render_next_step(self, form: forms.Form, **kwargs: Any) -> HttpResponseBase:
        """Steps one and two: the service decides; its refusal is shown on the same page."""
        step = self._start if self.steps.current == MOBILE else self._confirm
        return self._answer(step, form)

    def render_done(self, form: forms.Form, **kwargs: Any) -> HttpResponseBase:
        """Step three."""
        return self._answer(self._submit, form)

    def _answer(self, step: Any, form: forms.Form) -> HttpResponseBase:
        try:
            return step(form)
        except PortalError as error:
            field = {MOBILE: "mobile", CODE: "code"}.get(self.steps.current)
            form.add_error(field, forms.ValidationError(sentence(error), code=error.code))
            response = self.render(form)
            return hashing_places.come_back(response, error) if error.code == "hashing_busy" else response

    def _start(self, form: forms.Form) -> HttpResponse:
        pair = {name: form.cleaned_data[name] for name in ("national_id", "mobile")}
        row = self.registration
        if row and self.journey.holds(row) and (row.national_id, row.mobile) == (pair["national_id"], pair["mobile"]):
            self.journey.change_is_over()  # proven already: no second code for going back a page
            return redirect("registration")
        started = service.start(
            **pair,
            operator=form.cleaned_data["operator"],
            asker=self.journey.asker_of_page(form.cleaned_data["draft"]),
            origin=origin_of(self.request.client_address),
            correcting=self.journey.token,
        )
        self.journey.begin(started.registration, duplicate=started.duplicate)
        return redirect("registration")

    def _confirm(self, form: forms.Form) -> HttpResponse:
        confirmed = service.confirm(
            registration=self.row, asker=self.journey.asker, typed_code=form.cleaned_data["code"]
        )
        if confirmed.account_exists or confirmed.registration.state not in (State.MOBILE_CONFIRMED, State.REFERRED):
            self.journey.finish(confirmed.registration)
            return redirect("registration_done")
        self.journey.granted(confirmed.registration, confirmed.grant)
        came_back = late_answers.give_back(self.request.session, self.row, confirmed.registration, confirmed.grant)
        if came_back:
            messages.info(self.request, sentence("late_came_back"))
        if confirmed.registration.state == State.REFERRED:
            return redirect("registration_second_chance")
        if confirmed.duplicate_notice:
            messages.info(self.request, sentence("duplicate_proven"))
        elif not came_back and confirmed.registration.draft:
            messages.info(self.request, sentence("resumed"))
        return redirect("registration")

    def _submit(self, form: IdentityForm) -> HttpResponse:
        try:
            row = service.submit(registration=self.row, grant=self.journey.grant, identity=form.identity())
        except PortalError as error:
            if error.code not in ("grant_ended", "registration_closed"):
                raise
            return redirect("registration")  # which says that it was continued elsewhere, or how it ended
        self.journey.finish(row, submitted=True)
        return redirect("registration_done")

    def _keep_answers(self) -> None:
        """What was typed survives a wrong field, a lost connection and the session's end."""
        form = self.get_form(data=self.request.POST)
        service.save_draft(registration=self.row, grant=self.journey.grant, answers=form.answers_to_keep())

    # ── Hooks that formtools calls.

    def get_template_names(self) -> list[str]:
        return [self.templates[self.steps.current]]

    def get_form_kwargs(self, step: str | None = None) -> dict[str, Any]:
        return {"registration": self.registration} if step == IDENTITY else {}

    def get_form_initial(self, step: str) -> dict[str, Any]:
        row = self.registration
        if row is None:
            return {"draft": secrets.token_urlsafe(16)}  # the page's nonce, see Journey.asker_of_page
        initial: dict[str, Any] = {"draft": self.journey.token}
        if step == MOBILE:
            initial |= {"national_id": row.national_id, "operator": row.operator, "mobile": local_mobile(row.mobile)}
        if step == IDENTITY:
            initial |= row.draft | {"made_for": late_answers.mark_of(row)}
        return initial

    def get_context_data(self, form: forms.Form, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(form=form, **kwargs)
        row = self.registration
        context |= {"registration": row, "notice": "", "wait": 0, "masked_mobile": "", "delivery": None}
        if row and self.steps.current == CODE:
            context["wait"] = issuing.wait(purpose=CodePurpose.REGISTER, mobile=row.mobile, asker=self.journey.asker)
            context["masked_mobile"] = mask_mobile(row.mobile)
            context["delivery"] = code_delivery.of_newest(
                purpose=CodePurpose.REGISTER, mobile=row.mobile, asker=self.journey.asker
            )
            context["proof"] = proof_of_work.for_place(
                delivery=context["delivery"],
                purpose=CodePurpose.REGISTER,
                mobile=row.mobile,
                asker=self.journey.asker,
            )
            context["turn"] = code_delivery.renews(context["delivery"])
            context["notice"] = "duplicate" if self.journey.duplicate else ""
        return context
