"""Which worker does what: no slow work stands before a code."""

from __future__ import annotations

import re
import sys
from configparser import RawConfigParser

import pytest
from django.conf import settings

from tamin_portal.celery import app
from tests.support.paths import ROOT

sys.path.insert(0, str(ROOT / "tools"))


def queue_of(task: str) -> str:
    return app.amqp.router.route({}, task)["queue"].name


def every_task() -> set[str]:
    app.loader.import_default_modules()
    return {name for name in app.tasks if not name.startswith("celery.")}


def of_make_run() -> dict[str, set[str]]:
    """The queues of each worker that `make run` starts."""
    import serve

    conf = RawConfigParser(strict=True)
    conf.read_string(serve.supervisor_conf(ROOT / "var", None, {}))
    commands = {name: conf[name]["command"] for name in conf.sections() if name.startswith("program:worker")}
    return {name: set(re.findall(r"--queues=(\S+)", command)[0].split(",")) for name, command in commands.items()}


def of_the_containers() -> dict[str, set[str]]:
    """The queues of each service in docker-compose.yml that works some off."""
    services = re.split(r"^  (?=\w[\w-]*:$)", (ROOT / "docker-compose.yml").read_text(), flags=re.MULTILINE)
    found = {each.partition(":")[0]: re.search(r"--queues=(\S+)", each) for each in services}
    return {name: set(queues[1].split(",")) for name, queues in found.items() if queues}


@pytest.fixture(params=[of_make_run, of_the_containers])
def workers(request: pytest.FixtureRequest) -> dict[str, set[str]]:
    return request.param()


def test_nothing_but_sending_is_in_the_queue_of_codes():
    """And writing the codes that browsers without a session asked for: as quick, and as much waited for."""
    assert {task for task in every_task() if queue_of(task) == "sms"} == {"sms.drain", "accounts.send_codes"}


def test_receipts_mail_and_sign_outs_have_a_queue_of_their_own():
    assert {task for task in every_task() if queue_of(task) == "receipts"} == {
        "sms.read_receipts", "sms.poll", "sms.watch", "mail.drain", "openid.tell_services",
    }  # fmt: skip


def test_the_clock_gives_only_tasks_that_exist():
    assert {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()} == every_task()


def test_one_worker_does_nothing_but_send_and_each_queue_has_a_worker(workers):
    assert {"sms"} in workers.values()
    assert set().union(*workers.values()) == {queue_of(task) for task in every_task()}


def test_receipts_are_worked_off_by_nobody_who_sends_or_matches(workers):
    assert [queues for queues in workers.values() if "receipts" in queues] == [{"receipts"}]
