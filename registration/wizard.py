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

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import add_never_cache_headers
from django.utils.functional import cached_property
from formtools.wizard.storage.base import BaseStorage
from formtools.wizard.views import SessionWizardView

from accounts.codes import delivery as code_delivery
from accounts.codes import proof_of_work
from accounts.models import CodePurpose
from accounts.sessions import given_back
from accounts.sessions.guards import next_of, query_of
from accounts.sign_in import destinations
from common import limits
from common.abuse import hashing_places
from common.abuse.origins import origin_of
from common.errors import PortalError
from common.persian import local_mobile, mask_mobile
from registration import late_answers
from registration.forms.parts import NOT_KEPT, ContactForm, PartForm, PersonForm, ReviewForm, answers_mark
from registration.forms.steps import CodeForm, MobileForm
from registration.forms.summary import summary
from registration.models import Registration
from registration.services import journey as service
from registration.services import lookup
from registration.session import Journey, new_nonce
from registration.states import OPEN, WITHOUT_ACCOUNT, State
from registration.texts import sentence

MOBILE, CODE = "mobile", "code"
# Step three in parts: what the birth certificate says, where the person lives, and the review with the secrets.
IDENTITY, CONTACT, REVIEW, STEP_THREE = "identity", "contact", "review", "step three"
PARTS = (IDENTITY, CONTACT, REVIEW)
TYPED_PARTS: dict[str, type[PartForm]] = {IDENTITY: PersonForm, CONTACT: ContactForm}


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
    """Three steps at one address, the third in parts. A POST is guarded, then handed to formtools and a service."""

    storage_name = "registration.wizard.RowStorage"
    form_list = [(MOBILE, MobileForm), (CODE, CodeForm), *TYPED_PARTS.items(), (REVIEW, ReviewForm)]
    templates = {step: f"registration/step_{step}.html" for step in (MOBILE, CODE, *PARTS)}
    keeps_only = False  # of the address to which the script sends what is being typed
    _is_kept = False  # whether this request has put a late page's answers into the session
    _is_over = False  # whether this browser has nothing to keep on the row any more
    _refused_part = ""  # the part whose refused page is given back

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        self.journey, self._sent = Journey(request), dict[str, PartForm]()
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
        step = self._step()
        return self._part() if step == STEP_THREE else step

    def _step(self) -> str:
        """As `place`, and STEP_THREE for all its parts: which of them comes next, only the filled-in forms know."""
        row = self.registration
        if row is None or self.journey.changing:
            return MOBILE
        if not self.journey.holds(row):
            return CODE  # even if the row has ended: whoever has not proven the number is told nothing
        return STEP_THREE if row.state == State.MOBILE_CONFIRMED else ""

    def _part(self) -> str:
        """The part of step three to show: the one that the person wants to change, else the first that is not filled
        in rightly, else the review."""
        asked = self._refused_part or self.request.GET.get("part", "")
        if asked in TYPED_PARTS:
            return asked
        return next((part for part, form in self._stored.items() if not form.is_valid()), REVIEW)

    @cached_property
    def _stored(self) -> dict[str, PartForm]:
        """The forms of the parts before the review, over the row's draft."""
        return {part: form(self.row.draft, registration=self.row) for part, form in TYPED_PARTS.items()}

    @cached_property
    def _answers(self) -> dict[str, Any]:
        """The clean answers of the parts before the review; empty if one of them is not filled in rightly."""
        if not all(form.is_valid() for form in self._stored.values()):
            return {}
        clean = {name: value for form in self._stored.values() for name, value in form.cleaned_data.items()}
        return {name: value for name, value in clean.items() if name not in NOT_KEPT}

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if (refused := given_back.refused(request)) and f"{self.prefix}-current_step" in refused.posted:
            self._keep_refused(refused)
        step = self.place()
        if not step:
            return self._over()
        if self._continued_elsewhere():
            return render(request, "registration/continued_elsewhere.html", {"registration": self.registration})
        if step in PARTS:
            service.remember_service(self.row, self._came_from())
        self.storage.current_step = step
        return self.render(self.get_form())

    def post(self, *args: Any, **kwargs: Any) -> HttpResponseBase:
        named = self.request.POST.get(f"{self.prefix}-current_step", "")
        refused = self._guard(named)
        self.storage.current_step = named
        if self.keeps_only:
            return HttpResponse(status=self._keep_typed(named, may=refused is None))
        if refused is not None:
            return refused
        if named in TYPED_PARTS:
            self._keep_answers(named)
        response = self._not_reviewed() if named == REVIEW else None
        response = response or super().post(*args, **kwargs)
        if named == REVIEW and not self._is_over:  # with the claim the draft is emptied
            return self._kept(response)
        return response

    def _kept(self, response: HttpResponseBase) -> HttpResponseBase:
        """`response`, once what a review says is kept; the page says so if another device went on while it waited."""
        try:
            self._keep_answers(REVIEW)
        except PortalError:  # grant_ended
            return redirect("registration")
        return response

    def _not_reviewed(self) -> HttpResponse | None:
        """What a review is answered with that cannot be taken: what would be handed in was not looked at."""
        if not self._answers:
            return self._here("part_missing")
        if self.request.POST.get(f"{REVIEW}-reviewed", "") != answers_mark(self._answers):
            return self._here("answers_changed")
        return None

    def _keep_typed(self, named: str, *, may: bool) -> int:
        """The script sends what stands on the page, to be kept only; the status that answers it."""
        if may and named in PARTS:
            self._keep_answers(named)
        return 204 if may or self._is_kept else 409

    def _keep_refused(self, refused: given_back.Refused) -> None:
        """A step that was refused because somebody signed in or out meanwhile: kept as a late page is, where its place
        is not here any more."""
        self.request.POST = refused.posted
        named = refused.posted.get(f"{self.prefix}-current_step", "")
        here = self._guard(named) is None
        if here and named in TYPED_PARTS:
            self._refused_part = named
        here = here and named in (MOBILE, self.place())
        self.request.POST = QueryDict()
        if self._is_kept:
            refused.keep_all()
        if not here:
            refused.place_none()

    def _guard(self, named: str) -> HttpResponse | None:
        """What a POST that may not proceed is answered with; None: it may."""
        if named not in self.templates or "wizard_goto_step" in self.request.POST:
            return self._here("page_old")
        if named == MOBILE:
            return None
        draft = self.request.POST.get(f"{named}-draft", "")
        if self.registration is None or draft != self.journey.token:
            return self._of_another(named, draft)
        holds, step = self.journey.holds(self.row), self._step()
        if named in PARTS and step == CODE and not self.journey.grant:  # perhaps step one was sent again meanwhile
            late_sentence = self._keep_late(named, draft)
            return self._here(late_sentence if self._is_kept else "page_old")
        if named in PARTS and self._continued_elsewhere():
            return redirect("registration")
        if named == step or (named in PARTS and step == STEP_THREE):
            return None
        return self._guard_another_step(named, holds=holds)

    def _guard_another_step(self, named: str, *, holds: bool) -> HttpResponse | None:
        """As `_guard`, for a POST of another step than the one that is open."""
        if named == CODE and self.journey.changing and not holds:
            return None
        if holds and named in PARTS and self.row.state == State.MOBILE_CONFIRMED:  # another tab asked for step one
            self.journey.change_is_over()
            return None
        if holds and not self._step():
            return self._over()
        if holds and named == CODE:  # a double click, or "back" and the button again
            self.journey.change_is_over()
            return redirect("registration")
        return self._here("page_old")

    def _of_another(self, named: str, draft: str) -> HttpResponse:
        """The page belongs to another request than this browser's, which may have none."""
        if self.registration is None and draft and draft == self.journey.receipt:
            return redirect("registration_done")
        said = self._keep_late(named, draft)
        if self.registration is not None:
            said = "other_tab_kept" if self._is_kept else "other_tab"
        return self._here(said)

    def _keep_late(self, named: str, draft: str) -> str:
        """The session is over; which sentence says what became of what was typed."""
        row = lookup.by_token(draft) if named in PARTS else None
        if row is None:
            return "session_ended"
        mark = self.request.POST.get(f"{named}-made_for", "")
        answers = self._typed_answers(named, row)
        self._is_kept = late_answers.keep(self.request.session, row, mark=mark, answers=answers)
        if self._is_kept:
            return "left_in_other_tab_kept" if self.journey.was_left(draft) else "session_ended_kept"
        return "session_ended"

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
        if not self.keeps_only:  # the script's request may arrive after the next page, where a sentence would be stale
            messages.warning(self.request, sentence(code))
        return redirect(reverse("registration") + query_of(next_of(self.request)))

    # ── The service from which the person came.

    @property
    def next_page(self) -> str:
        """The address of ours to which a service led this browser before the registration; empty: none did."""
        return next_of(self.request) or self.journey.next_page

    def _came_from(self) -> str:
        return destinations.came_from(self.next_page, self.request.COOKIES)

    # ── What a valid POST does.

    def render_next_step(self, form: forms.Form, **kwargs: Any) -> HttpResponseBase:
        """Steps one and two: the service decides; its refusal is shown on the same page. A part of step three is
        stored already: what comes next is decided by what the row holds."""
        if self.steps.current in TYPED_PARTS:
            return redirect("registration")
        step = self._start if self.steps.current == MOBILE else self._confirm
        return self._answer(step, form)

    def render_done(self, form: forms.Form, **kwargs: Any) -> HttpResponseBase:
        """The end of step three."""
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
        next_page = self.next_page if self._came_from() else ""
        self.journey.begin(started.registration, duplicate=started.duplicate, next_page=next_page)
        return redirect("registration")

    def _confirm(self, form: forms.Form) -> HttpResponse:
        confirmed = service.confirm(
            registration=self.row,
            asker=self.journey.asker,
            typed_code=form.cleaned_data["code"],
            came_from=self._came_from(),
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

    def _submit(self, form: ReviewForm) -> HttpResponse:
        try:
            row = service.submit(registration=self.row, grant=self.journey.grant, identity=form.identity())
        except PortalError as error:
            if error.code not in ("grant_ended", "registration_closed"):
                raise
            self._is_over = True
            return redirect("registration")  # which says that it was continued elsewhere, or how it ended
        self._is_over = True
        self.journey.finish(row, submitted=True)
        return redirect("registration_done")

    def _keep_answers(self, named: str) -> None:
        """What was typed survives a wrong field, a lost connection and the session's end."""
        answers = self._typed_answers(named, self.row)
        service.save_draft(registration=self.row, grant=self.journey.grant, answers=answers)

    def _typed_answers(self, named: str, row: Registration) -> dict[str, str]:
        """What this POST of the part `named` says, without secrets."""
        if named == REVIEW:
            question = self.request.POST.get(f"{REVIEW}-security_question", "")
            return {"security_question": question.replace("\x00", "")[:200]}
        sent = {"data": self.request.POST, "prefix": named, "registration": row}
        is_own = row is self.registration
        answers = (self.get_form(named, self.request.POST) if is_own else TYPED_PARTS[named](**sent)).answers_to_keep()
        if f"{IDENTITY}-email" in self.request.POST:  # a page from before there were parts: it sends all of step three
            answers |= ContactForm(**sent).answers_to_keep()
        return answers

    # ── Hooks that formtools calls.

    def get_form(self, step: str | None = None, data: Any = None, files: Any = None) -> Any:
        """What was sent of a part becomes a form once, whose answers are kept and which is then checked."""
        step = step or self.steps.current
        if data is None or step not in TYPED_PARTS:
            return super().get_form(step, data, files)
        if step not in self._sent:
            self._sent[step] = super().get_form(step, data, files)
        return self._sent[step]

    def get_template_names(self) -> list[str]:
        return [self.templates[self.steps.current]]

    def get_form_kwargs(self, step: str | None = None) -> dict[str, Any]:
        if step in TYPED_PARTS:
            return {"registration": self.registration}
        if step == REVIEW:
            return {"registration": self.registration, "answers": self._answers}
        return {}

    def get_form_initial(self, step: str) -> dict[str, Any]:
        row = self.registration
        if row is None:
            return {"draft": new_nonce()}
        initial: dict[str, Any] = {"draft": self.journey.token}
        if step == MOBILE:
            initial |= {"national_id": row.national_id, "operator": row.operator, "mobile": local_mobile(row.mobile)}
        if step in PARTS:
            initial |= row.draft | {"made_for": late_answers.mark_of(row)}
        if step == REVIEW:
            initial["reviewed"] = answers_mark(self._answers)
        return initial

    def get_context_data(self, form: forms.Form, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(form=form, **kwargs)
        row = self.registration
        context |= {"registration": row, "notice": "", "wait": 0, "masked_mobile": "", "delivery": None}
        if self.steps.current in (MOBILE, CODE):  # afterwards the row knows
            context |= {"next": self.next_page, "leads_to": destinations.service_name(self.next_page)}
        if row and self.steps.current == CODE:
            asked: dict[str, Any] = {"purpose": CodePurpose.REGISTER, "mobile": row.mobile, "asker": self.journey.asker}
            now = code_delivery.standing(**asked)
            context |= {"wait": now.wait, "delivery": now.delivery, "masked_mobile": mask_mobile(row.mobile)}
            context["proof"] = proof_of_work.for_place(delivery=now.delivery, **asked)
            context["turn"] = code_delivery.renews(now.delivery)
            context["notice"] = "duplicate" if self.journey.duplicate else ""
        if self.steps.current == REVIEW:
            context["summary"] = summary(self._stored)
        return context
