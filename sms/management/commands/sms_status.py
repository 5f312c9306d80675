"""`manage.py sms_status`: show the state and the attempts of messages, by number or by id."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db.models import Prefetch

from common.commands.arguments import count
from common.commands.output import add_json, as_json, iso
from common.persian import InputError, mask_mobile, parse_mobile
from sms.models import Attempt, Message, share_of

MOST = 10


class Command(BaseCommand):
    help = f"Show the newest {MOST} SMS of a number, or one by its id, with every attempt. No text is ever shown."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("what", metavar="NUMBER_OR_ID", help="a mobile, written in any way, or a message's id")
        add_json(parser, "a list of objects")

    def handle(self, *args: Any, what: str, **options: Any) -> None:
        found = [_as_object(message) for message in _messages(what)]
        if options["json"]:
            self.stdout.write(as_json(found))
            return
        if not found:
            raise CommandError("there is no such SMS")
        for message in found:
            self._print(message)

    def _print(self, message: dict[str, Any]) -> None:
        told = "{id}  {to}  {kind}  {state}  by {gateway}, {parts} part(s) of {share}, asked for at {created_at}"
        self.stdout.write(told.format_map(message | {"gateway": message["gateway"] or "none yet"}))
        for name in ("sent_at", "final_at", "next_attempt_at", "expires_at"):
            if message[name]:
                self.stdout.write(f"    {name}: {message[name]}")
        for attempt in message["attempts"]:
            self.stdout.write("    {started_at}  {gateway}: {outcome} {detail}".format_map(attempt).rstrip())


def _messages(what: str) -> list[Message]:
    try:
        rows = Message.objects.filter(to=parse_mobile(what))
    except InputError:
        try:
            rows = Message.objects.filter(pk=count(what))
        except ArgumentTypeError:
            raise CommandError("give an Iranian mobile (like 09121234567) or a message's id") from None
    return list(rows.order_by("-pk").prefetch_related(Prefetch("tries", Attempt.objects.with_ends()))[:MOST])


def _as_object(message: Message) -> dict[str, Any]:
    plain = ("kind", "operator", "state", "gateway", "parts")
    moments = ("created_at", "sent_at", "final_at", "next_attempt_at", "expires_at")
    return {
        "id": message.pk,
        "to": mask_mobile(message.to),
        **{name: getattr(message, name) for name in plain},
        "share": share_of(message.kind, message.share).value,
        **{name: iso(getattr(message, name)) for name in moments},
        "attempts": [_of_attempt(each) for each in sorted(message.tries.all(), key=lambda attempt: attempt.pk)],
    }


def _of_attempt(attempt: Any) -> dict[str, Any]:
    """`attempt` is one of `AttemptQuery.with_ends`."""
    return {
        "gateway": attempt.gateway,
        "started_at": iso(attempt.started_at),
        "finished_at": iso(attempt.ended_at),
        "outcome": attempt.result or "unfinished",
        "detail": attempt.detail,
    }
