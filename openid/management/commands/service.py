"""Connected services on the command line: `manage.py service add|list|suspend|resume|rotate_secret`."""

from __future__ import annotations

import getpass
import json
from argparse import ArgumentParser, ArgumentTypeError
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _

from common import limits
from common.commands.arguments import LONGEST_NAME, text_of
from common.commands.output import add_json, as_json, iso, refusals
from openid import services
from openid.models import AuthMethod, ConnectedService, Level, SigningAlgorithm
from openid.service_facts import WITH_A_REASON, Facts
from openid.service_texts import sentence

_LEVELS = {"password": Level.PASSWORD, "code": Level.CODE}


class Command(BaseCommand):
    help = "Add, list, suspend and resume services that sign citizens in here, and give them new secrets."

    def add_arguments(self, parser: CommandParser) -> None:
        kinds = parser.add_subparsers(dest="kind", required=True, metavar="add|list|suspend|resume|rotate_secret")
        _add_arguments(kinds.add_parser("add", help="add one; prints its client_id and its secret, only now"))
        add_json(kinds.add_parser("list", help="all services"), "a list of objects")
        for name, what in (("suspend", "from now on nothing of it works"), ("resume", "it works again")):
            one = kinds.add_parser(name, help=what)
            _of_one(one)
        rotate = kinds.add_parser("rotate_secret", help="a new secret; the one before works on for a while")
        _of_one(rotate)
        rotate.add_argument("--at-once", action="store_true", help="end earlier secrets now: a stranger may have one")
        add_json(rotate)

    def handle(self, *_args: Any, **options: Any) -> None:
        with refusals(sentence):
            said = getattr(self, f"_{options['kind']}")(options)
        self.stdout.write(said)

    def _add(self, options: dict[str, Any]) -> str:
        facts = _facts(options)
        service, secret = services.add(facts=facts, by=options["by"], reason=options["reason"] or "")
        return _with_secret(service, secret, options["json"])

    def _list(self, options: dict[str, Any]) -> str:
        rows = ConnectedService.objects.select_related("sector")
        if options["json"]:
            return as_json([_shown(service) for service in rows])
        lines = (
            f"{row.client_id}  {row.name}  {' '.join(row.scopes)}{'  ' + _('suspended') if row.suspended_at else ''}"
            for row in rows
        )
        return "\n".join(lines) or _("There are no services.")

    def _suspend(self, options: dict[str, Any]) -> str:
        done = services.suspend(**_one(options))
        return _("The service is suspended.") if done else _("The service was suspended already. Nothing was changed.")

    def _resume(self, options: dict[str, Any]) -> str:
        done = services.resume(**_one(options))
        return _("The service works again.") if done else _("The service was not suspended. Nothing was changed.")

    def _rotate_secret(self, options: dict[str, Any]) -> str:
        about = _one(options)
        secret = services.rotate_secret(**about, at_once=options["at_once"])
        return _with_secret(about["service"], secret, options["json"])


def _add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--name", required=True, help="as citizens read it")
    repeated = {"action": "append", "metavar": "URI", "default": []}
    parser.add_argument("--redirect-uri", required=True, help="may be repeated", **_with(repeated, default=None))
    parser.add_argument("--scope", required=True, help='like "openid profile national_id"')
    parser.add_argument("--third-party", action="store_true", help="of another organisation: citizens are asked")
    parser.add_argument("--logout-uri", metavar="URI", default="", help="where back-channel logout tokens go")
    parser.add_argument("--post-logout-uri", help="after a sign-out; may be repeated", **_with(repeated))
    parser.add_argument("--initiate-login-uri", metavar="URI", default="", help="where it starts a sign-in by itself")
    parser.add_argument("--home-page", metavar="URI", default="")
    parser.add_argument("--sector", default="", help="default: the host of the first redirect address")
    parser.add_argument("--contact", default="", help="whom to call about it")
    parser.add_argument("--level", choices=_LEVELS, default="password", help="the least sure sign-in that it takes")
    parser.add_argument(
        "--id-token-algorithm",
        choices=SigningAlgorithm.values,
        default=SigningAlgorithm.ES256.value,
        help="RS256 only for a service whose library cannot check ES256",
    )
    way = parser.add_mutually_exclusive_group()
    way.add_argument("--public", action="store_true", help="an app without a secret")
    way.add_argument("--jwks", type=_jwks, metavar="FILE", help="its public keys: it proves itself by private_key_jwt")
    _add_who(parser)
    add_json(parser)


def _with(options: dict[str, Any], **others: Any) -> dict[str, Any]:
    return options | others


def _of_one(parser: ArgumentParser) -> None:
    parser.add_argument("client_id", metavar="CLIENT_ID")
    _add_who(parser)


def _add_who(parser: ArgumentParser) -> None:
    name, reason = text_of(LONGEST_NAME), text_of(limits.OPENID_REASON_LONGEST)
    parser.add_argument("--by", type=name, metavar="NAME", default=_login(), help="who does it, for the record")
    parser.add_argument("--reason", type=reason, metavar="TEXT", help="why, for the record")


def _login() -> str:
    """Who is logged in on this machine, for the record."""
    try:
        return f"{getpass.getuser()} (manage.py)"[:LONGEST_NAME]
    except (OSError, KeyError):  # a user without a name, as in a container
        return "manage.py"


def _jwks(path: str) -> Any:
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise ArgumentTypeError(_("this file cannot be read, or is no JSON")) from None


def _facts(options: dict[str, Any]) -> Facts:
    method = AuthMethod.PUBLIC if options["public"] else AuthMethod.KEY if options["jwks"] else AuthMethod.SECRET
    return Facts(
        name=options["name"],
        redirect_uris=options["redirect_uri"],
        scopes=_reasons(options["scope"].split(), options["reason"] or ""),
        sector=options["sector"],
        auth_method=method,
        jwks=options["jwks"],
        contact=options["contact"],
        home_page=options["home_page"],
        initiate_login_uri=options["initiate_login_uri"],
        post_logout_redirect_uris=options["post_logout_uri"],
        backchannel_logout_uri=options["logout_uri"],
        is_third_party=options["third_party"],
        required_level=_LEVELS[options["level"]],
        id_token_algorithm=options["id_token_algorithm"],
    )


def _reasons(scopes: list[str], reason: str) -> dict[str, str]:
    """The scopes, each with the reason. Raises CommandError: every request for citizens' data names "openid"."""
    if "openid" not in scopes:
        raise CommandError(_("The scope has “openid” in it, like this: --scope “openid profile”."))
    if not reason and settings.DEMO:
        reason = "demo"
    if not reason and set(scopes) & set(WITH_A_REASON):
        raise CommandError(_("A service that may know national IDs needs --reason: which law or duty makes it so?"))
    return dict.fromkeys((scope for scope in scopes if scope != "openid"), reason)


def _one(options: dict[str, Any]) -> dict[str, Any]:
    service = services.of_client_id(options["client_id"])
    return {"service": service, "by": options["by"], "reason": options["reason"] or ""}


def _with_secret(service: ConnectedService, secret: str, is_json: bool) -> str:
    if is_json:
        return as_json({"client_id": service.client_id, "client_secret": secret or None})
    lines = [f"client_id: {service.client_id}"]
    return "\n".join([*lines, _("client_secret, shown only now: %(secret)s") % {"secret": secret}] if secret else lines)


def _shown(service: ConnectedService) -> dict[str, Any]:
    return {
        "client_id": service.client_id,
        "name": service.name,
        "sector": service.sector.name,
        "redirect_uris": service.redirect_uris,
        "post_logout_redirect_uris": service.post_logout_redirect_uris,
        "logout_uri": service.backchannel_logout_uri,
        "initiate_login_uri": service.initiate_login_uri,
        "home_page": service.home_page,
        "scopes": service.scopes,
        "auth_method": service.auth_method,
        "third_party": service.is_third_party,
        "level": service.required_level,
        "id_token_algorithm": service.id_token_algorithm,
        "contact": service.contact,
        "created_at": iso(service.created_at),
        "suspended_at": iso(service.suspended_at),
    }
