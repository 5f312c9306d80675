"""Django admin of SMS: messages, gateway switches, alarms and receipts; messages are read-only. Has the health page
too."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.core.validators import MaxValueValidator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from common import alarms, limits
from common.admin.bases import QueueColumns, ReadOnly, moment
from common.admin.lists import OnlyItsFilters
from common.errors import PortalError
from common.models import Alarm, AlarmCode
from common.operators import OPERATORS, name_of
from common.persian import shown_masked, to_persian_digits
from common.sentences import clock
from sms import backlog, budget, configuration, health, manual_actions, receipt_health, receipts, switches
from sms.models import Attempt, AttemptOutcome, GatewaySwitch, Message, MessageKind, Receipt, share_of

_WHY_NOT = {  # the codes of `manual_actions.resend`
    "not_found": _("it is gone."),
    "code": _("it is a code; its owner asks for another one in step two."),
    "still_waiting": _("it is still on its way."),
    "arrived": _("it was delivered, or called off."),
    "no_text": _("its text was blanked already; whoever caused it has to cause it again."),
}


class OperatorFilter(admin.SimpleListFilter):
    """Filters by mobile network operator, under the names people know; a column's own filter would show the keys."""

    title = _("operator")
    parameter_name = "operator"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return list(OPERATORS.items())

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        chosen = self.value()
        if chosen is None:
            return queryset
        return queryset.filter(operator=chosen) if chosen in OPERATORS else queryset.none()


class AttemptInline(ReadOnly, admin.TabularInline):
    model = Attempt
    fields = ("gateway", "started", "finished", "came_to", "detail")
    readonly_fields = fields
    extra = 0

    started = moment("started_at", _("started"))
    finished = moment("ended_at", _("finished"))

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: Any = super().get_queryset(request)
        return rows.with_ends()

    @admin.display(description=_("outcome"))
    def came_to(self, attempt: Any) -> str:
        return str(AttemptOutcome(attempt.result).label)


@admin.register(Message)
class MessageAdmin(ReadOnly, QueueColumns, OnlyItsFilters, admin.ModelAdmin):
    """Shows masked numbers. Shows a text only while it waits to be sent, and the text of a code never: whoever reads a
    code that is still valid could use it."""

    actions = ("send_again",)
    list_display = (
        *("created", "number", "masked_number", "operator_name", "kind", "state", "gateway", "pieces", "rounds", "age"),
    )
    list_filter = ("state", "kind", "gateway", OperatorFilter)
    list_per_page = 50
    show_full_result_count = False
    ordering = ("-id",)
    fields = (
        ("number", "masked_number", "operator_name"),
        ("kind", "share_of_budget", "state", "gateway"),
        ("pieces", "rounds", "age"),
        ("created", "sent", "final", "next_round", "expires"),
        "body",
    )
    readonly_fields = (
        *("number", "masked_number", "operator_name", "share_of_budget", "pieces", "rounds", "age"),
        *("created", "sent", "final", "next_round", "expires", "body"),
    )
    inlines = (AttemptInline,)

    @admin.display(description=_("SMS number"), ordering="pk")
    def number(self, message: Message) -> str:
        """The id that `sms_status` and `sms_resend` take."""
        return to_persian_digits(message.pk)

    @admin.display(description=_("mobile"), ordering="to")
    def masked_number(self, message: Message) -> str:
        return shown_masked(message.to)

    @admin.display(description=_("operator"), ordering="operator")
    def operator_name(self, message: Message) -> str:
        return name_of(message.operator) or "—"

    @admin.display(description=_("parts"), ordering="parts")
    def pieces(self, message: Message) -> str:
        return to_persian_digits(message.parts)

    @admin.display(description=_("share of the budget"))
    def share_of_budget(self, message: Message) -> str:
        return str(share_of(message.kind, message.share).label)

    @admin.display(description=_("age"))
    def age(self, message: Message) -> str:
        """The time from the message's creation to its end, or to now if it has not ended."""
        return clock(int(((message.final_at or timezone.now()) - message.created_at) / timedelta(seconds=1)))

    @admin.display(description=_("text"))
    def body(self, message: Message) -> str:
        hidden = message.kind == MessageKind.CODE or message.next_attempt_at is None
        return "—" if hidden else message.text

    def has_resend_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("sms.change_message")

    @admin.action(description=_("Send again"), permissions=["resend"])
    def send_again(self, request: HttpRequest, queryset: QuerySet[Message]) -> None:
        """Queue each chosen message again if that is allowed, and say for each what happened. Codes are never sent
        again."""
        for number in queryset.order_by("pk").values_list("pk", flat=True):
            told = {"number": to_persian_digits(number)}
            try:
                told["again"] = to_persian_digits(manual_actions.resend(message=number).pk)
            except PortalError as error:
                told["why"] = str(_WHY_NOT[error.code])
                self.message_user(request, _("SMS %(number)s is not sent again: %(why)s") % told, messages.WARNING)
            else:
                self.message_user(request, _("SMS %(number)s is sent again as %(again)s.") % told)

    def get_urls(self) -> list[URLPattern]:
        page = path("health/", self.admin_site.admin_view(self.health), name="sms_health")
        return [page, *super().get_urls()]

    def health(self, request: HttpRequest) -> HttpResponse:
        """The health page: per gateway and operator deliveries, times and breaker; the backlog, the budget
        and alarms."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        waiting = [(MessageKind(kind).label, each) for kind, each in sorted(backlog.waiting().items())]
        context = {
            **self.admin_site.each_context(request),
            "title": _("SMS gateways"),
            "gateways": health.look(),
            "waiting": waiting,
            "receipts": receipt_health.look(),
            "budget": budget.usage(),
            "alarms": alarms.standing("sms"),
            "looked_back": limits.SMS_HEALTH_WITHIN // timedelta(hours=1),
            "due_within": limits.RECEIPT_DUE_WITHIN // timedelta(minutes=1),
            "now": timezone.now(),
        }
        return TemplateResponse(request, "admin/sms/health.html", context)


class GatewaySwitchForm(forms.ModelForm):
    """Offers the gateways of the settings and the operators of step one.

    Values of an old row that are no longer among them are offered too: otherwise saving that row unchanged would make
    it one for all operators.
    """

    class Meta:
        model = GatewaySwitch
        fields = ("gateway", "operator", "is_on", "weight")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["weight"].validators.append(MaxValueValidator(limits.SMS_LARGEST_WEIGHT))
        known = {"gateway": {name: name for name in configuration.names()}, "operator": {"": "—", **OPERATORS}}
        for name, choices in known.items():
            old = getattr(self.instance, name)
            field = self.fields[name]
            self.fields[name] = forms.ChoiceField(
                label=field.label,
                help_text=field.help_text,
                required=field.required,
                choices=list(({old: old} | choices if old else choices).items()),
            )


@admin.register(GatewaySwitch)
class GatewaySwitchAdmin(OnlyItsFilters, admin.ModelAdmin):
    """Switches a gateway off or on, or changes its weight. All workers follow within a second."""

    form = GatewaySwitchForm
    list_display = ("gateway", "operator_name", "is_on", "weight", "changed")
    ordering = ("gateway", "operator")

    changed = moment("changed_at", _("changed"))

    @admin.display(description=_("operator"), ordering="operator")
    def operator_name(self, switch: GatewaySwitch) -> str:
        return name_of(switch.operator) or "—"

    def save_model(self, request: HttpRequest, obj: GatewaySwitch, form: forms.ModelForm, change: bool) -> None:
        super().save_model(request, obj, form, change)
        switches.forget()
        if obj.is_on and "is_on" in form.changed_data:
            manual_actions.close_breakers(gateway=obj.gateway, operator=obj.operator)


@admin.register(Alarm)
class AlarmAdmin(ReadOnly, OnlyItsFilters, admin.ModelAdmin):
    """Alarms of all apps. The action marks an alarm as dealt with."""

    actions = ("dealt_with",)
    list_display = ("code", "subject", "detail", "count", "first", "last", "ended")
    list_filter = ("code",)
    ordering = ("-last_at",)
    fields = list_display
    readonly_fields = list_display

    first = moment("first_at", _("first"))
    last = moment("last_at", _("last"))
    ended = moment("ended_at", _("over since"))

    def has_deal_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("portal.change_alarm")

    @admin.action(description=_("It is dealt with"), permissions=["deal"])
    def dealt_with(self, request: HttpRequest, queryset: QuerySet[Alarm]) -> None:
        for alarm in queryset:
            alarms.clear(AlarmCode(alarm.code), alarm.subject)


@admin.register(Receipt)
class ReceiptAdmin(ReadOnly, OnlyItsFilters, admin.ModelAdmin):
    """What gateways pushed, unchanged except that long numbers are masked."""

    list_display = ("received", "gateway", "state", "detail")
    list_filter = ("state", "gateway")
    list_per_page = 50
    show_full_result_count = False
    ordering = ("-id",)
    fields = ("received", "gateway", "state", "detail", "request_method", "kind_of_content", "raw")
    readonly_fields = fields

    received = moment("received_at", _("received"))

    @admin.display(description=_("request method"))
    def request_method(self, receipt: Receipt) -> str:
        return receipt.method or "—"

    @admin.display(description=_("content type"))
    def kind_of_content(self, receipt: Receipt) -> str:
        return receipt.content_type or "—"

    @admin.display(description=_("as it came"))
    def raw(self, receipt: Receipt) -> str:
        return receipts.shown(receipt)
