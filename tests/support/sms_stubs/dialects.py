"""How each kind of gateway is spoken to: what is a submission in a request, and how it is answered."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from tests.support.http_stub import Answer, Request


@dataclass
class Submission:
    """One message as it was submitted. `keyed`: the gateway knows a repeated key."""

    key: str
    to: str
    text: str
    keyed: bool
    receipt_url: str = ""
    raw: dict[str, str] = field(default_factory=dict)


def _json(status: int, value: Any) -> Answer:
    return status, "application/json", json.dumps(value, ensure_ascii=False)


class Kavenegar:
    """`/v1/{KEY}/sms/send.json` and friends."""

    wrong_types = '{"return": {"status": "200", "message": 7}, "entries": {"messageid": [null]}}'
    later = "409"

    def submission(self, request: Request) -> Submission | None:
        fields = request.fields
        if request.path.endswith("/sms/send.json"):
            local = fields.get("localid", "")
            return Submission(
                local or f"none:{fields.get('receptor')}",
                fields.get("receptor", ""),
                fields.get("message", ""),
                bool(local),
                raw=fields,
            )
        if request.path.endswith("/verify/lookup.json"):
            key = f"lookup:{fields.get('receptor')}:{fields.get('token')}"
            return Submission(key, fields.get("receptor", ""), fields.get("token", ""), False, raw=fields)
        return None

    def accepted(self, row: dict[str, Any]) -> Answer:
        entry = {"messageid": row["id"], "message": "", "status": 1, "statustext": "queued", "sender": "1", "cost": 1}
        return _json(200, {"return": {"status": 200, "message": "ok"}, "entries": [entry | {"receptor": row["to"]}]})

    def error(self, code: str, *, http: int = 0) -> Answer:
        return _json(http or int(code), {"return": {"status": int(code), "message": "no"}, "entries": None})

    def ok_error(self) -> Answer:
        return self.error("411", http=200)

    def query(self, request: Request, stub: Any) -> Answer | None:
        fields = request.fields
        if request.path.endswith("/sms/status.json"):
            entries = [self._status(id_, stub.by_id(id_), stub) for id_ in fields["messageid"].split(",")]
        elif request.path.endswith("/sms/statuslocalmessageid.json"):
            entries = []
            for key in fields["localid"].split(","):
                row = stub.by_key(key)
                entries.append(self._status(row["id"] if row else 0, row, stub) | {"localid": int(key)})
        else:
            return None
        return _json(200, {"return": {"status": 200, "message": "ok"}, "entries": entries})

    @staticmethod
    def _status(id_: Any, row: dict[str, Any] | None, stub: Any) -> dict[str, Any]:
        status = 100 if row is None else {"on its way": 4, "delivered": 10, "undelivered": 11}[stub.delivery(row)]
        return {"messageid": int(id_), "status": status, "statustext": "?"}


class Http:
    """A box of one's own: from, to, text, dlr-url (a `%d` in it becomes the status) and id."""

    wrong_types = '[["what", null], 7]'
    later = "429"

    def submission(self, request: Request) -> Submission | None:
        fields = request.fields
        if not request.path.startswith("/send"):
            return None
        return Submission(
            fields.get("id", ""), fields.get("to", ""), fields.get("text", ""), False, fields.get("dlr-url", ""), fields
        )

    def accepted(self, row: dict[str, Any]) -> Answer:
        return 202, "text/plain", "0: Accepted for delivery"

    def error(self, code: str, *, http: int = 0) -> Answer:
        return http or int(code), "text/plain", f"ERROR {code}"

    def ok_error(self) -> Answer:
        return self.error("3", http=200)

    def query(self, request: Request, stub: Any) -> Answer | None:
        return None


DIALECTS: dict[str, Kavenegar | Http] = {"kavenegar": Kavenegar(), "http": Http()}
