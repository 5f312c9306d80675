"""supervisord, with the moment of each line in its log written as the portal's own logs have it.

supervisord has no setting for that. Run by `tools/serve.py` under .venv, with supervisord's own arguments.
"""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from supervisor import loggers, supervisord  # type: ignore[import-untyped]

ZONE = ZoneInfo("Asia/Tehran")  # common.logs.ZONE


class Record(loggers.LogRecord):
    dictrepr: dict[str, Any] | None

    def asdict(self) -> dict[str, Any]:
        if self.dictrepr is None:
            now = datetime.now(ZONE).isoformat(timespec="milliseconds")
            self.dictrepr = {**super().asdict(), "asctime": now}
        return self.dictrepr


if __name__ == "__main__":
    loggers.LogRecord = Record
    supervisord.main()
