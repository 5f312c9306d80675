"""What the receipts of each gateway have taught, for administrators (`ReceiptHabits`)."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from sms import configuration
from sms.models import ReceiptHabits

_WAYS = {
    "same": _("as in the answer to the send"),
    "written": _("in another case, or with other leading noughts"),
    "hex_answer": _("hexadecimal in the answer, decimal in the receipt"),
    "hex_receipt": _("decimal in the answer, hexadecimal in the receipt"),
}


@dataclass(frozen=True, slots=True)
class ReceiptHealth:
    """`form`: a value of `sms.reports.ids.FORMS`, empty while it is not known. `looked_at`: the last receipts, at most
    a hundred; `unmatched`: those among them of no message of ours."""

    gateway: str
    form: str
    per_message: bool | None
    looked_at: int
    unmatched: int

    @property
    def way(self) -> str:
        return str(_WAYS[self.form.partition(".")[2]]) if self.form else ""


def look() -> list[ReceiptHealth]:
    """Of each configured gateway whose receipts came, by name."""
    rows = ReceiptHabits.objects.filter(gateway__in=configuration.names()).order_by("gateway")
    return [ReceiptHealth(row.gateway, row.form, row.per_message, len(row.recent), row.unmatched) for row in rows]
